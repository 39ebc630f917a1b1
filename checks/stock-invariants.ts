/** Stock: nothing is promised twice, the ledger is the balances, a reservation ends once. */
import { byProbes, type Invariant } from './invariant';

/** Live reservations, as `reservation_live` counts them. */
const LIVE = "('held', 'allocated')";

/**
 * What every place holds by the ledger: what came less what left. Places outside a warehouse (supplier,
 * customer, adjustment) are the other ends of the world and have no balance.
 */
export const LEDGER_BY_BIN = `
select s.merchant_id, s.location_id, s.product_id, s.lot_code, l.warehouse_id, sum(s.quantity)::bigint as on_hand,
  l.kind in ('dock', 'quarantine', 'damaged') or coalesce(bool_or(t.held), false) as held
from (
  select merchant_id, to_location_id as location_id, product_id, lot_code, quantity::bigint from stock_ledger
  union all
  select merchant_id, from_location_id, product_id, lot_code, -quantity::bigint from stock_ledger
) s
join location l on l.id = s.location_id and l.warehouse_id is not null
left join lot t on t.merchant_id = s.merchant_id and t.product_id = s.product_id and t.code = s.lot_code
group by s.merchant_id, s.location_id, s.product_id, s.lot_code, l.warehouse_id, l.kind`;

export const LEDGER_BY_WAREHOUSE = `
select merchant_id, warehouse_id, product_id, sum(on_hand)::bigint as on_hand,
  coalesce(sum(on_hand) filter (where held), 0)::bigint as held
from (${LEDGER_BY_BIN}) bins group by merchant_id, warehouse_id, product_id`;

export const RESERVED = `
select merchant_id, warehouse_id, product_id, sum(quantity)::bigint as reserved
from reservation where state in ${LIVE} group by merchant_id, warehouse_id, product_id`;

export const ALLOCATED = `
select a.merchant_id, a.location_id, a.product_id, a.lot_code, sum(a.quantity)::bigint as allocated
from allocation a join reservation r on r.merchant_id = a.merchant_id and r.id = a.reservation_id and r.state in ${LIVE}
group by a.merchant_id, a.location_id, a.product_id, a.lot_code`;

/** What each transfer's goods did by the ledger; the cause's id names the transfer and the step (commands/stock/transfer). */
export const LEDGER_BY_TRANSFER = `
select c.merchant_id, split_part(c.id, ':', 2)::uuid as transfer_id, l.product_id, l.lot_code,
  coalesce(sum(l.quantity) filter (where split_part(c.id, ':', 3) = 'out'), 0)::bigint as dispatched,
  coalesce(sum(l.quantity) filter (where split_part(c.id, ':', 3) = 'in'), 0)::bigint as received,
  coalesce(sum(l.quantity) filter (where split_part(c.id, ':', 3) = 'close'), 0)::bigint as lost
from stock_cause c join stock_ledger l on l.merchant_id = c.merchant_id and l.cause_id = c.id and l.month = c.month
where c.kind = 'transfer' group by 1, 2, 3, 4`;

/** Where each unit with a number is by its last movement. */
export const LEDGER_BY_SERIAL = `
select distinct on (m.merchant_id, m.product_id, m.serial) m.merchant_id, m.product_id, m.serial, l.lot_code,
  l.to_location_id as location_id
from stock_ledger_serial m
join stock_ledger l on l.merchant_id = m.merchant_id and l.cause_id = m.cause_id and l.line = m.line and l.month = m.month
order by m.merchant_id, m.product_id, m.serial, m.seq desc`;

const BALANCES = 'select count(*) as checked from stock_balance';
const BINS = 'select count(*) as checked from bin_balance';

