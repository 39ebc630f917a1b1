/**
 * What channels are told of stock. `stock_change` is the log of changed balances: triggers write it, so
 * that no way of changing a balance can forget it, one row a balance and statement, without looking at
 * other rows and so without waiting for anybody; readers look up what the balance is now. Each row carries its transaction's id: a reader keeps a
 * snapshot as its cursor and gets exactly what became visible since, late commits included. A listing is
 * an item of a channel that shows our stock; `channel_quantity` is what the channel has, as it last
 * answered or told us, and whatever differs from what it should have is still to be pushed.
 */
import type { Knex } from 'knex';
import { ALL_VERBS, MERCHANT_VISIBLE, protect, protectMerchantTable } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
create table stock_change (
  xid xid8 not null default pg_current_xact_id(),
  -- Without foreign keys: it repeats rows that have them, and each would cost a look-up a row.
  merchant_id uuid not null,
  product_id uuid not null,
  -- null: what is offered of the product changed in another way, e.g. a listing's settings.
  warehouse_id uuid,
  at timestamptz not null default clock_timestamp()
);
create index stock_change_xid on stock_change (xid);
-- For the purge alone: rows lie in the order of their time, so a few pages of summary are enough.
create index stock_change_at on stock_change using brin (at) with (pages_per_range = 32);

create function note_stock_change() returns trigger language plpgsql as $$
begin
  insert into stock_change (merchant_id, product_id, warehouse_id)
  select merchant_id, product_id, warehouse_id from changed
  where tg_op = 'UPDATE' or on_hand <> 0 or held <> 0 or reserved <> 0;
  return null;
end $$;
create trigger stock_balance_updated after update on stock_balance referencing new table as changed
  for each statement execute function note_stock_change();
create trigger stock_balance_created after insert on stock_balance referencing new table as changed
  for each statement execute function note_stock_change();

-- Whatever else decides what is offered: who waits for the product, what a bundle is made of, its listings.
create function note_product_change() returns trigger language plpgsql as $$
begin
  insert into stock_change (merchant_id, product_id) select distinct merchant_id, product_id from changed;
  return null;
end $$;
create trigger backorder_created after insert on backorder referencing new table as changed
  for each statement execute function note_product_change();
create trigger backorder_updated after update on backorder referencing new table as changed
  for each statement execute function note_product_change();
create trigger backorder_removed after delete on backorder referencing old table as changed
  for each statement execute function note_product_change();
create function note_bundle_change() returns trigger language plpgsql as $$
begin
  insert into stock_change (merchant_id, product_id) select distinct merchant_id, bundle_product_id from changed;
  return null;
end $$;
create trigger bundle_component_created after insert on bundle_component referencing new table as changed
  for each statement execute function note_bundle_change();
create trigger bundle_component_removed after delete on bundle_component referencing old table as changed
  for each statement execute function note_bundle_change();

create table channel_sync (
  merchant_id uuid not null references merchant (id),
  connection_id uuid not null,
  -- While another system publishes this channel's stock, or nobody should.
  enabled boolean not null default true,
  -- null: what the channel's connector holds for right.
  calls_per_second numeric(6, 2) check (calls_per_second > 0),
  quantities_per_call integer check (quantities_per_call between 1 and 1000),
  -- What its listings are offered by, where they have no rule of their own.
  buffer integer not null default 0 check (buffer >= 0),
  share_percent integer not null default 100 check (share_percent between 0 and 100),
  cap integer check (cap >= 0),
  min_display integer not null default 0 check (min_display >= 0),
  backorder_allowance integer not null default 0 check (backorder_allowance >= 0),
  version bigint not null default 1,
  -- Who pushes: one process at a time.
  lease_owner uuid,
  leased_until timestamptz,
  -- As its process last saw it.
  waiting integer not null default 0,
  waiting_since timestamptz,
  acknowledged_at timestamptz,
  last_error text,
  failing_since timestamptz,
  reconcile_due_at timestamptz not null default now(),
  reconciled_at timestamptz,
  reconciled_listings integer,
  reconciled_drift integer,
  primary key (merchant_id, connection_id),
  foreign key (merchant_id, connection_id) references channel_connection (merchant_id, id)
) with (fillfactor = 70);

create table channel_listing (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  connection_id uuid not null,
  product_id uuid not null,
  external_item_id text not null check (external_item_id <> ''),
  external_location_id text not null default '',
  -- Units of the product in one of the listing's (a case of 12).
  units integer not null default 1 check (units between 1 and 100000),
  -- null: what all warehouses have together.
  warehouse_id uuid references warehouse (id),
  paused boolean not null default false,
  -- null: as the connection's.
  buffer integer check (buffer >= 0),
  share_percent integer check (share_percent between 0 and 100),
  cap integer check (cap >= 0),
  min_display integer check (min_display >= 0),
  backorder_allowance integer check (backorder_allowance >= 0),
  version bigint not null default 1,
  -- What the channel has; null: not known.
  channel_quantity integer,
  pushed_quantity integer,
  pushed_at timestamptz,
  -- When the oldest change happened that the last push told.
  pushed_change_at timestamptz,
  -- Our last few quantities, the newest last: what the channel tells us of them is an echo.
  recent_pushes integer[] not null default '{}',
  -- The channel has less than we told it: probably sold, and its order may be on the way.
  raise_after timestamptz,
  parked_at timestamptz,
  parked_reason text,
  created_at timestamptz not null default now(),
  primary key (merchant_id, id),
  foreign key (merchant_id, connection_id) references channel_sync (merchant_id, connection_id),
  foreign key (merchant_id, product_id) references product (merchant_id, id),
  unique (merchant_id, connection_id, external_item_id, external_location_id),
  check ((parked_at is null) = (parked_reason is null))
) with (fillfactor = 70);
create index channel_listing_product on channel_listing (merchant_id, product_id);

-- What a read-back found to differ, and what became of it.
create table channel_drift (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  listing_id uuid not null,
  believed integer,
  -- null: the channel no longer knows the listing.
  found integer,
  wanted integer not null,
  found_at timestamptz not null default now(),
  primary key (merchant_id, id),
  foreign key (merchant_id, listing_id) references channel_listing (merchant_id, id) on delete cascade
);
create index channel_drift_listing on channel_drift (merchant_id, listing_id, found_at);
${protect('stock_change', { visible: MERCHANT_VISIBLE(), app: ['select', 'insert'], system: ['select', 'delete'] })}
${protectMerchantTable('channel_sync', undefined, ['select', 'update'])}
${protectMerchantTable('channel_listing', ALL_VERBS)}
${protectMerchantTable('channel_drift', ALL_VERBS)}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
