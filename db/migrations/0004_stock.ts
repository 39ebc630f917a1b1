/**
 * Stock: an append-only, double-sided ledger in whole base units beside balances that are kept in the
 * same transaction. `stock_cause` is the once-guard (a movement's cause can be inserted once, whatever
 * month its retry falls into); the ledger's lines are partitioned by the cause's month.
 * `stock_balance.reserved` is the sum of live reservations, `bin_balance.allocated` of live allocations.
 */
import type { Knex } from 'knex';
import { APPEND_ONLY, MERCHANT_VISIBLE, protectMerchantTable } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
create table stock_cause (
  merchant_id uuid not null references merchant (id),
  -- The step key of what moved the goods.
  id text not null,
  month date not null check (extract(day from month) = 1),
  kind text not null check (kind in ('opening', 'receipt', 'putaway', 'pick', 'put_back', 'move', 'ship', 'adjustment',
    'write_off', 'return', 'kit', 'count')),
  order_id uuid,
  reason text,
  actor text not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  primary key (merchant_id, id),
  unique (merchant_id, id, month)
);
create index stock_cause_order on stock_cause (merchant_id, order_id) where order_id is not null;

create table stock_ledger (
  merchant_id uuid not null,
  cause_id text not null,
  line integer not null,
  month date not null,
  product_id uuid not null,
  lot_code text not null default '',
  quantity integer not null check (quantity > 0),
  from_location_id uuid not null references location (id),
  to_location_id uuid not null references location (id),
  primary key (merchant_id, cause_id, line, month),
  foreign key (merchant_id, cause_id, month) references stock_cause (merchant_id, id, month),
  foreign key (merchant_id, product_id) references product (merchant_id, id),
  check (from_location_id <> to_location_id)
) partition by range (month);
create index stock_ledger_product on stock_ledger (merchant_id, product_id, month);

-- Partitions are made when a month is first written. The function runs as the owner because the
-- application must not own what it only appends to; it takes a month and nothing else.
create function ensure_ledger_month(of_month date) returns void language plpgsql security definer
  set search_path = public, pg_temp as $$
declare
  first_day date := date_trunc('month', of_month)::date;
  name text := 'stock_ledger_' || to_char(first_day, 'YYYY_MM');
begin
  if to_regclass('public.' || name) is not null then return; end if;
  if first_day < date '2000-01-01' or first_day > date '2100-01-01' then
    raise exception 'not a ledger month: %', first_day using errcode = '22008';
  end if;
  perform pg_advisory_xact_lock(hashtext('ensure_ledger_month'));
  if to_regclass('public.' || name) is not null then return; end if;
  execute format('create table %I partition of stock_ledger for values from (%L) to (%L)',
    name, first_day, (first_day + interval '1 month')::date);
  execute format('alter table %I enable row level security', name);
  execute format('alter table %I force row level security', name);
  execute format('create policy tenant on %I to quayside_app using (%s) with check (%s)', name,
    $policy$${MERCHANT_VISIBLE()}$policy$, $policy$${MERCHANT_VISIBLE()}$policy$);
  execute format('create policy checker on %I for select to quayside_check using (true)', name);
  execute format('grant select on %I to quayside_check', name);
end $$;
revoke all on function ensure_ledger_month(date) from public;
grant execute on function ensure_ledger_month(date) to quayside_app;

create table lot (
  merchant_id uuid not null references merchant (id),
  product_id uuid not null,
  code text not null check (code <> ''),
  expires_on date,
  held boolean not null default false,
  primary key (merchant_id, product_id, code),
  foreign key (merchant_id, product_id) references product (merchant_id, id)
);

create table stock_balance (
  merchant_id uuid not null references merchant (id),
  warehouse_id uuid not null references warehouse (id),
  product_id uuid not null,
  on_hand integer not null default 0 check (on_hand >= 0),
  -- In quarantine, damaged, or in a held lot: on hand, not to be sold.
  held integer not null default 0 check (held >= 0),
  reserved integer not null default 0 check (reserved >= 0),
  primary key (merchant_id, warehouse_id, product_id),
  foreign key (merchant_id, product_id) references product (merchant_id, id),
  constraint never_oversold check (reserved <= on_hand - held)
) with (fillfactor = 70);
create index stock_balance_product on stock_balance (merchant_id, product_id);

create table bin_balance (
  merchant_id uuid not null references merchant (id),
  location_id uuid not null references location (id),
  product_id uuid not null,
  lot_code text not null default '',
  warehouse_id uuid not null references warehouse (id),
  on_hand integer not null default 0 check (on_hand >= 0),
  allocated integer not null default 0 check (allocated >= 0),
  primary key (merchant_id, location_id, product_id, lot_code),
  foreign key (merchant_id, product_id) references product (merchant_id, id),
  constraint never_overallocated check (allocated <= on_hand)
) with (fillfactor = 70);
create index bin_balance_product on bin_balance (merchant_id, warehouse_id, product_id);

create table reservation (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  order_id uuid not null,
  fulfilment_order_line_id uuid not null,
  warehouse_id uuid not null references warehouse (id),
  product_id uuid not null,
  quantity integer not null check (quantity > 0),
  state text not null check (state in ('held', 'allocated', 'consumed', 'released', 'expired', 'taken_back')),
  step_key text not null,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  primary key (merchant_id, id),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id),
  foreign key (merchant_id, fulfilment_order_line_id) references fulfilment_order_line (merchant_id, id),
  check ((ended_at is null) = (state in ('held', 'allocated')))
);
create unique index reservation_live on reservation (merchant_id, fulfilment_order_line_id) where state in ('held', 'allocated');
create index reservation_balance on reservation (merchant_id, warehouse_id, product_id) where state in ('held', 'allocated');
create index reservation_order on reservation (merchant_id, order_id);

-- Which bin and lot a reservation takes from; moves with the goods until they leave.
create table allocation (
  merchant_id uuid not null references merchant (id),
  reservation_id uuid not null,
  location_id uuid not null references location (id),
  product_id uuid not null,
  lot_code text not null default '',
  quantity integer not null check (quantity > 0),
  primary key (merchant_id, reservation_id, location_id, lot_code),
  foreign key (merchant_id, reservation_id) references reservation (merchant_id, id)
);
create index allocation_bin on allocation (merchant_id, location_id, product_id, lot_code);

-- Orders that wait for stock, in the order in which they get it.
create table backorder (
  merchant_id uuid not null references merchant (id),
  order_id uuid not null,
  product_id uuid not null,
  quantity integer not null check (quantity > 0),
  priority integer not null default 0,
  ship_by timestamptz,
  placed_at timestamptz not null,
  primary key (merchant_id, order_id, product_id),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id)
);
create index backorder_queue on backorder (merchant_id, product_id, priority desc, ship_by, placed_at);
${protectMerchantTable('stock_cause', APPEND_ONLY)}
${protectMerchantTable('stock_ledger', APPEND_ONLY)}
${['lot', 'stock_balance', 'bin_balance', 'reservation'].map((t) => protectMerchantTable(t)).join('')}
${['allocation', 'backorder'].map((t) => protectMerchantTable(t, ['select', 'insert', 'update', 'delete'])).join('')}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
