import { planFulfilment } from '../../../../domain/routing/plan-fulfilment';
import { type OrderFacts, type RoutingRule, type RuleEffect, zonesOf } from '../../../../domain/routing/rule';
import type { FulfilmentPlan, RoutingSnapshot } from '../../../../domain/routing/snapshot';

const facts: OrderFacts = {
  country: 'GB',
  region: null,
  postalCode: 'LS1 4DY',
  channel: 'shopify',
  connectionId: 'shop-1',
  tags: ['wholesale'],
};

const warehouse = (warehouseId: string, distanceKm: number, stock: Record<string, number>) => ({
  warehouseId,
  distanceKm,
  available: new Map(Object.entries(stock)),
  load: 0,
  room: { orders: null, units: null },
  late: false,
});

const everything = { P: 9, COLD: 9 };
const snapshot: RoutingSnapshot = {
  warehouses: [
    warehouse('hull', 90, everything),
    warehouse('leeds', 300, everything),
    warehouse('york', 40, everything),
  ],
  splitPolicy: 'allowed',
  partialPolicy: 'wait',
  lineSplitPolicy: 'allowed',
  rules: [],
  zones: [{ name: 'north', places: [{ country: 'GB', postalPrefixes: ['ls', 'YO'] }] }],
  rates: [],
  products: new Map([['COLD', { gramsEach: 500, handling: ['cold'] }]]),
};

const rule = (
  ruleId: string,
  conditions: RoutingRule['conditions'],
  ...effects: RuleEffect[]
): RoutingRule => ({
  ruleId,
  conditions,
  effects,
});
const only = (...warehouseIds: string[]) => ({ kind: 'only', warehouseIds }) as const;
const prefer = (...warehouseIds: string[]) => ({ kind: 'prefer', warehouseIds }) as const;
const exclude = (...warehouseIds: string[]) => ({ kind: 'exclude', warehouseIds }) as const;

function plan(
  change: Partial<RoutingSnapshot>,
  lines: Record<string, number> = { P: 1 },
  of: OrderFacts = facts,
): FulfilmentPlan {
  const asked = Object.entries(lines).map(([productId, quantity]) => ({
    orderLineId: productId,
    productId,
    quantity,
  }));
  return planFulfilment({ lines: asked, facts: of }, { ...snapshot, ...change });
}

/** `york: 1 P` and so on, sorted; the outcome when there is no plan. */
function routed(made: FulfilmentPlan): string[] | string {
  if (made.kind !== 'plan') return made.kind;
  return made.shipments
    .map(
      ({ warehouseId, lines }) =>
        `${warehouseId}: ${lines.map(({ quantity, productId }) => `${quantity} ${productId}`).join(', ')}`,
    )
    .sort();
}

describe('conditions', () => {
  test.each<[string, RoutingRule['conditions'], boolean]>([
    ['no condition always holds', {}, true],
    ['a country', { countries: ['IE', 'GB'] }, true],
    ['another country', { countries: ['IE'] }, false],
    ['a zone', { zones: ['north'] }, true],
    ['a postal prefix, whatever its case and spaces', { postalPrefixes: ['ls14'] }, true],
    ['another postal prefix', { postalPrefixes: ['LS2'] }, false],
    ['a channel', { channels: ['shopify'] }, true],
    ['a connection', { connectionIds: ['shop-2'] }, false],
    ['a tag', { tags: ['wholesale', 'vip'] }, true],
    ['several kinds, all of which hold', { countries: ['GB'], tags: ['wholesale'] }, true],
    ['several kinds, one of which does not', { countries: ['GB'], tags: ['vip'] }, false],
    ['handling that nothing of the order needs', { handling: ['cold', 'hazmat'] }, false],
  ])('%s', (_, conditions, holds) => {
    const made = plan({ rules: [rule('r', conditions, only('leeds'))] });
    expect(routed(made)).toEqual([holds ? 'leeds: 1 P' : 'york: 1 P']);
    expect(made.trace.rules[0]?.missed === undefined).toBe(holds);
  });

  test('where nobody knows where it goes, no rule about the destination holds', () => {
    const nowhere = { ...facts, country: null, postalCode: null };
    const rules = [rule('r', { countries: ['GB'] }, only('leeds'))];
    expect(routed(plan({ rules }, { P: 1 }, nowhere))).toEqual(['york: 1 P']);
    expect(zonesOf(nowhere, snapshot.zones)).toEqual([]);
  });
});

