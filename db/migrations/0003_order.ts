/** Orders, what is planned for them, and the work on the floor. */
import type { Knex } from 'knex';
import { protectMerchantTable, READ_WRITE } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
create table sales_order (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  connection_id uuid not null,
  external_id text not null,
  external_number text,
  -- The channel's version of the order; an update with an older one changes nothing.
  external_version text,
  state text not null default 'accepted' check (state in ('received', 'accepted', 'planned', 'in_fulfilment',
    'partly_shipped', 'shipped', 'delivered', 'closed', 'cancelled')),
  state_since timestamptz not null default now(),
  -- By when the state must have moved on; past it the order is listed as stuck. Null only when terminal.
  deadline_at timestamptz,
  -- Flags beside the state, so that an order never forgets where it was.
  blocked_reason text,
  blocked_since timestamptz,
  blocked_detail jsonb,
  held boolean not null default false,
  payment text not null check (payment in ('pending', 'authorised', 'captured', 'voided', 'refunded')),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  total_minor bigint not null,
  customer_id uuid,
  address_version integer not null default 1 check (address_version >= 1),
  requested_shipping_method text,
  service_level text,
  services text[] not null default '{}',
  max_days integer,
  channel_ship_by timestamptz,
  ship_by timestamptz,
  priority integer not null default 0,
  vip boolean not null default false,
  test boolean not null default false,
  tags text[] not null default '{}',
  note text,
  gift_message text,
  -- Grows with every change; the ETag.
  version bigint not null default 1,
  placed_at timestamptz not null,
  accepted_at timestamptz not null default now(),
  shipped_at timestamptz,
  delivered_at timestamptz,
  closed_at timestamptz,
  primary key (merchant_id, id),
  foreign key (merchant_id, connection_id) references channel_connection (merchant_id, id),
  foreign key (merchant_id, customer_id) references customer (merchant_id, id),
  unique (merchant_id, connection_id, external_id),
  check ((blocked_reason is null) = (blocked_since is null)),
  check ((deadline_at is null) = (state in ('closed', 'cancelled')))
);
create index sales_order_list on sales_order (merchant_id, placed_at desc, id desc);
create index sales_order_state on sales_order (merchant_id, state, placed_at desc, id desc);
create index sales_order_blocked on sales_order (merchant_id, blocked_reason) where blocked_reason is not null;
create index sales_order_deadline on sales_order (deadline_at) where deadline_at is not null;

-- Immutable versions of where it goes; erasing a person blanks them and nothing else.
create table order_address (
  merchant_id uuid not null references merchant (id),
  order_id uuid not null,
  version integer not null check (version >= 1),
  name text, company text, line1 text, line2 text, city text, region text, postal_code text, country text,
  phone text, email text,
  checked text not null default 'unchecked' check (checked in ('unchecked', 'local', 'carrier', 'undeliverable')),
  problems text[] not null default '{}',
  created_at timestamptz not null default now(),
  primary key (merchant_id, order_id, version),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id)
);

create table sales_order_line (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  order_id uuid not null,
  line_no integer not null,
  external_line_id text not null,
  sku text not null,
  title text not null,
  quantity integer not null check (quantity > 0),
  cancelled_quantity integer not null default 0 check (cancelled_quantity between 0 and quantity),
  unit_price_minor bigint not null,
  ships boolean not null,
  product_id uuid,
  primary key (merchant_id, id),
  unique (merchant_id, order_id, line_no),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id)
);
create index sales_order_line_sku on sales_order_line (merchant_id, sku);

create table order_hold (
  merchant_id uuid not null references merchant (id),
  order_id uuid not null,
  name text not null,
  note text,
  placed_by text not null,
  placed_at timestamptz not null default now(),
  released_by text,
  released_at timestamptz,
  primary key (merchant_id, order_id, name, placed_at),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id)
);
create unique index order_hold_active on order_hold (merchant_id, order_id, name) where released_at is null;

-- A cancellation that came before its order; the order meets it when it comes.
create table order_tombstone (
  merchant_id uuid not null references merchant (id),
  connection_id uuid not null,
  external_id text not null,
  reason text not null,
  created_at timestamptz not null default now(),
  primary key (merchant_id, connection_id, external_id),
  foreign key (merchant_id, connection_id) references channel_connection (merchant_id, id)
);

create table fulfilment_order (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  order_id uuid not null,
  number integer not null,
  warehouse_id uuid not null references warehouse (id),
  state text not null check (state in ('planned', 'reserved', 'released', 'accepted', 'picking', 'picked', 'packing',
    'packed', 'shipped', 'delivered', 'rejected', 'cancelled')),
  state_since timestamptz not null default now(),
  ship_by timestamptz,
  wms_reference text,
  distance_km double precision,
  created_at timestamptz not null default now(),
  shipped_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, order_id, number),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id)
);
create index fulfilment_order_warehouse on fulfilment_order (merchant_id, warehouse_id, state);

create table fulfilment_order_line (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  fulfilment_order_id uuid not null,
  order_line_id uuid not null,
  product_id uuid not null,
  quantity integer not null check (quantity > 0),
  shorted integer not null default 0 check (shorted between 0 and quantity),
  primary key (merchant_id, id),
  foreign key (merchant_id, fulfilment_order_id) references fulfilment_order (merchant_id, id),
  foreign key (merchant_id, order_line_id) references sales_order_line (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id)
);
create index fulfilment_order_line_parent on fulfilment_order_line (merchant_id, fulfilment_order_id);
create index fulfilment_order_line_order_line on fulfilment_order_line (merchant_id, order_line_id);

