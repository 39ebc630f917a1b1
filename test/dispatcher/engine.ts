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

/** One row of any query of the merchant's. */
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
