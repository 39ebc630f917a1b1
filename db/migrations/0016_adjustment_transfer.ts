/**
 * Corrections as rows: what somebody wants changed, whether it needs a second person, and what was
 * posted of it. And transfers between warehouses, whose goods lie in a place of their own on the way:
 * a line is what was asked for, a content what went by lot, and `outstanding` what is on the road.
 */
import type { Knex } from 'knex';
import { protectMerchantTable } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
alter table merchant
  -- A correction of more units, or worth more at cost, waits for a second person; null: no limit.
  add column adjustment_limit_units integer check (adjustment_limit_units >= 0),
  add column adjustment_limit_minor bigint check (adjustment_limit_minor >= 0);

alter table stock_cause add column reason_code text;
alter table stock_cause drop constraint stock_cause_kind_check;
alter table stock_cause add constraint stock_cause_kind_check check (kind in ('opening', 'receipt', 'putaway', 'pick', 'put_back',
  'move', 'ship', 'adjustment', 'write_off', 'return', 'kit', 'count', 'transfer'));

alter table location drop constraint location_kind_check;
alter table location add constraint location_kind_check check (kind in
  ('bin', 'dock', 'staging', 'packing', 'quarantine', 'damaged', 'supplier', 'customer', 'adjustment', 'transit'));
alter table location drop constraint location_check;
alter table location add constraint location_warehouse_by_kind
  check ((warehouse_id is null) = (kind in ('supplier', 'customer', 'adjustment', 'transit')));

create table stock_adjustment (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  warehouse_id uuid not null references warehouse (id),
  -- The ledger's cause once it is posted.
  cause_id text not null,
  kind text not null check (kind in ('opening', 'adjustment', 'write_off')),
  reason_code text not null,
  reason text not null,
  state text not null check (state in ('pending', 'posted', 'rejected')),
  -- Units gained and lost together, and their worth at cost; null where a product has no cost.
  units bigint not null check (units >= 0),
  value_minor bigint,
  requested_by text not null,
  requested_at timestamptz not null,
  decided_by text,
  decided_at timestamptz,
  decision_reason text,
  primary key (merchant_id, id),
  unique (merchant_id, cause_id),
  check ((state = 'pending') = (decided_at is null)),
  check ((decided_by is null) = (decided_at is null))
);
create index stock_adjustment_list on stock_adjustment (merchant_id, requested_at desc, id desc);
create index stock_adjustment_pending on stock_adjustment (merchant_id, requested_at) where state = 'pending';

create table stock_adjustment_line (
  merchant_id uuid not null references merchant (id),
  adjustment_id uuid not null,
  line integer not null,
  product_id uuid not null,
  location_id uuid references location (id),
  lot_code text,
  expires_on date,
  delta integer not null check (delta <> 0),
  -- Null until it is posted.
  posted integer,
  primary key (merchant_id, adjustment_id, line),
  foreign key (merchant_id, adjustment_id) references stock_adjustment (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id)
);

create table stock_transfer (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  reference text,
  from_warehouse_id uuid not null references warehouse (id),
  to_warehouse_id uuid not null references warehouse (id),
  state text not null default 'requested' check (state in ('requested', 'in_transit', 'received', 'cancelled')),
  reason text not null,
  expected_at timestamptz,
  requested_by text not null,
  requested_at timestamptz not null,
  dispatched_at timestamptz,
  ended_at timestamptz,
  primary key (merchant_id, id),
  check (from_warehouse_id <> to_warehouse_id),
  check ((ended_at is null) = (state in ('requested', 'in_transit')))
);
create unique index stock_transfer_reference on stock_transfer (merchant_id, reference) where reference is not null;
create index stock_transfer_list on stock_transfer (merchant_id, requested_at desc, id desc);

create table stock_transfer_line (
  merchant_id uuid not null references merchant (id),
  transfer_id uuid not null,
  product_id uuid not null,
  requested integer not null check (requested > 0),
  -- Asked for and not dispatched; 0 once the transfer has ended.
  awaited integer not null check (awaited between 0 and requested),
  primary key (merchant_id, transfer_id, product_id),
  foreign key (merchant_id, transfer_id) references stock_transfer (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id)
);
create index stock_transfer_line_awaited on stock_transfer_line (merchant_id, product_id) where awaited > 0;

create table stock_transfer_content (
  merchant_id uuid not null references merchant (id),
  transfer_id uuid not null,
  product_id uuid not null,
  lot_code text not null default '',
  dispatched integer not null check (dispatched >= 0),
  received integer not null default 0 check (received >= 0),
  lost integer not null default 0 check (lost >= 0),
  outstanding integer not null generated always as (dispatched - received - lost) stored check (outstanding >= 0),
  primary key (merchant_id, transfer_id, product_id, lot_code),
  foreign key (merchant_id, transfer_id) references stock_transfer (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id)
);
create index stock_transfer_content_outstanding on stock_transfer_content (merchant_id, product_id) where outstanding > 0;
${['stock_adjustment', 'stock_adjustment_line', 'stock_transfer', 'stock_transfer_line', 'stock_transfer_content'].map((t) => protectMerchantTable(t)).join('')}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
