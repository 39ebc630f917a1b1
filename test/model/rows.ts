/** Reservations in memory, as the engine's own decisions want to read them. */
import type { HoldRow } from '../../domain/stock/decide-holds';
import type { Sku, Units } from './commands';

export const WAREHOUSE = 'W1';

export interface Row {
  readonly id: string;
  readonly sku: Sku;
  readonly units: number;
  readonly holdId: string | null;
  orderId: number | null;
  /** Of a shipment: bound to the bin. */
  readonly bound: boolean;
  readonly expiresAt: Date | null;
  readonly madeAt: Date;
  state: string;
}

export const holdRow = (row: Row): HoldRow => ({
  reservationId: row.id,
  merchantId: 'm',
  holdId: row.holdId as string,
  warehouseId: WAREHOUSE,
  productId: row.sku,
  quantity: row.units,
  state: row.state,
  expiresAt: row.expiresAt as Date,
  orderId: row.orderId === null ? null : String(row.orderId),
});

/** Units of the rows by number and SKU. */
export function unitsBy(rows: readonly Row[], numberOf: (row: Row) => number): Record<number, Units> {
  const found: Record<number, Partial<Record<Sku, number>>> = {};
  for (const row of rows) {
    const units = (found[numberOf(row)] ??= {});
    units[row.sku] = (units[row.sku] ?? 0) + row.units;
  }
  return found;
}
