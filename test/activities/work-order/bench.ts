/** A bench at which kits are made, by the real commands; what the workflow does is done by hand. */
import { randomUUID } from 'node:crypto';
import { adjustStock } from '../../../commands/stock/adjust-stock';
import {
  endWorkOrder,
  type ReportStep,
  reportStep,
  retryWorkOrder,
} from '../../../commands/work-order/change-work-order';
import { closeWorkOrder } from '../../../commands/work-order/close-work-order';
import { type CreateWorkOrder, createWorkOrder } from '../../../commands/work-order/create-work-order';
import { postStep } from '../../../commands/work-order/post-step';
import { reserveParts } from '../../../commands/work-order/reserve-parts';
import type { Database } from '../../../db/client';
import { bookErrors, rowsOf, warehouseOf } from '../../support/floor-steps';
import { type SeededMerchant, seedMerchant } from '../../support/merchant';

const KIT = [
  { sku: 'CUP', quantity: 2 },
  { sku: 'TRAY', quantity: 1 },
];

/** 20 cups and 10 trays: ten sets of two cups and a tray. */
export async function openBench(database: Database, stock: Readonly<Record<string, number>> = {}) {
  const merchant = await seedMerchant(database, {
    products: [
      { sku: 'CUP', stock: stock['CUP'] ?? 20 },
      { sku: 'TRAY', stock: stock['TRAY'] ?? 10 },
      { sku: 'SET', ...(stock['SET'] === undefined ? {} : { stock: stock['SET'] }) },
    ],
  });
  return new Bench(database, merchant);
}

class Bench {
  constructor(
    private readonly database: Database,
    readonly merchant: SeededMerchant,
  ) {}

  async create(change: Partial<CreateWorkOrder> = {}): Promise<string> {
    const { workOrderId } = await createWorkOrder(this.database, {
      merchantId: this.merchant.merchantId,
      key: randomUUID(),
      warehouseId: warehouseOf(this.merchant).id,
      kind: 'kit',
      sku: 'SET',
      quantity: 6,
      components: KIT,
      locationCode: 'A-01-02',
      reference: null,
      reason: 'test',
      actor: 'test',
      ...change,
    });
    return workOrderId;
  }

  private ref(workOrderId: string) {
    return { merchantId: this.merchant.merchantId, workOrderId };
  }

  private asked(workOrderId: string) {
    return { merchantIds: [this.merchant.merchantId], workOrderId, actor: 'test' };
  }

  reserve = (id: string) => reserveParts(this.database, this.ref(id));
  post = (id: string, number: number) => postStep(this.database, { ...this.ref(id), number });
  close = (id: string) => closeWorkOrder(this.database, this.ref(id));
  retry = (id: string) => retryWorkOrder(this.database, { ...this.asked(id), reason: 'test' });

  report(id: string, units: number, more: Partial<ReportStep> = {}) {
    const none = { scrap: [], lots: [] };
    return reportStep(this.database, { ...this.asked(id), ...none, key: randomUUID(), units, ...more });
  }

  end(id: string, how: 'done' | 'cancelled') {
    return endWorkOrder(this.database, { ...this.asked(id), how, reason: 'test' });
  }

  /** On hand and reserved of the SKUs, in their order. */
  async stock(): Promise<Record<string, readonly [number, number]>> {
    const rows = await rowsOf<{ sku: string; on_hand: number; reserved: number }>(
      this.database,
      this.merchant,
      `select p.sku, coalesce(b.on_hand, 0) as on_hand, coalesce(b.reserved, 0) as reserved from product p
         left join stock_balance b on b.product_id = p.id order by p.sku`,
    );
    return Object.fromEntries(rows.map((row) => [row.sku, [row.on_hand, row.reserved] as const]));
  }

  async standing(id: string) {
    const [row] = await rowsOf<{ state: string; built: number; blocked_reason: string | null }>(
      this.database,
      this.merchant,
      'select state, built, blocked_reason from work_order where id = $1',
      [id],
    );
    return row;
  }

  async adjust(sku: string, delta: number) {
    await adjustStock(this.database, {
      merchantId: this.merchant.merchantId,
      causeId: randomUUID(),
      kind: 'adjustment',
      warehouseId: warehouseOf(this.merchant).id,
      reason: 'test',
      actor: 'test',
      lines: [{ sku, delta, locationCode: 'A-01-01' }],
    });
  }

  signals() {
    return rowsOf<{ cause: string }>(
      this.database,
      this.merchant,
      `select payload->'args'->0->>'cause' as cause from outbox where kind = 'workflow.signal'
         and payload->>'signal' = 'look' order by created_at, id`,
    );
  }

  async isRight() {
    expect(await bookErrors(this.database, this.merchant)).toEqual([]);
  }
}
