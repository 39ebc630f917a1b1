/** What a merchant sells: products, the names channels use for them, bundles, cartons, customers, maps. */
import type { Knex } from 'knex';
import { ALL_VERBS, protectMerchantTable } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
create table product (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  sku text not null check (sku <> ''),
  name text not null,
  -- False for services and gift cards: fulfilled without the floor.
  ships boolean not null default true,
  is_bundle boolean not null default false,
  gtin text,
  weight_grams integer check (weight_grams >= 0),
  length_mm integer check (length_mm >= 0),
  width_mm integer check (width_mm >= 0),
  height_mm integer check (height_mm >= 0),
  unit_cost_minor bigint check (unit_cost_minor >= 0),
  hs_code text,
  origin_country text,
  lot_tracked boolean not null default false,
  serial_tracked boolean not null default false,
  version bigint not null default 1,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (merchant_id, id),
  unique (merchant_id, sku)
);

create table sku_alias (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  -- null: holds on every channel of the merchant.
  connection_id uuid,
  alias text not null check (alias <> ''),
  product_id uuid not null,
  -- Units of the product in one unit of the alias (a case of 12).
  multiplier integer not null default 1 check (multiplier between 1 and 100000),
  created_at timestamptz not null default now(),
  primary key (merchant_id, id),
  foreign key (merchant_id, connection_id) references channel_connection (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id),
  unique nulls not distinct (merchant_id, alias, connection_id)
);

create table bundle_component (
  merchant_id uuid not null references merchant (id),
  bundle_product_id uuid not null,
  component_product_id uuid not null,
  quantity integer not null check (quantity between 1 and 100000),
  primary key (merchant_id, bundle_product_id, component_product_id),
  foreign key (merchant_id, bundle_product_id) references product (merchant_id, id),
  foreign key (merchant_id, component_product_id) references product (merchant_id, id),
  check (bundle_product_id <> component_product_id)
);

create table carton (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  code text not null,
  length_mm integer not null check (length_mm > 0),
  width_mm integer not null check (width_mm > 0),
  height_mm integer not null check (height_mm > 0),
  tare_grams integer not null check (tare_grams >= 0),
  max_grams integer not null check (max_grams > 0),
  cost_minor bigint not null default 0 check (cost_minor >= 0),
  archived_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, code)
);

create table shipping_method_map (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  connection_id uuid,
  -- The channel's name for it, compared without regard to case; '' is "none given".
  method text not null,
  service_level text not null,
  -- Canonical services in order of preference; empty: whatever is cheapest.
  services text[] not null default '{}',
  -- Days in transit that the promise allows, null: any.
  max_days integer check (max_days between 0 and 90),
  primary key (merchant_id, id),
  foreign key (merchant_id, connection_id) references channel_connection (merchant_id, id)
);
create unique index shipping_method_map_method on shipping_method_map (merchant_id, lower(method), connection_id) nulls not distinct;

create table customer (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  connection_id uuid,
  external_id text,
  name text,
  email text,
  phone text,
  vip boolean not null default false,
  locale text not null default 'en',
  erased_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (merchant_id, id),
  unique (merchant_id, connection_id, external_id)
);

-- One carrier check an address, whoever ships there; keyed by a digest, so it holds nobody's name.
create table address_check (
  merchant_id uuid not null references merchant (id),
  address_sha256 bytea not null,
  deliverable boolean not null,
  external_id text,
  problems text[] not null default '{}',
  checked_at timestamptz not null default now(),
  primary key (merchant_id, address_sha256)
);
${protectMerchantTable('product')}
${protectMerchantTable('sku_alias', ALL_VERBS)}
${protectMerchantTable('bundle_component', ALL_VERBS)}
${protectMerchantTable('carton')}
${protectMerchantTable('shipping_method_map', ALL_VERBS)}
${protectMerchantTable('customer')}
${protectMerchantTable('address_check', ALL_VERBS)}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
