/**
 * Whole orders a second, from the API to the closed workflow, picked, packed, shipped, notified and
 * delivered by real processes, beside the bare workflow in the same run, on the same Temporal server and
 * the same machine. The ratio is what counts: it says how much of the machine is left for what the order
 * does, and CPU seconds by process say where the rest goes.
 */
import { runBare } from './bare/bare-load';
import { makeBenchMerchant } from './bench-merchant';
import { type BenchEngine, startBenchEngine } from './engine';
import { type Figure, figure } from './figure';
import { historyOf } from './history';
import { startOrderLoad } from './order-load';
import { startTemporalOnPostgres } from './temporal-on-postgres';

/** Below it more orders at once only wait; the worker's slots and cache take many more. */
const AT_ONCE = 64;
const WARM_UP_ORDERS = 32;
/** What the issue asks for, of the bare workflow's rate. */
const GOAL_RATIO = 0.6;

export interface ThroughputOptions {
  readonly seed: number;
  readonly orders: number;
  readonly server: 'dev' | 'postgres';
}

export async function orderThroughput(options: ThroughputOptions): Promise<Figure[]> {
  if (options.server === 'dev') return measure(options, await startBenchEngine());
  const temporal = await startTemporalOnPostgres();
  try {
    return await measure(options, await startBenchEngine({ TEMPORAL_ADDRESS: temporal.address }), () =>
      temporal.cpu(),
    );
  } finally {
    await temporal.stop();
  }
}

async function measure(
  { seed, orders, server }: ThroughputOptions,
  engine: BenchEngine,
  cpuOfServer: () => ReadonlyMap<string, number> = () => new Map(),
): Promise<Figure[]> {
  const name = `order-throughput${server === 'postgres' ? '.on-postgres' : ''}`;
  const withServer: BenchEngine = { ...engine, cpu: () => new Map([...engine.cpu(), ...cpuOfServer()]) };
  try {
    const merchant = await makeBenchMerchant(engine.database);
    const bare = await runBare({
      address: engine.running.temporalAddress,
      namespace: engine.running.temporalNamespace,
      workflows: orders,
      atOnce: AT_ONCE,
      cpu: withServer.cpu,
    });
    const load = await startOrderLoad(withServer, merchant, seed);
    try {
      await load.run(WARM_UP_ORDERS, WARM_UP_ORDERS);
      const whole = await load.run(orders, AT_ONCE);
      const { events } = await historyOf(engine.temporal, whole.workflowIds[Math.floor(orders / 2)] ?? '');
      const of = (suffix: string, value: number, unit: string, baseline?: number) =>
        figure(
          { name: `${name}.${suffix}`, value, unit, ...(baseline === undefined ? {} : { baseline }) },
          seed,
        );
      const processes = [...new Set([...whole.cpu.keys(), ...bare.cpu.keys()])].sort();
      return [
        figure(
          {
            name,
            value: orders / whole.seconds,
            unit: 'orders/s',
            baseline: orders / bare.seconds,
            goal: { atLeast: GOAL_RATIO },
          },
          seed,
        ),
        of('events', events, 'events', bare.history.events),
        of('cpu', total(whole.cpu) / orders, 'CPU s/order', total(bare.cpu) / orders),
        ...processes.flatMap((process) => {
          const seconds = whole.cpu.get(process) ?? 0;
          const bareSeconds = bare.cpu.get(process) ?? 0;
          const shown = (value: number) => value / orders >= 0.0005;
          if (!shown(seconds) && !shown(bareSeconds)) return [];
          return [
            of(
              `cpu.${process.replaceAll(' ', '-')}`,
              seconds / orders,
              'CPU s/order',
              shown(bareSeconds) ? bareSeconds / orders : undefined,
            ),
          ];
        }),
      ];
    } finally {
      await load.close();
    }
  } finally {
    await engine.stop();
  }
}

function total(cpu: ReadonlyMap<string, number>): number {
  return [...cpu.values()].reduce((sum, seconds) => sum + seconds, 0);
}
