/**
 * Reservations with a time limit: a checkout's hold, or what a waiting order keeps until the rest comes.
 * They bind no bin and no line of a fulfilment order; `hold_id` is what they are called by, and rows of
 * one hold end together. `expires_at` is business time, like all promises.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
alter table reservation
  alter column order_id drop not null,
  alter column fulfilment_order_line_id drop not null,
  add column hold_id uuid,
  add column expires_at timestamptz,
  add constraint reservation_of_line_or_hold check ((fulfilment_order_line_id is null) = (hold_id is not null)),
  add constraint reservation_hold_ends check ((hold_id is null) = (expires_at is null)),
  add constraint reservation_hold_is_soft check (hold_id is null or state <> 'allocated'),
  add constraint reservation_line_of_order check (hold_id is not null or order_id is not null),
  -- It reserves of a balance, and that one knows its merchant and its warehouse: one look-up a row, not two.
  drop constraint reservation_merchant_id_fkey,
  drop constraint reservation_warehouse_id_fkey;
-- The rows that are there are compared as the owner, from whom FORCE hides them: it is lifted for that moment,
-- in which nobody else gets at the tables.
alter table reservation no force row level security;
alter table stock_balance no force row level security;
alter table reservation add constraint reservation_of_balance foreign key (merchant_id, warehouse_id, product_id)
  references stock_balance (merchant_id, warehouse_id, product_id);
alter table reservation force row level security;
alter table stock_balance force row level security;
drop index reservation_live;
create unique index reservation_live on reservation (merchant_id, fulfilment_order_line_id)
  where state in ('held', 'allocated') and fulfilment_order_line_id is not null;
drop index reservation_order;
create index reservation_order on reservation (merchant_id, order_id) where order_id is not null;
create index reservation_hold on reservation (merchant_id, hold_id) where hold_id is not null;
create index reservation_due on reservation (expires_at) where state = 'held' and hold_id is not null;

-- The sweeper looks for holds whose time is over, of every merchant, and sees no more than that.
create policy due on reservation for select to quayside_system using (hold_id is not null and ended_at is null);
grant select (merchant_id, hold_id, state, expires_at, ended_at) on reservation to quayside_system;

-- The hold that the checkout of this order made.
alter table sales_order add column hold_id uuid;
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
