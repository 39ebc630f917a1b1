/** A routing trace as the API gives it: with names beside the ids, and in sentences. */
import type { Tx } from '../db/client';
import { readTraceNames, type TraceNames } from '../db/routing-decision.repo';
import { formatMinor } from '../domain/money';
import { explainTrace } from '../domain/routing/explain';
import type { RoutingTrace } from '../domain/routing/trace';

const BUILT_IN = ['capacity', 'promise'];

/** Reads the names that these traces need, in one statement. */
export function namesOf(
  tx: Tx,
  merchantId: string,
  traces: readonly RoutingTrace[],
  also: { readonly productIds: readonly string[] } = { productIds: [] },
): Promise<TraceNames> {
  const distinct = (ids: readonly string[]) => [...new Set(ids)];
  return readTraceNames(tx, merchantId, {
    warehouseIds: distinct(
      traces.flatMap((trace) => [
        ...trace.warehouses.map(({ warehouse }) => warehouse),
        ...trace.rules.flatMap(({ did = [] }) =>
          did.flatMap((effect) => ('removed' in effect ? effect.removed : [])),
        ),
      ]),
    ),
    ruleIds: distinct(traces.flatMap((trace) => trace.rules.map(({ rule }) => rule))),
    productIds: distinct([
      ...also.productIds,
      ...traces.flatMap((trace) => [
        ...trace.spread,
        ...trace.rules.flatMap(({ did = [] }) =>
          did.flatMap((effect) => ('removed' in effect ? (effect.products ?? []) : [])),
        ),
      ]),
    ]),
  });
}

/** Metres stay metres; thousandths of minor units become minor units. */
function costOf({ costBy }: RoutingTrace, cost: number | null): number | null {
  return cost === null ? null : costBy === 'distance' ? cost : cost / 1000;
}

function inWords(trace: RoutingTrace, { currency }: TraceNames, cost: number | null): string {
  if (cost === null) return trace.costBy === 'distance' ? 'distance unknown' : 'rate unknown';
  if (trace.costBy === 'distance') return `${Math.round(cost / 1000)} km`;
  return `${formatMinor(BigInt(Math.round(cost / 1000)), currency)} ${currency}`;
}

export function traceOf(trace: RoutingTrace, names: TraceNames) {
  const warehouse = (id: string) => ({ id, code: names.warehouses[id] ?? null });
  const product = (id: string) => ({ id, sku: names.products[id] ?? null });
  const explanation = explainTrace(trace, {
    warehouse: (id) => names.warehouses[id] ?? id,
    rule: (id) => names.rules[id] ?? 'removed since',
    product: (id) => names.products[id] ?? id,
    cost: (cost) => inWords(trace, names, cost),
  });
  return {
    explanation,
    rules: trace.rules.map(({ rule, missed, did = [] }) => ({
      id: rule,
      name: names.rules[rule] ?? null,
      matched: missed === undefined,
      missed: missed ?? null,
      did: did.map((effect) => {
        if (!('removed' in effect)) return effect;
        const { removed, products } = effect;
        const only = products === undefined ? {} : { products: products.map(product) };
        return { kind: effect.kind, removed: removed.map(warehouse), ...only };
      }),
    })),
    limits: trace.limits,
    costBy: trace.costBy,
    warehouses: trace.warehouses.map((each) => ({
      ...each,
      warehouse: warehouse(each.warehouse),
      cost: costOf(trace, each.cost),
      out: each.out ?? null,
      avoid: each.avoid ?? null,
    })),
    narrowed: trace.narrowed.map(({ by, to, kept }) => ({
      by: BUILT_IN.includes(by) ? by : 'rule',
      ruleId: BUILT_IN.includes(by) ? null : by,
      to: to.map(warehouse),
      kept,
    })),
    options: trace.options.map(({ warehouses, units, cost, load }) => ({
      warehouses: warehouses.map(warehouse),
      shipments: warehouses.length,
      units,
      cost: costOf(trace, cost),
      load,
    })),
    decidedBy: trace.decidedBy,
    spread: trace.spread.map(product),
    proof: trace.proof,
    atLeast: trace.atLeast,
  };
}
