/**
 * Orders a second that the API accepts at 64 clients: each with its own Idempotency-Key, checked key,
 * committed row and committed message for the workflow. Twice: the API by itself, with Temporal away and
 * nobody taking the orders further; and in the whole engine, which works on the orders at the same time
 * on the same cores. The rate of either is bounded by Postgres and one API process.
 */
import { randomUUID } from 'node:crypto';
import { Pool } from 'undici';
import { type BenchMerchant, benchOrder, makeBenchMerchant } from './bench-merchant';
import { type BenchEngine, startBenchEngine } from './engine';
import { type Figure, figure } from './figure';
import { startLoneApi } from './lone-api';

const CLIENTS = 64;
const WARM_UP_SECONDS = 3;
/** Accepted orders wait in the outbox when Temporal is slower: a bound for disk and memory. */
const MOST_ORDERS = 200_000;

export interface AcceptOptions {
  readonly seed: number;
  readonly seconds: number;
}

interface Accepted {
  readonly orders: number;
  readonly seconds: number;
  /** Milliseconds of each request, ascending. */
  readonly latencies: readonly number[];
}

export async function apiAccept(options: AcceptOptions): Promise<Figure[]> {
  const alone = await startLoneApi();
  const figures: Figure[] = [];
  try {
    figures.push(...describe('api-accept', await measure(alone.url, alone.merchant, options), options.seed));
  } finally {
    await alone.stop();
  }
  const engine: BenchEngine = await startBenchEngine();
  try {
    const merchant = await makeBenchMerchant(engine.database);
    const accepted = await measure(engine.running.apiUrl, merchant, options);
    figures.push(...describe('api-accept.whole-engine', accepted, options.seed));
  } finally {
    await engine.stop();
  }
  return figures;
}

function describe(name: string, { orders, seconds, latencies }: Accepted, seed: number): Figure[] {
  const at = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return [
    figure({ name, value: orders / seconds, unit: 'orders/s' }, seed),
    figure({ name: `${name}.p50`, value: at(0.5), unit: 'ms' }, seed),
    figure({ name: `${name}.p99`, value: at(0.99), unit: 'ms' }, seed),
  ];
}

async function measure(
  url: string,
  merchant: BenchMerchant,
  { seed, seconds }: AcceptOptions,
): Promise<Accepted> {
  const http = new Pool(url, { connections: CLIENTS });
  let next = 0;
  const run = async (forSeconds: number): Promise<Accepted> => {
    const latencies: number[] = [];
    const began = performance.now();
    const client = async (): Promise<void> => {
      while (performance.now() - began < forSeconds * 1000 && next < MOST_ORDERS) {
        const sent = performance.now();
        await place(http, merchant, JSON.stringify(benchOrder(seed, 'accept', next++)));
        latencies.push(performance.now() - sent);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    const took = (performance.now() - began) / 1000;
    return { orders: latencies.length, seconds: took, latencies: latencies.sort((a, b) => a - b) };
  };
  try {
    await run(WARM_UP_SECONDS);
    return await run(seconds);
  } finally {
    await http.close();
  }
}

async function place(http: Pool, { ordersKey }: BenchMerchant, body: string): Promise<void> {
  const answer = await http.request({
    method: 'POST',
    path: '/v1/orders',
    headers: {
      authorization: `Bearer ${ordersKey}`,
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
    },
    body,
  });
  const text = await answer.body.text();
  if (answer.statusCode !== 201) throw new Error(`POST /v1/orders: ${answer.statusCode} ${text}`);
}
