/**
 * Cycle counts: a count is somebody's wish, a sheet is one look at one place by one person, a line what he
 * read beside what the books said at that moment. `bin_balance.moved` grows with every movement at the
 * place, so that a reading during which goods moved is known to be none.
 */
import type { Knex } from 'knex';
import { protectMerchantTable } from '../protect';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
alter table merchant
  -- Differences within all of these that are set need no second look; none set: any difference does.
  add column count_tolerance_units integer check (count_tolerance_units >= 0),
  add column count_tolerance_percent integer check (count_tolerance_percent between 0 and 100),
  add column count_tolerance_minor bigint check (count_tolerance_minor >= 0);

alter table bin_balance add column moved bigint not null default 0;

alter table scan drop constraint scan_kind_check;
alter table scan add constraint scan_kind_check
  check (kind in ('claim', 'pick', 'short', 'pack', 'close_carton', 'ship', 'release', 'count_start', 'count'));
alter table stock_adjustment drop constraint stock_adjustment_kind_check;
alter table stock_adjustment add constraint stock_adjustment_kind_check
  check (kind in ('opening', 'adjustment', 'write_off', 'count'));
create index stock_adjustment_line_place on stock_adjustment_line (merchant_id, location_id) where posted is null;

create table stock_count (
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  warehouse_id uuid not null references warehouse (id),
  origin text not null check (origin in ('abc', 'request', 'short_pick')),
  class text check (class in ('A', 'B', 'C')),
  reason text not null,
  state text not null default 'open' check (state in ('open', 'done', 'cancelled')),
  requested_by text not null,
  requested_at timestamptz not null,
  ended_at timestamptz,
  primary key (merchant_id, id),
  check ((origin = 'abc') = (class is not null)),
  check ((ended_at is null) = (state = 'open'))
);
create index stock_count_list on stock_count (merchant_id, requested_at desc, id desc);

create table count_sheet (
  -- Its task's.
  id uuid not null,
  merchant_id uuid not null references merchant (id),
  count_id uuid not null,
  location_id uuid not null references location (id),
  round integer not null check (round between 1 and 3),
  state text not null default 'open' check (state in ('open', 'started', 'counted', 'cancelled')),
  -- What is still to be read; null: whatever lies there.
  product_ids uuid[],
  person_id uuid references person (id),
  -- Of each product and lot, what had moved when the counter began to look.
  seen jsonb,
  adjustment_id uuid,
  counted_at timestamptz,
  primary key (merchant_id, id),
  unique (merchant_id, count_id, location_id, round),
  foreign key (merchant_id, id) references task (merchant_id, id),
  foreign key (merchant_id, count_id) references stock_count (merchant_id, id),
  foreign key (merchant_id, adjustment_id) references stock_adjustment (merchant_id, id),
  check ((state = 'started') <= (seen is not null)),
  check ((counted_at is null) = (state <> 'counted'))
);
-- Two who look at one place at once would both find the same units missing.
create unique index count_sheet_started on count_sheet (merchant_id, location_id) where state = 'started';
create index count_sheet_counted on count_sheet (merchant_id, counted_at) where state = 'counted';

create table count_line (
  merchant_id uuid not null references merchant (id),
  sheet_id uuid not null,
  product_id uuid not null,
  lot_code text not null default '',
  -- By the books at the moment of the reading, less what was in a picker's hands.
  recorded integer not null check (recorded >= 0),
  -- Of these, what lay in quarantine because a picker had not found it.
  doubtful integer not null default 0 check (doubtful between 0 and recorded),
  counted integer not null check (counted >= 0),
  unit_cost_minor bigint,
  -- Whether this reading stands; null until its sheet is judged.
  final boolean,
  primary key (merchant_id, sheet_id, product_id, lot_code),
  foreign key (merchant_id, sheet_id) references count_sheet (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id)
);

-- Units that a picker did not find: on the books in quarantine until the count of their bin.
create table count_doubt (
  merchant_id uuid not null references merchant (id),
  count_id uuid not null,
  location_id uuid not null references location (id),
  product_id uuid not null,
  lot_code text not null default '',
  quantity integer not null check (quantity > 0),
  held_at uuid not null references location (id),
  settled boolean not null default false,
  primary key (merchant_id, count_id, location_id, product_id, lot_code),
  foreign key (merchant_id, count_id) references stock_count (merchant_id, id),
  foreign key (merchant_id, product_id) references product (merchant_id, id)
);
${['stock_count', 'count_sheet', 'count_line', 'count_doubt'].map((t) => protectMerchantTable(t)).join('')}
`);
}

export async function down(): Promise<void> {
  throw new Error('migrations only go forward; restore a backup instead');
}
