/**
 * A shop that has only Standard Webhooks (specification 1.0.0): it tells of its orders and takes
 * shipments and quantities at /events, verifies them and deduplicates by webhook id, as the standard
 * asks. Retries follow the standard's suggested schedule, scaled. It forgets nothing when it is given a
 * state file.
 *
 * PUT  /__shop/webhook {url, secret, retryScale?}   where its events go and how they are signed
 * POST /__shop/orders {order}                       places an order and tells order.created
 * POST /__shop/orders/:id/pay · …/cancel            tells order.paid, order.cancelled
 * GET  /__shop/orders
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Express, Request, Response } from 'express';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { z } from 'zod';
import { type IncomingOrder, incomingOrderSchema } from '../../contracts/incoming-order';
import { createSimulatorServer, rawBodyOf, type Simulator, type SimulatorContext } from '../simulator-server';
import { createWebhookSender, type WebhookSender } from '../webhook-sender';

/** The standard suggests 15 to 30 seconds to answer. */
const ANSWER_WITHIN_MS = 15_000;
/** The standard's example: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h after the attempt before. */
const RETRY_DELAYS_MS = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map((s) => s * 1000);

const targetSchema = z.strictObject({
  url: z.url(),
  secret: z.string().startsWith('whsec_'),
  retryScale: z.number().positive().max(1).default(1),
});
type Target = z.output<typeof targetSchema>;

export interface GenericShopOptions {
  readonly port?: number;
  readonly stateFile?: string;
  readonly clock?: () => Date;
  /** `whsec_…` with which we sign what we send to the shop. */
  readonly receivingSecret: string;
  readonly webhook?: z.input<typeof targetSchema>;
}

export interface GenericShop extends Simulator {
  setWebhook(target: z.input<typeof targetSchema>): void;
  place(order: z.input<typeof incomingOrderSchema>): IncomingOrder;
  webhooksIdle(): Promise<void>;
}

export async function createGenericShop(options: GenericShopOptions): Promise<GenericShop> {
  let sender: WebhookSender | undefined;
  let place: GenericShop['place'] | undefined;
  const server = await createSimulatorServer({
    name: 'generic-shop',
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.stateFile === undefined ? {} : { stateFile: options.stateFile }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    routes(app, context) {
      const target = () => context.memory.get<Target>('config', 'webhook');
      sender = createWebhookSender({
        ...context,
        timeoutMs: ANSWER_WITHIN_MS,
        retryDelaysMs: () => RETRY_DELAYS_MS.map((delay) => delay * (target()?.retryScale ?? 1)),
      });
      const tell = teller(context, sender, target);
      place = (input) => {
        const order = incomingOrderSchema.parse(input);
        context.memory.put('order', order.externalId, order);
        context.journal.record('order_placed', { orderId: order.externalId });
        tell('order.created', order);
        return order;
      };
      shopRoutes(app, context, place, tell);
      eventsRoute(app, context, new Webhook(options.receivingSecret));
    },
    onClose: () => sender?.close(),
  });
  if (sender === undefined || place === undefined) throw new Error('the server started without its routes');
  const { idle } = sender;
  const setWebhook = (target: z.input<typeof targetSchema>) =>
    void server.memory.put('config', 'webhook', targetSchema.parse(target));
  if (options.webhook) setWebhook(options.webhook);
  return { ...server, setWebhook, place, webhooksIdle: idle };
}

type Tell = (type: string, order: IncomingOrder) => void;

function teller({ clock }: SimulatorContext, sender: WebhookSender, target: () => Target | undefined): Tell {
  return (type, order) => {
    const to = target();
    if (to === undefined) return;
    const id = `msg_${randomUUID().replaceAll('-', '')}`;
    const body = JSON.stringify({ type, timestamp: clock().toISOString(), data: order });
    sender.send({
      id,
      topic: type,
      url: to.url,
      body,
      about: { orderId: order.externalId },
      // The time is that of the attempt: a retry a day later must not be stale.
      headers: (forged) => {
        const at = clock();
        const secret = forged ? `whsec_${randomBytes(24).toString('base64')}` : to.secret;
        const shown = forged ? `msg_${randomUUID().replaceAll('-', '')}` : id;
        return {
          'webhook-id': shown,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
          'webhook-signature': new Webhook(secret).sign(shown, at, body),
        };
      },
    });
  };
}

