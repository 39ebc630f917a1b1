/** The real thing: the same commands through the code that runs in production, as the application's role. */
import { randomUUID } from 'node:crypto';
import { cancelOrder } from '../../commands/cancel-order';
import { Intake } from '../../commands/intake/intake';
import { adjustStock } from '../../commands/stock/adjust-stock';
import { Holds } from '../../commands/stock/holds';
import type { Database } from '../../db/client';
import { expireHolds } from '../../dispatcher/hold-sweeper';
import { stepKey } from '../../domain/step-key';
import type { HoldOutcome } from '../../domain/stock/decide-holds';
import { type SeededMerchant, seedMerchant } from '../support/merchant';
import { demoOrder, placeOrder } from '../support/order';
import {
  type Command,
  type Engine,
  type HoldOp,
  placedAtOf,
  type Seen,
  SKUS,
  type Sku,
  START,
  shipByOf,
  type Told,
} from './commands';
import { entries, toldOf } from './told';

export class PostgresEngine implements Engine {
  private now = START;
  private looks = 0;
  private readonly holdIds: string[] = [];
  private readonly orderIds: string[] = [];
  private readonly requests: (() => Promise<HoldOutcome>)[] = [];
  private readonly skus: ReadonlyMap<string, Sku>;
  private readonly intake: Intake;
  private readonly holds: Holds;

  private constructor(
    private readonly database: Database,
    readonly merchant: SeededMerchant,
  ) {
    this.intake = new Intake(database);
    this.holds = new Holds(database);
    this.skus = new Map([...merchant.products].map(([sku, id]) => [id, sku as Sku]));
  }

  static async start(database: Database): Promise<PostgresEngine> {
    const merchant = await seedMerchant(database, { products: SKUS.map((sku) => ({ sku })), persons: 0 });
    const engine = new PostgresEngine(database, merchant);
    await engine.setClock();
    return engine;
  }

  async apply(command: Command): Promise<readonly Told[]> {
    switch (command.kind) {
      case 'holds':
        return this.holdOps(command.ops);
      case 'gain':
        await this.adjust(command.sku, command.units);
        break;
      case 'lose':
        await this.adjust(command.sku, -command.units);
        break;
      case 'order':
        await this.order(command);
        break;
      case 'look':
        if (this.orderIds.length > 0) await this.look(command.order % this.orderIds.length);
        break;
      case 'cancel':
        if (this.orderIds.length > 0) {
          const orderId = this.orderIds[command.order % this.orderIds.length] as string;
          const { merchantId } = this.merchant;
          await cancelOrder(this.database, { merchantId, orderId, actor: 'test', reason: 'asked' });
        }
        break;
      case 'tick':
        this.now += command.minutes * 60_000;
        await this.setClock();
        await expireHolds(this.database, this.holds);
    }
    return [];
  }

  private async holdOps(ops: readonly HoldOp[]): Promise<Told[]> {
    const heldBefore = this.holdIds.length;
    const before = this.requests.length;
    // All in one turn of the event loop: they meet in one batch.
    const asked = ops.flatMap((op): { readonly op: HoldOp; readonly outcome: Promise<HoldOutcome> }[] => {
      if (op.op === 'repeat') {
        const request = before > 0 ? this.requests[op.request % before] : undefined;
        return request ? [{ op, outcome: request() }] : [];
      }
      if (op.op !== 'reserve' && heldBefore === 0) return [];
      const request = this.requestOf(op, heldBefore);
      this.requests.push(request);
      return [{ op, outcome: request() }];
    });
    const told: Told[] = [];
    for (const { op, outcome } of asked) {
      const known = await outcome;
      if (op.op === 'reserve' && known.kind === 'reserved') this.holdIds.push(known.holdId);
      told.push(toldOf(known, (productId) => this.skus.get(productId) as Sku));
    }
    return told;
  }

  private requestOf(op: Exclude<HoldOp, { op: 'repeat' }>, heldBefore: number): () => Promise<HoldOutcome> {
    const { merchantId } = this.merchant;
    const asked = { merchantId, stepKey: randomUUID() };
    if (op.op === 'reserve') {
      const lines = entries(op.units).map(([sku, quantity]) => ({
        productId: this.productOf(sku),
        quantity,
        warehouseIds: this.merchant.warehouses.map(({ id }) => id),
      }));
      const request = { ...asked, lines, allOrNothing: op.allOrNothing, keepMs: op.minutes * 60_000 };
      return () => this.holds.reserve(request);
    }
    const request = { ...asked, holdId: this.holdIds[op.hold % heldBefore] as string, actor: 'test' };
    return () => (op.op === 'release' ? this.holds.release(request) : this.holds.consume(request));
  }

