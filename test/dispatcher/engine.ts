/** What the dispatcher's tests share: a database with a merchant, orders written as rows, and waiting. */
import { uuidv7 } from 'uuidv7';
import { acceptOrder } from '../../commands/accept-order';
import { type IncomingOrderInput, incomingOrderSchema } from '../../contracts/incoming-order';
import { Database } from '../../db/client';
import { enqueue, type OutboxMessage } from '../../db/outbox.repo';
import { createLogger, type Logger } from '../../telemetry';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { type TestDatabase, testDatabase } from '../support/postgres';

export const KEYS = [{ id: 'test', key: Buffer.alloc(32, 7) }];
export const quiet: Logger = createLogger({ role: 'test', level: 'silent' });

export interface Engine {
  readonly urls: TestDatabase;
  readonly database: Database;
  readonly merchant: SeededMerchant;
  close(): Promise<void>;
}

export async function startEngine(): Promise<Engine> {
  const urls = await testDatabase();
  const database = new Database({ appUrl: urls.appUrl, systemUrl: urls.systemUrl });
  const merchant = await seedMerchant(database);
  return {
    urls,
    database,
    merchant,
    async close() {
      await database.close();
      await urls.drop();
    },
  };
}

/** Waits until `look` finds something; fails after `timeoutMs`. */
export async function until<T>(
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`nothing came within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function message(merchantId: string, changes: Partial<OutboxMessage> = {}): OutboxMessage {
  return {
    merchantId,
    kind: 'webhook',
    key: `test:${uuidv7()}`,
    orderId: null,
    lane: 'lane-1',
    payload: {},
    ...changes,
  };
}

export function write(engine: Engine, messages: readonly OutboxMessage[]): Promise<void> {
  return engine.database.withMerchants(
    messages.map(({ merchantId }) => merchantId),
    (tx) => enqueue(tx, messages),
  );
}

export interface OutboxRow {
  readonly id: string;
  readonly key: string;
  readonly kind: string;
  readonly state: string;
  readonly attempts: number;
  readonly last_error: string | null;
}

export function outbox(engine: Engine, where = 'true'): Promise<OutboxRow[]> {
  return engine.database.withSystem((tx) =>
    tx.rows<OutboxRow>({
      text: `select id, key, kind, state, attempts, last_error from outbox where ${where} order by created_at, id`,
    }),
  );
}

/** The first row of any query of the merchant's; undefined when there is none. */
export async function one<T extends object>(
  engine: Engine,
  text: string,
  values: unknown[] = [],
): Promise<T> {
  const rows = await engine.database.withMerchants([engine.merchant.merchantId], (tx) =>
    tx.rows<T>({ text, values }),
  );
  return rows[0] as T;
}

export function run(engine: Engine, text: string, values: unknown[] = []): Promise<number> {
  return engine.database.withMerchants([engine.merchant.merchantId], (tx) => tx.run({ text, values }));
}

export async function order(
  engine: Engine,
  changes: Partial<IncomingOrderInput> = {},
): Promise<{ orderId: string; workflowId: string }> {
  const { merchantId, connectionId } = engine.merchant;
  const externalId = `T-${uuidv7()}`;
  const input: IncomingOrderInput = {
    externalId,
    externalNumber: '#1001',
    placedAt: new Date().toISOString(),
    currency: 'USD',
    totalMinor: '2500',
    payment: 'captured',
    customer: { externalId, name: 'Demo Customer', email: 'demo-1@example.com' },
    shipTo: {
      name: 'Demo Customer',
      line1: '1 Demo Street',
      city: 'Columbus',
      region: 'OH',
      postalCode: '43215',
      country: 'US',
    },
    lines: [
      {
        externalLineId: 'L1',
        sku: 'DEMO-1',
        title: 'Demo mug',
        quantity: 2,
        unitPriceMinor: '1250',
        ships: true,
      },
    ],
    tags: [],
    cancelled: false,
    ...changes,
  };
  return acceptOrder(engine.database, {
    merchantId,
    connectionId,
    order: incomingOrderSchema.parse(input),
    source: 'test',
    eventKey: externalId,
    raw: null,
  });
}

export interface ShippedPart {
  readonly fulfilmentOrderId: string;
  readonly parcelId: string;
  readonly labelId: string;
  readonly trackingNumber: string;
}

/** One carton of the order's first line, scanned out, written as the floor's commands leave it. */
export async function shippedPart(
  engine: Engine,
  orderId: string,
  {
    number = 1,
    quantity = 2,
    planned = quantity,
  }: { number?: number; quantity?: number; planned?: number } = {},
): Promise<ShippedPart> {
  const { merchantId, warehouses, products } = engine.merchant;
  const [fulfilmentOrderId, lineId, parcelId, labelId, accountId] = [
    uuidv7(),
    uuidv7(),
    uuidv7(),
    uuidv7(),
    uuidv7(),
  ];
  const trackingNumber = `TRK${parcelId.slice(-10).toUpperCase()}`;
  const warehouseId = warehouses[0]?.id;
  const productId = products.get('DEMO-1');
  await engine.database.withMerchants([merchantId], async (tx) => {
    const insert = (text: string, values: unknown[]) => tx.run({ text, values });
    await insert(
      `insert into carrier_account (id, organisation_id, provider, name, base_url, credentials_sealed, webhook_path_sha256)
       values ($1::uuid, $2, 'easypost', 'Demo carrier', 'http://127.0.0.1:1', ''::bytea, sha256($1::uuid::text::bytea))`,
      [accountId, engine.merchant.organisationId],
    );
    await insert(
      `insert into fulfilment_order (id, merchant_id, order_id, number, warehouse_id, state, shipped_at)
       values ($1, $2, $3, $4, $5, 'shipped', now())`,
      [fulfilmentOrderId, merchantId, orderId, number, warehouseId],
    );
    await insert(
      `insert into fulfilment_order_line (id, merchant_id, fulfilment_order_id, order_line_id, product_id, quantity)
       select $1, $2, $3, id, $4, $5 from sales_order_line where merchant_id = $2 and order_id = $6`,
      [lineId, merchantId, fulfilmentOrderId, productId, planned, orderId],
    );
    await insert(
      `insert into parcel (id, merchant_id, order_id, fulfilment_order_id, number, state, carrier, service, tracking_number,
         carrier_account_id, shipped_at, weight_grams)
       values ($1, $2, $3, $4, 1, 'shipped', 'usps', 'usps_ground_advantage', $5, $6, now(), 700)`,
      [parcelId, merchantId, orderId, fulfilmentOrderId, trackingNumber, accountId],
    );
    await insert(
      'insert into parcel_line (merchant_id, parcel_id, fulfilment_order_line_id, product_id, quantity) values ($1, $2, $3, $4, $5)',
      [merchantId, parcelId, lineId, productId, quantity],
    );
    await insert(
      `insert into label (id, merchant_id, parcel_id, step_key, state, carrier_account_id, address_version, external_shipment_id,
         tracking_number, amount_minor, currency)
       values ($1, $2, $3::uuid, $3::text || ':label:1', 'shipped', $4, 1, 'shp_demo', $5, 700, 'USD')`,
      [labelId, merchantId, parcelId, accountId, trackingNumber],
    );
    await insert(
      "update sales_order set state = 'shipped', shipped_at = now(), version = version + 1 where merchant_id = $1 and id = $2",
      [merchantId, orderId],
    );
  });
  return { fulfilmentOrderId, parcelId, labelId, trackingNumber };
}