const neverOversold = byProbes('1', 'nothing is promised twice', [
  {
    what: 'reserved beyond what can be sold',
    checked: BALANCES,
    faults: `select format('product %s in warehouse %s: %s reserved, %s on hand, %s held', product_id, warehouse_id, reserved,
      on_hand, held) as fault from stock_balance where reserved > on_hand - held`,
  },
  {
    what: 'allocated beyond what the bin holds',
    checked: BINS,
    faults: `select format('product %s in bin %s: %s allocated, %s on hand', product_id, location_id, allocated, on_hand) as fault
      from bin_balance where allocated > on_hand`,
  },
  {
    what: 'reservations and their balance differ',
    checked: `select count(*) as checked from reservation where state in ${LIVE}`,
    faults: `select format('product %s in warehouse %s: reservations of %s, balance says %s', product_id, warehouse_id,
        coalesce(r.reserved, 0), coalesce(b.reserved, 0)) as fault
      from stock_balance b full join (${RESERVED}) r using (merchant_id, warehouse_id, product_id)
      where coalesce(r.reserved, 0) <> coalesce(b.reserved, 0)`,
  },
  {
    what: 'allocations and their balance differ',
    checked: 'select count(*) as checked from allocation',
    faults: `select format('product %s in bin %s: allocations of %s, balance says %s', product_id, location_id,
        coalesce(a.allocated, 0), coalesce(b.allocated, 0)) as fault
      from bin_balance b full join (${ALLOCATED}) a using (merchant_id, location_id, product_id, lot_code)
      where coalesce(a.allocated, 0) <> coalesce(b.allocated, 0)`,
  },
  {
    what: 'a reservation and its allocations differ',
    checked: `select count(*) as checked from reservation where state = 'allocated'`,
    faults: `select format('reservation %s (%s) of %s: allocated %s', r.id, r.state, r.quantity, coalesce(sum(a.quantity), 0)) as fault
      from reservation r left join allocation a on a.merchant_id = r.merchant_id and a.reservation_id = r.id
      where r.state = 'allocated' group by r.merchant_id, r.id having coalesce(sum(a.quantity), 0) <> r.quantity
      union all
      select format('reservation %s has ended (%s) and still allocates', r.id, r.state) as fault
      from reservation r join allocation a on a.merchant_id = r.merchant_id and a.reservation_id = r.id
      where r.state not in ${LIVE}`,
  },
]);

const ledgerIsBalances = byProbes('2', 'the ledger is the balances, and is never changed', [
  {
    what: 'ledger and bin differ',
    checked: 'select count(*) as checked from stock_ledger',
    faults: `select format('product %s lot "%s" in place %s: ledger %s, balance %s', product_id, lot_code, location_id,
        coalesce(l.on_hand, 0), coalesce(b.on_hand, 0)) as fault
      from bin_balance b full join (${LEDGER_BY_BIN}) l using (merchant_id, location_id, product_id, lot_code)
      where coalesce(l.on_hand, 0) <> coalesce(b.on_hand, 0)`,
  },
  {
    what: 'ledger and warehouse differ',
    checked: BALANCES,
    faults: `select format('product %s in warehouse %s: ledger %s (held %s), balance %s (held %s)', product_id, warehouse_id,
        coalesce(l.on_hand, 0), coalesce(l.held, 0), coalesce(b.on_hand, 0), coalesce(b.held, 0)) as fault
      from stock_balance b full join (${LEDGER_BY_WAREHOUSE}) l using (merchant_id, warehouse_id, product_id)
      where coalesce(l.on_hand, 0) <> coalesce(b.on_hand, 0) or coalesce(l.held, 0) <> coalesce(b.held, 0)`,
  },
  {
    what: 'a bin counted in another warehouse',
    checked: BINS,
    faults: `select format('place %s belongs to warehouse %s, its balance to %s', b.location_id, l.warehouse_id, b.warehouse_id) as fault
      from bin_balance b join location l on l.id = b.location_id where b.warehouse_id is distinct from l.warehouse_id`,
  },
  {
    what: 'ledger and transfer differ',
    checked: 'select count(*) as checked from stock_transfer_content',
    faults: `select format('transfer %s, product %s lot "%s": ledger %s out, %s in, %s lost, transfer %s, %s, %s', transfer_id,
        product_id, lot_code, coalesce(l.dispatched, 0), coalesce(l.received, 0), coalesce(l.lost, 0), coalesce(c.dispatched, 0),
        coalesce(c.received, 0), coalesce(c.lost, 0)) as fault
      from stock_transfer_content c full join (${LEDGER_BY_TRANSFER}) l using (merchant_id, transfer_id, product_id, lot_code)
      where (coalesce(l.dispatched, 0), coalesce(l.received, 0), coalesce(l.lost, 0))
        <> (coalesce(c.dispatched, 0), coalesce(c.received, 0), coalesce(c.lost, 0))`,
  },
  {
    what: 'ledger and unit differ',
    checked: 'select count(*) as checked from serial_unit',
    faults: `select format('product %s unit %s: ledger %s lot "%s", unit %s lot "%s"', product_id, serial, l.location_id, l.lot_code,
        s.location_id, s.lot_code) as fault
      from serial_unit s full join (${LEDGER_BY_SERIAL}) l using (merchant_id, product_id, serial)
      where (s.location_id, s.lot_code) is distinct from (l.location_id, l.lot_code)
      union all
      select format('product %s lot "%s" in place %s: %s units with numbers, %s units', product_id, lot_code, location_id, s.units,
        coalesce(b.on_hand, 0)) as fault
      from (select merchant_id, location_id, product_id, lot_code, count(*) as units from serial_unit u
        join location p on p.id = u.location_id and p.warehouse_id is not null group by 1, 2, 3, 4) s
      left join bin_balance b using (merchant_id, location_id, product_id, lot_code) where s.units > coalesce(b.on_hand, 0)`,
  },
  {
    what: 'a correction and the ledger differ',
    checked: 'select count(*) as checked from stock_adjustment',
    faults: `select format('correction %s is %s: %s units, the ledger changed by %s', a.id, a.state, a.units, coalesce(m.units, 0)) as fault
      from (select a.merchant_id, a.id, a.cause_id, a.state, coalesce(sum(l.posted), 0) as units
        from stock_adjustment a join stock_adjustment_line l on l.merchant_id = a.merchant_id and l.adjustment_id = a.id
        group by a.merchant_id, a.id) a
      left join lateral (select sum(case when t.warehouse_id is null then -l.quantity else l.quantity end) as units
        from stock_cause c join stock_ledger l on l.merchant_id = c.merchant_id and l.cause_id = c.id and l.month = c.month
        join location t on t.id = l.to_location_id
        where c.merchant_id = a.merchant_id and c.id = a.cause_id) m on true
      where a.units <> coalesce(m.units, 0) or (a.state <> 'posted' and m.units is not null)`,
  },
  {
    what: 'a lot and its holds differ',
    checked: 'select count(*) as checked from lot',
    faults: `select format('product %s lot "%s": held %s, and %s holds are active', product_id, code, held, active) as fault
      from (select l.product_id, l.code, l.held, (select count(*) from lot_hold h where h.merchant_id = l.merchant_id
          and h.product_id = l.product_id and h.lot_code = l.code and h.lifted_at is null) as active from lot l) lots
      where held <> (active > 0)`,
  },
  {
    what: 'the ledger can be changed',
    checked: `select count(*) as checked from pg_class where oid in (select 'stock_cause'::regclass union select 'stock_ledger'::regclass
      union select 'stock_ledger_serial'::regclass union select inhrelid from pg_inherits where inhparent = 'stock_ledger'::regclass)`,
    faults: `select format('%s may %s %s', role, verb, t.oid::regclass) as fault
      from pg_class t, unnest(array['quayside_app', 'quayside_system']) role, unnest(array['UPDATE', 'DELETE', 'TRUNCATE']) verb
      where t.oid in (select 'stock_cause'::regclass union select 'stock_ledger'::regclass
        union select 'stock_ledger_serial'::regclass union select inhrelid from pg_inherits where inhparent = 'stock_ledger'::regclass)
        and has_table_privilege(role, t.oid, verb)`,
  },
]);

