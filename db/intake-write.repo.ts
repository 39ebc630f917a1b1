/**
 * What intake writes, for a whole batch in one statement. Every array of the document is one table's
 * rows; foreign keys are checked when the statement ends, so their order does not matter. Reservations,
 * their allocations and the steps follow in a statement of their own, which all reservations are made by
 * (reservation.repo).
 */
import type { RoutingTrace } from '../domain/routing/trace';
import type { Tx } from './client';

export interface IntakeWrites {
  readonly orders: readonly {
    merchant_id: string;
    id: string;
    /** null: the state stays. */
    state: string | null;
    at: Date;
    deadline_at: Date | null;
    /** True: the order waits for a later step, whose flag and deadline stay as they are. */
    keep_blocked: boolean;
    blocked_reason: string | null;
    blocked_detail: unknown;
    service_level: string | null;
    services: readonly string[] | null;
    max_days: number | null;
    ship_by: Date | null;
  }[];
  readonly mapped: readonly { merchant_id: string; order_line_id: string; product_id: string }[];
  readonly fulfilmentOrders: readonly {
    merchant_id: string;
    id: string;
    order_id: string;
    warehouse_id: string;
    state: string;
    at: Date;
    ship_by: Date;
    ship_day: string;
    distance_km: number | null;
  }[];
  /** One a warehouse and day. */
  readonly days: readonly {
    organisation_id: string;
    warehouse_id: string;
    day: string;
    orders: number;
    units: number;
  }[];
  readonly decisions: readonly {
    merchant_id: string;
    id: string;
    order_id: string;
    decided_at: Date;
    outcome: string;
    trace: RoutingTrace;
  }[];
  readonly fulfilmentOrderLines: readonly {
    merchant_id: string;
    id: string;
    fulfilment_order_id: string;
    order_line_id: string;
    product_id: string;
    quantity: number;
  }[];
  readonly tasks: readonly {
    merchant_id: string;
    id: string;
    warehouse_id: string;
    order_id: string;
    fulfilment_order_id: string;
    priority: number;
    due_at: Date;
  }[];
  readonly taskLines: readonly {
    merchant_id: string;
    id: string;
    task_id: string;
    line_no: number;
    fulfilment_order_line_id: string;
    product_id: string;
    location_id: string;
    lot_code: string;
    quantity: number;
  }[];
  readonly backorders: readonly {
    merchant_id: string;
    order_id: string;
    product_id: string;
    quantity: number;
    priority: number;
    ship_by: Date | null;
    placed_at: Date;
    /** It has just given up units of this that were kept for it. */
    refused: boolean;
  }[];
}

