/**
 * What goods cost when they came, and what it costs to have them. The cost stands on the ledger's line, so
 * that what stock was worth on a day does not change with a product's cost of today. Lines from before this
 * have none and count at the product's. Days of promotions are left out of how fast a product normally sells.
 */
import type { Knex } from 'knex';
import { ALL_VERBS, protectMerchantTable } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
-- Minor units of the merchant's currency for one unit, of goods that come in; null: nobody said.
alter table stock_ledger add column unit_cost_minor bigint check (unit_cost_minor >= 0);
alter table stock_adjustment_line add column unit_cost_minor bigint check (unit_cost_minor >= 0);

create table promotion (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  name text not null,
  -- null: all of the merchant's products.
  product_id uuid,
  from_day date not null,
  to_day date not null,
  created_at timestamptz not null default now(),
  primary key (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id),
  check (to_day >= from_day)
);
create index promotion_span on promotion (merchant_id, to_day);

create table carrying_rate (
  merchant_id uuid not null references merchant (id),
  storage_per_cubic_metre_minor bigint not null check (storage_per_cubic_metre_minor >= 0),
  storage_per_unit_minor bigint not null check (storage_per_unit_minor >= 0),
  insurance_basis_points integer not null check (insurance_basis_points between 0 and 100000),
  capital_basis_points integer not null check (capital_basis_points between 0 and 100000),
  obsolescence_basis_points integer not null check (obsolescence_basis_points between 0 and 100000),
  primary key (merchant_id)
);
${protectMerchantTable('promotion', ALL_VERBS)}
${protectMerchantTable('carrying_rate')}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
