/** Random sequences of what moves stock, against a model that only counts units. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { claimNextTask } from '../../../commands/floor/claim-next-task';
import { releaseTask } from '../../../commands/floor/release-task';
import { scanPick } from '../../../commands/floor/scan-pick';
import { shortPick } from '../../../commands/floor/short-pick';
import type { TaskView } from '../../../commands/floor/task-view';
import { Intake } from '../../../commands/intake/intake';
import { adjustStock } from '../../../commands/stock/adjust-stock';
import { holdLot, liftHold } from '../../../commands/stock/hold-lot';
import { moveStock } from '../../../commands/stock/move-stock';
import { postMovements } from '../../../commands/stock/post-movements';
import { Database } from '../../../db/client';
import { isFailure } from '../../../domain/failure-types';
import { stepKey } from '../../../domain/step-key';
import { bookErrors, rowsOf, staff, warehouseOf } from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';
import { demoOrder, placeOrder } from '../../support/order';
import { type TestDatabase, testDatabase } from '../../support/postgres';

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await testDatabase();
  database = new Database({ appUrl: server.appUrl, systemUrl: server.systemUrl, poolSize: 4 });
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

/** Units that the model says are on hand, by SKU. */
type Model = Map<string, number>;

type Command =
  | {
      readonly kind: 'adjust';
      readonly sku: string;
      readonly bin: number;
      readonly delta: number;
      readonly lotCode: string;
    }
  | { readonly kind: 'recall' | 'lift'; readonly lotCode: string }
  | {
      readonly kind: 'move';
      readonly from: string;
      readonly to: string;
      readonly quantity: number;
      readonly lotCode: string;
    }
  | { readonly kind: 'order'; readonly a: number; readonly b: number }
  | { readonly kind: 'replan' }
  | { readonly kind: 'pick'; readonly scans: number; readonly then: 'finish' | 'short' | 'release' | 'stop' }
  | { readonly kind: 'ship' };

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant('adjust' as const),
    sku: fc.constantFrom('A', 'B'),
    bin: fc.nat(2),
    delta: fc.integer({ min: -8, max: 8 }),
    lotCode: fc.constantFrom('', 'X', 'Y'),
  }),
  fc.record({
    kind: fc.constantFrom('recall' as const, 'lift' as const),
    lotCode: fc.constantFrom('X', 'Y'),
  }),
  fc.record({
    kind: fc.constant('move' as const),
    from: fc.constantFrom('A-01-01', 'A-01-02', 'DAM-1', 'QUAR-1', 'PACK-1'),
    to: fc.constantFrom('A-01-01', 'A-01-03', 'DAM-1', 'QUAR-1'),
    quantity: fc.integer({ min: 1, max: 4 }),
    lotCode: fc.constantFrom('', 'X', 'Y'),
  }),
  fc.record({ kind: fc.constant('order' as const), a: fc.nat(4), b: fc.nat(3) }),
  fc.record({ kind: fc.constant('replan' as const) }),
  fc.record({
    kind: fc.constant('pick' as const),
    scans: fc.nat(5),
    then: fc.constantFrom('finish' as const, 'short' as const, 'release' as const, 'stop' as const),
  }),
  fc.record({ kind: fc.constant('ship' as const) }),
);

/** Runs what the state of things may forbid. */
async function refusable(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isFailure(error) || error.type === 'InvariantBroken') throw error;
  }
}

class Floor {
  private intakes = 0;
  constructor(
    private readonly merchant: SeededMerchant,
    private readonly model: Model,
  ) {}

  async run(step: Command): Promise<void> {
    if (step.kind === 'adjust') await this.adjust(step.sku, step.bin, step.delta, step.lotCode);
    else if (step.kind === 'recall' || step.kind === 'lift') await this.hold(step.kind, step.lotCode);
    else if (step.kind === 'move') await this.move(step);
    else if (step.kind === 'order') await this.order(step.a, step.b);
    else if (step.kind === 'replan') await this.replan();
    else if (step.kind === 'pick') await this.pick(step.scans, step.then);
    else await this.ship();
  }

  /** Holding and moving never change how many units there are. */
  private async hold(kind: 'recall' | 'lift', lotCode: string): Promise<void> {
    const { merchantId, products } = this.merchant;
    const lot = { merchantId, productId: products.get('A') ?? '', lotCode, reason: 'model', actor: 'test' };
    if (kind === 'recall') await holdLot(database, { ...lot, kind: 'recall' });
    else await refusable(() => liftHold(database, { ...lot, kind: 'recall' }));
  }

  private async move(step: Extract<Command, { readonly kind: 'move' }>): Promise<void> {
    const { from: fromCode, to: toCode, quantity, lotCode } = step;
    await refusable(() =>
      moveStock(database, {
        merchantId: this.merchant.merchantId,
        causeId: randomUUID(),
        warehouseId: warehouseOf(this.merchant).id,
        reason: 'model',
        actor: 'test',
        lines: [{ sku: 'A', quantity, fromCode, toCode, lotCode }],
      }),
    );
  }

