/**
 * What removing old technical rows needs: sight and deletion for the system role, and a way to the old
 * ones. Rows of one hour lie together, so a block range index finds them at no cost to whoever inserts;
 * a tree on the time would make every acceptance pay.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
create index inbox_age on inbox using brin (received_at);
create index carrier_inbox_age on carrier_inbox using brin (received_at);
create index outbox_age on outbox using brin (created_at);
create index step_age on step using brin (recorded_at);
create index webhook_delivery_outbox on webhook_delivery (merchant_id, outbox_id);

grant delete on inbox, outbox, webhook_delivery to quayside_system;
grant select, update, delete on carrier_inbox to quayside_system;
create policy system on carrier_inbox to quayside_system using (true) with check (true);
grant select, delete on order_tombstone, step, address_check to quayside_system;
create policy system on order_tombstone to quayside_system using (true) with check (true);
create policy system on step to quayside_system using (true) with check (true);
create policy system on address_check to quayside_system using (true) with check (true);
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
