/**
 * Kitting: a work order takes components down and kits up, or the other way round, through the virtual
 * place `assembly`. A step is what somebody reports as done; its units are posted once, by its number.
 * What is still to be used is reserved in bins, for the work order instead of an order's line.
 */
import type { Knex } from 'knex';
import { protectMerchantTable } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
alter table location drop constraint location_kind_check;
alter table location add constraint location_kind_check check (kind in
  ('bin', 'dock', 'staging', 'packing', 'quarantine', 'damaged', 'supplier', 'customer', 'adjustment', 'transit', 'assembly'));
alter table location drop constraint location_warehouse_by_kind;
alter table location add constraint location_warehouse_by_kind
  check ((warehouse_id is null) = (kind in ('supplier', 'customer', 'adjustment', 'transit', 'assembly')));

create table work_order (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  warehouse_id uuid not null references warehouse (id),
  kind text not null check (kind in ('kit', 'disassemble')),
  -- The kit: made of its components, or taken apart.
  product_id uuid not null,
  -- Where what comes out is put.
  target_location_id uuid not null references location (id),
  planned integer not null check (planned > 0),
  built integer not null default 0 check (built between 0 and planned),
  state text not null default 'planned' check (state in ('planned', 'reserved', 'in_progress', 'done', 'cancelled')),
  -- How somebody wants it to end before all is built.
  ending text check (ending in ('done', 'cancelled')),
  blocked_reason text,
  blocked_since timestamptz,
  reference text,
  reason text not null,
  requested_by text not null,
  requested_at timestamptz not null,
  ended_at timestamptz,
  primary key (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id),
  check ((ended_at is null) = (state not in ('done', 'cancelled'))),
  check ((blocked_reason is null) = (blocked_since is null))
);
create index work_order_list on work_order (merchant_id, requested_at desc, id desc);
-- Who waits for stock; asked about whenever some comes free.
create index work_order_blocked on work_order (merchant_id) where blocked_reason is not null;

create table work_order_component (
  merchant_id uuid not null references merchant (id),
  work_order_id uuid not null,
  product_id uuid not null,
  -- In one kit.
  quantity integer not null check (quantity > 0),
  primary key (merchant_id, work_order_id, product_id),
  foreign key (merchant_id, work_order_id) references work_order (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id)
);

create table work_order_step (
  merchant_id uuid not null references merchant (id),
  work_order_id uuid not null,
  number integer not null check (number > 0),
  -- Kits made, or taken apart.
  units integer not null check (units >= 0),
  -- Components that broke: product, quantity, reason.
  scrap jsonb not null default '[]',
  -- Lots of what comes out, by product.
  lots jsonb not null default '[]',
  reported_by text not null,
  reported_at timestamptz not null,
  posted_at timestamptz,
  primary key (merchant_id, work_order_id, number),
  foreign key (merchant_id, work_order_id) references work_order (merchant_id, id),
  check (units > 0 or jsonb_array_length(scrap) > 0)
);

alter table reservation
  add column work_order_id uuid,
  drop constraint reservation_of_line_or_hold,
  drop constraint reservation_line_of_order,
  add constraint reservation_of_one check (num_nonnulls(fulfilment_order_line_id, hold_id, work_order_id) = 1),
  add constraint reservation_line_of_order check (fulfilment_order_line_id is null or order_id is not null);
alter table reservation no force row level security;
alter table work_order no force row level security;
alter table reservation add constraint reservation_of_work_order foreign key (merchant_id, work_order_id)
  references work_order (merchant_id, id);
alter table reservation force row level security;
create index reservation_work_order on reservation (merchant_id, work_order_id) where work_order_id is not null;
${['work_order', 'work_order_component', 'work_order_step'].map((t) => protectMerchantTable(t)).join('')}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
