/**
 * What the dispatcher needs: due messages by lane, so that a lane which is backed off is stepped over
 * instead of scanned; open exceptions by reason, for those that resolve by themselves; and sight of the
 * shipments whose posting a workflow still owes.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
drop index outbox_due;
-- A leased row is due again when its lease ends, so one range serves both states.
create index outbox_due on outbox (lane, due_at) where state in ('pending', 'leased');
create index exception_open_reason on exception (reason) where state <> 'resolved';
create policy system on shipment to quayside_system using (true) with check (true);
grant select on shipment to quayside_system;
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
