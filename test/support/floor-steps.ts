/** Orders on the floor of a seeded merchant, brought as far as a test wants by the real commands. */
import { randomBytes, randomUUID } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { claimNextTask, type FloorKind } from '../../commands/floor/claim-next-task';
import { closeCarton } from '../../commands/floor/close-carton';
import type { FloorCaller } from '../../commands/floor/scan-event';
import { scanPack } from '../../commands/floor/scan-pack';
import { scanPick } from '../../commands/floor/scan-pick';
import type { TaskView } from '../../commands/floor/task-view';
import { Intake } from '../../commands/intake/intake';
import { claimLabel, recordLabelPurchase } from '../../commands/label';
import type { Database } from '../../db/client';
import { stepKey } from '../../domain/step-key';
import type { SeededMerchant } from './merchant';
import { demoOrder, placeOrder } from './order';

export const warehouseOf = (merchant: SeededMerchant) => {
  const [warehouse] = merchant.warehouses;
  if (!warehouse) throw new Error('the merchant has no warehouse');
  return warehouse;
};

export const staff = (merchant: SeededMerchant, n = 0): FloorCaller => ({
  merchantIds: [merchant.merchantId],
  personId: merchant.personIds[n] ?? '',
});

/** Accepts and plans an order. @throws when it was not planned. */
export async function plannedOrder(
  database: Database,
  merchant: SeededMerchant,
  lines: Parameters<typeof demoOrder>[0],
  change: Parameters<typeof demoOrder>[1] = {},
): Promise<string> {
  const { orderId } = await placeOrder(database, merchant, demoOrder(lines, change));
  const outcome = await new Intake(database).run({
    merchantId: merchant.merchantId,
    orderId,
    stepKey: stepKey(orderId, 'intake'),
  });
  if (outcome.kind !== 'planned') throw new Error(`not planned: ${JSON.stringify(outcome)}`);
  return orderId;
}

/** The person's next task of this kind. @throws when there is none. */
export async function claim(
  database: Database,
  merchant: SeededMerchant,
  kind: FloorKind,
  n = 0,
): Promise<TaskView> {
  const task = await claimNextTask(database, staff(merchant, n), {
    warehouseId: warehouseOf(merchant).id,
    kinds: [kind],
    eventId: randomUUID(),
  });
  if (task === null) throw new Error(`no ${kind} task`);
  return task;
}

/** Claims the next pick and scans all of it. */
export async function pickNext(database: Database, merchant: SeededMerchant, n = 0): Promise<TaskView> {
  const task = await claim(database, merchant, 'pick', n);
  for (const line of task.lines)
    await scanPick(database, staff(merchant, n), {
      taskId: task.taskId,
      eventId: randomUUID(),
      code: line.sku,
      locationCode: line.locationCode ?? '',
      lotCode: line.lotCode,
      quantity: line.quantity - line.done - line.short,
    });
  return task;
}

/** Claims the next pack task, puts all into one carton and closes it. Returns the parcel. */
export async function packNext(database: Database, merchant: SeededMerchant, n = 0): Promise<string> {
  const task = await claim(database, merchant, 'pack', n);
  for (const line of task.lines)
    await scanPack(database, staff(merchant, n), {
      taskId: task.taskId,
      eventId: randomUUID(),
      code: line.sku,
      quantity: line.quantity - line.done,
    });
  const { parcelId } = await closeCarton(database, staff(merchant, n), {
    taskId: task.taskId,
    eventId: randomUUID(),
    cartonCode: merchant.cartonCode,
  });
  return parcelId;
}

/** An account whose labels nobody buys for real. */
export async function seedCarrierAccount(database: Database, merchant: SeededMerchant): Promise<void> {
  const tenants = { merchantIds: [merchant.merchantId], organisationIds: [merchant.organisationId] };
  await database.withTenants(tenants, (tx) =>
    tx.run({
      text: `insert into carrier_account (id, organisation_id, provider, name, base_url, credentials_sealed, webhook_path_sha256,
        sandbox) values ($1, $2, 'easypost', 'Demo account', 'https://carrier.example', $3, $4, true)`,
      values: [uuidv7(), merchant.organisationId, randomBytes(32), randomBytes(32)],
    }),
  );
}

