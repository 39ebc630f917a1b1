/**
 * How fast products sell, read in one transaction: the ledger's movements of the window, the shelves, and
 * the promotion calendar. Reads only. The window ends with the last whole business day.
 */
import type { Tx } from '../../db/client';
import { promotionsWithin } from '../../db/promotion.repo';
import { readSales, readToday, type SalesRow, type SalesScope } from '../../db/stock-history.repo';
import { Failure } from '../../domain/failure-types';
import { addDays, daysBetween, measureVelocity, type Velocity } from '../../domain/stock/velocity';

export interface MeasuredProduct extends Omit<SalesRow, 'days' | 'shelfAtStart'> {
  readonly velocity: Velocity;
}

export interface MeasuredWindow {
  /** IANA zone in which days are cut. */
  readonly zone: string;
  readonly from: string;
  readonly to: string;
}

/**
 * @param days length of the window.
 * @throws Failure NotFound when the warehouse does not serve the merchant, or he has none.
 */
export async function readVelocity(
  tx: Tx,
  merchantId: string,
  productIds: readonly string[],
  scope: SalesScope,
  days: number,
): Promise<{ readonly window: MeasuredWindow; readonly products: readonly MeasuredProduct[] }> {
  const now = await readToday(tx, merchantId, scope.warehouseId);
  if (now === null) throw new Failure('NotFound', 'no such warehouse serves the merchant');
  const window = { zone: now.zone, from: addDays(now.today, -days), to: addDays(now.today, -1) };
  const calendar = (await promotionsWithin(tx, merchantId, window.from, window.to)).map((promotion) => ({
    productId: promotion.productId,
    days: daysBetween(
      promotion.from > window.from ? promotion.from : window.from,
      promotion.to < window.to ? promotion.to : window.to,
    ),
  }));
  const rows = await readSales(tx, merchantId, productIds, scope, window);
  const products = rows.map(({ days: facts, shelfAtStart, ...row }): MeasuredProduct => {
    const promotions = new Set(
      calendar.flatMap((each) =>
        each.productId === null || each.productId === row.productId ? each.days : [],
      ),
    );
    const { from, to } = window;
    return { ...row, velocity: measureVelocity({ from, to, shelfAtStart, days: facts, promotions }) };
  });
  return { window, products };
}
