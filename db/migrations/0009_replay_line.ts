/**
 * Rows of a replayed file, each with its exact amount and what it became. An order's lines are in
 * `sales_order_line` and written-off goods in the ledger as well; credits and services are here alone.
 */
import type { Knex } from 'knex';
import { APPEND_ONLY, protectMerchantTable } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
create table replay_line (
  merchant_id uuid not null references merchant (id),
  invoice_no text not null,
  -- Place within the invoice, from 1.
  line_no integer not null check (line_no >= 1),
  invoice_kind text not null check (invoice_kind in ('order', 'credit', 'write_off')),
  kind text not null check (kind in ('sale', 'credit', 'write_off', 'service')),
  sku text not null,
  description text not null default '',
  -- As in the file, with its sign.
  quantity integer not null,
  -- Quantity times price, rounded once; has the quantity's sign.
  amount_minor bigint not null,
  customer_external_id text,
  occurred_at timestamptz not null,
  -- Of a credit: what it was matched to. Only what is matched or over-returned counts as returned.
  outcome text check (outcome in ('matched', 'over_returned', 'no_prior_sale', 'no_customer')),
  -- The order that brought the line or, of a credit, the latest one that sold those goods.
  order_id uuid,
  recorded_at timestamptz not null default now(),
  primary key (merchant_id, invoice_no, line_no),
  foreign key (merchant_id, order_id) references sales_order (merchant_id, id),
  check ((outcome is not null) = (kind = 'credit'))
);
create index replay_line_customer on replay_line (merchant_id, customer_external_id, sku, occurred_at);
create index replay_line_time on replay_line (merchant_id, occurred_at);
${protectMerchantTable('replay_line', APPEND_ONLY)}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
