/**
 * The day that is replayed: invoices of the UCI "Online Retail" file from a date on, or, where the clone
 * has no such file beside it, a day made up from the seed in the same form, so that everybody can run it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import {
  InvoiceCollector,
  type RetailInvoice,
  type RetailRow,
  retailDate,
} from '../../domain/retail/online-retail';
import { seededRandom } from '../../simulators/fault-knobs';
import { sharedDataDir } from '../support/skip';

const FILE = 'online-retail/2010-12_to_2011-06.csv.gz';
const COLUMNS: readonly (keyof RetailRow)[] = [
  'invoiceNo',
  'stockCode',
  'description',
  'quantity',
  'invoiceDate',
  'unitPrice',
  'customerId',
  'country',
];
/** More orders than the day has are taken from the days after it; a month holds over two thousand. */
const MOST_DAYS = 31;
const DAY_MS = 24 * 60 * 60_000;
/** As many as the file's first days have. */
const MADE_UP_ORDERS = 130;

export interface Day {
  readonly source: string;
  /** In the order of time; the last one is an order. */
  readonly invoices: readonly RetailInvoice[];
}

/** @param orders how many orders; null: those of the day. @throws when the file has none from `date` on. */
export function readDay(date: string, orders: number | null, seed: number): Day {
  const shared = sharedDataDir();
  const day = shared === null ? madeUpDay(date, orders, seed) : dayOfFile(join(shared, FILE), date, orders);
  if (!day.invoices.some(({ kind }) => kind === 'order')) throw new Error(`${day.source} has no orders`);
  return day;
}

function dayOfFile(file: string, date: string, orders: number | null): Day {
  const end = new Date(Date.parse(date) + (orders === null ? 1 : MOST_DAYS) * DAY_MS).toISOString();
  const rows = parse(gunzipSync(readFileSync(file)), { bom: true, columns: [...COLUMNS], from_line: 2 });
  const collector = new InvoiceCollector();
  for (const row of rows as RetailRow[]) {
    const of = retailDate(row);
    if (of !== null && of >= date && of < end.slice(0, 10)) collector.add(row);
  }
  return { source: `online-retail from ${date} on`, invoices: upTo(collector.invoices(), orders) };
}

function upTo(invoices: readonly RetailInvoice[], orders: number | null): readonly RetailInvoice[] {
  if (orders === null) return invoices;
  let seen = 0;
  const after = invoices.findIndex(({ kind }) => {
    if (kind === 'order') seen += 1;
    return seen > orders;
  });
  return after === -1 ? invoices : invoices.slice(0, after);
}

/** Some goods sell often, so that orders meet at the shelf; a credit or a write-off now and then. */
function madeUpDay(date: string, orders: number | null, seed: number): Day {
  const random = seededRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const collector = new InvoiceCollector();
  const count = orders ?? MADE_UP_ORDERS;
  for (let n = 0; n < count; n += 1) {
    const at = new Date(Date.parse(date) + 8 * 3_600_000 + n * 240_000).toISOString();
    const kind = n % 40 === 19 ? 'credit' : n % 40 === 39 ? 'write_off' : 'order';
    const kinds = kind === 'order' ? [kind] : [kind, 'order'];
    for (const each of kinds) {
      const lines = each === 'order' ? 1 + below(8) : 1;
      for (let line = 0; line < lines; line += 1) {
        const code = 10_000 + Math.floor(random() ** 2 * 300);
        collector.add({
          invoiceNo: `${each === 'credit' ? 'C' : ''}${100_000 + 2 * n + (each === 'order' ? 1 : 0)}`,
          stockCode: String(code),
          description: `DEMO GOODS ${code}`,
          quantity: String(each === 'order' ? 1 + below(12) : -1),
          invoiceDate: at.slice(0, 19).replace('T', ' '),
          unitPrice: (0.5 + below(900) / 100).toFixed(2),
          customerId: String(12_000 + below(60)),
          country: 'United Kingdom',
        });
      }
    }
  }
  return { source: `a made-up day: ../shared/data/${FILE} is absent`, invoices: collector.invoices() };
}
