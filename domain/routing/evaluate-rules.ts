/** Reads a merchant's rules over one order: what they forbid, prefer and allow, and what each of them did. */
import {
  CONDITION_KINDS,
  type ConditionKind,
  type Handling,
  hasPostalPrefix,
  type OrderFacts,
  type RoutingRule,
  type RoutingZone,
  type RuleConditions,
  type RuleEffect,
  zonesOf,
} from './rule';
import type { RoutingSnapshot } from './snapshot';
import type { EffectTrace, RuleTrace } from './trace';

export interface Limits {
  /** null: as many as it takes. */
  readonly shipments: number | null;
  readonly splitLines: boolean;
  readonly partial: 'wait' | 'ship_available';
}

export interface Evaluation {
  /** Warehouses that may ship each product. */
  readonly allowed: ReadonlyMap<string, ReadonlySet<string>>;
  readonly preferences: readonly { readonly ruleId: string; readonly warehouseIds: readonly string[] }[];
  readonly limits: Limits;
  readonly trace: readonly RuleTrace[];
}

const PREDICATES: {
  readonly [Kind in ConditionKind]: (
    wanted: NonNullable<RuleConditions[Kind]>,
    order: OrderFacts,
    of: { readonly zones: readonly string[]; readonly handling: ReadonlySet<Handling> },
  ) => boolean;
} = {
  countries: (wanted, order) => order.country !== null && wanted.includes(order.country),
  zones: (wanted, _order, { zones }) => wanted.some((zone) => zones.includes(zone)),
  postalPrefixes: (wanted, order) => hasPostalPrefix(order.postalCode, wanted),
  channels: (wanted, order) => wanted.includes(order.channel),
  connectionIds: (wanted, order) => wanted.includes(order.connectionId),
  tags: (wanted, order) => wanted.some((tag) => order.tags.includes(tag)),
  handling: (wanted, _order, { handling }) => wanted.some((need) => handling.has(need)),
};

function missedBy(
  conditions: RuleConditions,
  order: OrderFacts,
  of: { readonly zones: readonly string[]; readonly handling: ReadonlySet<Handling> },
): ConditionKind | null {
  const holds = <Kind extends ConditionKind>(kind: Kind) => {
    const wanted = conditions[kind];
    return wanted === undefined || PREDICATES[kind](wanted, order, of);
  };
  return CONDITION_KINDS.find((kind) => !holds(kind)) ?? null;
}

type Directive = 'shipments' | 'partial' | 'splitLines';

type Directing = Exclude<RuleEffect, { readonly kind: 'only' | 'prefer' | 'exclude' }>;

/** What an effect says about how an order may be split. */
function directivesOf(effect: Directing): Partial<Limits> {
  switch (effect.kind) {
    case 'never_split':
      return { shipments: 1 };
    case 'split_at_most':
      return { shipments: effect.shipments };
    case 'ship_complete':
      return { partial: 'wait' };
    case 'ship_available':
      return { partial: 'ship_available' };
    case 'allow_line_split':
      return { splitLines: true };
    case 'never_split_lines':
      return { splitLines: false };
    case 'wait_for_backorder':
      return { shipments: 1, partial: 'wait' };
  }
}

/** The state that grows as rules are read. */
class Reading {
  readonly allowed: Map<string, Set<string>>;
  readonly preferences: { readonly ruleId: string; readonly warehouseIds: readonly string[] }[] = [];
  limits: Limits;
  private readonly said = new Map<Directive, string>();

  constructor(
    private readonly snapshot: RoutingSnapshot,
    productIds: readonly string[],
  ) {
    const all = snapshot.warehouses.map(({ warehouseId }) => warehouseId);
    this.allowed = new Map(productIds.map((productId) => [productId, new Set(all)]));
    this.limits = {
      shipments: snapshot.splitPolicy === 'never' ? 1 : null,
      splitLines: snapshot.lineSplitPolicy === 'allowed',
      partial: snapshot.partialPolicy,
    };
  }

  apply(rule: RoutingRule, effect: RuleEffect): EffectTrace {
    if (effect.kind === 'only')
      return this.forbid(rule, effect.kind, (id) => !effect.warehouseIds.includes(id));
    if (effect.kind === 'exclude')
      return this.forbid(rule, effect.kind, (id) => effect.warehouseIds.includes(id));
    if (effect.kind !== 'prefer') return this.direct(rule, effect);
    this.preferences.push({ ruleId: rule.ruleId, warehouseIds: effect.warehouseIds });
    return { kind: effect.kind };
  }

  private forbid(
    { conditions: { handling } }: RoutingRule,
    kind: 'only' | 'exclude',
    isForbidden: (warehouseId: string) => boolean,
  ): EffectTrace {
    const products = [...this.allowed.keys()].filter((productId) => {
      const needs = this.snapshot.products.get(productId)?.handling ?? [];
      return handling === undefined || handling.some((need) => needs.includes(need));
    });
    const removed = new Set<string>();
    for (const productId of products) {
      const allowed = this.allowed.get(productId) as Set<string>;
      for (const id of [...allowed].filter(isForbidden)) {
        allowed.delete(id);
        removed.add(id);
      }
    }
    const some = products.length < this.allowed.size;
    return { kind, removed: [...removed], ...(some ? { products } : {}) };
  }

  private direct({ ruleId }: RoutingRule, effect: Directing): EffectTrace {
    let overruledBy: string | undefined;
    const heard: Partial<Limits> = {};
    const directives = Object.entries(directivesOf(effect)) as [Directive, never][];
    for (const [directive, value] of directives) {
      const before = this.said.get(directive);
      if (before === undefined) Object.assign(heard, { [directive]: value });
      else if (this.limits[directive] !== value) overruledBy ??= before;
      this.said.set(directive, before ?? ruleId);
    }
    this.limits = { ...this.limits, ...heard };
    return { kind: effect.kind, ...(overruledBy === undefined ? {} : { overruledBy }) };
  }
}

/** @param productIds what the order needs, each once. */
export function evaluateRules(
  order: OrderFacts,
  productIds: readonly string[],
  snapshot: RoutingSnapshot,
): Evaluation {
  const reading = new Reading(snapshot, productIds);
  const trace: RuleTrace[] = [];
  if (snapshot.rules.length > 0) {
    const of = { zones: zoneNames(order, snapshot.zones), handling: handlingOf(productIds, snapshot) };
    for (const rule of snapshot.rules) {
      const missed = missedBy(rule.conditions, order, of);
      if (missed !== null) trace.push({ rule: rule.ruleId, missed });
      else {
        const did = rule.effects.map((effect) => reading.apply(rule, effect));
        trace.push({ rule: rule.ruleId, did });
      }
    }
  }
  const { allowed, preferences, limits } = reading;
  return { allowed, preferences, limits, trace };
}

function zoneNames(order: OrderFacts, zones: readonly RoutingZone[]): readonly string[] {
  return zones.length === 0 ? [] : zonesOf(order, zones);
}

function handlingOf(productIds: readonly string[], { products }: RoutingSnapshot): ReadonlySet<Handling> {
  return new Set(productIds.flatMap((productId) => products.get(productId)?.handling ?? []));
}
