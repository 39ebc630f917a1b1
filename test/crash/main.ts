/**
 * `npm run test:crash`: a real day of orders goes through an engine whose worker, API, Temporal server,
 * Postgres and dispatcher are killed (SIGKILL) one after the other, several times each, at moments drawn
 * from a seed, with orders in flight each time. The day comes in waves, one a kill, so that there is
 * always something to lose; then Temporal is held down for a minute while orders go on coming. When all
 * is quiet, what must never break is looked up from outside. Closes with `N passed, N failed`.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { RetailInvoice } from '../../domain/retail/online-retail';
import { seededRandom } from '../../simulators/fault-knobs';
import { Backlog, type InFlight } from './backlog';
import { type CrashEngine, startCrashEngine } from './crash-engine';
import { readDay } from './day';
import { Doors } from './doors';
import { type Guarantee, lookAtGuarantees } from './guarantees';
import { type Kill, PARTS, type Part, planKills } from './kill-plan';
import { startReceiver } from './receiver';
import { type CrashMerchant, openCrashMerchant, startHands } from './shop-floor';

const USAGE = `npm run test:crash -- [--seed N] [--kills N] [--orders N] [--date YYYY-MM-DD] [--outage SECONDS]
--seed    draws order and moments of the kills, flaws and scarce goods (default 1)
--kills   how often each of worker, API, Temporal, Postgres and dispatcher is killed (default 3)
--orders  how many orders of the file, from --date on (default: those of the day)
--date    the day that is replayed (default 2010-12-01)
--outage  how long Temporal is held down at the end, in seconds (default 60; 0: not at all)
`;

/** A wave comes in over this time, so that kills meet requests too, and not only what follows from them. */
const WAVE_MS = 2_000;
/** The last wave is as large as so many others, for it lasts a minute. */
const OUTAGE_WAVES = 3;
/** One order of the simulated shop to so many invoices. */
const SHOP_ORDER_EVERY = 3;
/** A start whose sender was killed comes after a lease of 20 s, a worker that gave up after a pause of 15 s. */
const STARTED_WITHIN_MS = 60_000;

interface Options {
  readonly seed: number;
  readonly kills: number;
  readonly orders: number | null;
  readonly date: string;
  readonly outageSeconds: number;
}

const began = Date.now();
function say(line: string): void {
  const seconds = ((Date.now() - began) / 1000).toFixed(0).padStart(4);
  process.stdout.write(`${seconds} s  ${line}\n`);
}

/** Everything that a wave of orders and a kill need. */
interface Run {
  readonly options: Options;
  readonly engine: CrashEngine;
  readonly merchant: CrashMerchant;
  readonly doors: Doors;
  readonly backlog: Backlog;
  /** Invoices that have not come in yet; waves take from its front. */
  readonly waiting: RetailInvoice[];
  fed: number;
  readonly random: () => number;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { seed } = options;
  const day = readDay(options.date, options.orders, seed);
  say(`${day.source}: ${day.invoices.length} invoices; seed ${seed}`);
  const receiver = await startReceiver(seed);
  // The demo's own people scan without delay too.
  const engine = await startCrashEngine({
    OUTGOING_ALLOW_HOSTS: receiver.host,
    SIMULATOR_FLOOR_PACE_MS: '0',
  });
  let guarantees: Guarantee[] = [];
  let left: readonly string[] = [];
  try {
    say('the engine is up');
    const merchant = await openCrashMerchant(engine, day.invoices, receiver, seed);
    const doors = new Doors(engine, merchant, seed);
    const hands = await startHands(engine, merchant, () => undefined);
    const backlog = new Backlog(engine, say);
    const run: Run = {
      options,
      engine,
      merchant,
      doors,
      backlog,
      waiting: [...day.invoices],
      fed: 0,
      random: seededRandom(seed),
    };
    try {
      const kills = await killAndFeed(run);
      for (const line of engine.troubles()) say(line.trim());
      const outage = options.outageSeconds > 0 ? await temporalDown(run) : [];
      say('everything has come in; waiting until nothing moves');
      await backlog.drain();
      const held = await lookAtGuarantees({ engine, merchant, doors, receiver });
      guarantees = [...kills, ...outage, ...held];
      say(`${doors.repeats} requests had to be repeated`);
    } finally {
      await hands.close();
    }
  } catch (error) {
    process.stderr.write(`--- the engine's last words ---\n${engine.lastWords()}\n`);
    throw error;
  } finally {
    left = await engine.stop();
    await receiver.close();
  }
  guarantees.push({ name: 'no process left behind', seen: 'after a stop', faults: left });
  return report(guarantees);
}

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      kills: { type: 'string', default: '3' },
      orders: { type: 'string' },
      date: { type: 'string', default: '2010-12-01' },
      outage: { type: 'string', default: '60' },
    },
  });
  const whole = (text: string, least: number, most: number) =>
    /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most;
  const good =
    whole(values.seed, 0, 1_000_000) &&
    whole(values.kills, 1, 100) &&
    whole(values.outage, 0, 600) &&
    (values.orders === undefined || whole(values.orders, 1, 100_000)) &&
    /^\d{4}-\d{2}-\d{2}$/.test(values.date);
  if (!good) return null;
  return {
    seed: Number(values.seed),
    kills: Number(values.kills),
    orders: values.orders === undefined ? null : Number(values.orders),
    date: values.date,
    outageSeconds: Number(values.outage),
  };
}

