/** What a replay came to: one object for programs, a table for people. Every figure is read from the database. */
import type { Database } from '../../db/client';
import {
  type ReplaySlice,
  readReplayCounts,
  readReplayLifecycle,
  readReplayParked,
} from '../../db/replay-report.repo';
import { table } from '../screen';

/** Flat; `parked.<reason>` for each reason that orders wait for. */
export type ReplayReport = Readonly<Record<string, number | null>>;

export async function readReplayReport(database: Database, slice: ReplaySlice): Promise<ReplayReport> {
  return database.withMerchants([slice.merchantId], async (tx) => {
    const counts = await readReplayCounts(tx, slice);
    const parked = await readReplayParked(tx, slice);
    const life = await readReplayLifecycle(tx, slice);
    const { shipped, delivered, p50Ms, p99Ms, ordersPerSecond } = life;
    return {
      ...counts,
      ...Object.fromEntries([...parked].map(([reason, orders]) => [`parked.${reason}`, orders])),
      shipped,
      delivered,
      lifecycleP50Ms: rounded(p50Ms, 0),
      lifecycleP99Ms: rounded(p99Ms, 0),
      ordersPerSecond: rounded(ordersPerSecond, 2),
    };
  });
}

function rounded(value: number | null, decimals: number): number | null {
  return value === null ? null : Number(value.toFixed(decimals));
}

const PHRASES: Readonly<Record<string, string>> = {
  rows: 'rows of the file',
  invoices: 'invoices',
  orders: 'orders',
  lines: 'lines of goods',
  units: 'units',
  revenuePence: 'revenue (pence)',
  serviceLines: 'service lines, which touch no stock',
  creditInvoices: 'credit invoices',
  creditLines: 'credited lines',
  creditUnits: 'credited units',
  'credits.matched': '  matched to an earlier purchase',
  'credits.overReturned': '  more than was bought',
  'credits.noPriorSale': '  never bought in this data',
  'credits.noCustomer': '  without a customer',
  writeOffLines: 'written-off lines',
  writeOffUnits: 'units of invoices that only write off',
  shipped: 'orders shipped',
  delivered: 'orders delivered',
  lifecycleP50Ms: 'accepted to delivered, median (ms)',
  lifecycleP99Ms: 'accepted to delivered, 99 of 100 (ms)',
  ordersPerSecond: 'orders delivered a second',
  'stock.skus': 'goods whose stock was counted a second way',
  'stock.opening': '  units at the start',
  'stock.restocked': '  units that came back',
  'stock.shipped': '  units shipped',
  'stock.writtenOff': '  units written off',
  'stock.writeOffRest': '  units to write off that were not there',
  'stock.writeOffRestLines': '  lines that such units were of',
  'stock.end': '  units at the end',
  'stock.skusOff': '  goods whose end is not start + back − shipped − written off',
  'stock.oversold': '  goods promised or shipped beyond what was there',
  'backorders.waited': 'orders that waited for stock',
  'backorders.released': '  of these, orders that got it',
  'backorders.outOfTurn': '  orders served before one that was ahead and could have been',
};

export function describeReport(report: ReplayReport): string {
  const rows = Object.entries(report).map(([name, value]) => [
    PHRASES[name] ?? name.replace('parked.', 'orders that wait: '),
    value === null ? '–' : value.toLocaleString('en-GB'),
  ]);
  const width = Math.max(...rows.map(([, value]) => value?.length ?? 0));
  return table(rows.map(([phrase = '', value = '']) => [phrase, value.padStart(width)]));
}
