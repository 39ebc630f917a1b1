-- The schema that the migrations make, for readers. Made by "npm run schema:dump"; CI compares it.
-- Migrations are the truth: change those and make this file anew.

-- Functions

CREATE OR REPLACE FUNCTION public.business_now(of_merchant uuid)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$ select coalesce((select business_now from merchant where id = of_merchant), now()) $function$
;
grant execute on function business_now to public;

CREATE OR REPLACE FUNCTION public.ensure_ledger_month(of_month date)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
    $policy$merchant_id = any((select string_to_array(nullif(current_setting('app.merchant_ids', true), ''), ',')::uuid[])::uuid[])$policy$, $policy$merchant_id = any((select string_to_array(nullif(current_setting('app.merchant_ids', true), ''), ',')::uuid[])::uuid[])$policy$);
  execute format('create policy checker on %I for select to quayside_check using (true)', name);
  execute format('grant select on %I to quayside_check', name);
end $function$
;
grant execute on function ensure_ledger_month to quayside_app;

CREATE OR REPLACE FUNCTION public.note_bundle_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into stock_change (merchant_id, product_id) select distinct merchant_id, bundle_product_id from changed;
  return null;
end $function$
;
grant execute on function note_bundle_change to public;

CREATE OR REPLACE FUNCTION public.note_product_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into stock_change (merchant_id, product_id) select distinct merchant_id, product_id from changed;
  return null;
end $function$
;
grant execute on function note_product_change to public;

CREATE OR REPLACE FUNCTION public.note_stock_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into stock_change (merchant_id, product_id, warehouse_id)
  select merchant_id, product_id, warehouse_id from changed
  where tg_op = 'UPDATE' or on_hand <> 0 or held <> 0 or reserved <> 0;
  return null;
end $function$
;
grant execute on function note_stock_change to public;

CREATE OR REPLACE FUNCTION public.outbox_wake()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_notify('quayside_outbox', '');
  return null;
end $function$
;
grant execute on function outbox_wake to public;

-- Tables

create table address_check (
  merchant_id uuid not null,
  address_sha256 bytea not null,
  deliverable boolean not null,
  external_id text,
  problems text[] default '{}'::text[] not null,
  checked_at timestamp with time zone default now() not null,
  constraint address_check_pkey PRIMARY KEY (merchant_id, address_sha256),
  constraint address_check_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
alter table address_check enable row level security;
alter table address_check force row level security;
create policy checker on address_check for select to quayside_check using (true);
create policy system on address_check for all to quayside_system using (true) with check (true);
create policy tenant on address_check for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on address_check to quayside_app;
grant select on address_check to quayside_check;
grant delete, select on address_check to quayside_system;

create table allocation (
  merchant_id uuid not null,
  reservation_id uuid not null,
  location_id uuid not null,
  product_id uuid not null,
  lot_code text default ''::text not null,
  quantity integer not null,
  constraint allocation_pkey PRIMARY KEY (merchant_id, reservation_id, location_id, lot_code),
  constraint allocation_quantity_check CHECK ((quantity > 0)),
  constraint allocation_location_id_fkey FOREIGN KEY (location_id) REFERENCES location(id),
  constraint allocation_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint allocation_merchant_id_reservation_id_fkey FOREIGN KEY (merchant_id, reservation_id) REFERENCES reservation(merchant_id, id)
);
CREATE INDEX allocation_bin ON public.allocation USING btree (merchant_id, location_id, product_id, lot_code);
alter table allocation enable row level security;
alter table allocation force row level security;
create policy checker on allocation for select to quayside_check using (true);
create policy tenant on allocation for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on allocation to quayside_app;
grant select on allocation to quayside_check;

create table api_key (
  id uuid not null,
  organisation_id uuid not null,
  name text not null,
  prefix text not null,
  key_sha256 bytea not null,
  scopes text[] not null,
  merchant_ids uuid[],
  person_id uuid,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  constraint api_key_pkey PRIMARY KEY (id),
  constraint api_key_key_sha256_key UNIQUE (key_sha256),
  constraint api_key_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisation(id),
  constraint api_key_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id)
);
alter table api_key enable row level security;
alter table api_key force row level security;
create policy checker on api_key for select to quayside_check using (true);
create policy system on api_key for all to quayside_system using (true) with check (true);
create policy tenant on api_key for all to quayside_app using ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on api_key to quayside_app;
grant select on api_key to quayside_check;
grant select on api_key to quayside_system;

create table audit_log (
  id uuid not null,
  organisation_id uuid not null,
  merchant_id uuid,
  actor text not null,
  action text not null,
  thing_kind text not null,
  thing_id text not null,
  reason text,
  before jsonb,
  after jsonb,
  request_id text,
  xid xid8 default pg_current_xact_id() not null,
  at timestamp with time zone default now() not null,
  constraint audit_log_pkey PRIMARY KEY (id),
  constraint audit_log_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint audit_log_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisation(id)
);
CREATE INDEX audit_log_thing ON public.audit_log USING btree (merchant_id, thing_id, at);
CREATE INDEX audit_log_xid ON public.audit_log USING btree (xid, id);
alter table audit_log enable row level security;
alter table audit_log force row level security;
create policy checker on audit_log for select to quayside_check using (true);
create policy system on audit_log for all to quayside_system using (true) with check (true);
create policy tenant on audit_log for all to quayside_app using (((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])) OR ((merchant_id IS NULL) AND (organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))))) with check (((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])) OR ((merchant_id IS NULL) AND (organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])))));
grant insert, select on audit_log to quayside_app;
grant select on audit_log to quayside_check;
grant select on audit_log to quayside_system;

create table audit_seal (
  number bigint not null,
  up_to_xid xid8 not null,
  entries integer not null,
  prev bytea not null,
  root bytea not null,
  sealed_at timestamp with time zone default now() not null,
  constraint audit_seal_pkey PRIMARY KEY (number),
  constraint audit_seal_root_key UNIQUE (root)
);
alter table audit_seal enable row level security;
alter table audit_seal force row level security;
create policy checker on audit_seal for select to quayside_check using (true);
create policy system on audit_seal for all to quayside_system using (true) with check (true);
grant select on audit_seal to quayside_check;
grant insert, select on audit_seal to quayside_system;

create table backorder (
  merchant_id uuid not null,
  order_id uuid not null,
  product_id uuid not null,
  quantity integer not null,
  priority integer default 0 not null,
  ship_by timestamp with time zone,
  placed_at timestamp with time zone not null,
  refused boolean default false not null,
  constraint backorder_pkey PRIMARY KEY (merchant_id, order_id, product_id),
  constraint backorder_quantity_check CHECK ((quantity > 0)),
  constraint backorder_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint backorder_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id),
  constraint backorder_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id)
);
CREATE INDEX backorder_queue ON public.backorder USING btree (merchant_id, product_id, priority DESC, ship_by, placed_at);
CREATE TRIGGER backorder_created AFTER INSERT ON public.backorder REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_product_change();
CREATE TRIGGER backorder_removed AFTER DELETE ON public.backorder REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_product_change();
CREATE TRIGGER backorder_updated AFTER UPDATE ON public.backorder REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_product_change();
alter table backorder enable row level security;
alter table backorder force row level security;
create policy checker on backorder for select to quayside_check using (true);
create policy tenant on backorder for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on backorder to quayside_app;
grant select on backorder to quayside_check;

create table bin_balance (
  merchant_id uuid not null,
  location_id uuid not null,
  product_id uuid not null,
  lot_code text default ''::text not null,
  warehouse_id uuid not null,
  on_hand integer default 0 not null,
  allocated integer default 0 not null,
  moved bigint default 0 not null,
  constraint bin_balance_pkey PRIMARY KEY (merchant_id, location_id, product_id, lot_code),
  constraint bin_balance_allocated_check CHECK ((allocated >= 0)),
  constraint bin_balance_on_hand_check CHECK ((on_hand >= 0)),
  constraint never_overallocated CHECK ((allocated <= on_hand)),
  constraint bin_balance_location_id_fkey FOREIGN KEY (location_id) REFERENCES location(id),
  constraint bin_balance_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint bin_balance_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id),
  constraint bin_balance_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES warehouse(id)
) with (fillfactor=70);
CREATE INDEX bin_balance_product ON public.bin_balance USING btree (merchant_id, warehouse_id, product_id);
alter table bin_balance enable row level security;
alter table bin_balance force row level security;
create policy checker on bin_balance for select to quayside_check using (true);
create policy tenant on bin_balance for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on bin_balance to quayside_app;
grant select on bin_balance to quayside_check;

create table bundle_component (
  merchant_id uuid not null,
  bundle_product_id uuid not null,
  component_product_id uuid not null,
  quantity integer not null,
  constraint bundle_component_pkey PRIMARY KEY (merchant_id, bundle_product_id, component_product_id),
  constraint bundle_component_check CHECK ((bundle_product_id <> component_product_id)),
  constraint bundle_component_quantity_check CHECK (((quantity >= 1) AND (quantity <= 100000))),
  constraint bundle_component_merchant_id_bundle_product_id_fkey FOREIGN KEY (merchant_id, bundle_product_id) REFERENCES product(merchant_id, id),
  constraint bundle_component_merchant_id_component_product_id_fkey FOREIGN KEY (merchant_id, component_product_id) REFERENCES product(merchant_id, id),
  constraint bundle_component_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
CREATE TRIGGER bundle_component_created AFTER INSERT ON public.bundle_component REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_bundle_change();
CREATE TRIGGER bundle_component_removed AFTER DELETE ON public.bundle_component REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_bundle_change();
alter table bundle_component enable row level security;
alter table bundle_component force row level security;
create policy checker on bundle_component for select to quayside_check using (true);
create policy tenant on bundle_component for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on bundle_component to quayside_app;
grant select on bundle_component to quayside_check;

create table carrier_account (
  id uuid not null,
  organisation_id uuid not null,
  merchant_id uuid,
  provider text not null,
  name text not null,
  base_url text not null,
  credentials_sealed bytea not null,
  webhook_path_sha256 bytea not null,
  sandbox boolean default false not null,
  disabled_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  constraint carrier_account_pkey PRIMARY KEY (id),
  constraint carrier_account_webhook_path_sha256_key UNIQUE (webhook_path_sha256),
  constraint carrier_account_provider_check CHECK ((provider = 'easypost'::text)),
  constraint carrier_account_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint carrier_account_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisation(id)
);
alter table carrier_account enable row level security;
alter table carrier_account force row level security;
create policy checker on carrier_account for select to quayside_check using (true);
create policy system on carrier_account for all to quayside_system using (true) with check (true);
create policy tenant on carrier_account for all to quayside_app using (((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])) AND ((merchant_id IS NULL) OR (merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))))) with check (((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])) AND ((merchant_id IS NULL) OR (merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])))));
grant insert, select, update on carrier_account to quayside_app;
grant select on carrier_account to quayside_check;
grant select on carrier_account to quayside_system;

create table carrier_inbox (
  id uuid not null,
  organisation_id uuid not null,
  carrier_account_id uuid not null,
  event_key text not null,
  topic text not null,
  body text,
  state text default 'received'::text not null,
  reason text,
  received_at timestamp with time zone default now() not null,
  processed_at timestamp with time zone,
  constraint carrier_inbox_pkey PRIMARY KEY (organisation_id, id),
  constraint carrier_inbox_organisation_id_carrier_account_id_event_key_key UNIQUE (organisation_id, carrier_account_id, event_key),
  constraint carrier_inbox_state_check CHECK ((state = ANY (ARRAY['received'::text, 'processed'::text, 'parked'::text]))),
  constraint carrier_inbox_carrier_account_id_fkey FOREIGN KEY (carrier_account_id) REFERENCES carrier_account(id),
  constraint carrier_inbox_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisation(id)
);
CREATE INDEX carrier_inbox_age ON public.carrier_inbox USING brin (received_at);
CREATE INDEX carrier_inbox_waiting ON public.carrier_inbox USING btree (received_at) WHERE (state = 'received'::text);
alter table carrier_inbox enable row level security;
alter table carrier_inbox force row level security;
create policy checker on carrier_inbox for select to quayside_check using (true);
create policy system on carrier_inbox for all to quayside_system using (true) with check (true);
create policy tenant on carrier_inbox for all to quayside_app using ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on carrier_inbox to quayside_app;
grant select on carrier_inbox to quayside_check;
grant delete, select, update on carrier_inbox to quayside_system;

