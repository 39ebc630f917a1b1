/** `quayside rebuild`: balances made again from what they sum up, for the day on which `check` says that they differ. */
import type { Command } from 'commander';
import { rebuild } from '../checks/rebuild';
import { loadConfig, required } from '../config';
import { findRunning, locateDataDir } from './data-dir';
import { Screen, table } from './screen';

interface Flags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly dataDir?: string;
}

export function register(program: Command): void {
  program
    .command('rebuild')
    .summary('make stock balances again from the ledger')
    .description(
      'Recomputes on hand, held, reserved and allocated from the ledger, the live reservations and the allocations, and says what it changed. May run beside an engine at work. Exit code 1 when a balance could not be made right, because more is promised than is there.',
    )
    .option('--dry-run', 'say what differs and change nothing')
    .option('--json', 'one object')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((flags: Flags) => run(flags));
}

async function run(flags: Flags): Promise<void> {
  const running = findRunning(locateDataDir(flags.dataDir));
  const config = loadConfig({ ...running?.environment, ...process.env });
  const urls = {
    appUrl: required(config, 'DATABASE_APP_URL'),
    systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
  };
  const report = await new Screen().step(
    'comparing balances',
    () => rebuild(urls, { dryRun: flags.dryRun === true }),
    { quiet: true },
  );
  const left = report.differences.filter(({ fixed }) => !fixed);
  if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else if (report.differences.length === 0)
    process.stdout.write(`nothing differs (${report.merchants} merchants)\n`);
  else {
    const rows = report.differences.map((one) => [
      one.fixed ? 'made right' : flags.dryRun ? 'differs' : 'left',
      one.table,
      one.key,
      `${one.was} → ${one.is}`,
    ]);
    process.stdout.write(`${table(rows)}\n`);
  }
  if (left.length > 0) process.exitCode = 1;
}
