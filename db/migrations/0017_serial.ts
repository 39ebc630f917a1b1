/**
 * Units that have a number of their own. `stock_ledger_serial` names the units of a ledger line, for ever;
 * `serial_unit` is where each is now. A unit whose number is known never moves without being named.
 */
import type { Knex } from 'knex';
import { ALL_VERBS, APPEND_ONLY, protectMerchantTable } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
create table stock_ledger_serial (
  merchant_id uuid not null,
  cause_id text not null,
  line integer not null,
  month date not null,
  product_id uuid not null,
  serial text not null check (serial <> ''),
  -- The order of a unit's movements: drawn under the unit's lock, where times of transactions may cross.
  seq bigint not null generated always as identity,
  primary key (merchant_id, cause_id, line, serial),
  foreign key (merchant_id, cause_id, line, month) references stock_ledger (merchant_id, cause_id, line, month),
  foreign key (merchant_id, product_id) references product (merchant_id, id)
);
create index stock_ledger_serial_unit on stock_ledger_serial (merchant_id, product_id, serial, seq);

create table serial_unit (
  merchant_id uuid not null references merchant (id),
  product_id uuid not null,
  serial text not null check (serial <> ''),
  lot_code text not null default '',
  -- A virtual place once it has left.
  location_id uuid not null references location (id),
  -- Whom it was picked for; means nothing once that reservation has ended.
  reservation_id uuid,
  primary key (merchant_id, product_id, serial),
  foreign key (merchant_id, product_id) references product (merchant_id, id)
);
create index serial_unit_place on serial_unit (merchant_id, location_id, product_id, lot_code);
create index serial_unit_serial on serial_unit (merchant_id, serial);
create index serial_unit_reservation on serial_unit (merchant_id, reservation_id) where reservation_id is not null;

-- What a picker has scanned and not brought to the bench yet.
create table picked_serial (
  merchant_id uuid not null references merchant (id),
  task_line_id uuid not null,
  product_id uuid not null,
  serial text not null,
  primary key (merchant_id, task_line_id, serial),
  foreign key (merchant_id, task_line_id) references task_line (merchant_id, id),
  foreign key (merchant_id, product_id, serial) references serial_unit (merchant_id, product_id, serial)
);
create index picked_serial_unit on picked_serial (merchant_id, product_id, serial);
${protectMerchantTable('stock_ledger_serial', APPEND_ONLY)}
${protectMerchantTable('serial_unit')}
${protectMerchantTable('picked_serial', ALL_VERBS)}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
