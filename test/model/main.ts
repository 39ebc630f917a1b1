/**
 * `npm run test:model`: random histories of checkout holds, orders that wait, gains, losses and time, run
 * by the engine's decisions in memory and by the engine itself on a Postgres of its own, against a plain
 * model of what should come of them. A difference is shrunk to the shortest history that shows it, and
 * is found again at once with the seed that is printed. Closes with `N passed, N failed`.
 */
import { parseArgs } from 'node:util';
import { withProgress } from '../support/progress';
import { startTestServers } from '../support/servers';
import { type Histories, runInMemory, runOnPostgres } from './histories';

const USAGE = `npm run test:model -- [--memory N] [--postgres N] [--seed N]
--memory    commands in memory (default 1000000; 0: none)
--postgres  commands on Postgres (default 100000; 0: none)
--seed      of the first histories (default 1)
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      memory: { type: 'string', default: '1000000' },
      postgres: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
    },
  });
  const numbers = [values.memory, values.postgres, values.seed].map(Number);
  const [memory = 0, postgres = 0, seed = 0] = numbers;
  if (!numbers.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const failures: string[] = [];
  let passed = 0;
  const part = async (name: string, atLeast: number, run: (histories: Histories) => Promise<number>) => {
    if (atLeast === 0) return;
    try {
      const title = `${atLeast.toLocaleString('en')} commands ${name}, seed ${seed}`;
      await withProgress(title, atLeast, (onProgress) => run({ atLeast, seed, onProgress }));
      passed += 1;
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  };
  await part('in memory', memory, runInMemory);
  if (postgres > 0) {
    const servers = await startTestServers();
    await part('on Postgres', postgres, runOnPostgres).finally(() => servers.stop());
  }
  for (const failure of failures) process.stdout.write(`${failure}\n`);
  process.stdout.write(`${passed} passed, ${failures.length} failed\n`);
  return failures.length === 0 ? 0 : 1;
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