  private productOf(sku: Sku): string {
    return this.merchant.products.get(sku) as string;
  }

  private async adjust(sku: Sku, delta: number): Promise<void> {
    await adjustStock(this.database, {
      merchantId: this.merchant.merchantId,
      causeId: randomUUID(),
      kind: 'adjustment',
      warehouseId: this.merchant.warehouses[0]?.id as string,
      reason: 'counted',
      actor: 'test',
      lines: [{ sku, delta, ...(delta > 0 ? { locationCode: 'A-01-01' } : {}) }],
    });
  }

  private async order(command: Extract<Command, { kind: 'order' }>): Promise<void> {
    const n = this.orderIds.length;
    const lines = entries(command.units).map(([sku, quantity]) => ({ sku, quantity }));
    const { orderId } = await placeOrder(
      this.database,
      this.merchant,
      demoOrder(lines, {
        placedAt: placedAtOf(n).toISOString(),
        shipBy: shipByOf(n, command.shipInHours).toISOString(),
        holdId: command.hold === null ? null : (this.holdIds[command.hold % this.holdIds.length] ?? null),
      }),
    );
    this.orderIds.push(orderId);
    if (command.urgent) await this.sql('update sales_order set priority = 10 where id = $1', [orderId]);
    if (command.looks) await this.look(n);
  }

  private async look(n: number): Promise<void> {
    const orderId = this.orderIds[n] as string;
    const { merchantId } = this.merchant;
    const key = stepKey(orderId, 'intake', ++this.looks);
    await this.intake.run({ merchantId, orderId, stepKey: key });
  }

  private setClock(): Promise<unknown> {
    return this.sql('update merchant set business_now = $2 where id = $1', [
      this.merchant.merchantId,
      new Date(this.now),
    ]);
  }

  private sql<Row extends Record<string, unknown>>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return this.database.withMerchants([this.merchant.merchantId], (tx) => tx.rows<Row>({ text, values }));
  }

  async see(): Promise<Seen> {
    const [row] = await this.sql<{ seen: RawSeen }>(SEE, [this.merchant.merchantId]);
    const { stock, units, waits } = (row as { seen: RawSeen }).seen;
    const sku = (productId: string) => this.skus.get(productId) as Sku;
    const gather = (rows: readonly (readonly [number, string, number])[]) => {
      const found: Record<number, Partial<Record<Sku, number>>> = {};
      for (const [number, productId, quantity] of rows) (found[number] ??= {})[sku(productId)] = quantity;
      return found;
    };
    const of = (kind: RawSeen['units'][number][0], numbers: readonly string[]) =>
      gather(
        units.flatMap(([of_, id, productId, quantity]) =>
          of_ === kind ? [[numbers.indexOf(id), productId, quantity] as const] : [],
        ),
      );
    const none = Object.fromEntries(SKUS.map((each) => [each, [0, 0]]));
    return {
      stock: {
        ...none,
        ...Object.fromEntries(stock.map(([id, ...levels]) => [sku(id), levels])),
      } as unknown as Seen['stock'],
      holds: of('hold', this.holdIds),
      kept: of('kept', this.orderIds),
      planned: of('planned', this.orderIds),
      waits: gather(waits.map(([id, ...rest]) => [this.orderIds.indexOf(id), ...rest] as const)),
    };
  }
}

interface RawSeen {
  readonly stock: readonly (readonly [productId: string, onHand: number, reserved: number])[];
  readonly units: readonly (readonly [
    of: 'hold' | 'kept' | 'planned',
    id: string,
    productId: string,
    quantity: number,
  ])[];
  readonly waits: readonly (readonly [orderId: string, productId: string, quantity: number])[];
}

const SEE = `
select json_build_object(
  'stock', (select coalesce(json_agg(json_build_array(product_id, on_hand, reserved)), '[]') from stock_balance where merchant_id = $1),
  'units', (select coalesce(json_agg(json_build_array(kind, id, product_id, quantity)), '[]') from (
    select case when hold_id is null then 'planned' when order_id is null then 'hold' else 'kept' end as kind,
      coalesce(order_id, hold_id) as id, product_id, sum(quantity) as quantity
    from reservation where merchant_id = $1 and state in ('held', 'allocated') group by 1, 2, 3) r),
  'waits', (select coalesce(json_agg(json_build_array(order_id, product_id, quantity)), '[]') from backorder where merchant_id = $1)
) as seen`;
