/**
 * Who looks after an exception, and for how long it may stay off the list. A snooze ends by the clock, by
 * its exception's deadline or by a new cause, whichever comes first; readers tell that from the row, so
 * that nothing has to run for one to come back.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
-- Those who check foreign keys while they are added are bound by forced row security too.
alter table exception no force row level security;
alter table person no force row level security;
alter table exception
  add column assignee_id uuid references person (id),
  -- By the merchant's clock: a deadline that had passed by then was known to whoever snoozed it.
  add column snoozed_at timestamptz;
update exception set snoozed_at = opened_at where state = 'snoozed';
update exception set state = 'open' where state = 'snoozed' and snoozed_until is null;
update exception set snoozed_until = null, snoozed_at = null where state <> 'snoozed';
alter table exception add constraint exception_snooze
  check (state <> 'snoozed' or (snoozed_until is not null and snoozed_at is not null));
create index exception_assignee on exception (merchant_id, assignee_id) where state <> 'resolved' and assignee_id is not null;
alter table person force row level security;
alter table exception force row level security;
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
