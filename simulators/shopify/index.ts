/**
 * A Shopify shop over real HTTP: the GraphQL Admin API at /admin/api/2026-10/graphql.json behind an
 * access token, webhooks out, and under /__shop what the shop's customers and staff do. Contract: the
 * published GraphQL Admin reference 2026-10, "GraphQL Admin API rate limits", "About webhooks",
 * "Implementing idempotency". It forgets nothing when it is given a state file. Beyond the shared
 * knobs, a rate limit answers as Shopify does: 200 with THROTTLED and an empty bucket.
 *
 * PUT  /__shop/webhook {url, secret, topics?, retryScale?}     where webhooks go
 * PUT  /__shop/products {products}  · GET /__shop/products     what the shop sells
 * PUT  /__shop/levels {levels}      · GET /__shop/levels       what the shop believes to have
 * DELETE /__shop/items/:inventoryItemId                        the item is gone, with its levels
 * POST /__shop/orders {order} | {demo: {seed, flaw?}}          a customer orders
 * GET  /__shop/orders · GET /__shop/orders/:id · PATCH /__shop/orders/:id {shipping_address?, note?, tags?}
 * POST /__shop/orders/:id/pay · …/cancel · …/hold · …/release
 */
import type { Express, Request, Response } from 'express';
import { z } from 'zod';
import { createSimulatorServer, type Simulator, type SimulatorContext } from '../simulator-server';
import { adminSchema } from './admin-graphql';
import { DEMO_FLAWS, generateDemoOrder } from './demo-orders';
import { GraphqlError, parseOperation } from './graphql-document';
import { type Args, execute } from './graphql-execute';
import { actualCost, CostBucket, MOST_FOR_ONE_QUERY, requestedCost } from './query-cost';
import { restJson } from './rest-shapes';
import { Shop, ShopRefusal } from './shop';
import { newOrderSchema, orderEditSchema, productSchema } from './shop-input';
import { API_VERSION, createShopWebhooks, type WebhookTarget, webhookTargetSchema } from './webhooks';

export { DEMO_FLAWS, type DemoFlaw, generateDemoOrder } from './demo-orders';
export type { RestOrder } from './rest-shapes';
export { DEFAULT_LOCATION_ID } from './shop';
export type { NewOrder, Product } from './shop-input';

export interface ShopifySimulatorOptions {
  readonly port?: number;
  readonly stateFile?: string;
  readonly clock?: () => Date;
  readonly accessToken: string;
  readonly shopDomain?: string;
  readonly webhook?: z.input<typeof webhookTargetSchema>;
  /** How fast the cost bucket fills; 1,000 is Shopify Plus, 100 a standard shop. */
  readonly pointsPerSecond?: number;
}

export interface ShopifySimulator extends Simulator {
  readonly shop: Shop;
  readonly accessToken: string;
  setWebhook(target: z.input<typeof webhookTargetSchema>): WebhookTarget;
  /** Resolves when every webhook was delivered, lost or given up. */
  webhooksIdle(): Promise<void>;
}

export async function createShopifySimulator(options: ShopifySimulatorOptions): Promise<ShopifySimulator> {
  const { accessToken, shopDomain = 'demo-shop.myshopify.com', pointsPerSecond = 1_000 } = options;
  let built: { readonly shop: Shop; readonly webhooks: ReturnType<typeof createShopWebhooks> } | undefined;
  const server = await createSimulatorServer({
    name: 'shopify',
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.stateFile === undefined ? {} : { stateFile: options.stateFile }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    routes(app, context) {
      const webhooks = createShopWebhooks(context, shopDomain);
      const shop = new Shop(
        context.memory,
        context.clock,
        (topics, order) => {
          for (const topic of topics) journalChange(context, topic, order.id);
          webhooks.announce(topics, order);
        },
        (level) => webhooks.announceLevel(level),
      );
      built = { shop, webhooks };
      adminRoute(app, context, shop, accessToken, new CostBucket(pointsPerSecond, context.clock));
      shopRoutes(app, shop, webhooks);
    },
    rateLimited(_req, res, retryAfterMs) {
      const bucket = new CostBucket(pointsPerSecond, () => new Date());
      const requested = Math.ceil((retryAfterMs / 1000) * pointsPerSecond);
      res.json(throttled(bucket.report(requested, null, 0)));
    },
    serverError: (_req, res) => void res.status(500).json({ errors: 'Internal Server Error' }),
    onClose: () => built?.webhooks.close(),
  });
  if (built === undefined) throw new Error('the server started without its routes');
  const { shop, webhooks } = built;
  const setWebhook = (target: z.input<typeof webhookTargetSchema>) => {
    const read = webhookTargetSchema.parse(target);
    webhooks.setTarget(read);
    return read;
  };
  if (options.webhook) setWebhook(options.webhook);
  return { ...server, shop, accessToken, setWebhook, webhooksIdle: () => webhooks.idle() };
}

/** The topics that say that something happened, not merely that something changed. */
const TELLING: Readonly<Record<string, string>> = {
  'orders/create': 'order_placed',
  'orders/paid': 'order_paid',
  'orders/cancelled': 'order_cancelled',
};

