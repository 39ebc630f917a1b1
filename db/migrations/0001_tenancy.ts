/** Organisations, merchants, people, keys, and the places where goods are. */
import type { Knex } from 'knex';
import {
  MERCHANT_VISIBLE,
  ORGANISATION_VISIBLE,
  protect,
  protectMerchantTable,
  protectOrganisationTable,
  READ_WRITE,
} from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
create table organisation (
  id uuid primary key,
  name text not null,
  created_at timestamptz not null default now()
);

create table merchant (
  id uuid primary key,
  organisation_id uuid not null references organisation (id),
  slug text not null check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  -- What must be true of the payment before goods move.
  payment_policy text not null default 'authorised' check (payment_policy in ('none', 'authorised', 'captured')),
  split_policy text not null default 'allowed' check (split_policy in ('never', 'allowed')),
  partial_policy text not null default 'wait' check (partial_policy in ('wait', 'ship_available')),
  short_pick_policy text not null default 'ask' check (short_pick_policy in ('ask', 'backorder', 'ship_short')),
  address_check text not null default 'carrier' check (address_check in ('carrier', 'local')),
  mail_from text not null default 'orders@quayside.example',
  -- Bumped by every change of catalogue, aliases or maps: an intake that is about to park an order
  -- compares it under a lock, so that a mapping made in between is never missed.
  catalog_version bigint not null default 0,
  -- A replayed merchant lives in the time of its data; null means real time.
  business_now timestamptz,
  created_at timestamptz not null default now(),
  unique (organisation_id, slug)
);
create function business_now(of_merchant uuid) returns timestamptz language sql stable as
  $$ select coalesce((select business_now from merchant where id = of_merchant), now()) $$;

create table person (
  id uuid primary key,
  organisation_id uuid not null references organisation (id),
  name text,
  email text,
  role text not null check (role in ('operator', 'floor', 'merchant', 'agent', 'supplier', 'auditor', 'integrator')),
  badge_hash bytea,
  erased_at timestamptz,
  created_at timestamptz not null default now(),
  unique (organisation_id, id)
);

create table api_key (
  id uuid primary key,
  organisation_id uuid not null references organisation (id),
  name text not null,
  -- First characters of the key, shown in lists and found by secret scanners.
  prefix text not null,
  key_sha256 bytea not null unique,
  scopes text[] not null,
  -- null: every merchant of the organisation, also future ones.
  merchant_ids uuid[],
  person_id uuid references person (id),
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now()
);

create table warehouse (
  id uuid primary key,
  organisation_id uuid not null references organisation (id),
  code text not null,
  name text not null,
  time_zone text not null,
  line1 text not null,
  city text not null,
  region text,
  postal_code text not null,
  country text not null check (country ~ '^[A-Z]{2}$'),
  phone text,
  latitude double precision,
  longitude double precision,
  -- Minutes after local midnight until which an order still leaves the same day.
  cutoff_minutes integer not null default 900 check (cutoff_minutes between 0 and 1439),
  -- ISO weekdays, 1 is Monday.
  working_days integer[] not null default '{1,2,3,4,5}',
  -- Country whose public holidays it keeps, ISO 3166-1 alpha-2.
  holiday_country text,
  wms_kind text not null default 'built_in' check (wms_kind in ('built_in', 'external')),
  closed_at timestamptz,
  created_at timestamptz not null default now(),
  unique (organisation_id, code),
  unique (organisation_id, id)
);

create table location (
  id uuid primary key,
  organisation_id uuid not null references organisation (id),
  -- null for the virtual ends of a movement: supplier, customer, adjustment.
  warehouse_id uuid,
  code text not null,
  zone text,
  kind text not null check (kind in
    ('bin', 'dock', 'staging', 'packing', 'quarantine', 'damaged', 'supplier', 'customer', 'adjustment')),
  aisle integer,
  bay integer,
  level integer,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  foreign key (organisation_id, warehouse_id) references warehouse (organisation_id, id),
  check ((warehouse_id is null) = (kind in ('supplier', 'customer', 'adjustment'))),
  unique (organisation_id, id)
);
create unique index location_code on location (organisation_id, warehouse_id, code) where warehouse_id is not null;
create unique index location_virtual on location (organisation_id, kind) where warehouse_id is null;

create table merchant_warehouse (
  merchant_id uuid not null references merchant (id),
  warehouse_id uuid not null references warehouse (id),
  primary key (merchant_id, warehouse_id)
);

create table carrier_account (
  id uuid primary key,
  organisation_id uuid not null references organisation (id),
  -- null: every merchant of the organisation ships on it.
  merchant_id uuid references merchant (id),
  provider text not null check (provider in ('easypost')),
  name text not null,
  base_url text not null,
  -- AES-256-GCM by the process's keys; never readable from SQL.
  credentials_sealed bytea not null,
  -- SHA-256 of the unguessable part of its webhook address.
  webhook_path_sha256 bytea not null unique,
  sandbox boolean not null default false,
  disabled_at timestamptz,
  created_at timestamptz not null default now()
);

create table channel_connection (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  channel text not null check (channel in ('shopify', 'generic', 'api', 'csv')),
  name text not null,
  base_url text not null default '',
  credentials_sealed bytea,
  webhook_path_sha256 bytea unique,
  -- Where the poller goes on; opaque to everybody but the connector.
  poll_cursor text,
  poll_due_at timestamptz,
  poll_leased_until timestamptz,
  poll_error text,
  tells_tracking boolean not null default true,
  sandbox boolean not null default false,
  disabled_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (merchant_id, id)
);
create index channel_connection_poll on channel_connection (poll_due_at) where poll_due_at is not null and disabled_at is null;

create table webhook_endpoint (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  url text not null,
  -- One or two secrets (two while rotating), sealed.
  secrets_sealed bytea not null,
  event_types text[] not null default '{}',
  disabled_at timestamptz,
  disabled_reason text,
  created_at timestamptz not null default now(),
  primary key (merchant_id, id)
);
${protect('organisation', { visible: ORGANISATION_VISIBLE('id'), app: ['select', 'insert'], system: ['select'] })}
${protect('merchant', { visible: MERCHANT_VISIBLE('id'), app: READ_WRITE, system: ['select'] })}
${protectOrganisationTable('person')}
${protectOrganisationTable('api_key', READ_WRITE, ['select'])}
${protectOrganisationTable('warehouse', READ_WRITE, ['select'])}
${protectOrganisationTable('location')}
${protectMerchantTable('merchant_warehouse', ['select', 'insert', 'delete'])}
${protect('carrier_account', {
  visible: `${ORGANISATION_VISIBLE()} and (merchant_id is null or ${MERCHANT_VISIBLE()})`,
  app: READ_WRITE,
  system: ['select'],
})}
${protectMerchantTable('channel_connection', READ_WRITE, ['select', 'update'])}
${protectMerchantTable('webhook_endpoint', READ_WRITE, ['select', 'update'])}
grant usage on schema public to quayside_app, quayside_system, quayside_check;
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