const endsOnce = byProbes('3', 'a reservation is held, then ends once', [
  {
    what: 'an order that has ended still reserves',
    checked: `select count(*) as checked from reservation`,
    faults: `select format('reservation %s of order %s, which is %s', r.id, o.id, o.state) as fault
      from reservation r join sales_order o on o.merchant_id = r.merchant_id and o.id = r.order_id
      where r.state in ${LIVE} and o.state in ('closed', 'cancelled')`,
  },
  {
    what: 'what was consumed is not what was shipped',
    checked: 'select count(*) as checked from shipment where posted_at is not null',
    faults: `
      with consumed as (
        select fl.merchant_id, fl.fulfilment_order_id as id, sum(r.quantity) as quantity
        from reservation r join fulfilment_order_line fl on fl.merchant_id = r.merchant_id and fl.id = r.fulfilment_order_line_id
        where r.state = 'consumed' group by fl.merchant_id, fl.fulfilment_order_id
      ), moved as (
        select c.merchant_id, split_part(c.id, ':', 1)::uuid as id, sum(l.quantity) as quantity
        from stock_cause c join stock_ledger l on l.merchant_id = c.merchant_id and l.cause_id = c.id and l.month = c.month
        where c.kind = 'ship' and c.id like '%:ship:1' group by c.merchant_id, c.id
      )
      select format('fulfilment order %s: consumed %s, the ledger shipped %s', coalesce(c.id, m.id), coalesce(c.quantity, 0),
        coalesce(m.quantity, 0)) as fault
      from consumed c full join moved m using (merchant_id, id) where coalesce(c.quantity, 0) <> coalesce(m.quantity, 0)`,
  },
  {
    what: 'shipped and not posted, or posted and not shipped',
    checked: 'select count(*) as checked from shipment',
    faults: `select format('fulfilment order %s: posted, and the ledger knows nothing of it', s.fulfilment_order_id) as fault
      from shipment s where s.posted_at is not null and not exists (select from stock_cause c where c.merchant_id = s.merchant_id
        and c.id = s.fulfilment_order_id || ':ship:1')
      union all
      select format('%s: in the ledger, and no shipment was posted', c.id) as fault
      from stock_cause c where c.kind = 'ship' and c.id like '%:ship:1' and not exists (select from shipment s
        where s.merchant_id = c.merchant_id and s.fulfilment_order_id || ':ship:1' = c.id and s.posted_at is not null)`,
  },
]);

export const STOCK_INVARIANTS: readonly Invariant[] = [neverOversold, ledgerIsBalances, endsOnce];
