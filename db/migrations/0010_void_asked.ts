/**
 * When the carrier was last asked to void a label: from then on its answer is read, and it is asked again
 * only after it refused.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table label add column void_asked_at timestamptz');
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
