/**
 * `npm run test:races`: a hundred races for a last unit on a Postgres of their own, a thousand buyers
 * from four processes each. Closes with `N passed, N failed`.
 */
import { parseArgs } from 'node:util';
import { withProgress } from '../support/progress';
import { startTestServers } from '../support/servers';
import { raceForLastUnits } from './last-unit';

const USAGE = `npm run test:races -- [--races N] [--buyers N] [--processes N]
--races      how many last units are raced for (default 100)
--buyers     who want each of them, of all processes (default 1000)
--processes  default 4
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      races: { type: 'string', default: '100' },
      buyers: { type: 'string', default: '1000' },
      processes: { type: 'string', default: '4' },
    },
  });
  const numbers = [values.races, values.buyers, values.processes].map(Number);
  const [races = 0, buyers = 0, processes = 0] = numbers;
  if (!numbers.every((n) => Number.isSafeInteger(n) && n >= 1)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const servers = await startTestServers();
  try {
    const name = `${races} races of ${buyers} buyers from ${processes} processes`;
    const { faults } = await withProgress(name, races, (onProgress) =>
      raceForLastUnits({ races, buyers, processes, onProgress }),
    );
    for (const fault of faults) process.stdout.write(`${fault}\n`);
    process.stdout.write(faults.length === 0 ? '1 passed, 0 failed\n' : '0 passed, 1 failed\n');
    return faults.length === 0 ? 0 : 1;
  } finally {
    await servers.stop();
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
