/**
 * How many events a whole order leaves in Temporal, and how many workflow tasks and workflows it takes:
 * two lines, one parcel, picked, packed, labelled, shipped, notified and delivered, on the unpatched code
 * and by the real processes. Every event is time of the Temporal server, which is the bottleneck.
 */
import { makeBenchMerchant } from './bench-merchant';
import { pause, startBenchEngine } from './engine';
import { type Figure, figure } from './figure';
import { historyOf, workflowCount } from './history';
import { startOrderLoad } from './order-load';

/** Visibility is written a moment after the history. */
const VISIBILITY_MS = 2_000;

export async function orderEvents(seed: number): Promise<Figure[]> {
  const engine = await startBenchEngine();
  try {
    const merchant = await makeBenchMerchant(engine.database);
    const load = await startOrderLoad(engine, merchant, seed);
    try {
      const workflowsBefore = await workflowCount(engine.temporal);
      const { workflowIds } = await load.run(1, 1);
      const { events, workflowTasks } = await historyOf(engine.temporal, workflowIds[0] ?? '');
      await pause(VISIBILITY_MS);
      const workflows = (await workflowCount(engine.temporal)) - workflowsBefore;
      return [
        figure({ name: 'order-events', value: events, unit: 'events', goal: { atMost: 32 } }, seed),
        figure(
          {
            name: 'order-events.workflow-tasks',
            value: workflowTasks,
            unit: 'workflow tasks',
            goal: { atMost: 8 },
          },
          seed,
        ),
        figure(
          { name: 'order-events.workflows', value: workflows, unit: 'workflows', goal: { atMost: 1 } },
          seed,
        ),
      ];
    } finally {
      await load.close();
    }
  } finally {
    await engine.stop();
  }
}