create table carrying_rate (
  merchant_id uuid not null,
  storage_per_cubic_metre_minor bigint not null,
  storage_per_unit_minor bigint not null,
  insurance_basis_points integer not null,
  capital_basis_points integer not null,
  obsolescence_basis_points integer not null,
  constraint carrying_rate_pkey PRIMARY KEY (merchant_id),
  constraint carrying_rate_capital_basis_points_check CHECK (((capital_basis_points >= 0) AND (capital_basis_points <= 100000))),
  constraint carrying_rate_insurance_basis_points_check CHECK (((insurance_basis_points >= 0) AND (insurance_basis_points <= 100000))),
  constraint carrying_rate_obsolescence_basis_points_check CHECK (((obsolescence_basis_points >= 0) AND (obsolescence_basis_points <= 100000))),
  constraint carrying_rate_storage_per_cubic_metre_minor_check CHECK ((storage_per_cubic_metre_minor >= 0)),
  constraint carrying_rate_storage_per_unit_minor_check CHECK ((storage_per_unit_minor >= 0)),
  constraint carrying_rate_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
alter table carrying_rate enable row level security;
alter table carrying_rate force row level security;
create policy checker on carrying_rate for select to quayside_check using (true);
create policy tenant on carrying_rate for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on carrying_rate to quayside_app;
grant select on carrying_rate to quayside_check;

create table carton (
  id uuid not null,
  merchant_id uuid not null,
  code text not null,
  length_mm integer not null,
  width_mm integer not null,
  height_mm integer not null,
  tare_grams integer not null,
  max_grams integer not null,
  cost_minor bigint default 0 not null,
  archived_at timestamp with time zone,
  constraint carton_pkey PRIMARY KEY (merchant_id, id),
  constraint carton_merchant_id_code_key UNIQUE (merchant_id, code),
  constraint carton_cost_minor_check CHECK ((cost_minor >= 0)),
  constraint carton_height_mm_check CHECK ((height_mm > 0)),
  constraint carton_length_mm_check CHECK ((length_mm > 0)),
  constraint carton_max_grams_check CHECK ((max_grams > 0)),
  constraint carton_tare_grams_check CHECK ((tare_grams >= 0)),
  constraint carton_width_mm_check CHECK ((width_mm > 0)),
  constraint carton_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
alter table carton enable row level security;
alter table carton force row level security;
create policy checker on carton for select to quayside_check using (true);
create policy tenant on carton for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on carton to quayside_app;
grant select on carton to quayside_check;

create table channel_connection (
  id uuid not null,
  merchant_id uuid not null,
  channel text not null,
  name text not null,
  base_url text default ''::text not null,
  credentials_sealed bytea,
  webhook_path_sha256 bytea,
  poll_cursor text,
  poll_due_at timestamp with time zone,
  poll_leased_until timestamp with time zone,
  poll_error text,
  tells_tracking boolean default true not null,
  sandbox boolean default false not null,
  disabled_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  constraint channel_connection_pkey PRIMARY KEY (merchant_id, id),
  constraint channel_connection_webhook_path_sha256_key UNIQUE (webhook_path_sha256),
  constraint channel_connection_channel_check CHECK ((channel = ANY (ARRAY['shopify'::text, 'generic'::text, 'api'::text, 'csv'::text]))),
  constraint channel_connection_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
CREATE INDEX channel_connection_poll ON public.channel_connection USING btree (poll_due_at) WHERE ((poll_due_at IS NOT NULL) AND (disabled_at IS NULL));
alter table channel_connection enable row level security;
alter table channel_connection force row level security;
create policy checker on channel_connection for select to quayside_check using (true);
create policy system on channel_connection for all to quayside_system using (true) with check (true);
create policy tenant on channel_connection for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on channel_connection to quayside_app;
grant select on channel_connection to quayside_check;
grant select, update on channel_connection to quayside_system;

create table channel_drift (
  id uuid not null,
  merchant_id uuid not null,
  listing_id uuid not null,
  believed integer,
  found integer,
  wanted integer not null,
  found_at timestamp with time zone default now() not null,
  constraint channel_drift_pkey PRIMARY KEY (merchant_id, id),
  constraint channel_drift_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint channel_drift_merchant_id_listing_id_fkey FOREIGN KEY (merchant_id, listing_id) REFERENCES channel_listing(merchant_id, id) ON DELETE CASCADE
);
CREATE INDEX channel_drift_listing ON public.channel_drift USING btree (merchant_id, listing_id, found_at);
alter table channel_drift enable row level security;
alter table channel_drift force row level security;
create policy checker on channel_drift for select to quayside_check using (true);
create policy tenant on channel_drift for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on channel_drift to quayside_app;
grant select on channel_drift to quayside_check;

create table channel_listing (
  id uuid not null,
  merchant_id uuid not null,
  connection_id uuid not null,
  product_id uuid not null,
  external_item_id text not null,
  external_location_id text default ''::text not null,
  units integer default 1 not null,
  warehouse_id uuid,
  paused boolean default false not null,
  buffer integer,
  share_percent integer,
  cap integer,
  min_display integer,
  backorder_allowance integer,
  version bigint default 1 not null,
  channel_quantity integer,
  pushed_quantity integer,
  pushed_at timestamp with time zone,
  pushed_change_at timestamp with time zone,
  recent_pushes integer[] default '{}'::integer[] not null,
  raise_after timestamp with time zone,
  parked_at timestamp with time zone,
  parked_reason text,
  created_at timestamp with time zone default now() not null,
  constraint channel_listing_pkey PRIMARY KEY (merchant_id, id),
  constraint channel_listing_merchant_id_connection_id_external_item_id__key UNIQUE (merchant_id, connection_id, external_item_id, external_location_id),
  constraint channel_listing_backorder_allowance_check CHECK ((backorder_allowance >= 0)),
  constraint channel_listing_buffer_check CHECK ((buffer >= 0)),
  constraint channel_listing_cap_check CHECK ((cap >= 0)),
  constraint channel_listing_check CHECK (((parked_at IS NULL) = (parked_reason IS NULL))),
  constraint channel_listing_external_item_id_check CHECK ((external_item_id <> ''::text)),
  constraint channel_listing_min_display_check CHECK ((min_display >= 0)),
  constraint channel_listing_share_percent_check CHECK (((share_percent >= 0) AND (share_percent <= 100))),
  constraint channel_listing_units_check CHECK (((units >= 1) AND (units <= 100000))),
  constraint channel_listing_merchant_id_connection_id_fkey FOREIGN KEY (merchant_id, connection_id) REFERENCES channel_sync(merchant_id, connection_id),
  constraint channel_listing_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint channel_listing_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id),
  constraint channel_listing_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES warehouse(id)
) with (fillfactor=70);
CREATE INDEX channel_listing_product ON public.channel_listing USING btree (merchant_id, product_id);
alter table channel_listing enable row level security;
alter table channel_listing force row level security;
create policy checker on channel_listing for select to quayside_check using (true);
create policy tenant on channel_listing for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on channel_listing to quayside_app;
grant select on channel_listing to quayside_check;

create table channel_sync (
  merchant_id uuid not null,
  connection_id uuid not null,
  enabled boolean default true not null,
  calls_per_second numeric(6,2),
  quantities_per_call integer,
  buffer integer default 0 not null,
  share_percent integer default 100 not null,
  cap integer,
  min_display integer default 0 not null,
  backorder_allowance integer default 0 not null,
  version bigint default 1 not null,
  lease_owner uuid,
  leased_until timestamp with time zone,
  waiting integer default 0 not null,
  waiting_since timestamp with time zone,
  acknowledged_at timestamp with time zone,
  last_error text,
  failing_since timestamp with time zone,
  reconcile_due_at timestamp with time zone default now() not null,
  reconciled_at timestamp with time zone,
  reconciled_listings integer,
  reconciled_drift integer,
  constraint channel_sync_pkey PRIMARY KEY (merchant_id, connection_id),
  constraint channel_sync_backorder_allowance_check CHECK ((backorder_allowance >= 0)),
  constraint channel_sync_buffer_check CHECK ((buffer >= 0)),
  constraint channel_sync_calls_per_second_check CHECK ((calls_per_second > (0)::numeric)),
  constraint channel_sync_cap_check CHECK ((cap >= 0)),
  constraint channel_sync_min_display_check CHECK ((min_display >= 0)),
  constraint channel_sync_quantities_per_call_check CHECK (((quantities_per_call >= 1) AND (quantities_per_call <= 1000))),
  constraint channel_sync_share_percent_check CHECK (((share_percent >= 0) AND (share_percent <= 100))),
  constraint channel_sync_merchant_id_connection_id_fkey FOREIGN KEY (merchant_id, connection_id) REFERENCES channel_connection(merchant_id, id),
  constraint channel_sync_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
) with (fillfactor=70);
alter table channel_sync enable row level security;
alter table channel_sync force row level security;
create policy checker on channel_sync for select to quayside_check using (true);
create policy system on channel_sync for all to quayside_system using (true) with check (true);
create policy tenant on channel_sync for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on channel_sync to quayside_app;
grant select on channel_sync to quayside_check;
grant select, update on channel_sync to quayside_system;

create table count_doubt (
  merchant_id uuid not null,
  count_id uuid not null,
  location_id uuid not null,
  product_id uuid not null,
  lot_code text default ''::text not null,
  quantity integer not null,
  held_at uuid not null,
  settled boolean default false not null,
  constraint count_doubt_pkey PRIMARY KEY (merchant_id, count_id, location_id, product_id, lot_code),
  constraint count_doubt_quantity_check CHECK ((quantity > 0)),
  constraint count_doubt_held_at_fkey FOREIGN KEY (held_at) REFERENCES location(id),
  constraint count_doubt_location_id_fkey FOREIGN KEY (location_id) REFERENCES location(id),
  constraint count_doubt_merchant_id_count_id_fkey FOREIGN KEY (merchant_id, count_id) REFERENCES stock_count(merchant_id, id),
  constraint count_doubt_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint count_doubt_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id)
);
alter table count_doubt enable row level security;
alter table count_doubt force row level security;
create policy checker on count_doubt for select to quayside_check using (true);
create policy tenant on count_doubt for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on count_doubt to quayside_app;
grant select on count_doubt to quayside_check;

create table count_line (
  merchant_id uuid not null,
  sheet_id uuid not null,
  product_id uuid not null,
  lot_code text default ''::text not null,
  recorded integer not null,
  doubtful integer default 0 not null,
  counted integer not null,
  unit_cost_minor bigint,
  final boolean,
  constraint count_line_pkey PRIMARY KEY (merchant_id, sheet_id, product_id, lot_code),
  constraint count_line_check CHECK (((doubtful >= 0) AND (doubtful <= recorded))),
  constraint count_line_counted_check CHECK ((counted >= 0)),
  constraint count_line_recorded_check CHECK ((recorded >= 0)),
  constraint count_line_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint count_line_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id),
  constraint count_line_merchant_id_sheet_id_fkey FOREIGN KEY (merchant_id, sheet_id) REFERENCES count_sheet(merchant_id, id)
);
alter table count_line enable row level security;
alter table count_line force row level security;
create policy checker on count_line for select to quayside_check using (true);
create policy tenant on count_line for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on count_line to quayside_app;
grant select on count_line to quayside_check;

create table count_sheet (
  id uuid not null,
  merchant_id uuid not null,
  count_id uuid not null,
  location_id uuid not null,
  round integer not null,
  state text default 'open'::text not null,
  product_ids uuid[],
  person_id uuid,
  seen jsonb,
  adjustment_id uuid,
  counted_at timestamp with time zone,
  constraint count_sheet_pkey PRIMARY KEY (merchant_id, id),
  constraint count_sheet_merchant_id_count_id_location_id_round_key UNIQUE (merchant_id, count_id, location_id, round),
  constraint count_sheet_check CHECK (((state = 'started'::text) <= (seen IS NOT NULL))),
  constraint count_sheet_check1 CHECK (((counted_at IS NULL) = (state <> 'counted'::text))),
  constraint count_sheet_round_check CHECK (((round >= 1) AND (round <= 3))),
  constraint count_sheet_state_check CHECK ((state = ANY (ARRAY['open'::text, 'started'::text, 'counted'::text, 'cancelled'::text]))),
  constraint count_sheet_location_id_fkey FOREIGN KEY (location_id) REFERENCES location(id),
  constraint count_sheet_merchant_id_adjustment_id_fkey FOREIGN KEY (merchant_id, adjustment_id) REFERENCES stock_adjustment(merchant_id, id),
  constraint count_sheet_merchant_id_count_id_fkey FOREIGN KEY (merchant_id, count_id) REFERENCES stock_count(merchant_id, id),
  constraint count_sheet_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint count_sheet_merchant_id_id_fkey FOREIGN KEY (merchant_id, id) REFERENCES task(merchant_id, id),
  constraint count_sheet_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id)
);
CREATE INDEX count_sheet_counted ON public.count_sheet USING btree (merchant_id, counted_at) WHERE (state = 'counted'::text);
CREATE UNIQUE INDEX count_sheet_started ON public.count_sheet USING btree (merchant_id, location_id) WHERE (state = 'started'::text);
alter table count_sheet enable row level security;
alter table count_sheet force row level security;
create policy checker on count_sheet for select to quayside_check using (true);
create policy tenant on count_sheet for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on count_sheet to quayside_app;
grant select on count_sheet to quayside_check;

create table customer (
  id uuid not null,
  merchant_id uuid not null,
  connection_id uuid,
  external_id text,
  name text,
  email text,
  phone text,
  vip boolean default false not null,
  locale text default 'en'::text not null,
  erased_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  constraint customer_pkey PRIMARY KEY (merchant_id, id),
  constraint customer_merchant_id_connection_id_external_id_key UNIQUE (merchant_id, connection_id, external_id),
  constraint customer_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
alter table customer enable row level security;
alter table customer force row level security;
create policy checker on customer for select to quayside_check using (true);
create policy tenant on customer for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on customer to quayside_app;
grant select on customer to quayside_check;

create table exception (
  id uuid not null,
  merchant_id uuid not null,
  reason text not null,
  key text not null,
  cause text not null,
  order_id uuid,
  thing_kind text not null,
  thing_id text not null,
  state text default 'open'::text not null,
  owner text not null,
  message text not null,
  tried jsonb default '[]'::jsonb not null,
  opened_at timestamp with time zone default now() not null,
  deadline_at timestamp with time zone,
  snoozed_until timestamp with time zone,
  resolved_at timestamp with time zone,
  resolved_by text,
  resolution text,
  assignee_id uuid,
  snoozed_at timestamp with time zone,
  constraint exception_pkey PRIMARY KEY (merchant_id, id),
  constraint exception_check CHECK (((resolved_at IS NULL) = (state <> 'resolved'::text))),
  constraint exception_snooze CHECK (((state <> 'snoozed'::text) OR ((snoozed_until IS NOT NULL) AND (snoozed_at IS NOT NULL)))),
  constraint exception_state_check CHECK ((state = ANY (ARRAY['open'::text, 'snoozed'::text, 'resolved'::text]))),
  constraint exception_assignee_id_fkey FOREIGN KEY (assignee_id) REFERENCES person(id),
  constraint exception_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint exception_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id)
);
CREATE INDEX exception_assignee ON public.exception USING btree (merchant_id, assignee_id) WHERE ((state <> 'resolved'::text) AND (assignee_id IS NOT NULL));
CREATE INDEX exception_list ON public.exception USING btree (merchant_id, state, opened_at, id);
CREATE UNIQUE INDEX exception_open ON public.exception USING btree (merchant_id, key) WHERE (state <> 'resolved'::text);
CREATE INDEX exception_open_reason ON public.exception USING btree (reason) WHERE (state <> 'resolved'::text);
CREATE INDEX exception_order ON public.exception USING btree (merchant_id, order_id);
alter table exception enable row level security;
alter table exception force row level security;
create policy checker on exception for select to quayside_check using (true);
create policy system on exception for all to quayside_system using (true) with check (true);
create policy tenant on exception for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on exception to quayside_app;
grant select on exception to quayside_check;
grant insert, select, update on exception to quayside_system;

