/** `quayside stock alerts` and `stock follow-up`: what runs low, and what one does about it. */
import type { Command } from 'commander';
import type { z } from 'zod';
import type { followUpSchema, stockAlertSchema } from '../../contracts/stock-alerts';
import { FOLLOW_UP_ACTIONS } from '../../domain/stock/follow-up';
import { openApi } from '../api-client';
import { CommandError } from '../command-error';
import { table } from '../screen';

interface Flags {
  readonly merchant?: string;
  readonly json?: boolean;
  readonly dataDir?: string;
  readonly all?: boolean;
  readonly sku?: string;
  readonly quantity?: string;
}

/** What a person reads; the API gives the rest. */
const MOST_SHOWN = 1_000;

export function registerStockAlerts(stock: Command): void {
  const withFlags = (command: Command) =>
    command
      .option('--merchant <merchant>', 'slug or id, where the key serves several')
      .option('--json', 'as the API gives it')
      .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)');
  withFlags(stock.command('alerts'))
    .summary('what runs low, the newest first')
    .option('--all', 'also what is well again')
    .option('--sku <sku>', 'only this one')
    .action((flags: Flags) => alerts(flags));
  withFlags(stock.command('follow-up <alert> <action>'))
    .summary(`do something about an alert: ${FOLLOW_UP_ACTIONS.join(', ')}`)
    .option('--quantity <units>', 'of a purchase or a transfer (default: a month of sales)')
    .action((alert: string, action: string, flags: Flags) => followUp(alert, action, flags));
}

async function alerts(flags: Flags): Promise<void> {
  const api = openApi(flags.dataDir, flags.merchant);
  const query = { open: flags.all ? undefined : 'true', sku: flags.sku };
  const items = await api.list<z.output<typeof stockAlertSchema>>('/v1/stock/alerts', query, MOST_SHOWN);
  if (flags.json) return void process.stdout.write(`${JSON.stringify({ items })}\n`);
  const rows = items.map((alert) => [
    alert.sku,
    alert.state,
    ...[alert.level, alert.unitsPerDay ?? '-', alert.daysOfCover ?? '-'].map(String),
    alert.ruleName,
    alert.openedAt,
    alert.id,
  ]);
  process.stdout.write(`${table(rows, 'SKU STATE LEVEL A-DAY COVER-DAYS RULE SINCE ALERT'.split(' '))}\n`);
}

async function followUp(alert: string, action: string, flags: Flags): Promise<void> {
  if (!(FOLLOW_UP_ACTIONS as readonly string[]).includes(action))
    throw new CommandError(
      `there is no follow-up "${action}"`,
      2,
      `follow-ups are ${FOLLOW_UP_ACTIONS.join(', ')}`,
    );
  const body = { action, ...(flags.quantity === undefined ? {} : { quantity: Number(flags.quantity) }) };
  const api = openApi(flags.dataDir, flags.merchant);
  const path = `/v1/stock/alerts/${encodeURIComponent(alert)}/follow-ups`;
  const done = await api.send<z.output<typeof followUpSchema>>('POST', path, body);
  if (flags.json) return void process.stdout.write(`${JSON.stringify(done)}\n`);
  const what = [
    done.action,
    done.state,
    done.quantity === null ? '' : `${done.quantity} units`,
    done.owner ?? '',
  ];
  process.stdout.write(`${what.filter(Boolean).join(', ')} ${JSON.stringify(done.effect)}\n`);
}
