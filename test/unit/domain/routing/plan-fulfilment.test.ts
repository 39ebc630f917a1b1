import fc from 'fast-check';
import { planFulfilment as decide } from '../../../../domain/routing/plan-fulfilment';
import type { FulfilmentPlan, PlanLine, RoutingSnapshot } from '../../../../domain/routing/snapshot';

const site = (warehouseId: string, distanceKm: number | null, stock: Record<string, number>) => ({
  warehouseId,
  distanceKm,
  available: new Map(Object.entries(stock)),
  load: 0,
  room: { orders: null, units: null },
  late: false,
});

type Policies = Pick<RoutingSnapshot, 'warehouses' | 'splitPolicy' | 'partialPolicy'>;

/** Without rules, rates or a destination: stock, distance and the merchant's policies alone. */
function planFulfilment({ lines }: { lines: readonly PlanLine[] }, policies: Policies): FulfilmentPlan {
  const facts = { country: 'US', region: null, postalCode: null, channel: 'api', connectionId: '', tags: [] };
  const none = { lineSplitPolicy: 'allowed', rules: [], zones: [], rates: [], products: new Map() } as const;
  return decide({ lines, facts }, { ...none, ...policies });
}
const line = (orderLineId: string, productId: string, quantity: number): PlanLine => ({
  orderLineId,
  productId,
  quantity,
});
const open = { splitPolicy: 'allowed', partialPolicy: 'wait' } as const;

/** Units by product in a list of lines. */
function unitsOf(lines: readonly PlanLine[]): Record<string, number> {
  const units: Record<string, number> = {};
  for (const { productId, quantity } of lines) units[productId] = (units[productId] ?? 0) + quantity;
  return units;
}

function expectPlan(plan: FulfilmentPlan): Extract<FulfilmentPlan, { kind: 'plan' }> {
  if (plan.kind !== 'plan') throw new Error(JSON.stringify(plan));
  return plan;
}

describe('planFulfilment', () => {
  test('two lines of one product are one demand, short when their sum is', () => {
    const lines = [line('l1', 'P', 6), line('l2', 'P', 6)];
    const short = planFulfilment({ lines }, { ...open, warehouses: [site('A', 1, { P: 10 })] });
    expect(short).toMatchObject({ kind: 'short', missing: [{ productId: 'P', needed: 12, available: 10 }] });
  });

  test('one far warehouse that has everything beats two near ones', () => {
    const plan = planFulfilment(
      { lines: [line('l1', 'P', 1), line('l2', 'Q', 1)] },
      {
        ...open,
        warehouses: [site('A', 1, { P: 5 }), site('B', 2, { Q: 5 }), site('C', 900, { P: 5, Q: 5 })],
      },
    );
    expect(expectPlan(plan).shipments.map((shipment) => shipment.warehouseId)).toEqual(['C']);
  });

  test('among equally few the nearest wins, and an unknown distance comes last', () => {
    const stock = { P: 5 };
    const pick = (...warehouses: ReturnType<typeof site>[]) =>
      expectPlan(planFulfilment({ lines: [line('l1', 'P', 1)] }, { ...open, warehouses })).shipments[0]
        ?.warehouseId;
    expect(pick(site('A', 700, stock), site('B', 30, stock))).toBe('B');
    expect(pick(site('A', null, stock), site('B', 15_000, stock))).toBe('B');
    expect(pick(site('B', 30, stock), site('A', 30, stock))).toBe('A');
  });

  test('a quantity is spread only when no single warehouse has enough of it', () => {
    const lines = [line('l1', 'P', 4)];
    const near = [site('A', 1, { P: 3 }), site('B', 2, { P: 3 })];
    const whole = planFulfilment({ lines }, { ...open, warehouses: [...near, site('C', 5000, { P: 4 })] });
    expect(expectPlan(whole).shipments).toEqual([{ warehouseId: 'C', lines }]);
    const spread = planFulfilment({ lines }, { ...open, warehouses: near });
    expect(expectPlan(spread).shipments).toEqual([
      { warehouseId: 'A', lines: [line('l1', 'P', 3)] },
      { warehouseId: 'B', lines: [line('l1', 'P', 1)] },
    ]);
  });

  test('a merchant that never splits waits, although two warehouses together have it', () => {
    const order = { lines: [line('l1', 'P', 1), line('l2', 'Q', 1)] };
    const warehouses = [site('A', 1, { P: 5 }), site('B', 2, { Q: 5 })];
    const never = planFulfilment(order, { splitPolicy: 'never', partialPolicy: 'wait', warehouses });
    expect(never).toMatchObject({ kind: 'short', missing: [{ productId: 'Q', needed: 1, available: 0 }] });
    const part = planFulfilment(order, { splitPolicy: 'never', partialPolicy: 'ship_available', warehouses });
    expect(part).toMatchObject({
      kind: 'plan',
      shipments: [{ warehouseId: 'A', lines: [line('l1', 'P', 1)] }],
      backorder: [line('l2', 'Q', 1)],
    });
  });

  test('a merchant that ships what is available gets the rest as backorder', () => {
    const order = { lines: [line('l1', 'P', 3), line('l2', 'P', 4), line('l3', 'Q', 1)] };
    const plan = planFulfilment(order, {
      splitPolicy: 'allowed',
      partialPolicy: 'ship_available',
      warehouses: [site('A', 1, { P: 5 })],
    });
    expect(plan).toMatchObject({
      shipments: [{ warehouseId: 'A', lines: [line('l1', 'P', 3), line('l2', 'P', 2)] }],
      backorder: [line('l2', 'P', 2), line('l3', 'Q', 1)],
    });
  });

  test('nothing anywhere is short under every policy; without any warehouse there is nothing to wait for', () => {
    for (const splitPolicy of ['never', 'allowed'] as const) {
      for (const partialPolicy of ['wait', 'ship_available'] as const) {
        const order = { lines: [line('l1', 'P', 1)] };
        const policies = { splitPolicy, partialPolicy };
        const nothing = planFulfilment(order, { ...policies, warehouses: [site('A', 1, { P: -3 })] });
        expect(nothing).toMatchObject({
          kind: 'short',
          missing: [{ productId: 'P', needed: 1, available: 0 }],
        });
        const nowhere = planFulfilment(order, { ...policies, warehouses: [] });
        expect(nowhere).toMatchObject({ kind: 'no_warehouse', productIds: ['P'] });
      }
    }
  });

  test('an order line that explodes into several products keeps its id in each', () => {
    const plan = planFulfilment(
      { lines: [line('set', 'P', 1), line('set', 'Q', 2)] },
      { ...open, warehouses: [site('A', 1, { P: 1, Q: 2 })] },
    );
    expect(expectPlan(plan).shipments[0]?.lines).toEqual([line('set', 'P', 1), line('set', 'Q', 2)]);
  });

  test('a quantity that is no positive whole number is a bug of the caller', () => {
    for (const quantity of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
      expect(() =>
        planFulfilment({ lines: [line('l', 'P', quantity)] }, { ...open, warehouses: [] }),
      ).toThrow(RangeError);
    }
  });
});

