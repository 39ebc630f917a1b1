/** Labels, manifests, tracking, and the facts of money and work that an order leaves behind. */
import type { Knex } from 'knex';
import { APPEND_ONLY, protectMerchantTable, READ_WRITE } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
create table label (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  parcel_id uuid not null,
  -- Sent to the carrier as its reference: what an unknown outcome is looked up by.
  step_key text not null,
  state text not null check (state in ('claimed', 'unknown', 'purchased', 'failed', 'shipped', 'void_requested', 'voided', 'void_rejected')),
  state_since timestamptz not null default now(),
  carrier_account_id uuid not null references carrier_account (id),
  address_version integer not null,
  external_shipment_id text,
  external_rate_id text,
  carrier text, service text, tracking_number text, label_url text,
  amount_minor bigint, currency text,
  failure text,
  void_due_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (merchant_id, id),
  unique (merchant_id, step_key),
  foreign key (merchant_id, parcel_id) references parcel (merchant_id, id),
  check (state not in ('purchased', 'shipped') or (tracking_number is not null and amount_minor is not null))
);
-- At most one live label a parcel; one that is failed or being voided makes room for the next.
create unique index label_live on label (merchant_id, parcel_id) where state in ('claimed', 'unknown', 'purchased', 'shipped');
create index label_void_due on label (void_due_at) where void_due_at is not null;

-- One dispatch of a fulfilment order: the parcels that left together.
create table shipment (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  order_id uuid not null,
  fulfilment_order_id uuid not null,
  shipped_at timestamptz not null,
  -- When the ship step posted stock and money, once.
  posted_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, fulfilment_order_id),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id),
  foreign key (merchant_id, fulfilment_order_id) references fulfilment_order (merchant_id, id)
);

create table tracking_event (
  merchant_id uuid not null references merchant (id),
  parcel_id uuid not null,
  event_id text not null,
  status text not null,
  message text not null default '',
  occurred_at timestamptz not null,
  source text not null check (source in ('webhook', 'poll', 'person')),
  received_at timestamptz not null default now(),
  primary key (merchant_id, parcel_id, event_id),
  foreign key (merchant_id, parcel_id) references parcel (merchant_id, id)
);

-- Facts that later become charges and reports: one row a fact, never changed.
create table order_fact (
  merchant_id uuid not null references merchant (id),
  -- Step key of what caused it plus the kind, so that a rerun adds nothing.
  key text not null,
  order_id uuid not null,
  kind text not null check (kind in ('cogs', 'revenue', 'shipping_cost', 'material', 'labour_minutes', 'credit')),
  product_id uuid,
  quantity numeric(14, 3) not null default 0,
  amount_minor bigint,
  currency text,
  occurred_at timestamptz not null,
  primary key (merchant_id, key),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id)
);
create index order_fact_order on order_fact (merchant_id, order_id);

-- Asked for by one part, done by another: a purchase order, transfer or return until its workflow exists.
create table request (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  kind text not null check (kind in ('purchase_order', 'transfer', 'return', 'carrier_intercept')),
  state text not null default 'open' check (state in ('open', 'done', 'cancelled')),
  order_id uuid,
  owner text not null,
  detail jsonb not null default '{}',
  key text not null,
  created_at timestamptz not null default now(),
  primary key (merchant_id, id),
  unique (merchant_id, key),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id)
);
${protectMerchantTable('label', READ_WRITE, ['select', 'update'])}
${['shipment', 'request'].map((t) => protectMerchantTable(t)).join('')}
${protectMerchantTable('tracking_event', APPEND_ONLY)}
${protectMerchantTable('order_fact', APPEND_ONLY)}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
