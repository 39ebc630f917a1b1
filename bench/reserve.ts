/**
 * Reservations a second: one SKU that everybody wants (`reserve-hot`) and ten thousand of them
 * (`reserve-wide`), through the code that sells, with its step and its reservation rows, as the
 * application's role under row-level security. Beside it what one would write first. Rounds of the two
 * that are compared take turns, so that what else the machine does meets both; CPU a reservation is told
 * as well, of sellers and Postgres together, which hardly depends on that.
 */
import { type Figure, figure } from './figure';
import { SellerGroup } from './reserve/seller-group';
import { BUCKETS, type Way } from './reserve/sellers';
import { type StockServer, startStockServer } from './reserve/stock-server';

const CALLERS = 256;
/** What the guarded UPDATE is best with when its rows are many. */
const WIDE_CLIENTS = 16;
const WIDE_SKUS = 10_000;
const HOT_GOAL = 30;
const WIDE_GOAL = 1.5;
const ROUNDS = 4;
/** More than any run sells. */
const AMPLE = 100_000_000;
/** Sold out to the last unit, at the end. */
const SCARCE = 10_000;

export interface ReserveOptions {
  readonly seed: number;
  readonly seconds: number;
}

interface Compared {
  readonly ours: SellerGroup;
  readonly theirs: SellerGroup;
}

export async function reserveHot({ seed, seconds }: ReserveOptions): Promise<Figure[]> {
  const server = await startStockServer();
  try {
    const productIds = await server.addProducts(1, AMPLE);
    await makeBuckets(server);
    const note = await settings(server);
    const compare = (processes: number) =>
      takeTurns(server, { processes, callers: CALLERS, productIds, seed, seconds });
    const before = await rowsWritten(server);
    const alone = await measure(server, { way: 'coalesced', callers: CALLERS, productIds, seed, seconds: 1 });
    const rows = ((await rowsWritten(server)) - before) / alone.total.sold;
    const one = await compare(1);
    const two = await compare(2);
    const figures = [
      rateFigure('reserve-hot', one, HOT_GOAL, seed, note),
      rateFigure('reserve-hot.two-processes', two, null, seed, note),
      cpuFigure('reserve-hot.cpu', one, seed),
    ];
    for (const way of ['one-a-transaction', 'row-lock', 'serializable', 'bucketed'] as const) {
      const other = await measure(server, { way, callers: CALLERS, productIds, seed, seconds: seconds / 2 });
      const named = { name: `reserve-hot.against-${way}`, unit: 'reservations/s' };
      figures.push(figure({ ...named, value: one.ours.rate, baseline: other.rate }, seed));
    }
    figures.push(figure({ name: 'reserve-hot.rows', value: rows, unit: 'rows written a reservation' }, seed));
    return [...figures, ...(await sellOut(server, seed))];
  } finally {
    await server.stop();
  }
}

export async function reserveWide({ seed, seconds }: ReserveOptions): Promise<Figure[]> {
  const server = await startStockServer();
  try {
    const productIds = await server.addProducts(WIDE_SKUS, AMPLE / WIDE_SKUS);
    const note = await settings(server);
    const compare = (processes: number) =>
      takeTurns(server, {
        processes,
        callers: CALLERS,
        clients: WIDE_CLIENTS,
        productIds,
        seed,
        seconds,
      });
    const one = await compare(1);
    const two = await compare(2);
    return [
      rateFigure('reserve-wide', one, WIDE_GOAL, seed, note),
      rateFigure('reserve-wide.two-processes', two, null, seed, note),
      cpuFigure('reserve-wide.cpu', one, seed),
    ];
  } finally {
    await server.stop();
  }
}

async function takeTurns(
  server: StockServer,
  options: {
    readonly processes: number;
    readonly callers: number;
    /** Of the guarded UPDATE; default as many as ours. */
    readonly clients?: number;
    readonly productIds: readonly string[];
    readonly seed: number;
    readonly seconds: number;
  },
): Promise<Compared> {
  const { callers, clients = callers, seconds } = options;
  const ours = await SellerGroup.start(server, { ...options, way: 'coalesced', callers });
  const theirs = await SellerGroup.start(server, { ...options, way: 'guarded-update', callers: clients });
  const refusals = Number.MAX_SAFE_INTEGER;
  // Plans, pages and the compiler get warm.
  for (const group of [ours, theirs]) await group.sell({ seconds: 1, refusals });
  for (const group of [ours, theirs])
    Object.assign(group.total, { sold: 0, refused: 0, seconds: 0, cpuSeconds: 0 });
  for (let round = 0; round < ROUNDS; round += 1)
    for (const group of [ours, theirs]) await group.sell({ seconds: seconds / ROUNDS, refusals });
  for (const group of [ours, theirs]) await group.stop();
  return { ours, theirs };
}

