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

/** Draws what a case is made of. */
class Draw {
  constructor(private readonly random: Random) {}
  number(): number {
    return this.random();
  }
  below(n: number): number {
    return Math.floor(this.random() * n);
  }
  maybe(chance: number): boolean {
    return this.random() < chance;
  }
  some<T>(items: readonly T[], chance: number): T[] {
    return items.filter(() => this.maybe(chance));
  }
}

function drawOrder(draw: Draw, lines: number, productIds: readonly string[]): PlanOrder {
  return {
    lines: Array.from({ length: productIds.length + draw.below(lines - productIds.length + 1) }, (_, n) => ({
      orderLineId: `L${n}`,
      productId: productIds[n] ?? (productIds[draw.below(productIds.length)] as string),
      quantity: 1 + draw.below(4),
    })),
    facts: {
      country: draw.maybe(0.9) ? 'US' : 'CA',
      region: draw.maybe(0.9) ? 'CA' : null,
      postalCode: draw.maybe(0.9) ? '90210' : '10001',
      channel: draw.maybe(0.5) ? 'shopify' : 'api',
      connectionId: 'C0',
      tags: draw.some(TAGS, 0.3),
    },
  };
}

function drawEffect(draw: Draw, warehouseIds: readonly string[]): RuleEffect {
  const kinds = ['only', 'prefer', 'exclude'] as const;
  const others: readonly RuleEffect[] = [
    { kind: 'never_split' },
    { kind: 'split_at_most', shipments: 1 + draw.below(3) },
    { kind: 'ship_complete' },
    { kind: 'ship_available' },
    { kind: 'allow_line_split' },
    { kind: 'never_split_lines' },
    { kind: 'wait_for_backorder' },
  ];
  if (draw.maybe(0.5)) return others[draw.below(others.length)] as RuleEffect;
  const kind = kinds[draw.below(kinds.length)] as (typeof kinds)[number];
  return { kind, warehouseIds: draw.some(warehouseIds, kind === 'exclude' ? 0.2 : 0.6) };
}

function drawRule(draw: Draw, ruleId: string, warehouseIds: readonly string[]): RoutingRule {
  const conditions: RuleConditions = {
    ...(draw.maybe(0.2) ? { countries: ['US'] } : {}),
    ...(draw.maybe(0.2) ? { zones: draw.some(['west', 'all'], 0.6) } : {}),
    ...(draw.maybe(0.2) ? { postalPrefixes: draw.some(PREFIXES, 0.5) } : {}),
    ...(draw.maybe(0.2) ? { channels: ['shopify'] } : {}),
    ...(draw.maybe(0.2) ? { tags: draw.some(TAGS, 0.5) } : {}),
    ...(draw.maybe(0.3) ? { handling: draw.some(HANDLING, 0.5) } : {}),
  };
  const effects = Array.from({ length: 1 + draw.below(2) }, () => drawEffect(draw, warehouseIds));
  return { ruleId, conditions, effects };
}

/** @param lines and warehouses how many at most, of each. */
export function routingCase(random: Random, lines: number, warehouses: number): RoutingCase {
  const draw = new Draw(random);
  const productIds = Array.from({ length: 1 + draw.below(lines) }, (_, n) => `P${n}`);
  const ids = Array.from({ length: 1 + draw.below(warehouses) }, (_, n) => `W${n}`);
  const presence = 0.3 + draw.number() * 0.6;
  const whole = draw.maybe(0.5);
  const warehouse = (warehouseId: string): WarehouseSnapshot => ({
    warehouseId,
    // Small whole numbers make ties, fractions make sums whose order would matter.
    distanceKm: draw.maybe(0.1) ? null : whole ? draw.below(4) : draw.number() * 4000,
    available: new Map(productIds.map((id) => [id, draw.maybe(presence) ? draw.below(9) : 0])),
    load: draw.below(4),
    room: {
      orders: draw.maybe(0.1) ? draw.below(2) : null,
      units: draw.maybe(0.15) ? draw.below(20) : null,
    },
    late: draw.maybe(0.1),
  });
  const rate = (warehouseId: string, zone: string | null) => ({
    warehouseId,
    zone,
    baseMinor: draw.below(whole ? 3 : 2000),
    perKgMinor: draw.below(whole ? 2 : 300),
  });
  const order = drawOrder(draw, lines, productIds);
  const snapshot: RoutingSnapshot = {
    warehouses: ids.map(warehouse),
    splitPolicy: draw.maybe(0.15) ? 'never' : 'allowed',
    partialPolicy: draw.maybe(0.5) ? 'wait' : 'ship_available',
    lineSplitPolicy: draw.maybe(0.3) ? 'never' : 'allowed',
    rules: Array.from({ length: draw.maybe(0.6) ? draw.below(5) : 0 }, (_, n) =>
      drawRule(draw, `R${n}`, ids),
    ),
    zones: [
      { name: 'west', places: [{ country: 'US', regions: ['ca', 'NV'] }] },
      { name: 'all', places: [{ country: 'US' }, { country: 'CA', postalPrefixes: ['9'] }] },
    ],
    rates: draw.maybe(0.5)
      ? ids.flatMap((id) => [null, 'west', 'all'].filter(() => draw.maybe(0.6)).map((zone) => rate(id, zone)))
      : [],
    products: new Map(
      productIds.map((id) => [id, { gramsEach: draw.below(1500), handling: draw.some(HANDLING, 0.15) }]),
    ),
  };
  return { order, snapshot };
}
