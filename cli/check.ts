/** `quayside check`: every invariant that rows and partners' journals can show; exit code 1 when one is broken. */
import type { Command } from 'commander';
import { reportLines, runCheck } from '../checks/check';
import { loadConfig, required } from '../config';
import { findRunning, locateDataDir } from './data-dir';
import { Screen } from './screen';

interface Flags {
  readonly json?: boolean;
  readonly partners: boolean;
  readonly dataDir?: string;
}

export function register(program: Command): void {
  program
    .command('check')
    .summary('prove that the books balance; exit code 1 when they do not')
    .description(
      'Reads every invariant in one snapshot, as the role that may read everything and write nothing, and compares with the journals of the simulated partners when they run. Safe beside an engine at work. Reads the engine of the data directory, else the database of DATABASE_CHECK_URL.',
    )
    .option('--no-partners', 'do not ask the simulated partners')
    .option('--json', 'one object with all findings')
    .option('--data-dir <dir>', 'which engine (default: .quayside in the clone)')
    .action((flags: Flags) => check(flags));
}

async function check(flags: Flags): Promise<void> {
  const running = findRunning(locateDataDir(flags.dataDir));
  const config = loadConfig({ ...running?.environment, ...process.env });
  const { shop, carrier, mail } = running?.simulators ?? {};
  const partners = {
    ...(shop === undefined ? {} : { shopify: shop }),
    ...(carrier === undefined ? {} : { easypost: carrier }),
    ...(mail === undefined ? {} : { mail }),
  };
  const report = await new Screen().step(
    'reading every invariant',
    () => runCheck(required(config, 'DATABASE_CHECK_URL'), flags.partners ? { partners } : {}),
    { quiet: true },
  );
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : `${reportLines(report).join('\n')}\n`);
  if (!report.ok) process.exitCode = 1;
}
