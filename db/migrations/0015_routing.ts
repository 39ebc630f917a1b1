/**
 * Where an order ships from: a merchant's rules, destination zones and rate table, what a warehouse takes
 * in a day and when it is closed, and why each plan was made. `warehouse_day` counts what is planned for
 * a warehouse's day by all merchants of its organisation; it is a wish that routing keeps to where it can,
 * so it holds no one up and is not an invariant.
 */
import type { Knex } from 'knex';
import { ALL_VERBS, protectMerchantTable, protectOrganisationTable } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
alter table product add column handling text[] not null default '{}'
  check (handling <@ array['hazmat', 'cold', 'oversize']);
alter table merchant add column line_split_policy text not null default 'allowed'
  check (line_split_policy in ('never', 'allowed'));
alter table warehouse
  -- Local dates beside its weekdays and public holidays.
  add column closed_days date[] not null default '{}',
  -- What leaves it in a day; null: no limit.
  add column orders_a_day integer check (orders_a_day > 0),
  add column units_a_day integer check (units_a_day > 0);
-- The local day whose capacity it takes: not a promise, which is ship_by.
alter table fulfilment_order add column ship_day date;

create table warehouse_day (
  organisation_id uuid not null,
  warehouse_id uuid not null,
  day date not null,
  orders integer not null default 0 check (orders >= 0),
  units integer not null default 0 check (units >= 0),
  primary key (organisation_id, warehouse_id, day),
  foreign key (organisation_id, warehouse_id) references warehouse (organisation_id, id)
) with (fillfactor = 70);

create table routing_rule (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  -- Rules are read by position, then by age.
  position integer not null check (position between 1 and 100000),
  name text not null check (name <> ''),
  conditions jsonb not null,
  effects jsonb not null,
  enabled boolean not null default true,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (merchant_id, id)
);

create table routing_zone (
  merchant_id uuid not null references merchant (id),
  name text not null check (name <> ''),
  -- In the order in which the rate table is looked up.
  position integer not null,
  places jsonb not null,
  primary key (merchant_id, name)
);

create table routing_rate (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  warehouse_id uuid not null references warehouse (id),
  -- null: wherever no zone has a rate of its own.
  zone text,
  base_minor bigint not null check (base_minor >= 0),
  per_kg_minor bigint not null check (per_kg_minor >= 0),
  primary key (merchant_id, id),
  foreign key (merchant_id, zone) references routing_zone (merchant_id, name),
  unique nulls not distinct (merchant_id, warehouse_id, zone)
);

-- Each plan with its reasons, and the last look that led to none. Ids and small numbers only.
create table routing_decision (
  merchant_id uuid not null references merchant (id),
  id uuid not null,
  order_id uuid not null,
  decided_at timestamptz not null,
  outcome text not null check (outcome in ('plan', 'short', 'no_warehouse')),
  trace jsonb not null,
  primary key (merchant_id, id),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id)
);
create index routing_decision_order on routing_decision (merchant_id, order_id);
${protectOrganisationTable('warehouse_day')}
${['routing_rule', 'routing_zone', 'routing_rate', 'routing_decision'].map((table) => protectMerchantTable(table, ALL_VERBS)).join('')}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