describe('what rules do', () => {
  test('what they forbid adds up, in whatever order they stand', () => {
    const rules = [rule('a', {}, exclude('york')), rule('b', {}, only('york', 'leeds'))];
    for (const order of [rules, [...rules].reverse()])
      expect(routed(plan({ rules: order }))).toEqual(['leeds: 1 P']);
  });

  test('rules that leave no warehouse leave none: nothing ships from where it must not', () => {
    const rules = [rule('a', {}, only('york')), rule('b', {}, exclude('york'))];
    const made = plan({ rules });
    expect(made).toMatchObject({ kind: 'no_warehouse', productIds: ['P'] });
    expect(made.trace.warehouses.map(({ out }) => out)).toEqual(['rules', 'rules', 'rules']);
  });

  test('a rule about cold goods binds those alone, and the rest of the order goes as ever', () => {
    const rules = [rule('cold', { handling: ['cold'] }, only('leeds'))];
    const at = { hull: { P: 0, COLD: 9 }, leeds: { P: 0, COLD: 9 }, york: everything };
    const warehouses = Object.entries(at).map(([id, stock], n) => warehouse(id, n, stock));
    expect(routed(plan({ rules, warehouses }, { P: 1, COLD: 2 }))).toEqual(['leeds: 2 COLD', 'york: 1 P']);
    expect(routed(plan({ rules, warehouses }))).toEqual(['york: 1 P']);
  });

  test('a preferred warehouse gets what it can serve whole, and changes nothing where it can not', () => {
    const rules = [rule('r', {}, prefer('leeds'))];
    expect(routed(plan({ rules }))).toEqual(['leeds: 1 P']);
    const poor = snapshot.warehouses.map((each) =>
      each.warehouseId === 'leeds' ? warehouse('leeds', 300, { P: 1 }) : each,
    );
    const made = plan({ rules, warehouses: poor }, { P: 2 });
    expect(routed(made)).toEqual(['york: 2 P']);
    expect(made.trace.narrowed).toEqual([{ by: 'r', to: ['leeds'], kept: false }]);
  });

  test('the first rule that says how an order may be split is heard, and the later one is told so', () => {
    const rules = [
      rule('first', {}, { kind: 'split_at_most', shipments: 2 }),
      rule('second', {}, { kind: 'never_split' }),
    ];
    const made = plan({ rules });
    expect(made.trace.limits.shipments).toBe(2);
    expect(made.trace.rules[1]?.did).toEqual([{ kind: 'never_split', overruledBy: 'first' }]);
  });

  const scattered = ['P', 'Q', 'R'].map((id, n) => warehouse(`w${n}`, n, { [id]: 5 }));
  const three = { P: 1, Q: 1, R: 1 };
  test('split at most: what fits in so many shipments, or nothing when the order ships complete', () => {
    const most = (shipments: number) => rule('most', {}, { kind: 'split_at_most', shipments });
    const part = rule('part', {}, { kind: 'ship_available' });
    expect(routed(plan({ warehouses: scattered, rules: [most(3)] }, three))).toHaveLength(3);
    expect(plan({ warehouses: scattered, rules: [most(2)] }, three)).toMatchObject({
      kind: 'short',
      missing: [{ productId: 'R', needed: 1, available: 0 }],
    });
    const made = plan({ warehouses: scattered, rules: [most(2), part] }, three);
    expect(routed(made)).toEqual(['w0: 1 P', 'w1: 1 Q']);
    expect(made).toMatchObject({ backorder: [{ productId: 'R', quantity: 1 }] });
  });

  test('wait for backorder: one warehouse has all of it, or the order waits', () => {
    const rules = [rule('wait', {}, { kind: 'wait_for_backorder' })];
    const policies = { rules, partialPolicy: 'ship_available' } as const;
    expect(routed(plan({ ...policies, warehouses: scattered }, three))).toBe('short');
    expect(routed(plan(policies, { P: 2, COLD: 1 }))).toEqual(['york: 2 P, 1 COLD']);
  });

  test('ship complete holds back what is there until the rest is', () => {
    const policies = { partialPolicy: 'ship_available' } as const;
    expect(routed(plan(policies, { P: 10 }))).toHaveLength(2);
    expect(routed(plan(policies, { P: 30 }))).toHaveLength(3);
    const rules = [rule('all', {}, { kind: 'ship_complete' })];
    expect(routed(plan({ ...policies, rules }, { P: 30 }))).toBe('short');
  });

  test('a line comes from several warehouses only where no single one has it and the merchant allows it', () => {
    const never = { lineSplitPolicy: 'never' } as const;
    expect(routed(plan(never, { P: 10 }))).toBe('short');
    expect(
      routed(plan({ ...never, rules: [rule('r', {}, { kind: 'allow_line_split' })] }, { P: 10 })),
    ).toHaveLength(2);
    expect(routed(plan({ rules: [rule('r', {}, { kind: 'never_split_lines' })] }, { P: 10 }))).toBe('short');
    // Leeds has it whole, far away: two near ones together are no better.
    const warehouses = [
      warehouse('a', 1, { P: 6 }),
      warehouse('b', 1, { P: 6 }),
      warehouse('leeds', 900, { P: 9 }),
    ];
    expect(routed(plan({ warehouses, rules: [rule('r', {}, prefer('a', 'b'))] }, { P: 9 }))).toEqual([
      'leeds: 9 P',
    ]);
  });
});

