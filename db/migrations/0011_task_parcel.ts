/** A parcel's tasks are looked up at its label, its ship scan and its retries; without this every task of the merchant is read. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw('create index task_parcel on task (merchant_id, parcel_id) where parcel_id is not null');
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