const PRODUCTS = ['P', 'Q', 'R'];
const stockOf = fc.record(Object.fromEntries(PRODUCTS.map((id) => [id, fc.integer({ min: 0, max: 6 })])));
const warehousesOf = (max: number) =>
  fc
    .array(fc.tuple(fc.option(fc.integer({ min: 0, max: 5 })), stockOf), { minLength: 1, maxLength: max })
    .map((rows) => rows.map(([distance, stock], index) => site(`W${index}`, distance, stock)));
const linesOf = fc
  .array(fc.tuple(fc.constantFrom(...PRODUCTS), fc.integer({ min: 1, max: 5 })), {
    minLength: 1,
    maxLength: 5,
  })
  .map((rows) => rows.map(([productId, quantity], index) => line(`l${index}`, productId, quantity)));
const snapshotOf = (max: number): fc.Arbitrary<Policies> =>
  fc.record({
    warehouses: warehousesOf(max),
    splitPolicy: fc.constantFrom('never', 'allowed'),
    partialPolicy: fc.constantFrom('wait', 'ship_available'),
  });

/**
 * The best (shipments, kilometres) by trying every way to hand out every unit, without any idea of how
 * planFulfilment does it. null when no way serves the whole demand within the policies.
 */
function bruteForce(lines: readonly PlanLine[], snapshot: Policies): [number, number] | null {
  const sites = snapshot.warehouses;
  let best: [number, number] | null = null;
  const products = Object.entries(unitsOf(lines));
  const stock = (at: number, id: string) => sites[at]?.available.get(id) ?? 0;
  const ways = (id: string, needed: number): number[][] => {
    const single = sites.some((_, at) => stock(at, id) >= needed);
    const found: number[][] = [];
    const walk = (at: number, left: number, units: number[]) => {
      if (at === sites.length) {
        if (left === 0 && (!single || units.filter((count) => count > 0).length === 1)) found.push(units);
        return;
      }
      for (let count = 0; count <= Math.min(left, stock(at, id)); count++)
        walk(at + 1, left - count, [...units, count]);
    };
    walk(0, needed, []);
    return found;
  };
  const combine = (index: number, used: ReadonlySet<number>) => {
    const product = products[index];
    if (!product) {
      if (snapshot.splitPolicy === 'never' && used.size > 1) return;
      const km = [...used].reduce((total, at) => total + (sites[at]?.distanceKm ?? 20_038), 0);
      if (!best || used.size < best[0] || (used.size === best[0] && km < best[1])) best = [used.size, km];
      return;
    }
    for (const units of ways(...product)) {
      const more = new Set(used);
      for (const [at, count] of units.entries()) if (count > 0) more.add(at);
      combine(index + 1, more);
    }
  };
  combine(0, new Set());
  return best;
}