/** A wave of orders and a kill amid it, and the next when the part is back. */
async function killAndFeed(run: Run): Promise<Guarantee[]> {
  const { options, engine } = run;
  const plan = planKills(options.seed, options.kills);
  const inFlight: number[] = [];
  for (const [index, kill] of plan.entries()) {
    const waves = plan.length - index + (options.outageSeconds > 0 ? OUTAGE_WAVES : 0);
    inFlight.push(await wave(run, kill, waves, `${index + 1}/${plan.length}`));
  }
  const killed = Object.keys(PARTS).map((part) => `${part} ${engine.ends(part as Part)} times`);
  const low = Math.min(...inFlight);
  const total = inFlight.reduce((sum, n) => sum + n, 0);
  return [
    {
      name: `every part killed ${options.kills} times with orders in flight, and back each time`,
      seen: `ended: ${killed.join(', ')}; in flight ${inFlight.join(', ')} (${total} in all)`,
      faults: low > 0 ? [] : ['one was killed while nothing was in flight'],
    },
  ];
}

/** @returns how many orders were in flight at the kill. */
async function wave(run: Run, kill: Kill, waves: number, number: string): Promise<number> {
  const { engine, backlog } = run;
  const coming = feed(run, nextInvoices(run, waves));
  await pause(kill.afterMs);
  const { orders, states } = await somethingInFlight(backlog);
  const pid = await engine.kill(kill.part);
  const killedAt = Date.now();
  await engine.back(kill.part);
  const seconds = ((Date.now() - killedAt) / 1000).toFixed(1);
  await coming;
  say(
    `${number.padStart(6)}  ${kill.part} (${pid}) killed with ${orders} orders in flight (${states}); back after ${seconds} s`,
  );
  return orders;
}

/** At the drawn moment, or a little later when an idle machine has done all there was by then. */
async function somethingInFlight(backlog: Backlog): Promise<InFlight> {
  const deadline = Date.now() + WAVE_MS;
  for (;;) {
    const found = await backlog.inFlight();
    if (found.orders > 0 || Date.now() > deadline) return found;
    await pause(20);
  }
}

/** As many of what waits as is this wave's share. */
function nextInvoices({ waiting }: Run, waves: number): RetailInvoice[] {
  return waiting.splice(0, Math.ceil(waiting.length / waves));
}

/** @returns when all of them have been answered. */
async function feed(run: Run, invoices: readonly RetailInvoice[]): Promise<void> {
  const { doors, backlog, merchant } = run;
  const last = invoices.at(-1);
  if (last === undefined) return;
  await backlog.letClockReach(merchant.merchantId, last.placedAt);
  await Promise.all(
    invoices.map(async (invoice) => {
      run.fed += 1;
      const position = run.fed;
      await pause(run.random() * WAVE_MS);
      if (position % SHOP_ORDER_EVERY === 0) await doors.shopOrder();
      await doors.invoice(invoice, position);
    }),
  );
}