function journalChange({ journal }: SimulatorContext, topic: string, orderId: string): void {
  const kind = TELLING[topic];
  if (kind !== undefined) journal.record(kind, { orderId });
}

function throttled(cost: unknown) {
  const documentation = 'https://shopify.dev/api/usage/rate-limits';
  return {
    errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED', documentation } }],
    extensions: { cost },
  };
}

const requestSchema = z.looseObject({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
});

function adminRoute(
  app: Express,
  context: SimulatorContext,
  shop: Shop,
  accessToken: string,
  bucket: CostBucket,
): void {
  const schema = adminSchema(shop, context.memory, context.journal);
  app.post(`/admin/api/${API_VERSION}/graphql.json`, (req, res) => {
    if (req.get('X-Shopify-Access-Token') !== accessToken) {
      const errors = '[API] Invalid API key or access token (unrecognized login or wrong password)';
      res.status(401).json({ errors });
      return;
    }
    const body = requestSchema.safeParse(req.body);
    if (!body.success) {
      res.status(400).json({ errors: { query: 'Required parameter missing or invalid' } });
      return;
    }
    res.json(answer(schema, bucket, body.data.query, body.data.variables ?? {}));
  });
}

function answer(
  schema: ReturnType<typeof adminSchema>,
  bucket: CostBucket,
  query: string,
  variables: Args,
): unknown {
  try {
    const operation = parseOperation(query);
    const requested = requestedCost(operation, variables);
    if (requested > MOST_FOR_ONE_QUERY) {
      const message = `Query cost is ${requested}, which exceeds the single query max cost limit ${MOST_FOR_ONE_QUERY}`;
      throw new GraphqlError(message, 'MAX_COST_EXCEEDED', { cost: requested, maxCost: MOST_FOR_ONE_QUERY });
    }
    if (!bucket.admits(requested)) return throttled(bucket.report(requested, null));
    const data = execute(schema[operation.kind], operation, variables);
    const actual = actualCost(operation, data);
    bucket.charge(actual);
    return { data, extensions: { cost: bucket.report(requested, actual) } };
  } catch (error) {
    if (!(error instanceof GraphqlError)) throw error;
    return { errors: [{ message: error.message, extensions: { code: error.code, ...error.extensions } }] };
  }
}

const placeSchema = z.union([
  z.strictObject({ order: newOrderSchema }),
  z.strictObject({ demo: z.strictObject({ seed: z.int().min(0), flaw: z.enum(DEMO_FLAWS).optional() }) }),
]);
const digits = z.string().regex(/^\d+$/);
const levelsSchema = z.strictObject({
  levels: z.array(z.strictObject({ inventoryItemId: digits, locationId: digits, available: z.int() })),
});

function shopRoutes(app: Express, shop: Shop, webhooks: ReturnType<typeof createShopWebhooks>): void {
  const rest = (res: Response, status: number, record: unknown) =>
    void res.status(status).type('json').send(restJson(record));
  app.put('/__shop/webhook', (req, res) => {
    webhooks.setTarget(webhookTargetSchema.parse(req.body));
    res.status(204).end();
  });
  app.get('/__shop/products', (_req, res) => void res.json({ products: shop.products() }));
  app.put('/__shop/products', (req, res) => {
    shop.setProducts(z.strictObject({ products: z.array(productSchema) }).parse(req.body).products);
    res.json({ products: shop.products() });
  });
  app.get('/__shop/levels', (_req, res) => void res.json({ levels: shop.levels() }));
  app.put('/__shop/levels', (req, res) => {
    for (const level of levelsSchema.parse(req.body).levels) shop.setLevel(level);
    res.json({ levels: shop.levels() });
  });
  app.delete('/__shop/items/:id', (req: Request<{ id: string }>, res) => {
    shop.removeItem(req.params.id);
    res.status(204).end();
  });
  app.post('/__shop/orders', (req, res) => {
    const asked = placeSchema.parse(req.body);
    const input =
      'order' in asked ? asked.order : generateDemoOrder(asked.demo.seed, shop.products(), asked.demo);
    rest(res, 201, { order: shop.place(input) });
  });
  app.get('/__shop/orders', (_req, res) =>
    rest(res, 200, { orders: shop.ordersByUpdate().map(({ order }) => order) }),
  );
  app.get('/__shop/orders/:id', (req, res) => {
    const order = shop.order(req.params.id);
    if (order === undefined) res.status(404).json({ errors: 'Not Found' });
    else rest(res, 200, { order });
  });
  app.patch('/__shop/orders/:id', (req, res) => {
    const edit = orderEditSchema.parse(req.body);
    acted(res, () => rest(res, 200, { order: shop.edit(req.params.id, edit) }));
  });
  const actions = {
    pay: (id: string) => shop.pay(id),
    cancel: (id: string) => shop.cancel(id),
    hold: (id: string) => shop.setHold(id, true),
    release: (id: string) => shop.setHold(id, false),
  };
  for (const [name, act] of Object.entries(actions)) {
    app.post(`/__shop/orders/:id/${name}`, (req: Request<{ id: string }>, res: Response) =>
      acted(res, () => rest(res, 200, { order: act(req.params.id) })),
    );
  }
}

function acted(res: Response, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof ShopRefusal)) throw error;
    res.status(422).json({ errors: error.message });
  }
}
