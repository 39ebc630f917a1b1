/** Random orders with everything that routing looks at: stock that is scarce, ties, rules that meet each other. */
import { HANDLING, type RoutingRule, type RuleConditions, type RuleEffect } from '../domain/routing/rule';
import type { PlanOrder, RoutingSnapshot, WarehouseSnapshot } from '../domain/routing/snapshot';

export interface RoutingCase {
  readonly order: PlanOrder;
  readonly snapshot: RoutingSnapshot;
}

type Random = () => number;

const TAGS = ['vip', 'gift', 'fragile'];
const PREFIXES = ['9', '902', '10'];

/** @param lines and warehouses how many at most, of each. */
export function routingCase(random: Random, lines: number, warehouses: number): RoutingCase {
  const below = (n: number) => Math.floor(random() * n);
  const maybe = (chance: number) => random() < chance;
  const some = <T>(items: readonly T[], chance: number) => items.filter(() => maybe(chance));
  const productIds = Array.from({ length: 1 + below(lines) }, (_, n) => `P${n}`);
  const ids = Array.from({ length: 1 + below(warehouses) }, (_, n) => `W${n}`);
  const presence = 0.3 + random() * 0.6;
  const order: PlanOrder = {
    lines: Array.from({ length: productIds.length + below(lines - productIds.length + 1) }, (_, n) => ({
      orderLineId: `L${n}`,
      productId: productIds[n] ?? (productIds[below(productIds.length)] as string),
      quantity: 1 + below(4),
    })),
    facts: {
      country: maybe(0.9) ? 'US' : 'CA',
      region: maybe(0.9) ? 'CA' : null,
      postalCode: maybe(0.9) ? '90210' : '10001',
      channel: maybe(0.5) ? 'shopify' : 'api',
      connectionId: 'C0',
      tags: some(TAGS, 0.3),
    },
  };
  const whole = maybe(0.5);
  const warehouse = (warehouseId: string): WarehouseSnapshot => ({
    warehouseId,
    // Small whole numbers make ties, fractions make sums whose order would matter.
    distanceKm: maybe(0.1) ? null : whole ? below(4) : random() * 4000,
    available: new Map(productIds.map((id) => [id, maybe(presence) ? below(9) : 0])),
    load: below(4),
    room: { orders: maybe(0.1) ? below(2) : null, units: maybe(0.15) ? below(20) : null },
    late: maybe(0.1),
  });
  const effect = (): RuleEffect => {
    const kinds = ['only', 'prefer', 'exclude'] as const;
    const others = [
      { kind: 'never_split' },
      { kind: 'split_at_most', shipments: 1 + below(3) },
      { kind: 'ship_complete' },
      { kind: 'ship_available' },
      { kind: 'allow_line_split' },
      { kind: 'never_split_lines' },
      { kind: 'wait_for_backorder' },
    ] as const;
    if (maybe(0.5)) return others[below(others.length)] as RuleEffect;
    const kind = kinds[below(kinds.length)] as (typeof kinds)[number];
    return { kind, warehouseIds: some(ids, kind === 'exclude' ? 0.2 : 0.6) };
  };
  const conditions = (): RuleConditions => ({
    ...(maybe(0.2) ? { countries: ['US'] } : {}),
    ...(maybe(0.2) ? { zones: some(['west', 'all'], 0.6) } : {}),
    ...(maybe(0.2) ? { postalPrefixes: some(PREFIXES, 0.5) } : {}),
    ...(maybe(0.2) ? { channels: ['shopify'] } : {}),
    ...(maybe(0.2) ? { tags: some(TAGS, 0.5) } : {}),
    ...(maybe(0.3) ? { handling: some(HANDLING, 0.5) } : {}),
  });
  const rules = Array.from(
    { length: maybe(0.6) ? below(5) : 0 },
    (_, n): RoutingRule => ({
      ruleId: `R${n}`,
      conditions: conditions(),
      effects: Array.from({ length: 1 + below(2) }, effect),
    }),
  );
  const rate = (warehouseId: string, zone: string | null) => ({
    warehouseId,
    zone,
    baseMinor: below(whole ? 3 : 2000),
    perKgMinor: below(whole ? 2 : 300),
  });
  return {
    order,
    snapshot: {
      warehouses: ids.map(warehouse),
      splitPolicy: maybe(0.15) ? 'never' : 'allowed',
      partialPolicy: maybe(0.5) ? 'wait' : 'ship_available',
      lineSplitPolicy: maybe(0.3) ? 'never' : 'allowed',
      rules,
      zones: [
        { name: 'west', places: [{ country: 'US', regions: ['ca', 'NV'] }] },
        { name: 'all', places: [{ country: 'US' }, { country: 'CA', postalPrefixes: ['9'] }] },
      ],
      rates: maybe(0.5)
        ? ids.flatMap((id) => [null, 'west', 'all'].filter(() => maybe(0.6)).map((zone) => rate(id, zone)))
        : [],
      products: new Map(
        productIds.map((id) => [id, { gramsEach: below(1500), handling: some(HANDLING, 0.15) }]),
      ),
    },
  };
}