create table manifest (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  carrier_account_id uuid not null references carrier_account (id),
  warehouse_id uuid not null references warehouse (id),
  step_key text not null,
  external_id text,
  form_url text,
  created_at timestamptz not null default now(),
  primary key (merchant_id, id),
  unique (merchant_id, step_key)
);
create table parcel (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  order_id uuid not null,
  fulfilment_order_id uuid not null,
  number integer not null,
  state text not null default 'open' check (state in ('open', 'packed', 'labelled', 'shipped', 'in_transit', 'out_for_delivery',
    'delivered', 'delivery_failed', 'returned_to_sender', 'lost', 'damaged', 'cancelled')),
  state_since timestamptz not null default now(),
  carton_id uuid,
  weight_grams integer check (weight_grams > 0),
  length_mm integer, width_mm integer, height_mm integer,
  carrier text, service text, tracking_number text, carrier_account_id uuid references carrier_account (id),
  promised_at timestamptz,
  shipped_at timestamptz,
  delivered_at timestamptz,
  track_due_at timestamptz,
  manifest_id uuid,
  created_at timestamptz not null default now(),
  primary key (merchant_id, id),
  unique (merchant_id, fulfilment_order_id, number),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id),
  foreign key (merchant_id, fulfilment_order_id) references fulfilment_order (merchant_id, id),
  foreign key (merchant_id, carton_id) references carton (merchant_id, id),
  foreign key (merchant_id, manifest_id) references manifest (merchant_id, id)
);
create index parcel_order on parcel (merchant_id, order_id);
create index parcel_tracking on parcel (merchant_id, tracking_number) where tracking_number is not null;
create index parcel_track_due on parcel (track_due_at) where track_due_at is not null;

create table parcel_line (
  merchant_id uuid not null references merchant (id),
  parcel_id uuid not null,
  fulfilment_order_line_id uuid not null,
  product_id uuid not null,
  quantity integer not null check (quantity > 0),
  primary key (merchant_id, parcel_id, fulfilment_order_line_id),
  foreign key (merchant_id, parcel_id) references parcel (merchant_id, id),
  foreign key (merchant_id, fulfilment_order_line_id) references fulfilment_order_line (merchant_id, id)
);

create table task (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  warehouse_id uuid not null references warehouse (id),
  kind text not null check (kind in ('pick', 'pack', 'ship', 'put_back', 'receive', 'putaway', 'count', 'move', 'replenish', 'inspect')),
  state text not null default 'open' check (state in ('open', 'claimed', 'done', 'shorted', 'cancelled')),
  order_id uuid,
  fulfilment_order_id uuid,
  parcel_id uuid,
  priority integer not null default 0,
  due_at timestamptz,
  claimed_by uuid references person (id),
  claimed_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (merchant_id, id),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id),
  foreign key (merchant_id, fulfilment_order_id) references fulfilment_order (merchant_id, id),
  foreign key (merchant_id, parcel_id) references parcel (merchant_id, id),
  check ((state = 'claimed') <= (claimed_by is not null))
);
create index task_queue on task (warehouse_id, kind, priority desc, due_at, id) where state = 'open';
create index task_fulfilment on task (merchant_id, fulfilment_order_id);
create index task_claimed on task (claimed_by) where state = 'claimed';

create table task_line (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  task_id uuid not null,
  line_no integer not null,
  fulfilment_order_line_id uuid,
  product_id uuid not null,
  location_id uuid references location (id),
  lot_code text not null default '',
  quantity integer not null check (quantity > 0),
  done_quantity integer not null default 0 check (done_quantity >= 0),
  short_quantity integer not null default 0 check (short_quantity >= 0),
  primary key (merchant_id, id),
  unique (merchant_id, task_id, line_no),
  foreign key (merchant_id, task_id) references task (merchant_id, id),
  check (done_quantity + short_quantity <= quantity)
);

-- What a person did, as it was scanned. A repeated event id changes nothing.
create table scan (
  merchant_id uuid not null references merchant (id),
  event_id text not null,
  task_id uuid not null,
  task_line_id uuid,
  kind text not null check (kind in ('claim', 'pick', 'short', 'pack', 'close_carton', 'ship', 'release')),
  person_id uuid not null references person (id),
  quantity integer not null default 0 check (quantity >= 0),
  code text,
  outcome jsonb not null default '{}',
  scanned_at timestamptz not null default now(),
  primary key (merchant_id, event_id),
  foreign key (merchant_id, task_id) references task (merchant_id, id)
);
create index scan_task on scan (merchant_id, task_id, scanned_at);
${['sales_order'].map((t) => protectMerchantTable(t, READ_WRITE, ['select', 'update'])).join('')}
${['order_address', 'order_hold', 'fulfilment_order_line', 'task_line', 'sales_order_line', 'manifest'].map((t) => protectMerchantTable(t)).join('')}
${protectMerchantTable('fulfilment_order', READ_WRITE, ['select'])}
${protectMerchantTable('task', READ_WRITE, ['select'])}
${protectMerchantTable('parcel', READ_WRITE, ['select', 'update'])}
${protectMerchantTable('order_tombstone', ['select', 'insert'])}
${protectMerchantTable('parcel_line', ['select', 'insert', 'update', 'delete'])}
${protectMerchantTable('scan', ['select', 'insert'])}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