describe('planFulfilment, on any order and stock', () => {
  test('it never plans more than a warehouse has, and every unit is shipped, waiting or reported missing', () => {
    fc.assert(
      fc.property(linesOf, snapshotOf(6), (lines, snapshot) => {
        const plan = planFulfilment({ lines }, snapshot);
        if (plan.kind === 'short') {
          expect(plan.missing.length).toBeGreaterThan(0);
          for (const row of plan.missing) expect(row.available).toBeLessThan(row.needed);
          return;
        }
        if (plan.kind === 'no_warehouse') throw new Error('no rule forbids any');
        for (const shipment of plan.shipments) {
          const stock = snapshot.warehouses.find(
            (entry) => entry.warehouseId === shipment.warehouseId,
          )?.available;
          for (const [id, units] of Object.entries(unitsOf(shipment.lines))) {
            expect(units).toBeLessThanOrEqual(stock?.get(id) ?? 0);
          }
        }
        const back = new Map<string, number>();
        for (const part of [...plan.shipments.flatMap((shipment) => shipment.lines), ...plan.backorder]) {
          const key = `${part.orderLineId} ${part.productId}`;
          back.set(key, (back.get(key) ?? 0) + part.quantity);
        }
        expect(Object.fromEntries(back)).toEqual(
          Object.fromEntries(lines.map((row) => [`${row.orderLineId} ${row.productId}`, row.quantity])),
        );
        if (snapshot.partialPolicy === 'wait') expect(plan.backorder).toEqual([]);
        if (snapshot.splitPolicy === 'never') expect(plan.shipments.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 2000 },
    );
  });

  test('it is as good as trying every way: the same fewest shipments over the same least distance', () => {
    fc.assert(
      fc.property(linesOf, snapshotOf(4), (lines, snapshot) => {
        const best = bruteForce(lines, snapshot);
        const plan = planFulfilment({ lines }, snapshot);
        if (best === null) {
          if (plan.kind === 'plan') expect(plan.backorder.length).toBeGreaterThan(0);
          return;
        }
        const { shipments, backorder } = expectPlan(plan);
        const km = shipments.map(
          (shipment) =>
            snapshot.warehouses.find((entry) => entry.warehouseId === shipment.warehouseId)?.distanceKm ??
            20_038,
        );
        expect([shipments.length, km.reduce((total, one) => total + one, 0)]).toEqual(best);
        expect(backorder).toEqual([]);
      }),
      { numRuns: 600 },
    );
  });

  test('the order in which warehouses are listed changes nothing', () => {
    fc.assert(
      fc.property(linesOf, snapshotOf(6), fc.integer(), (lines, snapshot, turn) => {
        const shift = snapshot.warehouses.length === 0 ? 0 : Math.abs(turn) % snapshot.warehouses.length;
        const warehouses = [
          ...snapshot.warehouses.slice(shift),
          ...snapshot.warehouses.slice(0, shift),
        ].reverse();
        expect(planFulfilment({ lines }, { ...snapshot, warehouses })).toEqual(
          planFulfilment({ lines }, snapshot),
        );
      }),
    );
  });

  test('forty warehouses are planned feasibly, and the plan says that it did not try every set', () => {
    const warehouses = Array.from({ length: 40 }, (_, index) =>
      site(`W${index}`, index, { [`P${index}`]: 1, X: 1 }),
    );
    const lines = [line('x', 'X', 20), ...[3, 17, 39].map((index) => line(`l${index}`, `P${index}`, 1))];
    const plan = expectPlan(planFulfilment({ lines }, { ...open, warehouses }));
    expect(unitsOf(plan.shipments.flatMap((shipment) => shipment.lines))).toEqual({
      X: 20,
      P3: 1,
      P17: 1,
      P39: 1,
    });
    expect(plan.shipments).toHaveLength(20);
    expect(plan.trace).toMatchObject({ proof: 'fewest', atLeast: 20 });
  });
});
