/** What was done about alerts: one row an alert and action, whoever asks again. */
import type { FollowUpAction } from '../domain/stock/follow-up';
import type { Tx } from './client';

export interface FollowUpRow {
  readonly id: string;
  readonly merchantId: string;
  readonly alertId: string;
  readonly sku: string;
  readonly action: FollowUpAction;
  readonly state: 'draft' | 'done';
  readonly owner: string | null;
  readonly quantity: number | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly keyAt: string;
}

export type NewFollowUp = Omit<FollowUpRow, 'sku' | 'requestedAt' | 'keyAt'>;

/** The alert is locked, and has none of this action. */
export async function insertFollowUp(tx: Tx, row: NewFollowUp): Promise<void> {
  await tx.run({
    text: `insert into stock_follow_up (id, merchant_id, alert_id, action, state, owner, quantity, detail, requested_by, requested_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, business_now($2))`,
    values: [
      row.id,
      row.merchantId,
      row.alertId,
      row.action,
      row.state,
      row.owner,
      row.quantity,
      JSON.stringify(row.detail),
      row.requestedBy,
    ],
  });
}

/** The newest first. */
export function listFollowUps(
  tx: Tx,
  merchantIds: readonly string[],
  filter: { readonly alertId?: string | undefined; readonly action?: string | undefined },
  after: readonly [string, string] | null,
  limit: number,
): Promise<FollowUpRow[]> {
  return tx.rows<FollowUpRow>({
    text: `select f.id, f.merchant_id as "merchantId", f.alert_id as "alertId", p.sku, f.action, f.state, f.owner, f.quantity, f.detail,
        f.requested_by as "requestedBy", f.requested_at as "requestedAt", f.requested_at::text as "keyAt"
      from stock_follow_up f
      join stock_alert a on a.merchant_id = f.merchant_id and a.id = f.alert_id
      join product p on p.merchant_id = a.merchant_id and p.id = a.product_id
      where f.merchant_id = any($1::uuid[]) and ($2::uuid is null or f.alert_id = $2) and ($3::text is null or f.action = $3)
        and ($4::timestamptz is null or (f.requested_at, f.id) < ($4, $5::uuid))
      order by f.requested_at desc, f.id desc limit $6`,
    values: [
      merchantIds,
      filter.alertId ?? null,
      filter.action ?? null,
      after?.[0] ?? null,
      after?.[1] ?? null,
      limit,
    ],
  });
}

export interface ListingOfProduct {
  readonly id: string;
  readonly connectionId: string;
  readonly paused: boolean;
  /** Its own, or its connection's. */
  readonly sharePercent: number;
}

/** The product's own listings, in the order in which they are changed. */
export function listingsToChange(tx: Tx, merchantId: string, productId: string): Promise<ListingOfProduct[]> {
  return tx.rows<ListingOfProduct>({
    text: `select l.id, l.connection_id as "connectionId", l.paused, coalesce(l.share_percent, s.share_percent) as "sharePercent"
      from channel_listing l join channel_sync s on s.merchant_id = l.merchant_id and s.connection_id = l.connection_id
      where l.merchant_id = $1 and l.product_id = $2 order by l.id for no key update of l`,
    values: [merchantId, productId],
  });
}

/** Units of the product by warehouse that nobody was promised, and those on their way there, the most first. */
export function readSpread(
  tx: Tx,
  merchantId: string,
  productId: string,
): Promise<{ readonly warehouseId: string; readonly available: number; readonly coming: number }[]> {
  return tx.rows({
    text: `select b.warehouse_id as "warehouseId", b.on_hand - b.held - b.reserved as available,
        (select coalesce(sum(l.awaited), 0)::int from stock_transfer_line l
          join stock_transfer t on t.merchant_id = l.merchant_id and t.id = l.transfer_id
          where l.merchant_id = b.merchant_id and l.product_id = b.product_id and t.to_warehouse_id = b.warehouse_id) as coming
      from stock_balance b where b.merchant_id = $1 and b.product_id = $2 order by available desc, b.warehouse_id`,
    values: [merchantId, productId],
  });
}
