/** Some random histories; `npm run test:model` runs as many as one wants. */
import { runInMemory, runOnPostgres } from './histories';

const SEED = 1;
const IN_MEMORY = 30_000;
const ON_POSTGRES = 600;

test(`what is decided in memory is what a plain model says, ${IN_MEMORY} commands`, async () => {
  expect(await runInMemory({ atLeast: IN_MEMORY, seed: SEED })).toBeGreaterThanOrEqual(IN_MEMORY);
}, 60_000);

test(`what the engine does on Postgres is what a plain model says, ${ON_POSTGRES} commands`, async () => {
  expect(await runOnPostgres({ atLeast: ON_POSTGRES, seed: SEED })).toBeGreaterThanOrEqual(ON_POSTGRES);
}, 120_000);
