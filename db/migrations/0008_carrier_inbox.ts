/**
 * Carriers' webhooks as they came, before they are answered. A carrier account may belong to the
 * organisation, so a message of it has no merchant until its parcels are found: it can't be in `inbox`.
 */
import type { Knex } from 'knex';
import { protectOrganisationTable } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
create table carrier_inbox (
  id uuid not null,
  organisation_id uuid not null references organisation (id),
  carrier_account_id uuid not null references carrier_account (id),
  -- The carrier's id of the event: the same delivery again is the same row.
  event_key text not null,
  topic text not null,
  -- Raw text; blanked when a person in it is erased.
  body text,
  state text not null default 'received' check (state in ('received', 'processed', 'parked')),
  reason text,
  received_at timestamptz not null default now(),
  processed_at timestamptz,
  primary key (organisation_id, id),
  unique (organisation_id, carrier_account_id, event_key)
);
create index carrier_inbox_waiting on carrier_inbox (received_at) where state = 'received';
${protectOrganisationTable('carrier_inbox')}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
