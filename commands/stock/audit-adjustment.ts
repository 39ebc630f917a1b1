/** A correction in the audit log: who, why, by which request, and what was on hand of each product before and after. */
import { type AuditEntry, audit } from '../../db/audit-log.repo';
import type { Tx } from '../../db/client';
import { lockStockBalances, stockKey } from '../../db/stock.repo';

export interface AdjustmentAudit extends Pick<AuditEntry, 'action' | 'thingKind' | 'thingId' | 'after'> {
  readonly merchantId: string;
  readonly warehouseId: string;
  readonly by: { readonly actor: string; readonly reason: string; readonly requestId?: string };
  /** What was posted just now, in this transaction; empty when nothing was. */
  readonly lines: readonly { readonly productId: string; readonly posted: number }[];
}

export async function auditAdjustment(tx: Tx, entry: AdjustmentAudit): Promise<void> {
  const { merchantId, warehouseId, by, lines, after, ...deed } = entry;
  const keys = [...new Set(lines.map((line) => line.productId))]
    .sort()
    .map((productId) => ({ merchantId, warehouseId, productId }));
  const balances = await lockStockBalances(tx, keys);
  const now = keys.map((key) => ({
    productId: key.productId,
    units: balances.get(stockKey(key))?.onHand ?? 0,
  }));
  const then = now.map(({ productId, units }) => ({
    productId,
    units: lines.reduce((left, line) => left - (line.productId === productId ? line.posted : 0), units),
  }));
  await audit(tx, {
    ...deed,
    merchantId,
    actor: by.actor,
    reason: by.reason,
    requestId: by.requestId ?? null,
    before: { warehouseId, onHand: then },
    after: { ...after, onHand: now },
  });
}