create table fulfilment_order (
  id uuid not null,
  merchant_id uuid not null,
  order_id uuid not null,
  number integer not null,
  warehouse_id uuid not null,
  state text not null,
  state_since timestamp with time zone default now() not null,
  ship_by timestamp with time zone,
  wms_reference text,
  distance_km double precision,
  created_at timestamp with time zone default now() not null,
  shipped_at timestamp with time zone,
  ship_day date,
  constraint fulfilment_order_pkey PRIMARY KEY (merchant_id, id),
  constraint fulfilment_order_merchant_id_order_id_number_key UNIQUE (merchant_id, order_id, number),
  constraint fulfilment_order_state_check CHECK ((state = ANY (ARRAY['planned'::text, 'reserved'::text, 'released'::text, 'accepted'::text, 'picking'::text, 'picked'::text, 'packing'::text, 'packed'::text, 'shipped'::text, 'delivered'::text, 'rejected'::text, 'cancelled'::text]))),
  constraint fulfilment_order_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint fulfilment_order_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id),
  constraint fulfilment_order_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES warehouse(id)
);
CREATE INDEX fulfilment_order_warehouse ON public.fulfilment_order USING btree (merchant_id, warehouse_id, state);
alter table fulfilment_order enable row level security;
alter table fulfilment_order force row level security;
create policy checker on fulfilment_order for select to quayside_check using (true);
create policy system on fulfilment_order for all to quayside_system using (true) with check (true);
create policy tenant on fulfilment_order for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on fulfilment_order to quayside_app;
grant select on fulfilment_order to quayside_check;
grant select on fulfilment_order to quayside_system;

create table fulfilment_order_line (
  id uuid not null,
  merchant_id uuid not null,
  fulfilment_order_id uuid not null,
  order_line_id uuid not null,
  product_id uuid not null,
  quantity integer not null,
  shorted integer default 0 not null,
  constraint fulfilment_order_line_pkey PRIMARY KEY (merchant_id, id),
  constraint fulfilment_order_line_check CHECK (((shorted >= 0) AND (shorted <= quantity))),
  constraint fulfilment_order_line_quantity_check CHECK ((quantity > 0)),
  constraint fulfilment_order_line_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint fulfilment_order_line_merchant_id_fulfilment_order_id_fkey FOREIGN KEY (merchant_id, fulfilment_order_id) REFERENCES fulfilment_order(merchant_id, id),
  constraint fulfilment_order_line_merchant_id_order_line_id_fkey FOREIGN KEY (merchant_id, order_line_id) REFERENCES sales_order_line(merchant_id, id),
  constraint fulfilment_order_line_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id)
);
CREATE INDEX fulfilment_order_line_order_line ON public.fulfilment_order_line USING btree (merchant_id, order_line_id);
CREATE INDEX fulfilment_order_line_parent ON public.fulfilment_order_line USING btree (merchant_id, fulfilment_order_id);
alter table fulfilment_order_line enable row level security;
alter table fulfilment_order_line force row level security;
create policy checker on fulfilment_order_line for select to quayside_check using (true);
create policy tenant on fulfilment_order_line for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on fulfilment_order_line to quayside_app;
grant select on fulfilment_order_line to quayside_check;

create table idempotency_key (
  organisation_id uuid not null,
  api_key_id uuid not null,
  key text not null,
  request_sha256 bytea not null,
  status integer,
  answer jsonb,
  created_at timestamp with time zone default now() not null,
  constraint idempotency_key_pkey PRIMARY KEY (api_key_id, key),
  constraint idempotency_key_api_key_id_fkey FOREIGN KEY (api_key_id) REFERENCES api_key(id),
  constraint idempotency_key_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisation(id)
);
CREATE INDEX idempotency_key_age ON public.idempotency_key USING btree (created_at);
alter table idempotency_key enable row level security;
alter table idempotency_key force row level security;
create policy checker on idempotency_key for select to quayside_check using (true);
create policy system on idempotency_key for all to quayside_system using (true) with check (true);
create policy tenant on idempotency_key for all to quayside_app using ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on idempotency_key to quayside_app;
grant select on idempotency_key to quayside_check;
grant delete, select on idempotency_key to quayside_system;

create table inbox (
  id uuid not null,
  merchant_id uuid not null,
  source text not null,
  event_key text not null,
  topic text not null,
  body text,
  state text default 'received'::text not null,
  reason text,
  order_id uuid,
  received_at timestamp with time zone default now() not null,
  processed_at timestamp with time zone,
  constraint inbox_pkey PRIMARY KEY (merchant_id, id),
  constraint inbox_merchant_id_source_event_key_key UNIQUE (merchant_id, source, event_key),
  constraint inbox_state_check CHECK ((state = ANY (ARRAY['received'::text, 'processed'::text, 'ignored'::text, 'parked'::text]))),
  constraint inbox_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
CREATE INDEX inbox_age ON public.inbox USING brin (received_at);
CREATE INDEX inbox_order ON public.inbox USING btree (merchant_id, order_id);
CREATE INDEX inbox_waiting ON public.inbox USING btree (received_at) WHERE (state = 'received'::text);
alter table inbox enable row level security;
alter table inbox force row level security;
create policy checker on inbox for select to quayside_check using (true);
create policy system on inbox for all to quayside_system using (true) with check (true);
create policy tenant on inbox for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on inbox to quayside_app;
grant select on inbox to quayside_check;
grant delete, select, update on inbox to quayside_system;

create table label (
  id uuid not null,
  merchant_id uuid not null,
  parcel_id uuid not null,
  step_key text not null,
  state text not null,
  state_since timestamp with time zone default now() not null,
  carrier_account_id uuid not null,
  address_version integer not null,
  external_shipment_id text,
  external_rate_id text,
  carrier text,
  service text,
  tracking_number text,
  label_url text,
  amount_minor bigint,
  currency text,
  failure text,
  void_due_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  void_asked_at timestamp with time zone,
  constraint label_pkey PRIMARY KEY (merchant_id, id),
  constraint label_merchant_id_step_key_key UNIQUE (merchant_id, step_key),
  constraint label_check CHECK (((state <> ALL (ARRAY['purchased'::text, 'shipped'::text])) OR ((tracking_number IS NOT NULL) AND (amount_minor IS NOT NULL)))),
  constraint label_state_check CHECK ((state = ANY (ARRAY['claimed'::text, 'unknown'::text, 'purchased'::text, 'failed'::text, 'shipped'::text, 'void_requested'::text, 'voided'::text, 'void_rejected'::text]))),
  constraint label_carrier_account_id_fkey FOREIGN KEY (carrier_account_id) REFERENCES carrier_account(id),
  constraint label_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint label_merchant_id_parcel_id_fkey FOREIGN KEY (merchant_id, parcel_id) REFERENCES parcel(merchant_id, id)
);
CREATE UNIQUE INDEX label_live ON public.label USING btree (merchant_id, parcel_id) WHERE (state = ANY (ARRAY['claimed'::text, 'unknown'::text, 'purchased'::text, 'shipped'::text]));
CREATE INDEX label_void_due ON public.label USING btree (void_due_at) WHERE (void_due_at IS NOT NULL);
alter table label enable row level security;
alter table label force row level security;
create policy checker on label for select to quayside_check using (true);
create policy system on label for all to quayside_system using (true) with check (true);
create policy tenant on label for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on label to quayside_app;
grant select on label to quayside_check;
grant select, update on label to quayside_system;

create table location (
  id uuid not null,
  organisation_id uuid not null,
  warehouse_id uuid,
  code text not null,
  zone text,
  kind text not null,
  aisle integer,
  bay integer,
  level integer,
  archived_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  constraint location_pkey PRIMARY KEY (id),
  constraint location_organisation_id_id_key UNIQUE (organisation_id, id),
  constraint location_kind_check CHECK ((kind = ANY (ARRAY['bin'::text, 'dock'::text, 'staging'::text, 'packing'::text, 'quarantine'::text, 'damaged'::text, 'supplier'::text, 'customer'::text, 'adjustment'::text, 'transit'::text, 'assembly'::text]))),
  constraint location_warehouse_by_kind CHECK (((warehouse_id IS NULL) = (kind = ANY (ARRAY['supplier'::text, 'customer'::text, 'adjustment'::text, 'transit'::text, 'assembly'::text])))),
  constraint location_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisation(id),
  constraint location_organisation_id_warehouse_id_fkey FOREIGN KEY (organisation_id, warehouse_id) REFERENCES warehouse(organisation_id, id)
);
CREATE UNIQUE INDEX location_code ON public.location USING btree (organisation_id, warehouse_id, code) WHERE (warehouse_id IS NOT NULL);
CREATE UNIQUE INDEX location_virtual ON public.location USING btree (organisation_id, kind) WHERE (warehouse_id IS NULL);
alter table location enable row level security;
alter table location force row level security;
create policy checker on location for select to quayside_check using (true);
create policy tenant on location for all to quayside_app using ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on location to quayside_app;
grant select on location to quayside_check;

create table lot (
  merchant_id uuid not null,
  product_id uuid not null,
  code text not null,
  expires_on date,
  held boolean default false not null,
  constraint lot_pkey PRIMARY KEY (merchant_id, product_id, code),
  constraint lot_code_check CHECK ((code <> ''::text)),
  constraint lot_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint lot_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id)
);
CREATE INDEX lot_to_expire ON public.lot USING btree (expires_on) WHERE ((expires_on IS NOT NULL) AND (NOT held));
alter table lot enable row level security;
alter table lot force row level security;
create policy checker on lot for select to quayside_check using (true);
create policy system on lot for all to quayside_system using (true) with check (true);
create policy tenant on lot for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on lot to quayside_app;
grant select on lot to quayside_check;
grant select on lot to quayside_system;

create table lot_hold (
  id uuid not null,
  merchant_id uuid not null,
  product_id uuid not null,
  lot_code text not null,
  kind text not null,
  reason text not null,
  placed_by text not null,
  placed_at timestamp with time zone not null,
  lifted_by text,
  lifted_at timestamp with time zone,
  lift_reason text,
  constraint lot_hold_pkey PRIMARY KEY (merchant_id, id),
  constraint lot_hold_check CHECK (((lifted_at IS NULL) = (lifted_by IS NULL))),
  constraint lot_hold_kind_check CHECK ((kind = ANY (ARRAY['recall'::text, 'expiry'::text]))),
  constraint lot_hold_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint lot_hold_merchant_id_product_id_lot_code_fkey FOREIGN KEY (merchant_id, product_id, lot_code) REFERENCES lot(merchant_id, product_id, code)
);
CREATE UNIQUE INDEX lot_hold_active ON public.lot_hold USING btree (merchant_id, product_id, lot_code, kind) WHERE (lifted_at IS NULL);
alter table lot_hold enable row level security;
alter table lot_hold force row level security;
create policy checker on lot_hold for select to quayside_check using (true);
create policy tenant on lot_hold for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on lot_hold to quayside_app;
grant select on lot_hold to quayside_check;

create table manifest (
  id uuid not null,
  merchant_id uuid not null,
  carrier_account_id uuid not null,
  warehouse_id uuid not null,
  step_key text not null,
  external_id text,
  form_url text,
  created_at timestamp with time zone default now() not null,
  constraint manifest_pkey PRIMARY KEY (merchant_id, id),
  constraint manifest_merchant_id_step_key_key UNIQUE (merchant_id, step_key),
  constraint manifest_carrier_account_id_fkey FOREIGN KEY (carrier_account_id) REFERENCES carrier_account(id),
  constraint manifest_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint manifest_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES warehouse(id)
);
alter table manifest enable row level security;
alter table manifest force row level security;
create policy checker on manifest for select to quayside_check using (true);
create policy tenant on manifest for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on manifest to quayside_app;
grant select on manifest to quayside_check;