/** Temporal is held down while the last wave comes in, spread over the whole of it. */
async function temporalDown(run: Run): Promise<Guarantee[]> {
  const { engine, options, backlog } = run;
  const invoices = nextInvoices(run, 1);
  const last = invoices.at(-1);
  if (last !== undefined) await backlog.letClockReach(run.merchant.merchantId, last.placedAt);
  const { orders, states } = await backlog.inFlight();
  say(`Temporal goes down for ${options.outageSeconds} s with ${orders} orders in flight (${states})`);
  const before = await newestOrder(backlog);
  const ms = options.outageSeconds * 1000;
  const down = engine.holdDown('temporal', ms);
  const slowest = await acceptDuring(run, invoices, ms);
  const accepted = await backlog.rows<{ id: string; waits: boolean }>(
    `select id, state in (${UNSTARTED}) and blocked_reason is null as waits from sales_order where id > $1::uuid`,
    [before],
  );
  say(`${accepted.length} orders were accepted meanwhile, the slowest in ${slowest} ms`);
  await down;
  const backAt = Date.now();
  say('Temporal is back');
  const unstarted = () =>
    backlog.rows<{ id: string }>(
      `select id from sales_order where id > $1::uuid and state in (${UNSTARTED}) and blocked_reason is null`,
      [before],
    );
  const deadline = backAt + STARTED_WITHIN_MS;
  let still = await unstarted();
  while (still.length > 0 && Date.now() < deadline) {
    await pause(200);
    still = await unstarted();
  }
  const seconds = ((Date.now() - backAt) / 1000).toFixed(1);
  say(`all of them have started ${seconds} s after it was back`);
  const early = accepted.filter(({ waits }) => !waits).length;
  return [
    {
      name: `Temporal down for ${options.outageSeconds} s: orders are accepted`,
      seen: `${accepted.length} orders, the slowest in ${slowest} ms`,
      faults: [
        ...(accepted.length > 0 ? [] : ['none was accepted']),
        ...(early === 0 ? [] : [`${early} moved on without Temporal`]),
      ],
    },
    {
      name: 'and start when it is back',
      seen: `the last ${seconds} s after`,
      faults: still.map(({ id }) => `order ${id} has not started`),
    },
  ];
}

/** @returns milliseconds of the slowest answer. */
async function acceptDuring(run: Run, invoices: readonly RetailInvoice[], ms: number): Promise<number> {
  const gapMs = (ms * 0.8) / Math.max(1, invoices.length);
  let slowest = 0;
  // So that the first one does not come before Temporal is gone.
  await pause(ms * 0.05);
  for (const invoice of invoices) {
    const at = Date.now();
    run.fed += 1;
    await run.doors.invoice(invoice, run.fed);
    const took = Date.now() - at;
    slowest = Math.max(slowest, took);
    await pause(Math.max(0, gapMs - took));
  }
  return slowest;
}

/** Ids of orders grow with time (UUID version 7). */
async function newestOrder(backlog: Backlog): Promise<string> {
  const [row] = await backlog.rows<{ id: string }>('select id from sales_order order by id desc limit 1');
  return row?.id ?? '00000000-0000-0000-0000-000000000000';
}

/** What an order is before its workflow's first step. */
const UNSTARTED = `'received', 'accepted'`;

/** More would not help whoever reads it. */
const FAULTS_SHOWN = 20;

function report(guarantees: readonly Guarantee[]): number {
  for (const { name, seen, faults } of guarantees) {
    process.stdout.write(`${faults.length === 0 ? 'ok  ' : 'FAIL'}  ${name} (${seen})\n`);
    for (const fault of faults.slice(0, FAULTS_SHOWN)) process.stdout.write(`        ${fault}\n`);
    if (faults.length > FAULTS_SHOWN)
      process.stdout.write(`        and ${faults.length - FAULTS_SHOWN} more\n`);
  }
  const failed = guarantees.filter(({ faults }) => faults.length > 0).length;
  say('done');
  process.stdout.write(`crash: ${guarantees.length - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
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
