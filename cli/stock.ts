/** `quayside stock`: what there is and what there was, recalls, and files in and out. */
import type { Command } from 'commander';
import type { z } from 'zod';
import { STOCK_COLUMNS } from '../commands/stock/stock-file';
import type { recalledLotSchema } from '../contracts/lots';
import type { stockAsOfSchema, stockStatesSchema } from '../contracts/stock';
import { DEMO_MERCHANT_SLUG } from '../simulators/demo-ids';
import { openApi } from './api-client';
import { CommandError } from './command-error';
import { table } from './screen';
import { EXPORT_NAMES, type ExportFlags, exportStock } from './stock/export-stock';
import { type ImportFlags, importStock } from './stock/import-stock';
import { registerStockAlerts } from './stock/stock-alerts';
import { registerStockValue } from './stock/stock-value';
import { watchStock } from './stock/watch-stock';

interface Flags {
  readonly merchant?: string;
  readonly json?: boolean;
  readonly dataDir?: string;
}

const DATA_DIR = ['--data-dir <dir>', 'which engine (default: .quayside in the clone)'] as const;
const MERCHANT = ['--merchant <merchant>', 'slug or id, where the key serves several'] as const;

export function register(program: Command): void {
  const stock = program.command('stock').summary('what there is, was, and is recalled');
  stock
    .command('levels <skus...>', { isDefault: true })
    .summary('the states of SKUs, by warehouse; also "quayside stock SKU"')
    .option('--watch', 'go on and show every change, until Ctrl-C')
    .option(...MERCHANT)
    .option('--json', 'one object as the API gives it; with --watch one a change')
    .option(...DATA_DIR)
    .action((skus: string[], flags: Flags & { readonly watch?: boolean }) =>
      flags.watch
        ? watchStock(openApi(flags.dataDir, flags.merchant), skus, flags.json === true)
        : levels(skus, flags),
    );
  stock
    .command('as-of <time> <skus...>')
    .summary('what there was at a moment, from the ledger')
    .description('The time is RFC 3339 with its offset, e.g. 2026-03-03T12:00:00-05:00.')
    .option(...MERCHANT)
    .option('--json', 'one object as the API gives it')
    .option(...DATA_DIR)
    .action((time: string, skus: string[], flags: Flags) => asOf(time, skus, flags));
  stock
    .command('recall <sku> <lot>')
    .summary('hold a lot everywhere at once, and say who has some of it')
    .requiredOption('--reason <reason>', 'why; kept in the audit log')
    .option(...MERCHANT)
    .option('--json', 'one object as the API gives it')
    .option(...DATA_DIR)
    .action((sku: string, lot: string, flags: Flags & { readonly reason: string }) =>
      recall(sku, lot, flags),
    );
  stock
    .command('lift <sku> <lot>')
    .summary('lift the recall of a lot')
    .requiredOption('--reason <reason>', 'why; kept in the audit log')
    .option(...MERCHANT)
    .option(...DATA_DIR)
    .action((sku: string, lot: string, flags: Flags & { readonly reason: string }) => lift(sku, lot, flags));
  registerFiles(stock);
  registerStockValue(stock);
  registerStockAlerts(stock);
}

function registerFiles(stock: Command): void {
  stock
    .command('import <file>')
    .summary('opening stock or corrections from a CSV file')
    .description(
      `Reads a CSV file with the columns ${STOCK_COLUMNS.join(', ')} and posts all of it or nothing; the\n` +
        'same file again changes nothing. What is wrong is named by row and column.',
    )
    .requiredOption('--warehouse <code>', 'where the goods are')
    .option('--kind <kind>', 'opening, adjustment or write_off', 'opening')
    .option('--reason-code <code>', 'one of the reasons for corrections')
    .option('--reason <text>', 'kept with the movements')
    .option('--partial', 'post what is right and list the rest')
    .option('--merchant <slug>', 'whose stock it is', DEMO_MERCHANT_SLUG)
    .option('--json', 'one object')
    .option(...DATA_DIR)
    .action((file: string, flags: ImportFlags) => importStock(file, flags));
  stock
    .command('export <what>')
    .summary(`CSV of ${EXPORT_NAMES.join(', ')}`)
    .option('--sku <sku>', 'only this one; needed for the ledger')
    .option(...MERCHANT)
    .option(...DATA_DIR)
    .action((what: string, flags: ExportFlags) => exportStock(what, flags));
}

async function levels(skus: readonly string[], flags: Flags): Promise<void> {
  const api = openApi(flags.dataDir, flags.merchant);
  const states = await api.get<z.output<typeof stockStatesSchema>>(`/v1/stock/levels?${skuQuery(skus)}`);
  if (flags.json) return void process.stdout.write(`${JSON.stringify(states)}\n`);
  const rows = states.items.map((item) => [
    item.sku,
    item.warehouseCode,
    ...[item.onHand, item.reserved, item.available, item.quarantined, item.damaged, item.atDock].map(String),
    ...[item.recalled, item.expired, item.inTransit, item.incoming].map(String),
  ]);
  const header =
    'SKU WAREHOUSE ON-HAND RESERVED AVAILABLE QUARANTINED DAMAGED AT-DOCK RECALLED EXPIRED IN-TRANSIT INCOMING';
  process.stdout.write(`${table(rows, header.split(' '))}\n`);
  sayUnknown(states.unknown);
}

async function asOf(time: string, skus: readonly string[], flags: Flags): Promise<void> {
  const api = openApi(flags.dataDir, flags.merchant);
  const past = await api.get<z.output<typeof stockAsOfSchema>>(
    `/v1/stock/as-of?at=${encodeURIComponent(time)}&${skuQuery(skus)}`,
  );
  if (flags.json) return void process.stdout.write(`${JSON.stringify(past)}\n`);
  const rows = past.items.map((item) => [
    item.sku,
    item.warehouseCode ?? 'on the road',
    ...[item.onHand, item.held].map(String),
  ]);
  process.stdout.write(`${table(rows, ['SKU', 'WAREHOUSE', 'ON-HAND', 'HELD'])}\n`);
  sayUnknown(past.unknown);
}

async function recall(
  sku: string,
  lotCode: string,
  flags: Flags & { readonly reason: string },
): Promise<void> {
  const api = openApi(flags.dataDir, flags.merchant);
  const body = { sku, lotCode, reason: flags.reason };
  const held = await api.send<z.output<typeof recalledLotSchema>>('POST', '/v1/lots/recall', body);
  if (flags.json) return void process.stdout.write(`${JSON.stringify(held)}\n`);
  process.stdout.write(
    `${held.unitsHeld} units are held now, ${held.ordersTakenBack.length} orders lost theirs and are planned again, ` +
      `${held.ordersShipped} orders had shipped from the lot\n`,
  );
}

async function lift(sku: string, lotCode: string, flags: Flags & { readonly reason: string }): Promise<void> {
  const api = openApi(flags.dataDir, flags.merchant);
  const body = { sku, lotCode, reason: flags.reason };
  const { unitsFreed } = await api.send<{ unitsFreed: number }>('POST', '/v1/lots/lift', body);
  process.stdout.write(`${unitsFreed} units are for sale again\n`);
}

const skuQuery = (skus: readonly string[]) => skus.map((sku) => `sku=${encodeURIComponent(sku)}`).join('&');

function sayUnknown(unknown: readonly string[]): void {
  if (unknown.length > 0) throw new CommandError(`no such SKU: ${unknown.join(', ')}`);
}