create table merchant (
  id uuid not null,
  organisation_id uuid not null,
  slug text not null,
  name text not null,
  currency text not null,
  payment_policy text default 'authorised'::text not null,
  split_policy text default 'allowed'::text not null,
  partial_policy text default 'wait'::text not null,
  short_pick_policy text default 'ask'::text not null,
  address_check text default 'carrier'::text not null,
  mail_from text default 'orders@quayside.example'::text not null,
  catalog_version bigint default 0 not null,
  business_now timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  line_split_policy text default 'allowed'::text not null,
  adjustment_limit_units integer,
  adjustment_limit_minor bigint,
  count_tolerance_units integer,
  count_tolerance_percent integer,
  count_tolerance_minor bigint,
  constraint merchant_pkey PRIMARY KEY (id),
  constraint merchant_organisation_id_slug_key UNIQUE (organisation_id, slug),
  constraint merchant_address_check_check CHECK ((address_check = ANY (ARRAY['carrier'::text, 'local'::text]))),
  constraint merchant_adjustment_limit_minor_check CHECK ((adjustment_limit_minor >= 0)),
  constraint merchant_adjustment_limit_units_check CHECK ((adjustment_limit_units >= 0)),
  constraint merchant_count_tolerance_minor_check CHECK ((count_tolerance_minor >= 0)),
  constraint merchant_count_tolerance_percent_check CHECK (((count_tolerance_percent >= 0) AND (count_tolerance_percent <= 100))),
  constraint merchant_count_tolerance_units_check CHECK ((count_tolerance_units >= 0)),
  constraint merchant_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint merchant_line_split_policy_check CHECK ((line_split_policy = ANY (ARRAY['never'::text, 'allowed'::text]))),
  constraint merchant_partial_policy_check CHECK ((partial_policy = ANY (ARRAY['wait'::text, 'ship_available'::text]))),
  constraint merchant_payment_policy_check CHECK ((payment_policy = ANY (ARRAY['none'::text, 'authorised'::text, 'captured'::text]))),
  constraint merchant_short_pick_policy_check CHECK ((short_pick_policy = ANY (ARRAY['ask'::text, 'backorder'::text, 'ship_short'::text]))),
  constraint merchant_slug_check CHECK ((slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'::text)),
  constraint merchant_split_policy_check CHECK ((split_policy = ANY (ARRAY['never'::text, 'allowed'::text]))),
  constraint merchant_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisation(id)
);
alter table merchant enable row level security;
alter table merchant force row level security;
create policy checker on merchant for select to quayside_check using (true);
create policy system on merchant for all to quayside_system using (true) with check (true);
create policy tenant on merchant for all to quayside_app using ((id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on merchant to quayside_app;
grant select on merchant to quayside_check;
grant select on merchant to quayside_system;

create table merchant_warehouse (
  merchant_id uuid not null,
  warehouse_id uuid not null,
  constraint merchant_warehouse_pkey PRIMARY KEY (merchant_id, warehouse_id),
  constraint merchant_warehouse_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint merchant_warehouse_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES warehouse(id)
);
alter table merchant_warehouse enable row level security;
alter table merchant_warehouse force row level security;
create policy checker on merchant_warehouse for select to quayside_check using (true);
create policy tenant on merchant_warehouse for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select on merchant_warehouse to quayside_app;
grant select on merchant_warehouse to quayside_check;

create table notification (
  id uuid not null,
  merchant_id uuid not null,
  order_id uuid,
  event text not null,
  medium text not null,
  key text not null,
  message_id text,
  state text default 'pending'::text not null,
  created_at timestamp with time zone default now() not null,
  sent_at timestamp with time zone,
  constraint notification_pkey PRIMARY KEY (merchant_id, id),
  constraint notification_merchant_id_key_key UNIQUE (merchant_id, key),
  constraint notification_medium_check CHECK ((medium = 'mail'::text)),
  constraint notification_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sent'::text, 'failed'::text, 'skipped'::text]))),
  constraint notification_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint notification_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id)
);
alter table notification enable row level security;
alter table notification force row level security;
create policy checker on notification for select to quayside_check using (true);
create policy system on notification for all to quayside_system using (true) with check (true);
create policy tenant on notification for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on notification to quayside_app;
grant select on notification to quayside_check;
grant select, update on notification to quayside_system;

create table order_address (
  merchant_id uuid not null,
  order_id uuid not null,
  version integer not null,
  name text,
  company text,
  line1 text,
  line2 text,
  city text,
  region text,
  postal_code text,
  country text,
  phone text,
  email text,
  checked text default 'unchecked'::text not null,
  problems text[] default '{}'::text[] not null,
  created_at timestamp with time zone default now() not null,
  constraint order_address_pkey PRIMARY KEY (merchant_id, order_id, version),
  constraint order_address_checked_check CHECK ((checked = ANY (ARRAY['unchecked'::text, 'local'::text, 'carrier'::text, 'undeliverable'::text]))),
  constraint order_address_version_check CHECK ((version >= 1)),
  constraint order_address_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint order_address_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id)
);
alter table order_address enable row level security;
alter table order_address force row level security;
create policy checker on order_address for select to quayside_check using (true);
create policy tenant on order_address for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on order_address to quayside_app;
grant select on order_address to quayside_check;

create table order_fact (
  merchant_id uuid not null,
  key text not null,
  order_id uuid not null,
  kind text not null,
  product_id uuid,
  quantity numeric(14,3) default 0 not null,
  amount_minor bigint,
  currency text,
  occurred_at timestamp with time zone not null,
  constraint order_fact_pkey PRIMARY KEY (merchant_id, key),
  constraint order_fact_kind_check CHECK ((kind = ANY (ARRAY['cogs'::text, 'revenue'::text, 'shipping_cost'::text, 'material'::text, 'labour_minutes'::text, 'credit'::text]))),
  constraint order_fact_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint order_fact_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id)
);
CREATE INDEX order_fact_order ON public.order_fact USING btree (merchant_id, order_id);
alter table order_fact enable row level security;
alter table order_fact force row level security;
create policy checker on order_fact for select to quayside_check using (true);
create policy tenant on order_fact for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select on order_fact to quayside_app;
grant select on order_fact to quayside_check;

create table order_hold (
  merchant_id uuid not null,
  order_id uuid not null,
  name text not null,
  note text,
  placed_by text not null,
  placed_at timestamp with time zone default now() not null,
  released_by text,
  released_at timestamp with time zone,
  constraint order_hold_pkey PRIMARY KEY (merchant_id, order_id, name, placed_at),
  constraint order_hold_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint order_hold_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id)
);
CREATE UNIQUE INDEX order_hold_active ON public.order_hold USING btree (merchant_id, order_id, name) WHERE (released_at IS NULL);
alter table order_hold enable row level security;
alter table order_hold force row level security;
create policy checker on order_hold for select to quayside_check using (true);
create policy tenant on order_hold for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on order_hold to quayside_app;
grant select on order_hold to quayside_check;

create table order_tombstone (
  merchant_id uuid not null,
  connection_id uuid not null,
  external_id text not null,
  reason text not null,
  created_at timestamp with time zone default now() not null,
  constraint order_tombstone_pkey PRIMARY KEY (merchant_id, connection_id, external_id),
  constraint order_tombstone_merchant_id_connection_id_fkey FOREIGN KEY (merchant_id, connection_id) REFERENCES channel_connection(merchant_id, id),
  constraint order_tombstone_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
alter table order_tombstone enable row level security;
alter table order_tombstone force row level security;
create policy checker on order_tombstone for select to quayside_check using (true);
create policy system on order_tombstone for all to quayside_system using (true) with check (true);
create policy tenant on order_tombstone for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select on order_tombstone to quayside_app;
grant select on order_tombstone to quayside_check;
grant delete, select on order_tombstone to quayside_system;

create table organisation (
  id uuid not null,
  name text not null,
  created_at timestamp with time zone default now() not null,
  constraint organisation_pkey PRIMARY KEY (id)
);
alter table organisation enable row level security;
alter table organisation force row level security;
create policy checker on organisation for select to quayside_check using (true);
create policy system on organisation for all to quayside_system using (true) with check (true);
create policy tenant on organisation for all to quayside_app using ((id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select on organisation to quayside_app;
grant select on organisation to quayside_check;
grant select on organisation to quayside_system;

create table outbox (
  id uuid not null,
  merchant_id uuid not null,
  kind text not null,
  key text not null,
  order_id uuid,
  lane text default ''::text not null,
  payload jsonb not null,
  state text default 'pending'::text not null,
  due_at timestamp with time zone default now() not null,
  attempts integer default 0 not null,
  leased_until timestamp with time zone,
  last_error text,
  created_at timestamp with time zone default now() not null,
  done_at timestamp with time zone,
  constraint outbox_pkey PRIMARY KEY (merchant_id, id),
  constraint outbox_merchant_id_key_key UNIQUE (merchant_id, key),
  constraint outbox_kind_check CHECK ((kind = ANY (ARRAY['workflow.start'::text, 'workflow.signal'::text, 'workflow.update'::text, 'channel.tracking'::text, 'mail'::text, 'webhook'::text]))),
  constraint outbox_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'leased'::text, 'done'::text, 'dead'::text]))),
  constraint outbox_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
) with (fillfactor=70);
CREATE INDEX outbox_age ON public.outbox USING brin (created_at);
CREATE INDEX outbox_due ON public.outbox USING btree (lane, due_at) WHERE (state = ANY (ARRAY['pending'::text, 'leased'::text]));
CREATE INDEX outbox_order ON public.outbox USING btree (merchant_id, order_id) WHERE (order_id IS NOT NULL);
CREATE TRIGGER outbox_wake AFTER INSERT ON public.outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_wake();
alter table outbox enable row level security;
alter table outbox force row level security;
create policy checker on outbox for select to quayside_check using (true);
create policy system on outbox for all to quayside_system using (true) with check (true);
create policy tenant on outbox for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on outbox to quayside_app;
grant select on outbox to quayside_check;
grant delete, insert, select, update on outbox to quayside_system;

create table parcel (
  id uuid not null,
  merchant_id uuid not null,
  order_id uuid not null,
  fulfilment_order_id uuid not null,
  number integer not null,
  state text default 'open'::text not null,
  state_since timestamp with time zone default now() not null,
  carton_id uuid,
  weight_grams integer,
  length_mm integer,
  width_mm integer,
  height_mm integer,
  carrier text,
  service text,
  tracking_number text,
  carrier_account_id uuid,
  promised_at timestamp with time zone,
  shipped_at timestamp with time zone,
  delivered_at timestamp with time zone,
  track_due_at timestamp with time zone,
  manifest_id uuid,
  created_at timestamp with time zone default now() not null,
  constraint parcel_pkey PRIMARY KEY (merchant_id, id),
  constraint parcel_merchant_id_fulfilment_order_id_number_key UNIQUE (merchant_id, fulfilment_order_id, number),
  constraint parcel_state_check CHECK ((state = ANY (ARRAY['open'::text, 'packed'::text, 'labelled'::text, 'shipped'::text, 'in_transit'::text, 'out_for_delivery'::text, 'delivered'::text, 'delivery_failed'::text, 'returned_to_sender'::text, 'lost'::text, 'damaged'::text, 'cancelled'::text]))),
  constraint parcel_weight_grams_check CHECK ((weight_grams > 0)),
  constraint parcel_carrier_account_id_fkey FOREIGN KEY (carrier_account_id) REFERENCES carrier_account(id),
  constraint parcel_merchant_id_carton_id_fkey FOREIGN KEY (merchant_id, carton_id) REFERENCES carton(merchant_id, id),
  constraint parcel_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint parcel_merchant_id_fulfilment_order_id_fkey FOREIGN KEY (merchant_id, fulfilment_order_id) REFERENCES fulfilment_order(merchant_id, id),
  constraint parcel_merchant_id_manifest_id_fkey FOREIGN KEY (merchant_id, manifest_id) REFERENCES manifest(merchant_id, id),
  constraint parcel_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id)
);
CREATE INDEX parcel_order ON public.parcel USING btree (merchant_id, order_id);
CREATE INDEX parcel_track_due ON public.parcel USING btree (track_due_at) WHERE (track_due_at IS NOT NULL);
CREATE INDEX parcel_tracking ON public.parcel USING btree (merchant_id, tracking_number) WHERE (tracking_number IS NOT NULL);
alter table parcel enable row level security;
alter table parcel force row level security;
create policy checker on parcel for select to quayside_check using (true);
create policy system on parcel for all to quayside_system using (true) with check (true);
create policy tenant on parcel for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on parcel to quayside_app;
grant select on parcel to quayside_check;
grant select, update on parcel to quayside_system;

create table parcel_line (
  merchant_id uuid not null,
  parcel_id uuid not null,
  fulfilment_order_line_id uuid not null,
  product_id uuid not null,
  quantity integer not null,
  constraint parcel_line_pkey PRIMARY KEY (merchant_id, parcel_id, fulfilment_order_line_id),
  constraint parcel_line_quantity_check CHECK ((quantity > 0)),
  constraint parcel_line_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint parcel_line_merchant_id_fulfilment_order_line_id_fkey FOREIGN KEY (merchant_id, fulfilment_order_line_id) REFERENCES fulfilment_order_line(merchant_id, id),
  constraint parcel_line_merchant_id_parcel_id_fkey FOREIGN KEY (merchant_id, parcel_id) REFERENCES parcel(merchant_id, id)
);
alter table parcel_line enable row level security;
alter table parcel_line force row level security;
create policy checker on parcel_line for select to quayside_check using (true);
create policy tenant on parcel_line for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on parcel_line to quayside_app;
grant select on parcel_line to quayside_check;

create table person (
  id uuid not null,
  organisation_id uuid not null,
  name text,
  email text,
  role text not null,
  badge_hash bytea,
  erased_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  constraint person_pkey PRIMARY KEY (id),
  constraint person_organisation_id_id_key UNIQUE (organisation_id, id),
  constraint person_role_check CHECK ((role = ANY (ARRAY['operator'::text, 'floor'::text, 'merchant'::text, 'agent'::text, 'supplier'::text, 'auditor'::text, 'integrator'::text]))),
  constraint person_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisation(id)
);
alter table person enable row level security;
alter table person force row level security;
create policy checker on person for select to quayside_check using (true);
create policy tenant on person for all to quayside_app using ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on person to quayside_app;
grant select on person to quayside_check;

create table picked_serial (
  merchant_id uuid not null,
  task_line_id uuid not null,
  product_id uuid not null,
  serial text not null,
  constraint picked_serial_pkey PRIMARY KEY (merchant_id, task_line_id, serial),
  constraint picked_serial_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint picked_serial_merchant_id_product_id_serial_fkey FOREIGN KEY (merchant_id, product_id, serial) REFERENCES serial_unit(merchant_id, product_id, serial),
  constraint picked_serial_merchant_id_task_line_id_fkey FOREIGN KEY (merchant_id, task_line_id) REFERENCES task_line(merchant_id, id)
);
CREATE INDEX picked_serial_unit ON public.picked_serial USING btree (merchant_id, product_id, serial);
alter table picked_serial enable row level security;
alter table picked_serial force row level security;
create policy checker on picked_serial for select to quayside_check using (true);
create policy tenant on picked_serial for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on picked_serial to quayside_app;
grant select on picked_serial to quayside_check;

create table product (
  id uuid not null,
  merchant_id uuid not null,
  sku text not null,
  name text not null,
  ships boolean default true not null,
  is_bundle boolean default false not null,
  gtin text,
  weight_grams integer,
  length_mm integer,
  width_mm integer,
  height_mm integer,
  unit_cost_minor bigint,
  hs_code text,
  origin_country text,
  lot_tracked boolean default false not null,
  serial_tracked boolean default false not null,
  version bigint default 1 not null,
  archived_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  handling text[] default '{}'::text[] not null,
  constraint product_pkey PRIMARY KEY (merchant_id, id),
  constraint product_merchant_id_sku_key UNIQUE (merchant_id, sku),
  constraint product_handling_check CHECK ((handling <@ ARRAY['hazmat'::text, 'cold'::text, 'oversize'::text])),
  constraint product_height_mm_check CHECK ((height_mm >= 0)),
  constraint product_length_mm_check CHECK ((length_mm >= 0)),
  constraint product_sku_check CHECK ((sku <> ''::text)),
  constraint product_unit_cost_minor_check CHECK ((unit_cost_minor >= 0)),
  constraint product_weight_grams_check CHECK ((weight_grams >= 0)),
  constraint product_width_mm_check CHECK ((width_mm >= 0)),
  constraint product_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
alter table product enable row level security;
alter table product force row level security;
create policy checker on product for select to quayside_check using (true);
create policy tenant on product for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on product to quayside_app;
grant select on product to quayside_check;

create table promotion (
  id uuid not null,
  merchant_id uuid not null,
  name text not null,
  product_id uuid,
  from_day date not null,
  to_day date not null,
  created_at timestamp with time zone default now() not null,
  constraint promotion_pkey PRIMARY KEY (merchant_id, id),
  constraint promotion_check CHECK ((to_day >= from_day)),
  constraint promotion_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint promotion_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id)
);
CREATE INDEX promotion_span ON public.promotion USING btree (merchant_id, to_day);
alter table promotion enable row level security;
alter table promotion force row level security;
create policy checker on promotion for select to quayside_check using (true);
create policy tenant on promotion for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on promotion to quayside_app;
grant select on promotion to quayside_check;

