/**
 * `npm run test:replay`: real orders on little stock, from outside. A week of the real file (or of the one
 * given) goes through an engine of its own by the command that a person uses; what it reports, what lies on
 * each shelf, who was served and in which order are compared with the file told a second time as plainly
 * as can be; at the end `quayside check` finds nothing wrong.
 */
import { deepStrictEqual } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { removePostgresData } from '../../provision/postgres';
import {
  freePorts,
  newDataDir,
  quayside,
  type RunningCommand,
  startQuayside,
} from '../support/quayside-command';
import { type RetailOutcome, tellRetail } from '../support/retail-oracle';
import { sharedDataDir } from '../support/skip';
import { tell } from './tell';

const USAGE = `npm run test:replay -- [--file FILE] [--from YYYY-MM-DD] [--days N] [--opening-stock N]
--file           default: the real file beside the clone
--from           default 2010-12-01
--days           default 3; with little stock a day takes some three minutes
--opening-stock  units of each product, default 20
`;
const FILE = 'online-retail/2010-12_to_2011-06.csv.gz';
/** Building a bundle and starting six processes takes 10 s on an idle machine. */
const UP_WITHIN_MS = 180_000;
/** A day of three minutes on a machine with much other work. */
const DAY_WITHIN_MS = 20 * 60_000;
const GONE_WITHIN_MS = 15_000;
const DAY_MS = 86_400_000;

type Report = Readonly<Record<string, number>>;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      file: { type: 'string', default: join(sharedDataDir() ?? '.', FILE) },
      from: { type: 'string', default: '2010-12-01' },
      days: { type: 'string', default: '3' },
      'opening-stock': { type: 'string', default: '20' },
    },
  });
  const { file, from } = values;
  const [days = 0, stock = 0] = [values.days, values['opening-stock']].map(Number);
  if (!existsSync(file) || Number.isNaN(Date.parse(from)) || !(days >= 1) || !(stock >= 1)) {
    process.stderr.write(`${existsSync(file) ? '' : `${file} is absent\n`}${USAGE}`);
    return 2;
  }
  const until = new Date(Date.parse(from) + days * DAY_MS).toISOString().slice(0, 10);
  const told = tellRetail(file, from, until, stock);
  const dataDir = newDataDir();
  const engine = startQuayside(dataDir, ['up', '--rate', '0', '--ports', await freePorts()]);
  const replayed = ['replay', 'online-retail', file, '--from', from, '--days', String(days)];
  const asked = [...replayed, '--opening-stock', String(stock), '--verify', '--json', '--data-dir', dataDir];
  let report: Report = {};
  try {
    const failed = await tell(
      'replay',
      [
        ['an engine is up', () => engine.says('Ctrl-C stops', UP_WITHIN_MS)],
        [
          `${days} days from ${from} on ${stock} units of each are replayed`,
          async () => {
            const { code, stdout, stderr } = await quayside(asked, { timeoutMs: days * DAY_WITHIN_MS });
            if (code !== 0) throw new Error(`ended with ${code}: ${stderr}`);
            report = JSON.parse(stdout) as Report;
          },
        ],
        [
          'nothing is oversold, nobody is passed over, and the report is what the file comes to',
          async () => compareReport(report, told),
        ],
        [
          'each shelf ends with what is left, and who waited was served in his turn',
          () => compareRows(dataDir, told),
        ],
        [
          'the invariants hold',
          async () => {
            const { code, stdout } = await quayside(['check', '--data-dir', dataDir], {
              timeoutMs: UP_WITHIN_MS,
            });
            if (code !== 0) throw new Error(stdout);
          },
        ],
      ],
      () => engine.said(),
    );
    console.log(JSON.stringify(report));
    return failed === 0 ? 0 : 1;
  } finally {
    await stop(engine, dataDir);
  }
}

function compareReport(report: Report, told: RetailOutcome): void {
  const should: Report = {
    ...told.counts,
    'stock.shipped': told.shipped,
    'stock.restocked': told.restocked,
    'stock.writtenOff': told.writtenOff,
    'stock.writeOffRest': told.rest,
    'stock.skusOff': 0,
    'stock.oversold': 0,
    'backorders.waited': told.released.length + told.waiting.length,
    'backorders.released': told.released.length,
    'backorders.outOfTurn': 0,
  };
  deepStrictEqual(Object.fromEntries(Object.keys(should).map((name) => [name, report[name]])), should);
}

async function compareRows(dataDir: string, told: RetailOutcome): Promise<void> {
  const { environment } = JSON.parse(readFileSync(join(dataDir, 'running.json'), 'utf8')) as {
    readonly environment: { readonly DATABASE_APP_URL: string };
  };
  const url = new URL(environment.DATABASE_APP_URL);
  url.username = 'postgres';
  url.password = readFileSync(join(dataDir, 'postgres', 'superuser-password'), 'utf8').trim();
  const superuser = new Client(url.toString());
  await superuser.connect();
  try {
    const { rows: shelves } = await superuser.query<{ sku: string; on_hand: number }>(
      `select p.sku, b.on_hand from stock_balance b join product p on p.merchant_id = b.merchant_id and p.id = b.product_id
       join merchant m on m.id = b.merchant_id where m.slug = 'retail-replay'`,
    );
    deepStrictEqual(
      new Map(shelves.map(({ sku, on_hand }) => [sku, on_hand])),
      new Map(Object.entries(told.shelf)),
    );
    // What a waiting order got last before it was served, or null while it waits.
    const { rows: orders } = await superuser.query<{ number: string; served: Date | null }>(
      `select o.external_id as number, max(r.created_at) filter (where o.blocked_reason is null) as served
       from sales_order o join merchant m on m.id = o.merchant_id and m.slug = 'retail-replay'
       left join reservation r on r.merchant_id = o.merchant_id and r.order_id = o.id and r.hold_id is not null
       where o.external_id = any($1) group by o.merchant_id, o.id`,
      [[...told.released, ...told.waiting]],
    );
    const served = new Map(orders.map((order) => [order.number, order.served]));
    const waiting = orders.flatMap((order) => (order.served === null ? [order.number] : []));
    deepStrictEqual(new Set(waiting), new Set(told.waiting));
    const times = told.released.map((number) => served.get(number)?.getTime() ?? Number.NaN);
    deepStrictEqual(
      times,
      [...times].sort((one, other) => one - other),
    );
  } finally {
    await superuser.end();
  }
}

async function stop(engine: RunningCommand, dataDir: string): Promise<void> {
  engine.child.kill('SIGTERM');
  const deadline = Date.now() + GONE_WITHIN_MS;
  while (engine.processes().length > 0 && Date.now() < deadline)
    await new Promise((wake) => setTimeout(wake, 100));
  removePostgresData(join(dataDir, 'postgres'));
  removePostgresData(dataDir);
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