/** Claims the parcel's label and records it as bought. Returns its tracking number. */
export async function labelParcel(
  database: Database,
  merchant: SeededMerchant,
  parcelId: string,
): Promise<string> {
  const of = { merchantId: merchant.merchantId, parcelId };
  const claimed = await claimLabel(database, of);
  if (claimed.kind !== 'claimed') throw new Error(`label not claimed: ${claimed.kind}`);
  const trackingNumber = `DEMO${randomBytes(8).toString('hex').toUpperCase()}`;
  await recordLabelPurchase(database, of, claimed.label.id, {
    externalShipmentId: `shp_${randomUUID()}`,
    trackingNumber,
    carrier: 'Demo',
    service: 'Ground',
    amountMinor: 500n,
    currency: 'USD',
    labelUrl: 'https://carrier.example/label.pdf',
  });
  return trackingNumber;
}

/** Rows of a statement as the merchant sees them. */
export function rowsOf<Row extends Record<string, unknown>>(
  database: Database,
  merchant: SeededMerchant,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  return database.withMerchants([merchant.merchantId], (tx) => tx.rows<Row>({ text, values }));
}

/**
 * Where the books of a merchant disagree: ledger against bins, bins against balances, reservations and
 * allocations against what balances say of them. Empty when all is well.
 */
export function bookErrors(database: Database, merchant: SeededMerchant): Promise<Record<string, unknown>[]> {
  return rowsOf(
    database,
    merchant,
    `
with moved as (
  select to_location_id as location_id, product_id, lot_code, quantity from stock_ledger
  union all select from_location_id, product_id, lot_code, -quantity from stock_ledger
), ledger as (
  select m.location_id, m.product_id, m.lot_code, sum(m.quantity) as units
  from moved m join location l on l.id = m.location_id and l.warehouse_id is not null group by 1, 2, 3
), bins as (
  select b.*, l.kind in ('quarantine', 'damaged', 'dock') or coalesce(lot.held, false) as is_held
  from bin_balance b join location l on l.id = b.location_id
  left join lot on lot.merchant_id = b.merchant_id and lot.product_id = b.product_id and lot.code = b.lot_code
)
select 'bin on hand' as what, coalesce(b.location_id, g.location_id) as at, coalesce(b.on_hand, 0)::text as is,
  coalesce(g.units, 0)::text as should
from bins b full join ledger g on g.location_id = b.location_id and g.product_id = b.product_id and g.lot_code = b.lot_code
where coalesce(b.on_hand, 0) <> coalesce(g.units, 0)
union all
select 'bin allocated', b.location_id, b.allocated::text, coalesce(sum(a.quantity), 0)::text
from bins b left join allocation a on a.merchant_id = b.merchant_id and a.location_id = b.location_id
  and a.product_id = b.product_id and a.lot_code = b.lot_code
group by b.merchant_id, b.location_id, b.product_id, b.lot_code, b.allocated having b.allocated <> coalesce(sum(a.quantity), 0)
union all
select 'on hand and held', s.product_id, s.on_hand || '/' || s.held,
  coalesce(sum(b.on_hand), 0) || '/' || coalesce(sum(b.on_hand) filter (where b.is_held), 0)
from stock_balance s left join bins b on b.merchant_id = s.merchant_id and b.warehouse_id = s.warehouse_id
  and b.product_id = s.product_id
group by s.merchant_id, s.warehouse_id, s.product_id, s.on_hand, s.held
having s.on_hand <> coalesce(sum(b.on_hand), 0) or s.held <> coalesce(sum(b.on_hand) filter (where b.is_held), 0)
union all
select 'reserved', s.product_id, s.reserved::text, coalesce(sum(r.quantity), 0)::text
from stock_balance s left join reservation r on r.merchant_id = s.merchant_id and r.warehouse_id = s.warehouse_id
  and r.product_id = s.product_id and r.state in ('held', 'allocated')
group by s.merchant_id, s.warehouse_id, s.product_id, s.reserved having s.reserved <> coalesce(sum(r.quantity), 0)
union all
select 'allocations of a reservation', r.id, coalesce(sum(a.quantity), 0)::text, r.quantity::text
from reservation r left join allocation a on a.merchant_id = r.merchant_id and a.reservation_id = r.id
where r.state = 'allocated' group by r.id, r.quantity having coalesce(sum(a.quantity), 0) <> r.quantity
union all
select 'allocation of an ended reservation', a.reservation_id, a.quantity::text, '0'
from allocation a join reservation r on r.merchant_id = a.merchant_id and r.id = a.reservation_id
where r.state not in ('held', 'allocated')`,
  );
}