create table replay_line (
  merchant_id uuid not null,
  invoice_no text not null,
  line_no integer not null,
  invoice_kind text not null,
  kind text not null,
  sku text not null,
  description text default ''::text not null,
  quantity integer not null,
  amount_minor bigint not null,
  customer_external_id text,
  occurred_at timestamp with time zone not null,
  outcome text,
  order_id uuid,
  recorded_at timestamp with time zone default now() not null,
  constraint replay_line_pkey PRIMARY KEY (merchant_id, invoice_no, line_no),
  constraint replay_line_check CHECK (((outcome IS NOT NULL) = (kind = 'credit'::text))),
  constraint replay_line_invoice_kind_check CHECK ((invoice_kind = ANY (ARRAY['order'::text, 'credit'::text, 'write_off'::text]))),
  constraint replay_line_kind_check CHECK ((kind = ANY (ARRAY['sale'::text, 'credit'::text, 'write_off'::text, 'service'::text]))),
  constraint replay_line_line_no_check CHECK ((line_no >= 1)),
  constraint replay_line_outcome_check CHECK ((outcome = ANY (ARRAY['matched'::text, 'over_returned'::text, 'no_prior_sale'::text, 'no_customer'::text]))),
  constraint replay_line_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint replay_line_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id)
);
CREATE INDEX replay_line_customer ON public.replay_line USING btree (merchant_id, customer_external_id, sku, occurred_at);
CREATE INDEX replay_line_time ON public.replay_line USING btree (merchant_id, occurred_at);
alter table replay_line enable row level security;
alter table replay_line force row level security;
create policy checker on replay_line for select to quayside_check using (true);
create policy tenant on replay_line for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select on replay_line to quayside_app;
grant select on replay_line to quayside_check;

create table request (
  id uuid not null,
  merchant_id uuid not null,
  kind text not null,
  state text default 'open'::text not null,
  order_id uuid,
  owner text not null,
  detail jsonb default '{}'::jsonb not null,
  key text not null,
  created_at timestamp with time zone default now() not null,
  constraint request_pkey PRIMARY KEY (merchant_id, id),
  constraint request_merchant_id_key_key UNIQUE (merchant_id, key),
  constraint request_kind_check CHECK ((kind = ANY (ARRAY['purchase_order'::text, 'transfer'::text, 'return'::text, 'carrier_intercept'::text]))),
  constraint request_state_check CHECK ((state = ANY (ARRAY['open'::text, 'done'::text, 'cancelled'::text]))),
  constraint request_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint request_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id)
);
alter table request enable row level security;
alter table request force row level security;
create policy checker on request for select to quayside_check using (true);
create policy tenant on request for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on request to quayside_app;
grant select on request to quayside_check;

create table reservation (
  id uuid not null,
  merchant_id uuid not null,
  order_id uuid,
  fulfilment_order_line_id uuid,
  warehouse_id uuid not null,
  product_id uuid not null,
  quantity integer not null,
  state text not null,
  step_key text not null,
  created_at timestamp with time zone default now() not null,
  ended_at timestamp with time zone,
  hold_id uuid,
  expires_at timestamp with time zone,
  work_order_id uuid,
  constraint reservation_pkey PRIMARY KEY (merchant_id, id),
  constraint reservation_check CHECK (((ended_at IS NULL) = (state = ANY (ARRAY['held'::text, 'allocated'::text])))),
  constraint reservation_hold_ends CHECK (((hold_id IS NULL) = (expires_at IS NULL))),
  constraint reservation_hold_is_soft CHECK (((hold_id IS NULL) OR (state <> 'allocated'::text))),
  constraint reservation_line_of_order CHECK (((fulfilment_order_line_id IS NULL) OR (order_id IS NOT NULL))),
  constraint reservation_of_one CHECK ((num_nonnulls(fulfilment_order_line_id, hold_id, work_order_id) = 1)),
  constraint reservation_quantity_check CHECK ((quantity > 0)),
  constraint reservation_state_check CHECK ((state = ANY (ARRAY['held'::text, 'allocated'::text, 'consumed'::text, 'released'::text, 'expired'::text, 'taken_back'::text]))),
  constraint reservation_merchant_id_fulfilment_order_line_id_fkey FOREIGN KEY (merchant_id, fulfilment_order_line_id) REFERENCES fulfilment_order_line(merchant_id, id),
  constraint reservation_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id),
  constraint reservation_of_balance FOREIGN KEY (merchant_id, warehouse_id, product_id) REFERENCES stock_balance(merchant_id, warehouse_id, product_id),
  constraint reservation_of_work_order FOREIGN KEY (merchant_id, work_order_id) REFERENCES work_order(merchant_id, id)
);
CREATE INDEX reservation_balance ON public.reservation USING btree (merchant_id, warehouse_id, product_id) WHERE (state = ANY (ARRAY['held'::text, 'allocated'::text]));
CREATE INDEX reservation_due ON public.reservation USING btree (expires_at) WHERE ((state = 'held'::text) AND (hold_id IS NOT NULL));
CREATE INDEX reservation_hold ON public.reservation USING btree (merchant_id, hold_id) WHERE (hold_id IS NOT NULL);
CREATE UNIQUE INDEX reservation_live ON public.reservation USING btree (merchant_id, fulfilment_order_line_id) WHERE ((state = ANY (ARRAY['held'::text, 'allocated'::text])) AND (fulfilment_order_line_id IS NOT NULL));
CREATE INDEX reservation_order ON public.reservation USING btree (merchant_id, order_id) WHERE (order_id IS NOT NULL);
CREATE INDEX reservation_work_order ON public.reservation USING btree (merchant_id, work_order_id) WHERE (work_order_id IS NOT NULL);
alter table reservation enable row level security;
alter table reservation force row level security;
create policy checker on reservation for select to quayside_check using (true);
create policy due on reservation for select to quayside_system using (((hold_id IS NOT NULL) AND (ended_at IS NULL)));
create policy tenant on reservation for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on reservation to quayside_app;
grant select on reservation to quayside_check;

create table routing_decision (
  merchant_id uuid not null,
  id uuid not null,
  order_id uuid not null,
  decided_at timestamp with time zone not null,
  outcome text not null,
  trace jsonb not null,
  constraint routing_decision_pkey PRIMARY KEY (merchant_id, id),
  constraint routing_decision_outcome_check CHECK ((outcome = ANY (ARRAY['plan'::text, 'short'::text, 'no_warehouse'::text]))),
  constraint routing_decision_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint routing_decision_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id)
);
CREATE INDEX routing_decision_order ON public.routing_decision USING btree (merchant_id, order_id);
alter table routing_decision enable row level security;
alter table routing_decision force row level security;
create policy checker on routing_decision for select to quayside_check using (true);
create policy tenant on routing_decision for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on routing_decision to quayside_app;
grant select on routing_decision to quayside_check;

create table routing_rate (
  id uuid not null,
  merchant_id uuid not null,
  warehouse_id uuid not null,
  zone text,
  base_minor bigint not null,
  per_kg_minor bigint not null,
  constraint routing_rate_pkey PRIMARY KEY (merchant_id, id),
  constraint routing_rate_merchant_id_warehouse_id_zone_key UNIQUE NULLS NOT DISTINCT (merchant_id, warehouse_id, zone),
  constraint routing_rate_base_minor_check CHECK ((base_minor >= 0)),
  constraint routing_rate_per_kg_minor_check CHECK ((per_kg_minor >= 0)),
  constraint routing_rate_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint routing_rate_merchant_id_zone_fkey FOREIGN KEY (merchant_id, zone) REFERENCES routing_zone(merchant_id, name),
  constraint routing_rate_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES warehouse(id)
);
alter table routing_rate enable row level security;
alter table routing_rate force row level security;
create policy checker on routing_rate for select to quayside_check using (true);
create policy tenant on routing_rate for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on routing_rate to quayside_app;
grant select on routing_rate to quayside_check;

create table routing_rule (
  id uuid not null,
  merchant_id uuid not null,
  "position" integer not null,
  name text not null,
  conditions jsonb not null,
  effects jsonb not null,
  enabled boolean default true not null,
  version bigint default 1 not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint routing_rule_pkey PRIMARY KEY (merchant_id, id),
  constraint routing_rule_name_check CHECK ((name <> ''::text)),
  constraint routing_rule_position_check CHECK ((("position" >= 1) AND ("position" <= 100000))),
  constraint routing_rule_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
alter table routing_rule enable row level security;
alter table routing_rule force row level security;
create policy checker on routing_rule for select to quayside_check using (true);
create policy tenant on routing_rule for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on routing_rule to quayside_app;
grant select on routing_rule to quayside_check;

create table routing_zone (
  merchant_id uuid not null,
  name text not null,
  "position" integer not null,
  places jsonb not null,
  constraint routing_zone_pkey PRIMARY KEY (merchant_id, name),
  constraint routing_zone_name_check CHECK ((name <> ''::text)),
  constraint routing_zone_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
alter table routing_zone enable row level security;
alter table routing_zone force row level security;
create policy checker on routing_zone for select to quayside_check using (true);
create policy tenant on routing_zone for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on routing_zone to quayside_app;
grant select on routing_zone to quayside_check;

create table sales_order (
  id uuid not null,
  merchant_id uuid not null,
  connection_id uuid not null,
  external_id text not null,
  external_number text,
  external_version text,
  state text default 'accepted'::text not null,
  state_since timestamp with time zone default now() not null,
  deadline_at timestamp with time zone,
  blocked_reason text,
  blocked_since timestamp with time zone,
  blocked_detail jsonb,
  held boolean default false not null,
  payment text not null,
  currency text not null,
  total_minor bigint not null,
  customer_id uuid,
  address_version integer default 1 not null,
  requested_shipping_method text,
  service_level text,
  services text[] default '{}'::text[] not null,
  max_days integer,
  channel_ship_by timestamp with time zone,
  ship_by timestamp with time zone,
  priority integer default 0 not null,
  vip boolean default false not null,
  test boolean default false not null,
  tags text[] default '{}'::text[] not null,
  note text,
  gift_message text,
  version bigint default 1 not null,
  placed_at timestamp with time zone not null,
  accepted_at timestamp with time zone default now() not null,
  shipped_at timestamp with time zone,
  delivered_at timestamp with time zone,
  closed_at timestamp with time zone,
  hold_id uuid,
  constraint sales_order_pkey PRIMARY KEY (merchant_id, id),
  constraint sales_order_merchant_id_connection_id_external_id_key UNIQUE (merchant_id, connection_id, external_id),
  constraint sales_order_address_version_check CHECK ((address_version >= 1)),
  constraint sales_order_check CHECK (((blocked_reason IS NULL) = (blocked_since IS NULL))),
  constraint sales_order_check1 CHECK (((deadline_at IS NULL) = (state = ANY (ARRAY['closed'::text, 'cancelled'::text])))),
  constraint sales_order_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint sales_order_payment_check CHECK ((payment = ANY (ARRAY['pending'::text, 'authorised'::text, 'captured'::text, 'voided'::text, 'refunded'::text]))),
  constraint sales_order_state_check CHECK ((state = ANY (ARRAY['received'::text, 'accepted'::text, 'planned'::text, 'in_fulfilment'::text, 'partly_shipped'::text, 'shipped'::text, 'delivered'::text, 'closed'::text, 'cancelled'::text]))),
  constraint sales_order_merchant_id_connection_id_fkey FOREIGN KEY (merchant_id, connection_id) REFERENCES channel_connection(merchant_id, id),
  constraint sales_order_merchant_id_customer_id_fkey FOREIGN KEY (merchant_id, customer_id) REFERENCES customer(merchant_id, id),
  constraint sales_order_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
CREATE INDEX sales_order_blocked ON public.sales_order USING btree (merchant_id, blocked_reason) WHERE (blocked_reason IS NOT NULL);
CREATE INDEX sales_order_deadline ON public.sales_order USING btree (deadline_at) WHERE (deadline_at IS NOT NULL);
CREATE INDEX sales_order_list ON public.sales_order USING btree (merchant_id, placed_at DESC, id DESC);
CREATE INDEX sales_order_state ON public.sales_order USING btree (merchant_id, state, placed_at DESC, id DESC);
alter table sales_order enable row level security;
alter table sales_order force row level security;
create policy checker on sales_order for select to quayside_check using (true);
create policy system on sales_order for all to quayside_system using (true) with check (true);
create policy tenant on sales_order for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on sales_order to quayside_app;
grant select on sales_order to quayside_check;
grant select, update on sales_order to quayside_system;

create table sales_order_line (
  id uuid not null,
  merchant_id uuid not null,
  order_id uuid not null,
  line_no integer not null,
  external_line_id text not null,
  sku text not null,
  title text not null,
  quantity integer not null,
  cancelled_quantity integer default 0 not null,
  unit_price_minor bigint not null,
  ships boolean not null,
  product_id uuid,
  constraint sales_order_line_pkey PRIMARY KEY (merchant_id, id),
  constraint sales_order_line_merchant_id_order_id_line_no_key UNIQUE (merchant_id, order_id, line_no),
  constraint sales_order_line_check CHECK (((cancelled_quantity >= 0) AND (cancelled_quantity <= quantity))),
  constraint sales_order_line_quantity_check CHECK ((quantity > 0)),
  constraint sales_order_line_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint sales_order_line_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id),
  constraint sales_order_line_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id)
);
CREATE INDEX sales_order_line_sku ON public.sales_order_line USING btree (merchant_id, sku);
alter table sales_order_line enable row level security;
alter table sales_order_line force row level security;
create policy checker on sales_order_line for select to quayside_check using (true);
create policy tenant on sales_order_line for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on sales_order_line to quayside_app;
grant select on sales_order_line to quayside_check;

create table scan (
  merchant_id uuid not null,
  event_id text not null,
  task_id uuid not null,
  task_line_id uuid,
  kind text not null,
  person_id uuid not null,
  quantity integer default 0 not null,
  code text,
  outcome jsonb default '{}'::jsonb not null,
  scanned_at timestamp with time zone default now() not null,
  constraint scan_pkey PRIMARY KEY (merchant_id, event_id),
  constraint scan_kind_check CHECK ((kind = ANY (ARRAY['claim'::text, 'pick'::text, 'short'::text, 'pack'::text, 'close_carton'::text, 'ship'::text, 'release'::text, 'count_start'::text, 'count'::text]))),
  constraint scan_quantity_check CHECK ((quantity >= 0)),
  constraint scan_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint scan_merchant_id_task_id_fkey FOREIGN KEY (merchant_id, task_id) REFERENCES task(merchant_id, id),
  constraint scan_person_id_fkey FOREIGN KEY (person_id) REFERENCES person(id)
);
CREATE INDEX scan_task ON public.scan USING btree (merchant_id, task_id, scanned_at);
alter table scan enable row level security;
alter table scan force row level security;
create policy checker on scan for select to quayside_check using (true);
create policy tenant on scan for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select on scan to quayside_app;
grant select on scan to quayside_check;

create table serial_unit (
  merchant_id uuid not null,
  product_id uuid not null,
  serial text not null,
  lot_code text default ''::text not null,
  location_id uuid not null,
  reservation_id uuid,
  constraint serial_unit_pkey PRIMARY KEY (merchant_id, product_id, serial),
  constraint serial_unit_serial_check CHECK ((serial <> ''::text)),
  constraint serial_unit_location_id_fkey FOREIGN KEY (location_id) REFERENCES location(id),
  constraint serial_unit_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint serial_unit_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id)
);
CREATE INDEX serial_unit_place ON public.serial_unit USING btree (merchant_id, location_id, product_id, lot_code);
CREATE INDEX serial_unit_reservation ON public.serial_unit USING btree (merchant_id, reservation_id) WHERE (reservation_id IS NOT NULL);
CREATE INDEX serial_unit_serial ON public.serial_unit USING btree (merchant_id, serial);
alter table serial_unit enable row level security;
alter table serial_unit force row level security;
create policy checker on serial_unit for select to quayside_check using (true);
create policy tenant on serial_unit for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on serial_unit to quayside_app;
grant select on serial_unit to quayside_check;

