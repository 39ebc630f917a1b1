/** The benchmark's floor staff as a process of their own; told by its environment, ends by SIGTERM. */
import { runFloorSimulator } from '../simulators/floor';

const value = (name: string): string => {
  const found = process.env[name];
  if (found === undefined) throw new Error(`${name} is not set`);
  return found;
};

const ending = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => ending.abort());
process.on('disconnect', () => ending.abort());

const floor = runFloorSimulator({
  apiUrl: value('BENCH_API_URL'),
  apiKey: value('BENCH_FLOOR_KEY'),
  persons: value('BENCH_PERSONS').split(','),
  warehouses: [value('BENCH_WAREHOUSE')],
  paceMs: 0,
  signal: ending.signal,
  log: (line) => process.stderr.write(`floor: ${line}\n`),
});

floor.finished.catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
