/** Labels and parcels: one label, one dispatch, one word about it, at the address that was meant. */
import { byProbes, type Invariant } from './invariant';

const LABELS = 'select count(*) as checked from label';
const PARCELS = 'select count(*) as checked from parcel';
const LEFT = `('shipped', 'in_transit', 'out_for_delivery', 'delivered', 'delivery_failed', 'returned_to_sender', 'lost', 'damaged')`;

const oneLiveLabel = byProbes('4', 'at most one live paid label a parcel', [
  {
    what: 'several live labels',
    checked: PARCELS,
    faults: `select format('parcel %s: %s', parcel_id, string_agg(id::text || ' ' || state, ', ')) as fault from label
      where state in ('claimed', 'unknown', 'purchased', 'shipped') group by merchant_id, parcel_id having count(*) > 1`,
  },
  {
    what: 'one label bought twice',
    checked: LABELS,
    faults: `select format('shipment %s at the carrier: labels %s', external_shipment_id, string_agg(id::text, ', ')) as fault
      from label where external_shipment_id is not null and state not in ('failed', 'claimed', 'unknown')
      group by carrier_account_id, external_shipment_id having count(*) > 1`,
  },
]);

const endsShippedOrVoided = byProbes('5', 'every label bought ends shipped or voided', [
  {
    what: 'a label that nobody will ship',
    checked: `select count(*) as checked from label where state in ('purchased', 'shipped', 'void_requested', 'voided', 'void_rejected')`,
    faults: `select format('label %s is %s, its order %s is %s', l.id, l.state, o.id, o.state) as fault
      from label l join parcel p on p.merchant_id = l.merchant_id and p.id = l.parcel_id
      join sales_order o on o.merchant_id = p.merchant_id and o.id = p.order_id
      where l.state in ('claimed', 'unknown', 'purchased')
        and (o.state in ('closed', 'cancelled', 'delivered') or p.state = 'cancelled' or p.state in ${LEFT})`,
  },
  {
    what: 'a void that nobody follows, and nobody was asked',
    checked: `select count(*) as checked from label where state in ('void_requested', 'void_rejected')`,
    faults: `select format('label %s is %s: %s', id, state, coalesce(failure, 'no reason given')) as fault
      from label l where state in ('void_requested', 'void_rejected') and void_due_at is null
        and not exists (select from exception e where e.merchant_id = l.merchant_id and e.key = 'label_not_voided:' || l.id)`,
  },
]);

const shippedOnce = byProbes('6', 'a parcel ships once and is told once', [
  {
    what: 'a parcel that left without its label',
    checked: `select count(*) as checked from parcel where state in ${LEFT}`,
    faults: `select format('parcel %s is %s', p.id, p.state) as fault from parcel p where p.state in ${LEFT}
      and not exists (select from label l where l.merchant_id = p.merchant_id and l.parcel_id = p.id and l.state = 'shipped')`,
  },
  {
    what: 'a label shipped and its parcel not',
    checked: `select count(*) as checked from label where state = 'shipped'`,
    faults: `select format('label %s, parcel %s is %s', l.id, p.id, p.state) as fault
      from label l join parcel p on p.merchant_id = l.merchant_id and p.id = l.parcel_id
      where l.state = 'shipped' and p.state not in ${LEFT}`,
  },
  {
    what: 'a channel told twice, or never',
    checked: `select count(*) as checked from outbox where kind = 'channel.tracking'`,
    faults: `select format('parcel %s: %s messages', p.id, count(b.id)) as fault
      from shipment s join parcel p on p.merchant_id = s.merchant_id and p.fulfilment_order_id = s.fulfilment_order_id
        and p.state <> 'cancelled'
      join sales_order o on o.merchant_id = p.merchant_id and o.id = p.order_id
      join channel_connection k on k.merchant_id = o.merchant_id and k.id = o.connection_id and k.tells_tracking
        and k.channel in ('shopify', 'generic')
      left join outbox b on b.merchant_id = p.merchant_id and b.order_id = p.order_id and b.kind = 'channel.tracking'
        and b.payload ->> 'parcelId' = p.id::text
      where s.posted_at is not null group by p.merchant_id, p.id having count(b.id) <> 1`,
  },
]);

const cancelOrShip = byProbes('7', 'cancelled or shipped, never both', [
  {
    what: 'cancelled, and it left',
    checked: `select count(*) as checked from sales_order where state = 'cancelled'`,
    faults: `select format('order %s, parcel %s is %s', o.id, p.id, p.state) as fault
      from sales_order o join parcel p on p.merchant_id = o.merchant_id and p.order_id = o.id
      where o.state = 'cancelled' and p.state in ${LEFT}
      union all
      select format('fulfilment order %s has a shipment', f.id) as fault
      from fulfilment_order f join shipment s on s.merchant_id = f.merchant_id and s.fulfilment_order_id = f.id
      where f.state = 'cancelled'`,
  },
  {
    what: 'cancelled, and somebody is sent to pick it',
    checked: `select count(*) as checked from task`,
    faults: `select format('task %s (%s) is %s, its order %s cancelled', t.id, t.kind, t.state, o.id) as fault
      from task t join sales_order o on o.merchant_id = t.merchant_id and o.id = t.order_id
      where o.state = 'cancelled' and t.state in ('open', 'claimed') and t.kind in ('pick', 'pack', 'ship')`,
  },
]);

const rightAddress = byProbes('8', "a parcel left for its order's address", [
  {
    what: 'shipped to another version of the address',
    checked: `select count(*) as checked from label where state = 'shipped'`,
    faults: `select format('label %s was bought for version %s, order %s has %s', l.id, l.address_version, o.id, o.address_version) as fault
      from label l join parcel p on p.merchant_id = l.merchant_id and p.id = l.parcel_id
      join sales_order o on o.merchant_id = p.merchant_id and o.id = p.order_id
      where l.state = 'shipped' and l.address_version <> o.address_version`,
  },
]);

const chargedOnce = byProbes('23', 'every shipped parcel is a charge once', [
  {
    what: "the label's price and the fact differ",
    checked: `select count(*) as checked from order_fact where kind = 'shipping_cost'`,
    faults: `select format('parcel %s: label %s, %s facts of %s', p.id, l.amount_minor, count(x.key), coalesce(sum(x.amount_minor), 0)) as fault
      from shipment s join parcel p on p.merchant_id = s.merchant_id and p.fulfilment_order_id = s.fulfilment_order_id
      join label l on l.merchant_id = p.merchant_id and l.parcel_id = p.id and l.state = 'shipped'
      left join order_fact x on x.merchant_id = p.merchant_id and x.order_id = p.order_id and x.kind = 'shipping_cost'
        and x.key = s.fulfilment_order_id || ':ship:1:shipping_cost:' || p.id
      where s.posted_at is not null
      group by p.merchant_id, p.id, l.amount_minor
      having count(x.key) <> 1 or sum(x.amount_minor) is distinct from l.amount_minor`,
  },
]);

export const SHIPPING_INVARIANTS: readonly Invariant[] = [
  oneLiveLabel,
  endsShippedOrVoided,
  shippedOnce,
  cancelOrShip,
  rightAddress,
  chargedOnce,
];