create table shelf_life_rule (
  id uuid not null,
  merchant_id uuid not null,
  connection_id uuid,
  customer_id uuid,
  product_id uuid,
  min_days integer not null,
  created_at timestamp with time zone default now() not null,
  constraint shelf_life_rule_pkey PRIMARY KEY (merchant_id, id),
  constraint shelf_life_rule_merchant_id_connection_id_customer_id_produ_key UNIQUE NULLS NOT DISTINCT (merchant_id, connection_id, customer_id, product_id),
  constraint shelf_life_rule_min_days_check CHECK (((min_days >= 1) AND (min_days <= 3650))),
  constraint shelf_life_rule_merchant_id_connection_id_fkey FOREIGN KEY (merchant_id, connection_id) REFERENCES channel_connection(merchant_id, id),
  constraint shelf_life_rule_merchant_id_customer_id_fkey FOREIGN KEY (merchant_id, customer_id) REFERENCES customer(merchant_id, id),
  constraint shelf_life_rule_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint shelf_life_rule_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id)
);
alter table shelf_life_rule enable row level security;
alter table shelf_life_rule force row level security;
create policy checker on shelf_life_rule for select to quayside_check using (true);
create policy tenant on shelf_life_rule for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on shelf_life_rule to quayside_app;
grant select on shelf_life_rule to quayside_check;

create table shipment (
  id uuid not null,
  merchant_id uuid not null,
  order_id uuid not null,
  fulfilment_order_id uuid not null,
  shipped_at timestamp with time zone not null,
  posted_at timestamp with time zone,
  constraint shipment_pkey PRIMARY KEY (merchant_id, id),
  constraint shipment_merchant_id_fulfilment_order_id_key UNIQUE (merchant_id, fulfilment_order_id),
  constraint shipment_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint shipment_merchant_id_fulfilment_order_id_fkey FOREIGN KEY (merchant_id, fulfilment_order_id) REFERENCES fulfilment_order(merchant_id, id),
  constraint shipment_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id)
);
alter table shipment enable row level security;
alter table shipment force row level security;
create policy checker on shipment for select to quayside_check using (true);
create policy system on shipment for all to quayside_system using (true) with check (true);
create policy tenant on shipment for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on shipment to quayside_app;
grant select on shipment to quayside_check;
grant select on shipment to quayside_system;

create table shipping_method_map (
  id uuid not null,
  merchant_id uuid not null,
  connection_id uuid,
  method text not null,
  service_level text not null,
  services text[] default '{}'::text[] not null,
  max_days integer,
  constraint shipping_method_map_pkey PRIMARY KEY (merchant_id, id),
  constraint shipping_method_map_max_days_check CHECK (((max_days >= 0) AND (max_days <= 90))),
  constraint shipping_method_map_merchant_id_connection_id_fkey FOREIGN KEY (merchant_id, connection_id) REFERENCES channel_connection(merchant_id, id),
  constraint shipping_method_map_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
CREATE UNIQUE INDEX shipping_method_map_method ON public.shipping_method_map USING btree (merchant_id, lower(method), connection_id) NULLS NOT DISTINCT;
alter table shipping_method_map enable row level security;
alter table shipping_method_map force row level security;
create policy checker on shipping_method_map for select to quayside_check using (true);
create policy tenant on shipping_method_map for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on shipping_method_map to quayside_app;
grant select on shipping_method_map to quayside_check;

create table sku_alias (
  id uuid not null,
  merchant_id uuid not null,
  connection_id uuid,
  alias text not null,
  product_id uuid not null,
  multiplier integer default 1 not null,
  created_at timestamp with time zone default now() not null,
  constraint sku_alias_pkey PRIMARY KEY (merchant_id, id),
  constraint sku_alias_merchant_id_alias_connection_id_key UNIQUE NULLS NOT DISTINCT (merchant_id, alias, connection_id),
  constraint sku_alias_alias_check CHECK ((alias <> ''::text)),
  constraint sku_alias_multiplier_check CHECK (((multiplier >= 1) AND (multiplier <= 100000))),
  constraint sku_alias_merchant_id_connection_id_fkey FOREIGN KEY (merchant_id, connection_id) REFERENCES channel_connection(merchant_id, id),
  constraint sku_alias_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint sku_alias_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id)
);
alter table sku_alias enable row level security;
alter table sku_alias force row level security;
create policy checker on sku_alias for select to quayside_check using (true);
create policy tenant on sku_alias for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on sku_alias to quayside_app;
grant select on sku_alias to quayside_check;

create table step (
  merchant_id uuid not null,
  key text not null,
  outcome jsonb not null,
  recorded_at timestamp with time zone default now() not null,
  constraint step_pkey PRIMARY KEY (merchant_id, key)
);
CREATE INDEX step_age ON public.step USING brin (recorded_at);
alter table step enable row level security;
alter table step force row level security;
create policy checker on step for select to quayside_check using (true);
create policy system on step for all to quayside_system using (true) with check (true);
create policy tenant on step for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on step to quayside_app;
grant select on step to quayside_check;
grant delete, select on step to quayside_system;

create table stock_adjustment (
  id uuid not null,
  merchant_id uuid not null,
  warehouse_id uuid not null,
  cause_id text not null,
  kind text not null,
  reason_code text not null,
  reason text not null,
  state text not null,
  units bigint not null,
  value_minor bigint,
  requested_by text not null,
  requested_at timestamp with time zone not null,
  decided_by text,
  decided_at timestamp with time zone,
  decision_reason text,
  constraint stock_adjustment_pkey PRIMARY KEY (merchant_id, id),
  constraint stock_adjustment_merchant_id_cause_id_key UNIQUE (merchant_id, cause_id),
  constraint stock_adjustment_check CHECK (((state = 'pending'::text) = (decided_at IS NULL))),
  constraint stock_adjustment_check1 CHECK (((decided_by IS NULL) = (decided_at IS NULL))),
  constraint stock_adjustment_kind_check CHECK ((kind = ANY (ARRAY['opening'::text, 'adjustment'::text, 'write_off'::text, 'count'::text]))),
  constraint stock_adjustment_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'posted'::text, 'rejected'::text]))),
  constraint stock_adjustment_units_check CHECK ((units >= 0)),
  constraint stock_adjustment_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint stock_adjustment_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES warehouse(id)
);
CREATE INDEX stock_adjustment_list ON public.stock_adjustment USING btree (merchant_id, requested_at DESC, id DESC);
CREATE INDEX stock_adjustment_pending ON public.stock_adjustment USING btree (merchant_id, requested_at) WHERE (state = 'pending'::text);
alter table stock_adjustment enable row level security;
alter table stock_adjustment force row level security;
create policy checker on stock_adjustment for select to quayside_check using (true);
create policy tenant on stock_adjustment for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on stock_adjustment to quayside_app;
grant select on stock_adjustment to quayside_check;

create table stock_adjustment_line (
  merchant_id uuid not null,
  adjustment_id uuid not null,
  line integer not null,
  product_id uuid not null,
  location_id uuid,
  lot_code text,
  expires_on date,
  delta integer not null,
  posted integer,
  unit_cost_minor bigint,
  constraint stock_adjustment_line_pkey PRIMARY KEY (merchant_id, adjustment_id, line),
  constraint stock_adjustment_line_delta_check CHECK ((delta <> 0)),
  constraint stock_adjustment_line_unit_cost_minor_check CHECK ((unit_cost_minor >= 0)),
  constraint stock_adjustment_line_location_id_fkey FOREIGN KEY (location_id) REFERENCES location(id),
  constraint stock_adjustment_line_merchant_id_adjustment_id_fkey FOREIGN KEY (merchant_id, adjustment_id) REFERENCES stock_adjustment(merchant_id, id),
  constraint stock_adjustment_line_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint stock_adjustment_line_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id)
);
CREATE INDEX stock_adjustment_line_place ON public.stock_adjustment_line USING btree (merchant_id, location_id) WHERE (posted IS NULL);
alter table stock_adjustment_line enable row level security;
alter table stock_adjustment_line force row level security;
create policy checker on stock_adjustment_line for select to quayside_check using (true);
create policy tenant on stock_adjustment_line for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on stock_adjustment_line to quayside_app;
grant select on stock_adjustment_line to quayside_check;

create table stock_alert (
  id uuid not null,
  merchant_id uuid not null,
  rule_id uuid not null,
  product_id uuid not null,
  level integer not null,
  shipped integer not null,
  counted_days integer not null,
  window_from date not null,
  window_to date not null,
  opened_at timestamp with time zone not null,
  well_since timestamp with time zone,
  cleared_at timestamp with time zone,
  cleared_level integer,
  constraint stock_alert_pkey PRIMARY KEY (merchant_id, id),
  constraint stock_alert_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint stock_alert_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id),
  constraint stock_alert_merchant_id_rule_id_fkey FOREIGN KEY (merchant_id, rule_id) REFERENCES stock_alert_rule(merchant_id, id)
);
CREATE INDEX stock_alert_list ON public.stock_alert USING btree (merchant_id, opened_at DESC, id DESC);
CREATE UNIQUE INDEX stock_alert_open ON public.stock_alert USING btree (merchant_id, rule_id, product_id) WHERE (cleared_at IS NULL);
alter table stock_alert enable row level security;
alter table stock_alert force row level security;
create policy checker on stock_alert for select to quayside_check using (true);
create policy tenant on stock_alert for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on stock_alert to quayside_app;
grant select on stock_alert to quayside_check;

create table stock_alert_destination (
  id uuid not null,
  merchant_id uuid not null,
  rule_id uuid not null,
  kind text not null,
  address_sealed bytea not null,
  hint text not null,
  constraint stock_alert_destination_pkey PRIMARY KEY (merchant_id, id),
  constraint stock_alert_destination_kind_check CHECK ((kind = ANY (ARRAY['mail'::text, 'chat'::text]))),
  constraint stock_alert_destination_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint stock_alert_destination_merchant_id_rule_id_fkey FOREIGN KEY (merchant_id, rule_id) REFERENCES stock_alert_rule(merchant_id, id)
);
CREATE INDEX stock_alert_destination_rule ON public.stock_alert_destination USING btree (merchant_id, rule_id);
alter table stock_alert_destination enable row level security;
alter table stock_alert_destination force row level security;
create policy checker on stock_alert_destination for select to quayside_check using (true);
create policy tenant on stock_alert_destination for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant delete, insert, select, update on stock_alert_destination to quayside_app;
grant select on stock_alert_destination to quayside_check;