async function measure(
  server: StockServer,
  options: {
    readonly way: Way;
    readonly callers: number;
    readonly productIds: readonly string[];
    readonly seed: number;
    readonly seconds: number;
  },
): Promise<SellerGroup> {
  const group = await SellerGroup.start(server, { ...options, processes: 1 });
  await group.sell({ seconds: options.seconds, refusals: Number.MAX_SAFE_INTEGER });
  await group.stop();
  return group;
}

function rateFigure(
  name: string,
  { ours, theirs }: Compared,
  goal: number | null,
  seed: number,
  note: string,
): Figure {
  const measured = { name, value: ours.rate, unit: 'reservations/s', baseline: theirs.rate, note };
  return figure(goal === null ? measured : { ...measured, goal: { atLeast: goal } }, seed);
}

function cpuFigure(name: string, { ours, theirs }: Compared, seed: number): Figure {
  const of = ({ total }: SellerGroup) => (total.cpuSeconds / total.sold) * 1e6;
  return figure({ name, value: of(ours), unit: 'CPU µs/reservation', baseline: of(theirs) }, seed);
}

/** Two processes sell what is there to the last unit, and find it sold out only then. */
async function sellOut(server: StockServer, seed: number): Promise<Figure[]> {
  const productIds = await server.addProducts(1, SCARCE);
  const way = 'coalesced' as const;
  const group = await SellerGroup.start(server, { way, processes: 2, callers: CALLERS, productIds, seed });
  await group.sell({ seconds: 600, refusals: 3 });
  await group.stop();
  const [row] = await server.asOwner<{ reserved: number; rows: string }>(
    `select b.reserved, (select sum(quantity) from reservation r where r.product_id = b.product_id and r.state = 'held') as rows
     from stock_balance b where b.product_id = $1`,
    productIds,
  );
  const sold = Math.max(group.total.sold, row?.reserved ?? 0, Number(row?.rows ?? 0));
  const least = Math.min(group.total.sold, row?.reserved ?? 0, Number(row?.rows ?? 0));
  const of = (name: string, value: number) =>
    figure({ name: `reserve-hot.${name}`, value, unit: 'units', goal: { atMost: 0 } }, seed);
  return [of('oversold', Math.max(0, sold - SCARCE)), of('undersold', Math.max(0, SCARCE - least))];
}

/** The stock of every product so far, spread over buckets, for the way that sells from those. */
async function makeBuckets(server: StockServer): Promise<void> {
  await server.asOwner(`create table bench_bucket (merchant_id uuid, warehouse_id uuid, product_id uuid, bucket integer,
    free integer not null, primary key (merchant_id, warehouse_id, product_id, bucket)) with (fillfactor = 70)`);
  await server.asOwner('grant select, update on bench_bucket to quayside_app');
  await server.asOwner(`insert into bench_bucket select merchant_id, warehouse_id, product_id, n, (on_hand - reserved) / ${BUCKETS}
    from stock_balance, generate_series(0, ${BUCKETS - 1}) n`);
}

async function settings(server: StockServer): Promise<string> {
  await server.asOwner('analyze');
  const [row] = await server.asOwner<{ commit: string; fsync: string }>(
    "select current_setting('synchronous_commit') as commit, current_setting('fsync') as fsync",
  );
  const role = new URL(server.appUrl).username;
  return `role ${role} under row-level security, synchronous_commit ${row?.commit}, fsync ${row?.fsync}`;
}

/** Rows inserted and updated until now. */
async function rowsWritten(server: StockServer): Promise<number> {
  // A session reports what it wrote when it is idle for a second.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const [row] = await server.asOwner<{ rows: string }>(
    'select sum(n_tup_ins + n_tup_upd) as rows from pg_stat_user_tables',
  );
  return Number(row?.rows ?? 0);
}