function shopRoutes(
  app: Express,
  { memory, clock }: SimulatorContext,
  place: GenericShop['place'],
  tell: Tell,
): void {
  app.put('/__shop/webhook', (req, res) => {
    memory.put('config', 'webhook', targetSchema.parse(req.body));
    res.status(204).end();
  });
  app.get('/__shop/orders', (_req, res) => void res.json({ orders: memory.list<IncomingOrder>('order') }));
  app.post('/__shop/orders', (req, res) => {
    const { order } = z.strictObject({ order: incomingOrderSchema }).parse(req.body);
    res.status(201).json({ order: place(order) });
  });
  const changes = {
    pay: { type: 'order.paid', change: { payment: 'captured' as const } },
    cancel: { type: 'order.cancelled', change: { cancelled: true } },
  };
  for (const [name, { type, change }] of Object.entries(changes)) {
    app.post(`/__shop/orders/:id/${name}`, (req: Request<{ id: string }>, res: Response) => {
      const known = memory.get<IncomingOrder>('order', req.params.id);
      if (known === undefined) {
        res.status(404).json({ error: 'not_found' });
        return;
      }
      const order = { ...known, ...change, version: clock().toISOString() };
      memory.put('order', order.externalId, order);
      tell(type, order);
      res.json({ order });
    });
  }
}

const eventSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('shipment.shipped'),
    timestamp: z.iso.datetime(),
    data: z.strictObject({
      orderId: z.string().min(1),
      trackingNumber: z.string().min(1),
      carrier: z.string(),
      trackingUrl: z.url().nullable(),
      lines: z.array(z.strictObject({ lineId: z.string(), quantity: z.int().min(1) })),
    }),
  }),
  z.strictObject({
    type: z.literal('inventory.quantities'),
    timestamp: z.iso.datetime(),
    data: z.strictObject({
      quantities: z.array(
        z.strictObject({
          itemId: z.string(),
          locationId: z.string(),
          quantity: z.int(),
          changeFromQuantity: z.int().nullable(),
        }),
      ),
    }),
  }),
]);
type Quantities = Extract<
  z.output<typeof eventSchema>,
  { type: 'inventory.quantities' }
>['data']['quantities'];

function eventsRoute(app: Express, context: SimulatorContext, webhook: Webhook): void {
  const { journal, memory } = context;
  app.post('/events', (req, res) => {
    try {
      webhook.verify(rawBodyOf(req), req.headers as Record<string, string>);
    } catch (error) {
      if (!(error instanceof WebhookVerificationError)) throw error;
      journal.record('event_refused', { reason: error.message });
      res.status(401).json({ error: error.message });
      return;
    }
    const id = req.get('webhook-id') ?? '';
    const event = eventSchema.parse(req.body);
    if (memory.get('event', id) !== undefined) {
      journal.record('event_repeated', { webhookId: id, type: event.type });
      res.status(204).end();
      return;
    }
    if (event.type === 'inventory.quantities' && !setQuantities(context, event.data.quantities)) {
      res.status(409).json({ error: 'stale_quantity' });
      return;
    }
    memory.put('event', id, event.type);
    journal.record(event.type === 'shipment.shipped' ? 'shipment_heard' : 'quantity_set', {
      webhookId: id,
      ...event.data,
    });
    res.status(204).end();
  });
}

/** All or none; false when one of them is not what the sender believed. */
function setQuantities({ memory }: SimulatorContext, quantities: Quantities): boolean {
  const key = ({ itemId, locationId }: Quantities[number]) => `${itemId}|${locationId}`;
  const stale = quantities.some(
    (one) =>
      one.changeFromQuantity !== null &&
      (memory.get<number>('quantity', key(one)) ?? 0) !== one.changeFromQuantity,
  );
  if (stale) return false;
  for (const one of quantities) memory.put('quantity', key(one), one.quantity);
  return true;
}
