/**
 * Who is told when stock runs low. A rule says what low is and for which products; an alert is one fact (a
 * rule and a product) from the moment it is low until it has stayed well for a while, and at most one is
 * open; a follow-up is what somebody did about it, once each. `stock_watch` leases a merchant's watching to
 * one process of the dispatcher.
 */
import type { Knex } from 'knex';
import { ALL_VERBS, protectMerchantTable } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
create table stock_alert_rule (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  name text not null,
  -- null: each of the merchant's products; all warehouses together; what is available, whatever channels show.
  product_id uuid,
  warehouse_id uuid references warehouse (id),
  connection_id uuid,
  limit_kind text not null check (limit_kind in ('units', 'days_of_cover')),
  at_most integer not null check (at_most >= 0),
  window_days integer not null check (window_days between 1 and 366),
  clear_after_minutes integer not null check (clear_after_minutes between 0 and 10080),
  tells_webhooks boolean not null,
  -- Who looks after what is to be bought.
  owner text not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  primary key (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id),
  foreign key (merchant_id, connection_id) references channel_connection (merchant_id, id),
  check (warehouse_id is null or connection_id is null)
);

create table stock_alert_destination (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  rule_id uuid not null,
  kind text not null check (kind in ('mail', 'chat')),
  -- A person's address, or an address that is itself a secret.
  address_sealed bytea not null,
  -- What of it may be shown.
  hint text not null,
  primary key (merchant_id, id),
  foreign key (merchant_id, rule_id) references stock_alert_rule (merchant_id, id)
);
create index stock_alert_destination_rule on stock_alert_destination (merchant_id, rule_id);

create table stock_alert (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  rule_id uuid not null,
  product_id uuid not null,
  -- As it was when the alert was opened: units, and what they sold at in the window.
  level integer not null,
  shipped integer not null,
  counted_days integer not null,
  window_from date not null,
  window_to date not null,
  opened_at timestamptz not null,
  -- Since when it is no longer low.
  well_since timestamptz,
  cleared_at timestamptz,
  cleared_level integer,
  primary key (merchant_id, id),
  foreign key (merchant_id, rule_id) references stock_alert_rule (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id)
);
create unique index stock_alert_open on stock_alert (merchant_id, rule_id, product_id) where cleared_at is null;
create index stock_alert_list on stock_alert (merchant_id, opened_at desc, id desc);

create table stock_follow_up (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  alert_id uuid not null,
  action text not null
    check (action in ('expedite_po', 'pause_listings', 'shift_channels', 'transfer', 'tell_marketing')),
  -- A draft waits for its owner; everything else is done when it is written.
  state text not null check (state in ('draft', 'done')),
  owner text,
  quantity integer check (quantity > 0),
  detail jsonb not null,
  requested_by text not null,
  requested_at timestamptz not null,
  primary key (merchant_id, id),
  unique (merchant_id, alert_id, action),
  foreign key (merchant_id, alert_id) references stock_alert (merchant_id, id)
);

create table stock_watch (
  merchant_id uuid not null references merchant (id),
  -- Next look at everything; changes are looked at as they come.
  due_at timestamptz not null default now(),
  lease_owner uuid,
  leased_until timestamptz,
  primary key (merchant_id)
);
${['stock_alert_rule', 'stock_alert', 'stock_follow_up'].map((table) => protectMerchantTable(table)).join('')}
${protectMerchantTable('stock_alert_destination', ALL_VERBS)}
${protectMerchantTable('stock_watch', undefined, ['select', 'update'])}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
