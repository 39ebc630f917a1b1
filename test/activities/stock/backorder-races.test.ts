import { Intake } from '../../../commands/intake/intake';
import { byQueue, type QueuePlace } from '../../../domain/stock/hand-out';
import { seededRandom } from '../../../simulators/fault-knobs';
import { bookErrors, rowsOf } from '../../support/floor-steps';
import { change, database, has, look, place, shop } from './waiting-orders';

describe('many orders and arrivals at once', () => {
  /** How many seeds, and so worlds, in the normal suite: each takes a second. */
  const SEEDS = 6;

  it.each(Array.from({ length: SEEDS }, (_, seed) => [seed + 1]))(
    'are served in the order of the queue, seed %i',
    async (seed) => {
      const random = seededRandom(seed);
      const upTo = (n: number) => Math.floor(random() * n);
      const merchant = await shop();
      const places: QueuePlace[] = [];
      const make = async (from: number) => {
        const placedAt = new Date(Date.UTC(2026, 2, 2, from + upTo(4), upTo(60), upTo(60)));
        const shipBy = upTo(3) === 0 ? new Date(Date.UTC(2026, 2, 3, upTo(24))) : null;
        const times = { placedAt: placedAt.toISOString(), shipBy: shipBy?.toISOString() ?? null };
        const orderId = await place(merchant, [['P', 1]], times);
        const priority = upTo(4) === 0 ? 10 : 0;
        if (priority > 0)
          await rowsOf(
            database,
            merchant,
            'update sales_order set priority = 10 where id = $1 returning id',
            [orderId],
          );
        places.push({ orderId, priority, shipBy, placedAt });
        return orderId;
      };
      const queue = [];
      for (let n = 0; n < 12; n += 1) queue.push(await make(6));
      for (const orderId of queue) await look(merchant, orderId);
      // Arrivals race with new orders that come after all of these, from four processes.
      const processes = [1, 2, 3, 4].map(() => new Intake(database));
      const late = [];
      for (let n = 0; n < 8; n += 1) late.push(await make(14));
      for (const each of places.slice(12)) Object.assign(each, { priority: 0, shipBy: null });
      await rowsOf(
        database,
        merchant,
        'update sales_order set priority = 0, channel_ship_by = null where id = any($1) returning id',
        [late],
      );
      const arrivals = [1 + upTo(3), 1 + upTo(3), 1 + upTo(3)];
      const units = arrivals.reduce((sum, each) => sum + each, 0);
      await Promise.all([
        ...arrivals.map((delta) => change(merchant, 'P', delta)),
        ...late.map((orderId, n) => look(merchant, orderId, processes[n % 4])),
      ]);
      const expected = [...places]
        .sort(byQueue)
        .slice(0, units)
        .map(({ orderId }) => orderId);
      expect([...(await has(merchant)).keys()].sort()).toEqual([...expected].sort());
      expect(await bookErrors(database, merchant)).toEqual([]);
    },
  );
});