const WRITE = `
with d as (select $1::json as j), gone as (
  delete from backorder b using json_to_recordset((select j -> 'orders' from d)) as o(merchant_id uuid, id uuid)
  where b.merchant_id = o.merchant_id and b.order_id = o.id
    and not exists (select from json_to_recordset((select j -> 'backorders' from d)) as k(order_id uuid, product_id uuid)
      where k.order_id = b.order_id and k.product_id = b.product_id)
), o as (
  update sales_order s set
    state = coalesce(o.state, s.state),
    state_since = case when o.state is null or o.state = s.state then s.state_since else o.at end,
    deadline_at = case when o.keep_blocked then s.deadline_at else o.deadline_at end,
    blocked_reason = case when o.keep_blocked then s.blocked_reason else o.blocked_reason end,
    blocked_since = case when o.keep_blocked then s.blocked_since when o.blocked_reason is null then null
      when o.blocked_reason = s.blocked_reason then s.blocked_since else o.at end,
    blocked_detail = case when o.keep_blocked then s.blocked_detail else o.blocked_detail end,
    service_level = coalesce(o.service_level, s.service_level),
    services = coalesce((select array_agg(x) from json_array_elements_text(o.services) x), s.services),
    max_days = coalesce(o.max_days, s.max_days),
    ship_by = coalesce(o.ship_by, s.ship_by),
    delivered_at = case when o.state = 'delivered' then o.at else s.delivered_at end,
    version = s.version + 1
  from json_to_recordset((select j -> 'orders' from d)) as o(merchant_id uuid, id uuid, state text, at timestamptz,
    deadline_at timestamptz, keep_blocked boolean, blocked_reason text, blocked_detail jsonb, service_level text, services json, max_days integer,
    ship_by timestamptz)
  where s.merchant_id = o.merchant_id and s.id = o.id
), mapped as (
  update sales_order_line l set product_id = m.product_id
  from json_to_recordset((select j -> 'mapped' from d)) as m(merchant_id uuid, order_line_id uuid, product_id uuid)
  where l.merchant_id = m.merchant_id and l.id = m.order_line_id and l.product_id is distinct from m.product_id
), f as (
  insert into fulfilment_order (merchant_id, id, order_id, number, warehouse_id, state, state_since, ship_by, ship_day, distance_km)
  select merchant_id, id, order_id,
    coalesce((select max(x.number) from fulfilment_order x where x.merchant_id = f.merchant_id and x.order_id = f.order_id), 0)
      + row_number() over (partition by merchant_id, order_id order by id),
    warehouse_id, state, at, ship_by, ship_day, distance_km
  from json_to_recordset((select j -> 'fulfilmentOrders' from d)) as f(merchant_id uuid, id uuid, order_id uuid,
    warehouse_id uuid, state text, at timestamptz, ship_by timestamptz, ship_day date, distance_km double precision)
), fl as (
  insert into fulfilment_order_line (merchant_id, id, fulfilment_order_id, order_line_id, product_id, quantity)
  select * from json_to_recordset((select j -> 'fulfilmentOrderLines' from d)) as l(merchant_id uuid, id uuid,
    fulfilment_order_id uuid, order_line_id uuid, product_id uuid, quantity integer)
), t as (
  insert into task (merchant_id, id, warehouse_id, kind, order_id, fulfilment_order_id, priority, due_at)
  select merchant_id, id, warehouse_id, 'pick', order_id, fulfilment_order_id, priority, due_at
  from json_to_recordset((select j -> 'tasks' from d)) as t(merchant_id uuid, id uuid, warehouse_id uuid, order_id uuid,
    fulfilment_order_id uuid, priority integer, due_at timestamptz)
), tl as (
  insert into task_line (merchant_id, id, task_id, line_no, fulfilment_order_line_id, product_id, location_id, lot_code, quantity)
  select * from json_to_recordset((select j -> 'taskLines' from d)) as l(merchant_id uuid, id uuid, task_id uuid,
    line_no integer, fulfilment_order_line_id uuid, product_id uuid, location_id uuid, lot_code text, quantity integer)
), wd as (
  insert into warehouse_day (organisation_id, warehouse_id, day, orders, units)
  select * from json_to_recordset((select j -> 'days' from d)) as w(organisation_id uuid, warehouse_id uuid, day date,
    orders integer, units integer) order by 1, 2, 3
  on conflict (organisation_id, warehouse_id, day) do update
    set orders = warehouse_day.orders + excluded.orders, units = warehouse_day.units + excluded.units
), forgotten as (
  delete from routing_decision r using json_to_recordset((select j -> 'decisions' from d)) as n(merchant_id uuid, order_id uuid)
  where r.merchant_id = n.merchant_id and r.order_id = n.order_id and r.outcome <> 'plan'
), rd as (
  insert into routing_decision (merchant_id, id, order_id, decided_at, outcome, trace)
  select * from json_to_recordset((select j -> 'decisions' from d)) as n(merchant_id uuid, id uuid, order_id uuid,
    decided_at timestamptz, outcome text, trace jsonb)
)
insert into backorder (merchant_id, order_id, product_id, quantity, priority, ship_by, placed_at, refused)
select * from json_to_recordset((select j -> 'backorders' from d)) as b(merchant_id uuid, order_id uuid, product_id uuid,
  quantity integer, priority integer, ship_by timestamptz, placed_at timestamptz, refused boolean)
on conflict (merchant_id, order_id, product_id) do update
  set quantity = excluded.quantity, priority = excluded.priority, ship_by = excluded.ship_by,
    refused = backorder.refused or excluded.refused`;

export async function writeIntake(tx: Tx, writes: IntakeWrites): Promise<void> {
  await tx.run({ name: 'intake-write', text: WRITE, values: [JSON.stringify(writes)] });
}
