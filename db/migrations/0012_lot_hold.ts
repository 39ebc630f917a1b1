/**
 * Lots that must not leave: recalled or past their date. A hold counts the lot's units as held in every
 * warehouse at once, without moving them; `lot.held` says that one is active. And how long goods have to
 * last when they are promised to a channel or a customer.
 */
import type { Knex } from 'knex';
import { ALL_VERBS, protectMerchantTable } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
create table lot_hold (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  product_id uuid not null,
  lot_code text not null,
  kind text not null check (kind in ('recall', 'expiry')),
  reason text not null,
  placed_by text not null,
  -- Business time; with lifted_at it says what was held at any moment.
  placed_at timestamptz not null,
  lifted_by text,
  lifted_at timestamptz,
  lift_reason text,
  primary key (merchant_id, id),
  foreign key (merchant_id, product_id, lot_code) references lot (merchant_id, product_id, code),
  check ((lifted_at is null) = (lifted_by is null))
);
create unique index lot_hold_active on lot_hold (merchant_id, product_id, lot_code, kind) where lifted_at is null;
create index lot_to_expire on lot (expires_on) where expires_on is not null and not held;

-- The strictest rule that fits an order's line counts; a column that is null fits all.
create table shelf_life_rule (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  connection_id uuid,
  customer_id uuid,
  product_id uuid,
  -- Days that must be left on the day on which the goods are promised, in the warehouse's own zone.
  min_days integer not null check (min_days between 1 and 3650),
  created_at timestamptz not null default now(),
  primary key (merchant_id, id),
  foreign key (merchant_id, connection_id) references channel_connection (merchant_id, id),
  foreign key (merchant_id, customer_id) references customer (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id),
  unique nulls not distinct (merchant_id, connection_id, customer_id, product_id)
);
${protectMerchantTable('lot_hold')}
${protectMerchantTable('shelf_life_rule', ALL_VERBS)}
-- The sweep looks for lots whose date has passed, of every merchant.
create policy system on lot to quayside_system using (true) with check (true);
grant select on lot to quayside_system;
create index stock_ledger_lot on stock_ledger (merchant_id, product_id, lot_code) where lot_code <> '';
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
