/**
 * Orders through the API, from the first request to the closed workflow: so many at once, picked, packed,
 * shipped and delivered by simulated people who don't wait. Bounded in number and in time; loopback only.
 */
import { randomUUID } from 'node:crypto';
import { Pool } from 'undici';
import { readParcelsAtTheDoor } from '../db/replay.repo';
import { startCarrierDriver } from '../simulators/carrier-driver';
import { type BenchMerchant, benchOrder } from './bench-merchant';
import { startChild } from './child';
import { type CpuTimes, cpuBetween } from './cpu-time';
import { type BenchEngine, pause } from './engine';

/** Between two looks at how many are closed. */
const LOOK_MS = 50;
/** An engine that closes nothing for so long has a fault. */
const STANDSTILL_MS = 60_000;

export interface LoadResult {
  readonly orders: number;
  readonly seconds: number;
  /** CPU seconds by process. */
  readonly cpu: CpuTimes;
  /** Ids of the workflows of these orders. */
  readonly workflowIds: readonly string[];
}

export interface OrderLoad {
  /** Runs `orders` orders, at most `atOnce` at a time, and waits until all are closed. */
  run(orders: number, atOnce: number): Promise<LoadResult>;
  close(): Promise<void>;
}

/** Brings the floor and the driver up. */
export async function startOrderLoad(
  engine: BenchEngine,
  merchant: BenchMerchant,
  seed: number,
): Promise<OrderLoad> {
  const { running, database } = engine;
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const driver = await startCarrierDriver({
    carrierUrl: running.simulators.carrier ?? '',
    parcelsAtTheDoor: () => database.withSystem((tx) => readParcelsAtTheDoor(tx, 1_000)),
    log,
  });
  const floor = startChild('floor-process.ts', 'floor', {
    BENCH_API_URL: running.apiUrl,
    BENCH_FLOOR_KEY: merchant.floorKey,
    BENCH_PERSONS: merchant.personIds.join(','),
    BENCH_WAREHOUSE: merchant.warehouseId,
  });
  const http = new Pool(running.apiUrl, { connections: 16 });
  let runs = 0;
  return {
    async run(orders, atOnce) {
      runs += 1;
      const cpu = () => new Map([...engine.cpu(), ...floor.cpu(), ['load generator', ownSeconds()]]);
      const before = cpu();
      const began = Date.now();
      const workflowIds = await feed({ engine, merchant, http }, seed, `${seed}-${runs}`, orders, atOnce);
      const seconds = (Date.now() - began) / 1000;
      return { orders, seconds, cpu: cpuBetween(before, cpu()), workflowIds };
    },
    async close() {
      await http.close();
      await floor.stop();
      await driver.close();
    },
  };
}

function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

interface Target {
  readonly engine: BenchEngine;
  readonly merchant: BenchMerchant;
  readonly http: Pool;
}

async function feed(
  target: Target,
  seed: number,
  run: string,
  orders: number,
  atOnce: number,
): Promise<string[]> {
  const workflowIds: string[] = [];
  const closedBefore = await closedOrders(target);
  let placed = 0;
  let closed = 0;
  let movedAt = Date.now();
  while (closed < orders) {
    const room = Math.min(orders - placed, atOnce - (placed - closed));
    const batch = Array.from({ length: Math.max(0, room) }, (_, n) => place(target, seed, run, placed + n));
    placed += batch.length;
    workflowIds.push(...(await Promise.all(batch)));
    await pause(LOOK_MS);
    const now = (await closedOrders(target)) - closedBefore;
    if (now > closed) movedAt = Date.now();
    closed = now;
    if (Date.now() - movedAt > STANDSTILL_MS) {
      throw new Error(`${placed} orders were placed and only ${closed} are closed; nothing moves any more`);
    }
  }
  return workflowIds;
}

async function place({ merchant, http }: Target, seed: number, run: string, n: number): Promise<string> {
  const answer = await http.request({
    method: 'POST',
    path: '/v1/orders',
    headers: {
      authorization: `Bearer ${merchant.ordersKey}`,
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
    },
    body: JSON.stringify(benchOrder(seed, run, n)),
  });
  const text = await answer.body.text();
  if (answer.statusCode !== 201) throw new Error(`POST /v1/orders: ${answer.statusCode} ${text}`);
  return (JSON.parse(text) as { workflowId: string }).workflowId;
}

async function closedOrders({ engine, merchant }: Target): Promise<number> {
  const { merchantId } = merchant;
  const [row] = await engine.database.withMerchants([merchantId], (tx) =>
    tx.rows<{ closed: number }>({
      name: 'bench-closed',
      text: `select count(*)::integer as closed from sales_order where merchant_id = $1 and state = 'closed'`,
      values: [merchantId],
    }),
  );
  return row?.closed ?? 0;
}
