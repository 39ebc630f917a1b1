/** Transfers between warehouses: what was asked for, what went by lot, what came. */
import type { Tx } from './client';

export interface TransferHead {
  readonly id: string;
  readonly merchantId: string;
  readonly reference: string | null;
  readonly fromWarehouseId: string;
  readonly toWarehouseId: string;
  readonly state: 'requested' | 'in_transit' | 'received' | 'cancelled';
  readonly reason: string;
  readonly expectedAt: Date | null;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly dispatchedAt: Date | null;
  readonly endedAt: Date | null;
}

const HEAD = `t.id, t.merchant_id as "merchantId", t.reference, t.from_warehouse_id as "fromWarehouseId",
  t.to_warehouse_id as "toWarehouseId", t.state, t.reason, t.expected_at as "expectedAt", t.requested_by as "requestedBy",
  t.requested_at as "requestedAt", t.dispatched_at as "dispatchedAt", t.ended_at as "endedAt"`;

/** False when the merchant has a transfer of this reference. */
export async function insertTransfer(
  tx: Tx,
  head: Omit<TransferHead, 'state' | 'dispatchedAt' | 'endedAt'>,
  lines: readonly { readonly productId: string; readonly quantity: number }[],
): Promise<boolean> {
  const made = await tx.run({
    text: `insert into stock_transfer (id, merchant_id, reference, from_warehouse_id, to_warehouse_id, reason, expected_at,
        requested_by, requested_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
    values: [
      head.id,
      head.merchantId,
      head.reference,
      head.fromWarehouseId,
      head.toWarehouseId,
      head.reason,
      head.expectedAt,
      head.requestedBy,
      head.requestedAt,
    ],
  });
  if (made === 0) return false;
  await tx.run({
    text: `insert into stock_transfer_line (merchant_id, transfer_id, product_id, requested, awaited)
      select $1, $2, product_id, sum(quantity), sum(quantity)
      from json_to_recordset($3) as l(product_id uuid, quantity integer) group by product_id`,
    values: [
      head.merchantId,
      head.id,
      JSON.stringify(lines.map((line) => ({ product_id: line.productId, quantity: line.quantity }))),
    ],
  });
  return true;
}

/** Locks it: its postings come one after the other. Null when one may see none. */
export async function lockTransfer(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<TransferHead | null> {
  const [row] = await tx.rows<TransferHead>({
    text: `select ${HEAD} from stock_transfer t where t.merchant_id = any($1::uuid[]) and t.id = $2 for no key update`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

export interface TransferContent {
  readonly productId: string;
  readonly lotCode: string;
  readonly dispatched: number;
  readonly received: number;
  readonly lost: number;
  readonly outstanding: number;
}

export function readTransferContents(tx: Tx, merchantId: string, id: string): Promise<TransferContent[]> {
  return tx.rows<TransferContent>({
    text: `select product_id as "productId", lot_code as "lotCode", dispatched, received, lost, outstanding
      from stock_transfer_content where merchant_id = $1 and transfer_id = $2 order by 1, 2`,
    values: [merchantId, id],
  });
}

export function readTransferLines(
  tx: Tx,
  merchantId: string,
  id: string,
): Promise<{ readonly productId: string; readonly requested: number; readonly awaited: number }[]> {
  return tx.rows({
    text: `select product_id as "productId", requested, awaited from stock_transfer_line
      where merchant_id = $1 and transfer_id = $2 order by 1`,
    values: [merchantId, id],
  });
}

export interface ContentDelta {
  readonly productId: string;
  readonly lotCode: string;
  readonly dispatched: number;
  readonly received: number;
  readonly lost: number;
}

/** Adds to what went, came and was lost; what went is no longer awaited. A content may come several times. */
export async function addToTransfer(
  tx: Tx,
  merchantId: string,
  id: string,
  deltas: readonly ContentDelta[],
): Promise<void> {
  const json = JSON.stringify(
    deltas.map((each) => ({ ...each, product_id: each.productId, lot_code: each.lotCode })),
  );
  await tx.run({
    text: `
insert into stock_transfer_content (merchant_id, transfer_id, product_id, lot_code, dispatched)
select distinct $1::uuid, $2::uuid, product_id, lot_code, 0 from json_to_recordset($3) as d(product_id uuid, lot_code text)
on conflict do nothing`,
    values: [merchantId, id, json],
  });
  await tx.run({
    text: `
update stock_transfer_content c set dispatched = c.dispatched + d.dispatched, received = c.received + d.received,
  lost = c.lost + d.lost
from (select product_id, lot_code, sum(dispatched) as dispatched, sum(received) as received, sum(lost) as lost
  from json_to_recordset($3) as d(product_id uuid, lot_code text, dispatched integer, received integer, lost integer)
  group by product_id, lot_code) d
where c.merchant_id = $1 and c.transfer_id = $2 and c.product_id = d.product_id and c.lot_code = d.lot_code`,
    values: [merchantId, id, json],
  });
  await tx.run({
    text: `
update stock_transfer_line l set awaited = l.awaited - d.units
from (select product_id, sum(dispatched) as units from json_to_recordset($3) as d(product_id uuid, dispatched integer)
  group by product_id) d
where l.merchant_id = $1 and l.transfer_id = $2 and l.product_id = d.product_id and d.units > 0`,
    values: [merchantId, id, json],
  });
}

export async function setTransferState(
  tx: Tx,
  head: TransferHead,
  state: 'in_transit' | 'received' | 'cancelled',
  at: Date,
): Promise<void> {
  const values = [head.merchantId, head.id, state, at];
  await tx.run({
    text: `update stock_transfer set state = $3,
        dispatched_at = case when $3 = 'in_transit' then coalesce(dispatched_at, $4) else dispatched_at end,
        ended_at = case when $3 = 'in_transit' then null else $4::timestamptz end
      where merchant_id = $1 and id = $2`,
    values,
  });
  if (state === 'in_transit') return;
  await tx.run({
    text: 'update stock_transfer_line set awaited = 0 where merchant_id = $1 and transfer_id = $2',
    values: values.slice(0, 2),
  });
}

export interface TransferRow extends TransferHead {
  readonly keyAt: string;
  readonly lines: readonly {
    readonly productId: string;
    readonly sku: string;
    readonly requested: number;
    readonly awaited: number;
  }[];
  readonly contents: readonly (TransferContent & { readonly sku: string })[];
}

/** Transfers with what they hold, the newest first. */
export function listTransfers(
  tx: Tx,
  merchantIds: readonly string[],
  filter: {
    readonly state?: string | undefined;
    readonly warehouseId?: string | undefined;
    readonly id?: string | undefined;
  },
  after: readonly [string, string] | null,
  limit: number,
): Promise<TransferRow[]> {
  return tx.rows<TransferRow>({
    text: `
select ${HEAD}, t.requested_at::text as "keyAt",
  (select coalesce(json_agg(json_build_object('productId', l.product_id, 'sku', p.sku, 'requested', l.requested, 'awaited', l.awaited)
      order by p.sku), '[]')
   from stock_transfer_line l join product p on p.merchant_id = l.merchant_id and p.id = l.product_id
   where l.merchant_id = t.merchant_id and l.transfer_id = t.id) as lines,
  (select coalesce(json_agg(json_build_object('productId', c.product_id, 'sku', p.sku, 'lotCode', c.lot_code,
      'dispatched', c.dispatched, 'received', c.received, 'lost', c.lost, 'outstanding', c.outstanding) order by p.sku, c.lot_code), '[]')
   from stock_transfer_content c join product p on p.merchant_id = c.merchant_id and p.id = c.product_id
   where c.merchant_id = t.merchant_id and c.transfer_id = t.id) as contents
from stock_transfer t
where t.merchant_id = any($1::uuid[]) and ($2::text is null or t.state = $2)
  and ($3::uuid is null or t.from_warehouse_id = $3 or t.to_warehouse_id = $3) and ($4::uuid is null or t.id = $4)
  and ($5::timestamptz is null or (t.requested_at, t.id) < ($5, $6::uuid))
order by t.requested_at desc, t.id desc limit $7`,
    values: [
      merchantIds,
      filter.state ?? null,
      filter.warehouseId ?? null,
      filter.id ?? null,
      after?.[0] ?? null,
      after?.[1] ?? null,
      limit,
    ],
  });
}