  private async adjust(sku: string, bin: number, delta: number, lotCode: string): Promise<void> {
    const { lines } = await adjustStock(database, {
      merchantId: this.merchant.merchantId,
      causeId: randomUUID(),
      kind: 'adjustment',
      warehouseId: warehouseOf(this.merchant).id,
      reason: 'model',
      actor: 'test',
      lines: [
        {
          sku,
          delta,
          ...(delta > 0 ? { locationId: warehouseOf(this.merchant).bins[bin]?.id ?? '', lotCode } : {}),
        },
      ],
    });
    for (const line of lines) this.model.set(sku, (this.model.get(sku) ?? 0) + line.posted);
  }

  private async order(a: number, b: number): Promise<void> {
    const lines = [
      { sku: 'A', quantity: a },
      { sku: 'B', quantity: b },
    ].filter((line) => line.quantity > 0);
    if (lines.length === 0) return;
    const { orderId } = await placeOrder(database, this.merchant, demoOrder(lines));
    await this.plan(orderId);
  }

  private async replan(): Promise<void> {
    const orders = await rowsOf<{ id: string }>(
      database,
      this.merchant,
      "select id from sales_order where state not in ('closed', 'cancelled', 'shipped') order by id",
    );
    for (const { id } of orders) await this.plan(id);
  }

  private async plan(orderId: string): Promise<void> {
    this.intakes += 1;
    await new Intake(database).run({
      merchantId: this.merchant.merchantId,
      orderId,
      stepKey: stepKey(orderId, 'intake', this.intakes),
    });
  }

  private async pick(scans: number, then: 'finish' | 'short' | 'release' | 'stop'): Promise<void> {
    const task = await claimNextTask(database, staff(this.merchant), {
      warehouseId: warehouseOf(this.merchant).id,
      kinds: ['pick'],
      eventId: randomUUID(),
    });
    if (task === null) return;
    const all = task.lines.flatMap((line) =>
      Array<typeof line>(line.quantity - line.done - line.short).fill(line),
    );
    const found = then === 'finish' ? all : all.slice(0, Math.min(scans, all.length - 1));
    for (const line of found)
      await scanPick(database, staff(this.merchant), {
        taskId: task.taskId,
        eventId: randomUUID(),
        code: line.sku,
        locationCode: line.locationCode ?? '',
        lotCode: line.lotCode,
      });
    if (then === 'release')
      await releaseTask(database, staff(this.merchant), { taskId: task.taskId, eventId: randomUUID() });
    if (then === 'short') await this.reportShort(task, found);
  }

  private async reportShort(task: TaskView, found: readonly TaskView['lines'][number][]): Promise<void> {
    for (const line of task.lines) {
      const done = line.done + found.filter((each) => each.taskLineId === line.taskLineId).length;
      if (done + line.short === line.quantity) continue;
      await shortPick(database, staff(this.merchant), {
        taskId: task.taskId,
        eventId: randomUUID(),
        taskLineId: line.taskLineId,
        found: done,
      });
    }
  }

  /** Everything that waits at the packing place leaves, as the ship step posts it. */
  private async ship(): Promise<void> {
    const packed = await rowsOf<{
      reservation_id: string;
      product_id: string;
      lot_code: string;
      quantity: number;
      sku: string;
    }>(
      database,
      this.merchant,
      `select a.*, p.sku from allocation a join product p on p.id = a.product_id
       where a.location_id = $1 and not exists (select from allocation o where o.reservation_id = a.reservation_id
         and o.location_id <> a.location_id)`,
      [warehouseOf(this.merchant).packingId],
    );
    await database.withMerchants([this.merchant.merchantId], (tx) =>
      postMovements(tx, [
        {
          merchantId: this.merchant.merchantId,
          causeId: randomUUID(),
          kind: 'ship',
          actor: 'test',
          occurredAt: new Date(),
          lines: packed.map((each) => ({
            productId: each.product_id,
            lotCode: each.lot_code,
            quantity: each.quantity,
            fromLocationId: warehouseOf(this.merchant).packingId,
            toLocationId: this.merchant.customerPlaceId,
          })),
          consume: packed.map((each) => each.reservation_id),
        },
      ]),
    );
    for (const each of packed) this.model.set(each.sku, (this.model.get(each.sku) ?? 0) - each.quantity);
  }
}

it('keeps ledger, bins, balances, reservations and allocations agreeing through any sequence', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 25 }), async (commands) => {
      const merchant = await seedMerchant(database, {
        products: [
          { sku: 'A', stock: 12 },
          { sku: 'B', stock: 6 },
        ],
        shortPickPolicy: 'backorder',
      });
      const model: Model = new Map([
        ['A', 12],
        ['B', 6],
      ]);
      const floor = new Floor(merchant, model);
      for (const step of commands) {
        await floor.run(step);
        expect({ step, errors: await bookErrors(database, merchant) }).toEqual({ step, errors: [] });
      }
      const balances = await rowsOf<{ sku: string; on_hand: number }>(
        database,
        merchant,
        'select p.sku, sum(b.on_hand)::int as on_hand from stock_balance b join product p on p.id = b.product_id group by 1',
      );
      expect(new Map(balances.map((row) => [row.sku, row.on_hand]))).toEqual(model);
    }),
    // Each run is a merchant and some twenty transactions; forty runs take ten seconds.
    { numRuns: 40, seed: 20101201 },
  );
}, 60_000);
