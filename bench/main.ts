/**
 * `npm run bench -- NAME [--json]`: measures one thing on this machine and says how it stands to its
 * goal. With --json one object a line. Each run starts what it needs on a data directory of its own,
 * bounded in number and time, and stops it again.
 */
import { parseArgs } from 'node:util';
import { apiAccept } from './api-accept';
import { availabilityScale } from './availability-scale';
import { channelSync } from './channel-sync';
import { type Figure, tableOf } from './figure';
import { orderEvents } from './order-events';
import { orderThroughput } from './order-throughput';
import { reserveHot, reserveWide } from './reserve';
import { routing } from './routing';

interface Options {
  readonly seed: number;
  readonly orders: number;
  readonly seconds: number;
  readonly server: 'dev' | 'postgres';
}

const BENCHMARKS: Readonly<Record<string, (options: Options) => Promise<Figure[]>>> = {
  'order-events': ({ seed }) => orderEvents(seed),
  'order-throughput': orderThroughput,
  'api-accept': apiAccept,
  'reserve-hot': reserveHot,
  'reserve-wide': reserveWide,
  'availability-scale': availabilityScale,
  'channel-sync': channelSync,
  routing,
};

const USAGE = `npm run bench -- NAME [--json] [--seed N] [--orders N] [--seconds N] [--server dev|postgres]
names: ${Object.keys(BENCHMARKS).join(', ')}
--orders   how many orders order-throughput measures (default 600)
--seconds  how long api-accept, reserve-hot, reserve-wide and channel-sync offer load (default 15)
--server   which Temporal server order-throughput runs on: the development server, or a full one on
           Postgres, which is built with Go when the cache has none
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      orders: { type: 'string', default: '600' },
      seconds: { type: 'string', default: '15' },
      server: { type: 'string', default: 'dev' },
    },
  });
  const [name = ''] = positionals;
  const run = BENCHMARKS[name];
  const { server } = values;
  const numbers = [values.seed, values.orders, values.seconds].map(Number);
  const [seed = 0, orders = 0, seconds = 0] = numbers;
  const usable =
    numbers.every((n) => Number.isSafeInteger(n) && n >= 1 && n <= 1_000_000) &&
    (server === 'dev' || server === 'postgres');
  if (run === undefined || !usable || positionals.length !== 1) {
    process.stderr.write(USAGE);
    return 2;
  }
  const figures = await run({ seed, orders, seconds, server });
  if (values.json) for (const one of figures) process.stdout.write(`${JSON.stringify(one)}\n`);
  else process.stdout.write(`${tableOf(figures)}\n`);
  return figures.some(({ met }) => met === false) ? 1 : 0;
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