describe('capacity, promise, cost and load', () => {
  const full = (id: string, room: { orders: number | null; units: number | null }) =>
    snapshot.warehouses.map((each) => (each.warehouseId === id ? { ...each, room } : each));

  test('a warehouse whose day is full is passed over while another can serve', () => {
    expect(routed(plan({ warehouses: full('york', { orders: 0, units: null }) }))).toEqual(['hull: 1 P']);
    expect(routed(plan({ warehouses: full('york', { orders: 1, units: 2 }) }, { P: 3 }))).toEqual([
      'hull: 3 P',
    ]);
    expect(routed(plan({ warehouses: full('york', { orders: 1, units: 3 }) }, { P: 3 }))).toEqual([
      'york: 3 P',
    ]);
    const alone = [{ ...warehouse('york', 40, everything), room: { orders: 0, units: 0 } }];
    const made = plan({ warehouses: alone });
    expect(routed(made)).toEqual(['york: 1 P']);
    expect(made.trace).toMatchObject({
      warehouses: [{ avoid: 'full' }],
      narrowed: [{ by: 'capacity', to: [], kept: false }],
    });
  });

  test('a warehouse that would ship after the promise is passed over while another can serve', () => {
    const warehouses = snapshot.warehouses.map((each) => ({ ...each, late: each.warehouseId === 'york' }));
    expect(routed(plan({ warehouses }))).toEqual(['hull: 1 P']);
  });

  test('with a rate table the cheapest parcel wins: by zone where the table has one, by weight', () => {
    const rates = [
      { warehouseId: 'york', zone: null, baseMinor: 100, perKgMinor: 0 },
      { warehouseId: 'york', zone: 'north', baseMinor: 900, perKgMinor: 0 },
      { warehouseId: 'leeds', zone: null, baseMinor: 300, perKgMinor: 500 },
    ];
    const light = plan({ rates });
    expect(routed(light)).toEqual(['leeds: 1 P']);
    expect(light.trace).toMatchObject({
      costBy: 'rates',
      decidedBy: 'cost',
      options: [{ cost: 300_000 }, { cost: 900_000 }, { cost: null }],
    });
    // Three cold ones weigh 1.5 kg: 3.00 + 7.50 from Leeds, 9.00 from York.
    expect(routed(plan({ rates }, { COLD: 3 }))).toEqual(['york: 3 COLD']);
    const elsewhere = { ...facts, postalCode: 'SW1A 1AA' };
    expect(routed(plan({ rates }, { P: 1 }, elsewhere))).toEqual(['york: 1 P']);
  });

  test('between equal costs the warehouse with less to do that day gets it', () => {
    const busy = (id: string, load: number) => ({ ...warehouse(id, 40, everything), load });
    const made = plan({ warehouses: [busy('a', 12), busy('b', 11), busy('c', 30)] });
    expect(routed(made)).toEqual(['b: 1 P']);
    expect(made.trace.decidedBy).toBe('load');
  });
});
