/**
 * Ledgers of any length without the years: one merchant, two warehouses, and a history in which each
 * product is received and consumed in turn, so that what lies where is about the same however long it
 * is. Written by few set statements as the superuser without triggers, for ten million commands would
 * take an hour; the balances are then made from the ledger, so what `check` proves is not what was
 * written beside it.
 */

import type { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { LEDGER_BY_BIN, LEDGER_BY_WAREHOUSE } from '../checks/stock-invariants';

export interface History {
  readonly merchantId: string;
  readonly organisationId: string;
  readonly products: number;
}

const PRODUCTS = 10_000;
/** Of each warehouse; a product lies in two of each. */
const BINS = 500;
const MONTHS = 24;
/** Lines of a cause: an order or a receipt has a few. */
const LINES = 5;

export const skuOf = (n: number) => `SKU-${String(n).padStart(5, '0')}`;

/** Makes the merchant and its places. */
export async function makeHistoryMerchant(client: Client): Promise<History> {
  const [organisationId, merchantId] = [uuidv7(), uuidv7()];
  await client.query(`
    set session_replication_role = replica;
    set timezone = 'UTC';
    insert into organisation (id, name) values ('${organisationId}', 'Benchmark 3PL');
    insert into merchant (id, organisation_id, slug, name, currency)
      values ('${merchantId}', '${organisationId}', 'bench-history', 'Benchmark', 'USD');
    insert into warehouse (id, organisation_id, code, name, time_zone, line1, city, postal_code, country)
      select gen_random_uuid(), '${organisationId}', 'W' || n, 'Benchmark ' || n, 'UTC', '1 Demo Road', 'Newark', '07114', 'US'
      from generate_series(1, 2) n;
    insert into merchant_warehouse select '${merchantId}', id from warehouse;
    insert into location (id, organisation_id, warehouse_id, code, kind)
      select gen_random_uuid(), '${organisationId}', w.id, 'B-' || n, 'bin' from warehouse w, generate_series(1, ${BINS}) n;
    insert into location (id, organisation_id, code, kind)
      select gen_random_uuid(), '${organisationId}', upper(kind), kind from unnest(array['supplier', 'customer', 'adjustment']) kind;
    insert into product (id, merchant_id, sku, name)
      select gen_random_uuid(), '${merchantId}', 'SKU-' || lpad(n::text, 5, '0'), 'Benchmark' from generate_series(1, ${PRODUCTS}) n;
    select ensure_ledger_month((date '2024-01-01' + n * interval '1 month')::date) from generate_series(0, ${MONTHS - 1}) n;
  `);
  return { merchantId, organisationId, products: PRODUCTS };
}

/**
 * Adds ledger lines `from` to `to` - 1. Line n concerns product n mod PRODUCTS; in
 * turn 5 units come into a bin of it and 4 leave another line later.
 */
export async function writeHistory(
  client: Client,
  history: History,
  from: number,
  to: number,
): Promise<void> {
  const { merchantId } = history;
  await client.query(`
    set session_replication_role = replica;
    create temporary table place as
      select row_number() over (order by w.code, l.code) - 1 as n, l.id from location l join warehouse w on w.id = l.warehouse_id;
    create temporary table item as select row_number() over (order by sku) - 1 as n, id from product;
    alter table place add primary key (n);
    alter table item add primary key (n);
    analyze place; analyze item;
    insert into stock_cause (merchant_id, id, month, kind, actor, occurred_at, recorded_at)
      select '${merchantId}', 'bench:' || c, date_trunc('month', at)::date, case c / ${PRODUCTS / LINES} % 2 when 0 then 'receipt' else 'write_off' end,
        'bench', at, at
      from (select c, timestamptz '2024-01-01 00:00Z' + (c % ${MONTHS * 28}) * interval '26 hours' as at
        from generate_series(${Math.ceil(from / LINES)}, ${Math.ceil(to / LINES) - 1}) c) causes;
    insert into stock_ledger (merchant_id, cause_id, line, month, product_id, quantity, from_location_id, to_location_id)
      select '${merchantId}', 'bench:' || g.n / ${LINES}, g.n % ${LINES} + 1, date_trunc('month', timestamptz '2024-01-01 00:00Z'
          + (g.n / ${LINES} % ${MONTHS * 28}) * interval '26 hours')::date, i.id,
        case g.n / ${PRODUCTS} % 2 when 0 then 5 else 4 end,
        case g.n / ${PRODUCTS} % 2 when 0 then s.id else p.id end, case g.n / ${PRODUCTS} % 2 when 0 then p.id else a.id end
      from generate_series(${from}, ${to - 1}) g(n)
      join item i on i.n = g.n % ${PRODUCTS}
      -- Four bins a product, two in each warehouse, by turns of receipt and loss.
      join place p on p.n = (g.n % ${PRODUCTS} * 7 + g.n / (2 * ${PRODUCTS}) % 4 * ${BINS / 2}) % ${2 * BINS}
      cross join (select id from location where kind = 'supplier') s
      cross join (select id from location where kind = 'adjustment') a;
    drop table place; drop table item;
  `);
}

/** Makes the balances from the ledger, and the statistics that a database of its age would have. */
export async function makeBalances(client: Client): Promise<void> {
  await client.query(`
    set session_replication_role = replica;
    insert into bin_balance (merchant_id, location_id, product_id, lot_code, warehouse_id, on_hand)
      select merchant_id, location_id, product_id, lot_code, warehouse_id, on_hand from (${LEDGER_BY_BIN}) b;
    insert into stock_balance (merchant_id, warehouse_id, product_id, on_hand, held)
      select merchant_id, warehouse_id, product_id, on_hand, held from (${LEDGER_BY_WAREHOUSE}) b;
  `);
  await client.query('vacuum analyze');
}