create table stock_alert_rule (
  id uuid not null,
  merchant_id uuid not null,
  name text not null,
  product_id uuid,
  warehouse_id uuid,
  connection_id uuid,
  limit_kind text not null,
  at_most integer not null,
  window_days integer not null,
  clear_after_minutes integer not null,
  tells_webhooks boolean not null,
  owner text not null,
  version bigint default 1 not null,
  created_at timestamp with time zone default now() not null,
  retired_at timestamp with time zone,
  constraint stock_alert_rule_pkey PRIMARY KEY (merchant_id, id),
  constraint stock_alert_rule_at_most_check CHECK ((at_most >= 0)),
  constraint stock_alert_rule_check CHECK (((warehouse_id IS NULL) OR (connection_id IS NULL))),
  constraint stock_alert_rule_clear_after_minutes_check CHECK (((clear_after_minutes >= 0) AND (clear_after_minutes <= 10080))),
  constraint stock_alert_rule_limit_kind_check CHECK ((limit_kind = ANY (ARRAY['units'::text, 'days_of_cover'::text]))),
  constraint stock_alert_rule_window_days_check CHECK (((window_days >= 1) AND (window_days <= 366))),
  constraint stock_alert_rule_merchant_id_connection_id_fkey FOREIGN KEY (merchant_id, connection_id) REFERENCES channel_connection(merchant_id, id),
  constraint stock_alert_rule_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint stock_alert_rule_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id),
  constraint stock_alert_rule_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES warehouse(id)
);
alter table stock_alert_rule enable row level security;
alter table stock_alert_rule force row level security;
create policy checker on stock_alert_rule for select to quayside_check using (true);
create policy tenant on stock_alert_rule for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on stock_alert_rule to quayside_app;
grant select on stock_alert_rule to quayside_check;

create table stock_balance (
  merchant_id uuid not null,
  warehouse_id uuid not null,
  product_id uuid not null,
  on_hand integer default 0 not null,
  held integer default 0 not null,
  reserved integer default 0 not null,
  constraint stock_balance_pkey PRIMARY KEY (merchant_id, warehouse_id, product_id),
  constraint never_oversold CHECK ((reserved <= (on_hand - held))),
  constraint stock_balance_held_check CHECK ((held >= 0)),
  constraint stock_balance_on_hand_check CHECK ((on_hand >= 0)),
  constraint stock_balance_reserved_check CHECK ((reserved >= 0)),
  constraint stock_balance_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint stock_balance_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id),
  constraint stock_balance_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES warehouse(id)
) with (fillfactor=70);
CREATE INDEX stock_balance_product ON public.stock_balance USING btree (merchant_id, product_id);
CREATE TRIGGER stock_balance_created AFTER INSERT ON public.stock_balance REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_stock_change();
CREATE TRIGGER stock_balance_updated AFTER UPDATE ON public.stock_balance REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_stock_change();
alter table stock_balance enable row level security;
alter table stock_balance force row level security;
create policy checker on stock_balance for select to quayside_check using (true);
create policy tenant on stock_balance for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on stock_balance to quayside_app;
grant select on stock_balance to quayside_check;

create table stock_cause (
  merchant_id uuid not null,
  id text not null,
  month date not null,
  kind text not null,
  order_id uuid,
  reason text,
  actor text not null,
  occurred_at timestamp with time zone not null,
  recorded_at timestamp with time zone default now() not null,
  reason_code text,
  constraint stock_cause_pkey PRIMARY KEY (merchant_id, id),
  constraint stock_cause_merchant_id_id_month_key UNIQUE (merchant_id, id, month),
  constraint stock_cause_kind_check CHECK ((kind = ANY (ARRAY['opening'::text, 'receipt'::text, 'putaway'::text, 'pick'::text, 'put_back'::text, 'move'::text, 'ship'::text, 'adjustment'::text, 'write_off'::text, 'return'::text, 'kit'::text, 'count'::text, 'transfer'::text]))),
  constraint stock_cause_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
  constraint stock_cause_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
CREATE INDEX stock_cause_order ON public.stock_cause USING btree (merchant_id, order_id) WHERE (order_id IS NOT NULL);
alter table stock_cause enable row level security;
alter table stock_cause force row level security;
create policy checker on stock_cause for select to quayside_check using (true);
create policy tenant on stock_cause for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select on stock_cause to quayside_app;
grant select on stock_cause to quayside_check;

create table stock_change (
  xid xid8 default pg_current_xact_id() not null,
  merchant_id uuid not null,
  product_id uuid not null,
  warehouse_id uuid,
  at timestamp with time zone default clock_timestamp() not null
);
CREATE INDEX stock_change_at ON public.stock_change USING brin (at) WITH (pages_per_range='32');
CREATE INDEX stock_change_xid ON public.stock_change USING btree (xid);
alter table stock_change enable row level security;
alter table stock_change force row level security;
create policy checker on stock_change for select to quayside_check using (true);
create policy system on stock_change for all to quayside_system using (true) with check (true);
create policy tenant on stock_change for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select on stock_change to quayside_app;
grant select on stock_change to quayside_check;
grant delete, select on stock_change to quayside_system;

create table stock_count (
  id uuid not null,
  merchant_id uuid not null,
  warehouse_id uuid not null,
  origin text not null,
  class text,
  reason text not null,
  state text default 'open'::text not null,
  requested_by text not null,
  requested_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint stock_count_pkey PRIMARY KEY (merchant_id, id),
  constraint stock_count_check CHECK (((origin = 'abc'::text) = (class IS NOT NULL))),
  constraint stock_count_check1 CHECK (((ended_at IS NULL) = (state = 'open'::text))),
  constraint stock_count_class_check CHECK ((class = ANY (ARRAY['A'::text, 'B'::text, 'C'::text]))),
  constraint stock_count_origin_check CHECK ((origin = ANY (ARRAY['abc'::text, 'request'::text, 'short_pick'::text]))),
  constraint stock_count_state_check CHECK ((state = ANY (ARRAY['open'::text, 'done'::text, 'cancelled'::text]))),
  constraint stock_count_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint stock_count_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES warehouse(id)
);
CREATE INDEX stock_count_list ON public.stock_count USING btree (merchant_id, requested_at DESC, id DESC);
alter table stock_count enable row level security;
alter table stock_count force row level security;
create policy checker on stock_count for select to quayside_check using (true);
create policy tenant on stock_count for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on stock_count to quayside_app;
grant select on stock_count to quayside_check;

create table stock_follow_up (
  id uuid not null,
  merchant_id uuid not null,
  alert_id uuid not null,
  action text not null,
  state text not null,
  owner text,
  quantity integer,
  detail jsonb not null,
  requested_by text not null,
  requested_at timestamp with time zone not null,
  constraint stock_follow_up_pkey PRIMARY KEY (merchant_id, id),
  constraint stock_follow_up_merchant_id_alert_id_action_key UNIQUE (merchant_id, alert_id, action),
  constraint stock_follow_up_action_check CHECK ((action = ANY (ARRAY['expedite_po'::text, 'pause_listings'::text, 'shift_channels'::text, 'transfer'::text, 'tell_marketing'::text]))),
  constraint stock_follow_up_quantity_check CHECK ((quantity > 0)),
  constraint stock_follow_up_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'done'::text]))),
  constraint stock_follow_up_merchant_id_alert_id_fkey FOREIGN KEY (merchant_id, alert_id) REFERENCES stock_alert(merchant_id, id),
  constraint stock_follow_up_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
alter table stock_follow_up enable row level security;
alter table stock_follow_up force row level security;
create policy checker on stock_follow_up for select to quayside_check using (true);
create policy tenant on stock_follow_up for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on stock_follow_up to quayside_app;
grant select on stock_follow_up to quayside_check;

create table stock_ledger (
  merchant_id uuid not null,
  cause_id text not null,
  line integer not null,
  month date not null,
  product_id uuid not null,
  lot_code text default ''::text not null,
  quantity integer not null,
  from_location_id uuid not null,
  to_location_id uuid not null,
  unit_cost_minor bigint,
  constraint stock_ledger_pkey PRIMARY KEY (merchant_id, cause_id, line, month),
  constraint stock_ledger_check CHECK ((from_location_id <> to_location_id)),
  constraint stock_ledger_quantity_check CHECK ((quantity > 0)),
  constraint stock_ledger_unit_cost_minor_check CHECK ((unit_cost_minor >= 0)),
  constraint stock_ledger_from_location_id_fkey FOREIGN KEY (from_location_id) REFERENCES location(id),
  constraint stock_ledger_merchant_id_cause_id_month_fkey FOREIGN KEY (merchant_id, cause_id, month) REFERENCES stock_cause(merchant_id, id, month),
  constraint stock_ledger_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id),
  constraint stock_ledger_to_location_id_fkey FOREIGN KEY (to_location_id) REFERENCES location(id)
) partition by range (month);
CREATE INDEX stock_ledger_lot ON ONLY public.stock_ledger USING btree (merchant_id, product_id, lot_code) WHERE (lot_code <> ''::text);
CREATE INDEX stock_ledger_product ON ONLY public.stock_ledger USING btree (merchant_id, product_id, month);
alter table stock_ledger enable row level security;
alter table stock_ledger force row level security;
create policy checker on stock_ledger for select to quayside_check using (true);
create policy tenant on stock_ledger for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select on stock_ledger to quayside_app;
grant select on stock_ledger to quayside_check;

create table stock_ledger_serial (
  merchant_id uuid not null,
  cause_id text not null,
  line integer not null,
  month date not null,
  product_id uuid not null,
  serial text not null,
  seq bigint not null,
  constraint stock_ledger_serial_pkey PRIMARY KEY (merchant_id, cause_id, line, serial),
  constraint stock_ledger_serial_serial_check CHECK ((serial <> ''::text)),
  constraint stock_ledger_serial_merchant_id_cause_id_line_month_fkey FOREIGN KEY (merchant_id, cause_id, line, month) REFERENCES stock_ledger(merchant_id, cause_id, line, month),
  constraint stock_ledger_serial_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id)
);
CREATE INDEX stock_ledger_serial_unit ON public.stock_ledger_serial USING btree (merchant_id, product_id, serial, seq);
alter table stock_ledger_serial enable row level security;
alter table stock_ledger_serial force row level security;
create policy checker on stock_ledger_serial for select to quayside_check using (true);
create policy tenant on stock_ledger_serial for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select on stock_ledger_serial to quayside_app;
grant select on stock_ledger_serial to quayside_check;

create table stock_transfer (
  id uuid not null,
  merchant_id uuid not null,
  reference text,
  from_warehouse_id uuid not null,
  to_warehouse_id uuid not null,
  state text default 'requested'::text not null,
  reason text not null,
  expected_at timestamp with time zone,
  requested_by text not null,
  requested_at timestamp with time zone not null,
  dispatched_at timestamp with time zone,
  ended_at timestamp with time zone,
  constraint stock_transfer_pkey PRIMARY KEY (merchant_id, id),
  constraint stock_transfer_check CHECK ((from_warehouse_id <> to_warehouse_id)),
  constraint stock_transfer_check1 CHECK (((ended_at IS NULL) = (state = ANY (ARRAY['requested'::text, 'in_transit'::text])))),
  constraint stock_transfer_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'in_transit'::text, 'received'::text, 'cancelled'::text]))),
  constraint stock_transfer_from_warehouse_id_fkey FOREIGN KEY (from_warehouse_id) REFERENCES warehouse(id),
  constraint stock_transfer_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint stock_transfer_to_warehouse_id_fkey FOREIGN KEY (to_warehouse_id) REFERENCES warehouse(id)
);
CREATE INDEX stock_transfer_list ON public.stock_transfer USING btree (merchant_id, requested_at DESC, id DESC);
CREATE UNIQUE INDEX stock_transfer_reference ON public.stock_transfer USING btree (merchant_id, reference) WHERE (reference IS NOT NULL);
alter table stock_transfer enable row level security;
alter table stock_transfer force row level security;
create policy checker on stock_transfer for select to quayside_check using (true);
create policy tenant on stock_transfer for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on stock_transfer to quayside_app;
grant select on stock_transfer to quayside_check;

create table stock_transfer_content (
  merchant_id uuid not null,
  transfer_id uuid not null,
  product_id uuid not null,
  lot_code text default ''::text not null,
  dispatched integer not null,
  received integer default 0 not null,
  lost integer default 0 not null,
  outstanding integer default ((dispatched - received) - lost) not null,
  constraint stock_transfer_content_pkey PRIMARY KEY (merchant_id, transfer_id, product_id, lot_code),
  constraint stock_transfer_content_dispatched_check CHECK ((dispatched >= 0)),
  constraint stock_transfer_content_lost_check CHECK ((lost >= 0)),
  constraint stock_transfer_content_outstanding_check CHECK ((outstanding >= 0)),
  constraint stock_transfer_content_received_check CHECK ((received >= 0)),
  constraint stock_transfer_content_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint stock_transfer_content_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id),
  constraint stock_transfer_content_merchant_id_transfer_id_fkey FOREIGN KEY (merchant_id, transfer_id) REFERENCES stock_transfer(merchant_id, id)
);
CREATE INDEX stock_transfer_content_outstanding ON public.stock_transfer_content USING btree (merchant_id, product_id) WHERE (outstanding > 0);
alter table stock_transfer_content enable row level security;
alter table stock_transfer_content force row level security;
create policy checker on stock_transfer_content for select to quayside_check using (true);
create policy tenant on stock_transfer_content for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on stock_transfer_content to quayside_app;
grant select on stock_transfer_content to quayside_check;

create table stock_transfer_line (
  merchant_id uuid not null,
  transfer_id uuid not null,
  product_id uuid not null,
  requested integer not null,
  awaited integer not null,
  constraint stock_transfer_line_pkey PRIMARY KEY (merchant_id, transfer_id, product_id),
  constraint stock_transfer_line_check CHECK (((awaited >= 0) AND (awaited <= requested))),
  constraint stock_transfer_line_requested_check CHECK ((requested > 0)),
  constraint stock_transfer_line_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint stock_transfer_line_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id),
  constraint stock_transfer_line_merchant_id_transfer_id_fkey FOREIGN KEY (merchant_id, transfer_id) REFERENCES stock_transfer(merchant_id, id)
);
CREATE INDEX stock_transfer_line_awaited ON public.stock_transfer_line USING btree (merchant_id, product_id) WHERE (awaited > 0);
alter table stock_transfer_line enable row level security;
alter table stock_transfer_line force row level security;
create policy checker on stock_transfer_line for select to quayside_check using (true);
create policy tenant on stock_transfer_line for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on stock_transfer_line to quayside_app;
grant select on stock_transfer_line to quayside_check;

