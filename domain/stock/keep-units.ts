/**
 * What an order keeps while it waits, from what it kept before and what it could use now. Units that it
 * goes on keeping keep their time: looking again does not make it longer. What it can't use any more is
 * given up, what it found besides begins a time of its own.
 */

export interface KeptRow {
  readonly reservationId: string;
  readonly warehouseId: string;
  readonly productId: string;
  readonly quantity: number;
  readonly expiresAt: Date;
  /** Made by a checkout and now the order's: its time was the checkout's. */
  readonly ofCheckout: boolean;
}

export interface UsableUnits {
  readonly warehouseId: string;
  readonly productId: string;
  readonly quantity: number;
}

export interface Kept {
  readonly ended: readonly string[];
  /** `expiresAt` null: its time begins now. */
  readonly made: readonly (UsableUnits & { readonly expiresAt: Date | null })[];
}

export function keepUnits(before: readonly KeptRow[], usable: readonly UsableUnits[]): Kept {
  const open = new Map<string, UsableUnits>();
  for (const units of usable) {
    const key = `${units.warehouseId} ${units.productId}`;
    open.set(key, { ...units, quantity: units.quantity + (open.get(key)?.quantity ?? 0) });
  }
  const ended: string[] = [];
  const made: (UsableUnits & { readonly expiresAt: Date | null })[] = [];
  // Those that last longest first: they serve the order best.
  for (const row of [...before].sort((a, b) => b.expiresAt.getTime() - a.expiresAt.getTime())) {
    const { warehouseId, productId, expiresAt } = row;
    const key = `${warehouseId} ${productId}`;
    const wanted = open.get(key)?.quantity ?? 0;
    const quantity = row.ofCheckout ? 0 : Math.min(wanted, row.quantity);
    if (quantity < row.quantity) ended.push(row.reservationId);
    if (quantity > 0 && quantity < row.quantity) made.push({ warehouseId, productId, quantity, expiresAt });
    open.set(key, { warehouseId, productId, quantity: wanted - quantity });
  }
  for (const units of open.values()) if (units.quantity > 0) made.push({ ...units, expiresAt: null });
  return { ended, made };
}
