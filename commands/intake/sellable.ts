/**
 * What a batch may still promise: balances as they were locked, less what its earlier orders took. Goods
 * with a date count only for orders that they outlast: not past it on the warehouse's own calendar day,
 * and as far from it as the strictest rule for the order's channel, customer and product wants. An order
 * takes the units that expire first among those, as the bins are chosen later (domain/stock/allocate-bins).
 * What other orders hold softly, without a bin, is taken to be fresh: too little is promised then, never
 * something too old.
 */
import { DateTime } from 'luxon';
import type { IntakeOrderRow } from '../../db/intake.repo';
import type { DatedLot, ShelfLifeRule } from '../../db/lot-life.repo';
import { type StockKey, stockKey } from '../../db/stock.repo';
import { Failure } from '../../domain/failure-types';
import { RunningStock } from '../../domain/stock/running-stock';
import type { WarehouseRow } from './facts';

type Whose = Pick<IntakeOrderRow, 'merchant_id' | 'connection_id' | 'customer_id' | 'business_now'>;
type Where = Pick<WarehouseRow, 'id' | 'time_zone' | 'wms_kind'>;

export class Sellable {
  readonly stock = new RunningStock();
  /** By stock key, the soonest date first. */
  private readonly dated = new Map<string, { readonly expiresOn: string; free: number }[]>();
  private rules: readonly ShelfLifeRule[] = [];

  useLots(lots: readonly DatedLot[], rules: readonly ShelfLifeRule[]): void {
    this.rules = rules;
    for (const lot of lots) {
      const known = this.dated.get(stockKey(lot));
      if (known) known.push({ ...lot });
      else this.dated.set(stockKey(lot), [{ ...lot }]);
    }
  }

  /** Units that may be promised to this order from this warehouse. */
  unitsFor(order: Whose, warehouse: Where, productId: string): number {
    const key = stockKey(keyOf(order, warehouse, productId));
    const soonest = this.soonestExpiry(order, warehouse, productId);
    const tooOld = (this.dated.get(key) ?? []).reduce(
      (sum, lot) => sum + (soonest !== null && lot.expiresOn < soonest ? lot.free : 0),
      0,
    );
    return Math.max(0, this.stock.free(key) - tooOld);
  }

  take(order: Whose, warehouse: Where, productId: string, quantity: number): void {
    const key = stockKey(keyOf(order, warehouse, productId));
    if (!this.stock.take(key, quantity))
      throw new Failure('InvariantBroken', 'a plan takes more than is free', { productId, quantity });
    // An outside warehouse chooses the lot itself, when it picks.
    if (warehouse.wms_kind !== 'built_in') return;
    const soonest = this.soonestExpiry(order, warehouse, productId);
    let open = quantity;
    for (const lot of this.dated.get(key) ?? []) {
      if (soonest !== null && lot.expiresOn < soonest) continue;
      const units = Math.min(open, lot.free);
      lot.free -= units;
      open -= units;
    }
  }

  /** First date that a lot may carry, 'YYYY-MM-DD'; null when nothing of the product here has a date. */
  soonestExpiry(order: Whose, warehouse: Where, productId: string): string | null {
    if (!this.dated.has(stockKey(keyOf(order, warehouse, productId)))) return null;
    const days = this.rules
      .filter(
        (rule) =>
          rule.merchantId === order.merchant_id &&
          (rule.connectionId === null || rule.connectionId === order.connection_id) &&
          (rule.customerId === null || rule.customerId === order.customer_id) &&
          (rule.productId === null || rule.productId === productId),
      )
      .reduce((most, rule) => Math.max(most, rule.minDays), 0);
    const today = DateTime.fromJSDate(order.business_now, { zone: warehouse.time_zone });
    return today.plus({ days }).toISODate();
  }
}

const keyOf = (order: Whose, warehouse: Where, productId: string): StockKey => ({
  merchantId: order.merchant_id,
  warehouseId: warehouse.id,
  productId,
});
