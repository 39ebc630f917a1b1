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
 * PUT  /__shop/levels {levels: [{itemId, locationId, quantity}]}   a change in the shop; tells inventory.changed
 * GET  /__shop/levels
 * DELETE /__shop/items/:itemId                      the item is gone
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Express, Request, Response } from 'express';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { z } from 'zod';
import { type IncomingOrder, incomingOrderSchema } from '../../contracts/incoming-order';
import { createSimulatorServer, rawBodyOf, type Simulator, type SimulatorContext } from '../simulator-server';
import { createWebhookSender, type WebhookSender } from '../webhook-sender';
import { ShopStock, stockRoutes } from './shop-stock';

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
  readonly stock: ShopStock;
  setWebhook(target: z.input<typeof targetSchema>): void;
  place(order: z.input<typeof incomingOrderSchema>): IncomingOrder;
  webhooksIdle(): Promise<void>;
}

export async function createGenericShop(options: GenericShopOptions): Promise<GenericShop> {
  let sender: WebhookSender | undefined;
  let place: GenericShop['place'] | undefined;
  let stock: ShopStock | undefined;
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
      const shopStock = new ShopStock(context, (level) =>
        tell('inventory.changed', { quantities: [level] }, { itemId: level.itemId }),
      );
      stock = shopStock;
      place = (input) => {
        const order = incomingOrderSchema.parse(input);
        context.memory.put('order', order.externalId, order);
        context.journal.record('order_placed', { orderId: order.externalId });
        for (const { sku, quantity } of order.lines) shopStock.sell(sku, quantity);
        tell('order.created', order, { orderId: order.externalId });
        return order;
      };
      shopRoutes(app, context, place, tell);
      stockRoutes(app, shopStock);
      eventsRoute(app, context, new Webhook(options.receivingSecret), shopStock);
    },
    onClose: () => sender?.close(),
  });
  if (sender === undefined || place === undefined || stock === undefined)
    throw new Error('the server started without its routes');
  const { idle } = sender;
  const setWebhook = (target: z.input<typeof targetSchema>) =>
    void server.memory.put('config', 'webhook', targetSchema.parse(target));
  if (options.webhook) setWebhook(options.webhook);
  return { ...server, stock, setWebhook, place, webhooksIdle: idle };
}

type Tell = (type: string, data: unknown, about: Readonly<Record<string, unknown>>) => void;

function teller({ clock }: SimulatorContext, sender: WebhookSender, target: () => Target | undefined): Tell {
  return (type, data, about) => {
    const to = target();
    if (to === undefined) return;
    const id = `msg_${randomUUID().replaceAll('-', '')}`;
    const body = JSON.stringify({ type, timestamp: clock().toISOString(), data });
    sender.send({
      id,
      topic: type,
      url: to.url,
      body,
      about: { ...about },
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
      tell(type, order, { orderId: order.externalId });
      res.json({ order });
    });
  }
}

const itemSchema = z.strictObject({ itemId: z.string().min(1), locationId: z.string() });
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
      quantities: z.array(itemSchema.extend({ quantity: z.int(), changeFromQuantity: z.int().nullable() })),
    }),
  }),
  z.strictObject({
    type: z.literal('inventory.read'),
    timestamp: z.iso.datetime(),
    data: z.strictObject({ items: z.array(itemSchema) }),
  }),
]);

function eventsRoute(app: Express, context: SimulatorContext, webhook: Webhook, stock: ShopStock): void {
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
    if (event.type === 'inventory.read') {
      res.json({ quantities: event.data.items.map((item) => ({ ...item, quantity: stock.of(item) })) });
      return;
    }
    if (memory.get('event', id) !== undefined) {
      journal.record('event_repeated', { webhookId: id, type: event.type });
      res.status(204).end();
      return;
    }
    if (event.type === 'inventory.quantities') {
      const refusal = stock.set(event.data.quantities);
      if (refusal !== null) {
        res.status('gone' in refusal ? 422 : 409).json(refusal);
        return;
      }
    }
    memory.put('event', id, event.type);
    journal.record(event.type === 'shipment.shipped' ? 'shipment_heard' : 'quantity_set', {
      webhookId: id,
      ...event.data,
    });
    res.status(204).end();
  });
}
