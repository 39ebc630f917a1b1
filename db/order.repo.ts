/** The order row as commands lock and change it. */
import type { Tx } from './client';

export interface LockedOrder {
  readonly id: string;
  readonly merchant_id: string;
  readonly organisation_id: string;
  readonly connection_id: string;
  readonly external_id: string;
  readonly external_version: string | null;
  readonly state: string;
  readonly blocked_reason: string | null;
  readonly held: boolean;
  readonly payment: string;
  readonly address_version: number;
  readonly version: bigint;
  readonly deadline_at: Date | null;
  readonly business_now: Date;
  readonly workflow_id: string;
}

/** Locks the order until the transaction ends: where every change of an order begins. null when there is none. */
export async function lockOrder(tx: Tx, merchantId: string, orderId: string): Promise<LockedOrder | null> {
  const [row] = await tx.rows<LockedOrder>({
    name: 'order-lock',
    text: `
select o.id, o.merchant_id, m.organisation_id, o.connection_id, o.external_id, o.external_version, o.state, o.blocked_reason,
  o.held, o.payment, o.address_version, o.version, o.deadline_at, coalesce(m.business_now, now()) as business_now,
  'order:' || o.merchant_id || ':' || o.connection_id || ':' || o.external_id as workflow_id
from sales_order o join merchant m on m.id = o.merchant_id
where o.merchant_id = $1 and o.id = $2 for no key update of o`,
    values: [merchantId, orderId],
  });
  return row ?? null;
}

/** The order's id by its business key, null when it has not come yet. */
export async function findOrderId(
  tx: Tx,
  merchantId: string,
  connectionId: string,
  externalId: string,
): Promise<string | null> {
  const [row] = await tx.rows<{ id: string }>({
    text: 'select id from sales_order where merchant_id = $1 and connection_id = $2 and external_id = $3',
    values: [merchantId, connectionId, externalId],
  });
  return row?.id ?? null;
}

export async function setPayment(
  tx: Tx,
  merchantId: string,
  orderId: string,
  payment: string,
): Promise<void> {
  await tx.run({
    text: 'update sales_order set payment = $3, version = version + 1 where merchant_id = $1 and id = $2',
    values: [merchantId, orderId, payment],
  });
}

export async function setExternalVersion(
  tx: Tx,
  merchantId: string,
  orderId: string,
  version: string,
): Promise<void> {
  await tx.run({
    text: 'update sales_order set external_version = $3 where merchant_id = $1 and id = $2',
    values: [merchantId, orderId, version],
  });
}

/** Marks the order as blocked (it keeps an earlier since of the same reason) with a new deadline. */
export async function setBlocked(
  tx: Tx,
  order: LockedOrder,
  blocked: { readonly reason: string; readonly message: string; readonly deadlineAt: Date },
): Promise<void> {
  await tx.run({
    text: `update sales_order set blocked_reason = $3, blocked_detail = jsonb_build_object('message', $4::text),
        blocked_since = case when blocked_reason = $3 then blocked_since else $5::timestamptz end,
        deadline_at = $6, version = version + 1
      where merchant_id = $1 and id = $2 and state not in ('closed', 'cancelled')`,
    values: [
      order.merchant_id,
      order.id,
      blocked.reason,
      blocked.message,
      order.business_now,
      blocked.deadlineAt,
    ],
  });
}

/** Takes the flag away when it is this reason; the deadline becomes that of the work that goes on. */
export async function clearBlocked(
  tx: Tx,
  order: LockedOrder,
  reason: string,
  deadlineAt: Date,
): Promise<boolean> {
  const changed = await tx.run({
    text: `update sales_order set blocked_reason = null, blocked_since = null, blocked_detail = null, deadline_at = $4,
        version = version + 1
      where merchant_id = $1 and id = $2 and blocked_reason = $3 and state not in ('closed', 'cancelled')`,
    values: [order.merchant_id, order.id, reason, deadlineAt],
  });
  return changed === 1;
}

/** A new version of the ship-to, and the order points at it. */
export async function addAddress(
  tx: Tx,
  order: LockedOrder,
  address: Readonly<Record<string, string | null>>,
): Promise<number> {
  const version = order.address_version + 1;
  await tx.run({
    text: `
insert into order_address (merchant_id, order_id, version, name, company, line1, line2, city, region, postal_code, country, phone, email)
select $1, $2, $3, name, company, line1, line2, city, region, "postalCode", country, phone, email
from json_to_record($4) as a(name text, company text, line1 text, line2 text, city text, region text, "postalCode" text,
  country text, phone text, email text)`,
    values: [order.merchant_id, order.id, version, JSON.stringify(address)],
  });
  await tx.run({
    text: 'update sales_order set address_version = $3, version = version + 1 where merchant_id = $1 and id = $2',
    values: [order.merchant_id, order.id, version],
  });
  return version;
}
