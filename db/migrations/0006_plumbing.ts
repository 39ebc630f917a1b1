/**
 * What makes effects happen once and nothing get lost: the step ledger, inbox, outbox, idempotency
 * answers; what needs a person (exceptions); and the audit log with its seals.
 */
import type { Knex } from 'knex';
import {
  ALL_VERBS,
  APPEND_ONLY,
  MERCHANT_VISIBLE,
  ORGANISATION_VISIBLE,
  protect,
  protectMerchantTable,
  READ_WRITE,
} from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
-- The outcome of a database step, written in the step's own transaction: a rerun reads it back.
create table step (
  merchant_id uuid not null references merchant (id),
  key text not null,
  outcome jsonb not null,
  recorded_at timestamptz not null default now(),
  primary key (merchant_id, key)
);

create table inbox (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  source text not null,
  -- The partner's id of the message within its connection: the same delivery again is the same row.
  event_key text not null,
  topic text not null,
  -- Raw text; blanked when a person in it is erased.
  body text,
  state text not null default 'received' check (state in ('received', 'processed', 'ignored', 'parked')),
  reason text,
  order_id uuid,
  received_at timestamptz not null default now(),
  processed_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, source, event_key)
);
create index inbox_waiting on inbox (received_at) where state = 'received';
create index inbox_order on inbox (merchant_id, order_id);

create table outbox (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  kind text not null check (kind in ('workflow.start', 'workflow.signal', 'workflow.update', 'channel.tracking', 'mail', 'webhook')),
  -- One message a fact: the same key twice is the same message.
  key text not null,
  order_id uuid,
  -- Which limit it counts against: a connection, an endpoint, an account.
  lane text not null default '',
  payload jsonb not null,
  state text not null default 'pending' check (state in ('pending', 'leased', 'done', 'dead')),
  due_at timestamptz not null default now(),
  attempts integer not null default 0,
  leased_until timestamptz,
  last_error text,
  created_at timestamptz not null default now(),
  done_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, key)
) with (fillfactor = 70);
create index outbox_due on outbox (due_at) where state in ('pending', 'leased');
create index outbox_order on outbox (merchant_id, order_id) where order_id is not null;

create function outbox_wake() returns trigger language plpgsql as $$
begin
  perform pg_notify('quayside_outbox', '');
  return null;
end $$;
-- One notice a statement: a batch of 256 orders wakes the dispatcher once.
create trigger outbox_wake after insert on outbox for each statement execute function outbox_wake();

create table idempotency_key (
  organisation_id uuid not null references organisation (id),
  api_key_id uuid not null references api_key (id),
  key text not null,
  request_sha256 bytea not null,
  -- null while the first request is still at work.
  status integer,
  answer jsonb,
  created_at timestamptz not null default now(),
  primary key (api_key_id, key)
);
create index idempotency_key_age on idempotency_key (created_at);

create table notification (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  order_id uuid,
  event text not null,
  medium text not null check (medium in ('mail')),
  key text not null,
  message_id text,
  state text not null default 'pending' check (state in ('pending', 'sent', 'failed', 'skipped')),
  created_at timestamptz not null default now(),
  sent_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, key),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id)
);

create table webhook_delivery (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  endpoint_id uuid not null,
  outbox_id uuid not null,
  attempt integer not null,
  status integer,
  error text,
  at timestamptz not null default now(),
  primary key (merchant_id, id),
  foreign key (merchant_id, endpoint_id) references webhook_endpoint (merchant_id, id),
  foreign key (merchant_id, outbox_id) references outbox (merchant_id, id)
);

create table exception (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  reason text not null,
  -- One open exception a cause and thing, e.g. unmapped_sku:BLUE-1:<order>.
  key text not null,
  -- What many exceptions share, e.g. unmapped_sku:BLUE-1.
  cause text not null,
  order_id uuid,
  thing_kind text not null,
  thing_id text not null,
  state text not null default 'open' check (state in ('open', 'snoozed', 'resolved')),
  owner text not null,
  message text not null,
  tried jsonb not null default '[]',
  opened_at timestamptz not null default now(),
  deadline_at timestamptz,
  snoozed_until timestamptz,
  resolved_at timestamptz,
  resolved_by text,
  resolution text,
  primary key (merchant_id, id),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id),
  check ((resolved_at is null) = (state <> 'resolved'))
);
create unique index exception_open on exception (merchant_id, key) where state <> 'resolved';
create index exception_list on exception (merchant_id, state, opened_at, id);
create index exception_order on exception (merchant_id, order_id);

create table audit_log (
  id uuid primary key,
  organisation_id uuid not null references organisation (id),
  merchant_id uuid references merchant (id),
  actor text not null,
  action text not null,
  thing_kind text not null,
  thing_id text not null,
  reason text,
  -- Facts and salted digests, never a person's data.
  before jsonb,
  after jsonb,
  request_id text,
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default now()
);
create index audit_log_thing on audit_log (merchant_id, thing_id, at);
create index audit_log_xid on audit_log (xid, id);

-- One sealer chains what can no longer be joined by a slower transaction.
create table audit_seal (
  number bigint primary key,
  up_to_xid xid8 not null,
  entries integer not null,
  prev bytea not null,
  root bytea not null unique,
  sealed_at timestamptz not null default now()
);
${protectMerchantTable('step')}
${protectMerchantTable('inbox', READ_WRITE, ['select', 'update'])}
${protectMerchantTable('outbox', READ_WRITE, ['select', 'insert', 'update'])}
${protect('idempotency_key', { visible: ORGANISATION_VISIBLE(), app: ALL_VERBS, system: ['select', 'delete'] })}
${protectMerchantTable('notification', READ_WRITE, ['select', 'update'])}
${protectMerchantTable('webhook_delivery', APPEND_ONLY, ['select', 'insert'])}
${protectMerchantTable('exception', READ_WRITE, ['select', 'insert', 'update'])}
${protect('audit_log', {
  visible: `(${MERCHANT_VISIBLE()} or (merchant_id is null and ${ORGANISATION_VISIBLE()}))`,
  app: APPEND_ONLY,
  system: ['select'],
})}
-- Seals hold digests of everybody's entries and nothing else; the application never reads them.
alter table audit_seal enable row level security;
alter table audit_seal force row level security;
create policy system on audit_seal to quayside_system using (true) with check (true);
create policy checker on audit_seal for select to quayside_check using (true);
grant select, insert on audit_seal to quayside_system;
grant select on audit_seal to quayside_check;
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