create table stock_watch (
  merchant_id uuid not null,
  due_at timestamp with time zone default now() not null,
  lease_owner uuid,
  leased_until timestamp with time zone,
  constraint stock_watch_pkey PRIMARY KEY (merchant_id),
  constraint stock_watch_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
alter table stock_watch enable row level security;
alter table stock_watch force row level security;
create policy checker on stock_watch for select to quayside_check using (true);
create policy system on stock_watch for all to quayside_system using (true) with check (true);
create policy tenant on stock_watch for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on stock_watch to quayside_app;
grant select on stock_watch to quayside_check;
grant select, update on stock_watch to quayside_system;

create table task (
  id uuid not null,
  merchant_id uuid not null,
  warehouse_id uuid not null,
  kind text not null,
  state text default 'open'::text not null,
  order_id uuid,
  fulfilment_order_id uuid,
  parcel_id uuid,
  priority integer default 0 not null,
  due_at timestamp with time zone,
  claimed_by uuid,
  claimed_at timestamp with time zone,
  finished_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  constraint task_pkey PRIMARY KEY (merchant_id, id),
  constraint task_check CHECK (((state = 'claimed'::text) <= (claimed_by IS NOT NULL))),
  constraint task_kind_check CHECK ((kind = ANY (ARRAY['pick'::text, 'pack'::text, 'ship'::text, 'put_back'::text, 'receive'::text, 'putaway'::text, 'count'::text, 'move'::text, 'replenish'::text, 'inspect'::text]))),
  constraint task_state_check CHECK ((state = ANY (ARRAY['open'::text, 'claimed'::text, 'done'::text, 'shorted'::text, 'cancelled'::text]))),
  constraint task_claimed_by_fkey FOREIGN KEY (claimed_by) REFERENCES person(id),
  constraint task_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint task_merchant_id_fulfilment_order_id_fkey FOREIGN KEY (merchant_id, fulfilment_order_id) REFERENCES fulfilment_order(merchant_id, id),
  constraint task_merchant_id_order_id_fkey FOREIGN KEY (merchant_id, order_id) REFERENCES sales_order(merchant_id, id),
  constraint task_merchant_id_parcel_id_fkey FOREIGN KEY (merchant_id, parcel_id) REFERENCES parcel(merchant_id, id),
  constraint task_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES warehouse(id)
);
CREATE INDEX task_claimed ON public.task USING btree (claimed_by) WHERE (state = 'claimed'::text);
CREATE INDEX task_fulfilment ON public.task USING btree (merchant_id, fulfilment_order_id);
CREATE INDEX task_parcel ON public.task USING btree (merchant_id, parcel_id) WHERE (parcel_id IS NOT NULL);
CREATE INDEX task_queue ON public.task USING btree (warehouse_id, kind, priority DESC, due_at, id) WHERE (state = 'open'::text);
alter table task enable row level security;
alter table task force row level security;
create policy checker on task for select to quayside_check using (true);
create policy system on task for all to quayside_system using (true) with check (true);
create policy tenant on task for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on task to quayside_app;
grant select on task to quayside_check;
grant select on task to quayside_system;

create table task_line (
  id uuid not null,
  merchant_id uuid not null,
  task_id uuid not null,
  line_no integer not null,
  fulfilment_order_line_id uuid,
  product_id uuid not null,
  location_id uuid,
  lot_code text default ''::text not null,
  quantity integer not null,
  done_quantity integer default 0 not null,
  short_quantity integer default 0 not null,
  constraint task_line_pkey PRIMARY KEY (merchant_id, id),
  constraint task_line_merchant_id_task_id_line_no_key UNIQUE (merchant_id, task_id, line_no),
  constraint task_line_check CHECK (((done_quantity + short_quantity) <= quantity)),
  constraint task_line_done_quantity_check CHECK ((done_quantity >= 0)),
  constraint task_line_quantity_check CHECK ((quantity > 0)),
  constraint task_line_short_quantity_check CHECK ((short_quantity >= 0)),
  constraint task_line_location_id_fkey FOREIGN KEY (location_id) REFERENCES location(id),
  constraint task_line_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint task_line_merchant_id_task_id_fkey FOREIGN KEY (merchant_id, task_id) REFERENCES task(merchant_id, id)
);
alter table task_line enable row level security;
alter table task_line force row level security;
create policy checker on task_line for select to quayside_check using (true);
create policy tenant on task_line for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on task_line to quayside_app;
grant select on task_line to quayside_check;

create table tracking_event (
  merchant_id uuid not null,
  parcel_id uuid not null,
  event_id text not null,
  status text not null,
  message text default ''::text not null,
  occurred_at timestamp with time zone not null,
  source text not null,
  received_at timestamp with time zone default now() not null,
  constraint tracking_event_pkey PRIMARY KEY (merchant_id, parcel_id, event_id),
  constraint tracking_event_source_check CHECK ((source = ANY (ARRAY['webhook'::text, 'poll'::text, 'person'::text]))),
  constraint tracking_event_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint tracking_event_merchant_id_parcel_id_fkey FOREIGN KEY (merchant_id, parcel_id) REFERENCES parcel(merchant_id, id)
);
alter table tracking_event enable row level security;
alter table tracking_event force row level security;
create policy checker on tracking_event for select to quayside_check using (true);
create policy tenant on tracking_event for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select on tracking_event to quayside_app;
grant select on tracking_event to quayside_check;

create table warehouse (
  id uuid not null,
  organisation_id uuid not null,
  code text not null,
  name text not null,
  time_zone text not null,
  line1 text not null,
  city text not null,
  region text,
  postal_code text not null,
  country text not null,
  phone text,
  latitude double precision,
  longitude double precision,
  cutoff_minutes integer default 900 not null,
  working_days integer[] default '{1,2,3,4,5}'::integer[] not null,
  holiday_country text,
  wms_kind text default 'built_in'::text not null,
  closed_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  closed_days date[] default '{}'::date[] not null,
  orders_a_day integer,
  units_a_day integer,
  constraint warehouse_pkey PRIMARY KEY (id),
  constraint warehouse_organisation_id_code_key UNIQUE (organisation_id, code),
  constraint warehouse_organisation_id_id_key UNIQUE (organisation_id, id),
  constraint warehouse_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
  constraint warehouse_cutoff_minutes_check CHECK (((cutoff_minutes >= 0) AND (cutoff_minutes <= 1439))),
  constraint warehouse_orders_a_day_check CHECK ((orders_a_day > 0)),
  constraint warehouse_units_a_day_check CHECK ((units_a_day > 0)),
  constraint warehouse_wms_kind_check CHECK ((wms_kind = ANY (ARRAY['built_in'::text, 'external'::text]))),
  constraint warehouse_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisation(id)
);
alter table warehouse enable row level security;
alter table warehouse force row level security;
create policy checker on warehouse for select to quayside_check using (true);
create policy system on warehouse for all to quayside_system using (true) with check (true);
create policy tenant on warehouse for all to quayside_app using ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on warehouse to quayside_app;
grant select on warehouse to quayside_check;
grant select on warehouse to quayside_system;

create table warehouse_day (
  organisation_id uuid not null,
  warehouse_id uuid not null,
  day date not null,
  orders integer default 0 not null,
  units integer default 0 not null,
  constraint warehouse_day_pkey PRIMARY KEY (organisation_id, warehouse_id, day),
  constraint warehouse_day_orders_check CHECK ((orders >= 0)),
  constraint warehouse_day_units_check CHECK ((units >= 0)),
  constraint warehouse_day_organisation_id_warehouse_id_fkey FOREIGN KEY (organisation_id, warehouse_id) REFERENCES warehouse(organisation_id, id)
) with (fillfactor=70);
alter table warehouse_day enable row level security;
alter table warehouse_day force row level security;
create policy checker on warehouse_day for select to quayside_check using (true);
create policy tenant on warehouse_day for all to quayside_app using ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((organisation_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.organisation_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on warehouse_day to quayside_app;
grant select on warehouse_day to quayside_check;

create table webhook_delivery (
  id uuid not null,
  merchant_id uuid not null,
  endpoint_id uuid not null,
  outbox_id uuid not null,
  attempt integer not null,
  status integer,
  error text,
  at timestamp with time zone default now() not null,
  constraint webhook_delivery_pkey PRIMARY KEY (merchant_id, id),
  constraint webhook_delivery_merchant_id_endpoint_id_fkey FOREIGN KEY (merchant_id, endpoint_id) REFERENCES webhook_endpoint(merchant_id, id),
  constraint webhook_delivery_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint webhook_delivery_merchant_id_outbox_id_fkey FOREIGN KEY (merchant_id, outbox_id) REFERENCES outbox(merchant_id, id)
);
CREATE INDEX webhook_delivery_outbox ON public.webhook_delivery USING btree (merchant_id, outbox_id);
alter table webhook_delivery enable row level security;
alter table webhook_delivery force row level security;
create policy checker on webhook_delivery for select to quayside_check using (true);
create policy system on webhook_delivery for all to quayside_system using (true) with check (true);
create policy tenant on webhook_delivery for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select on webhook_delivery to quayside_app;
grant select on webhook_delivery to quayside_check;
grant delete, insert, select on webhook_delivery to quayside_system;

create table webhook_endpoint (
  id uuid not null,
  merchant_id uuid not null,
  url text not null,
  secrets_sealed bytea not null,
  event_types text[] default '{}'::text[] not null,
  disabled_at timestamp with time zone,
  disabled_reason text,
  created_at timestamp with time zone default now() not null,
  constraint webhook_endpoint_pkey PRIMARY KEY (merchant_id, id),
  constraint webhook_endpoint_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id)
);
alter table webhook_endpoint enable row level security;
alter table webhook_endpoint force row level security;
create policy checker on webhook_endpoint for select to quayside_check using (true);
create policy system on webhook_endpoint for all to quayside_system using (true) with check (true);
create policy tenant on webhook_endpoint for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on webhook_endpoint to quayside_app;
grant select on webhook_endpoint to quayside_check;
grant select, update on webhook_endpoint to quayside_system;

create table work_order (
  id uuid not null,
  merchant_id uuid not null,
  warehouse_id uuid not null,
  kind text not null,
  product_id uuid not null,
  target_location_id uuid not null,
  planned integer not null,
  built integer default 0 not null,
  state text default 'planned'::text not null,
  ending text,
  blocked_reason text,
  blocked_since timestamp with time zone,
  reference text,
  reason text not null,
  requested_by text not null,
  requested_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint work_order_pkey PRIMARY KEY (merchant_id, id),
  constraint work_order_check CHECK (((built >= 0) AND (built <= planned))),
  constraint work_order_check1 CHECK (((ended_at IS NULL) = (state <> ALL (ARRAY['done'::text, 'cancelled'::text])))),
  constraint work_order_check2 CHECK (((blocked_reason IS NULL) = (blocked_since IS NULL))),
  constraint work_order_ending_check CHECK ((ending = ANY (ARRAY['done'::text, 'cancelled'::text]))),
  constraint work_order_kind_check CHECK ((kind = ANY (ARRAY['kit'::text, 'disassemble'::text]))),
  constraint work_order_planned_check CHECK ((planned > 0)),
  constraint work_order_state_check CHECK ((state = ANY (ARRAY['planned'::text, 'reserved'::text, 'in_progress'::text, 'done'::text, 'cancelled'::text]))),
  constraint work_order_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint work_order_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id),
  constraint work_order_target_location_id_fkey FOREIGN KEY (target_location_id) REFERENCES location(id),
  constraint work_order_warehouse_id_fkey FOREIGN KEY (warehouse_id) REFERENCES warehouse(id)
);
CREATE INDEX work_order_blocked ON public.work_order USING btree (merchant_id) WHERE (blocked_reason IS NOT NULL);
CREATE INDEX work_order_list ON public.work_order USING btree (merchant_id, requested_at DESC, id DESC);
alter table work_order enable row level security;
alter table work_order force row level security;
create policy checker on work_order for select to quayside_check using (true);
create policy tenant on work_order for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on work_order to quayside_app;
grant select on work_order to quayside_check;

create table work_order_component (
  merchant_id uuid not null,
  work_order_id uuid not null,
  product_id uuid not null,
  quantity integer not null,
  constraint work_order_component_pkey PRIMARY KEY (merchant_id, work_order_id, product_id),
  constraint work_order_component_quantity_check CHECK ((quantity > 0)),
  constraint work_order_component_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint work_order_component_merchant_id_product_id_fkey FOREIGN KEY (merchant_id, product_id) REFERENCES product(merchant_id, id),
  constraint work_order_component_merchant_id_work_order_id_fkey FOREIGN KEY (merchant_id, work_order_id) REFERENCES work_order(merchant_id, id)
);
alter table work_order_component enable row level security;
alter table work_order_component force row level security;
create policy checker on work_order_component for select to quayside_check using (true);
create policy tenant on work_order_component for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on work_order_component to quayside_app;
grant select on work_order_component to quayside_check;

create table work_order_step (
  merchant_id uuid not null,
  work_order_id uuid not null,
  number integer not null,
  units integer not null,
  scrap jsonb default '[]'::jsonb not null,
  lots jsonb default '[]'::jsonb not null,
  reported_by text not null,
  reported_at timestamp with time zone not null,
  posted_at timestamp with time zone,
  constraint work_order_step_pkey PRIMARY KEY (merchant_id, work_order_id, number),
  constraint work_order_step_check CHECK (((units > 0) OR (jsonb_array_length(scrap) > 0))),
  constraint work_order_step_number_check CHECK ((number > 0)),
  constraint work_order_step_units_check CHECK ((units >= 0)),
  constraint work_order_step_merchant_id_fkey FOREIGN KEY (merchant_id) REFERENCES merchant(id),
  constraint work_order_step_merchant_id_work_order_id_fkey FOREIGN KEY (merchant_id, work_order_id) REFERENCES work_order(merchant_id, id)
);
alter table work_order_step enable row level security;
alter table work_order_step force row level security;
create policy checker on work_order_step for select to quayside_check using (true);
create policy tenant on work_order_step for all to quayside_app using ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[]))) with check ((merchant_id = ANY (( SELECT (string_to_array(NULLIF(current_setting('app.merchant_ids'::text, true), ''::text), ','::text))::uuid[] AS string_to_array)::uuid[])));
grant insert, select, update on work_order_step to quayside_app;
grant select on work_order_step to quayside_check;

-- Views and sequences

create sequence schema_migration_id_seq;

create sequence schema_migration_lock_index_seq;

create sequence stock_ledger_serial_seq_seq;
