/** A routing trace in sentences, as a person asks for it: why did this order go there? */
import type { DecidedBy, EffectTrace, NarrowTrace, RoutingTrace, RuleTrace } from './trace';

export interface Names {
  readonly warehouse: (id: string) => string;
  readonly rule: (id: string) => string;
  readonly product: (id: string) => string;
  /** What a cost of the trace is in words, by its `costBy`. */
  readonly cost: (cost: number | null) => string;
}

const CONDITIONS: Readonly<Record<NonNullable<RuleTrace['missed']>, string>> = {
  countries: 'it goes to another country',
  zones: 'it goes to another zone',
  postalPrefixes: 'it goes to another postal code',
  channels: 'it came from another channel',
  connectionIds: 'it came from another connection',
  tags: 'it has none of the tags',
  handling: 'nothing of it needs that handling',
};

const EFFECTS: Readonly<Record<EffectTrace['kind'], string>> = {
  only: 'allowed only some warehouses',
  exclude: 'excluded warehouses',
  prefer: 'prefers warehouses',
  never_split: 'said never to split the order',
  split_at_most: 'limited the number of shipments',
  ship_complete: 'said to ship it complete',
  ship_available: 'said to ship what is there',
  allow_line_split: 'allowed lines to be split',
  never_split_lines: 'said never to split a line',
  wait_for_backorder: 'said to wait for stock rather than to split',
};

const list = (names: readonly string[]) => (names.length === 0 ? 'none' : names.join(', '));

function ruleSentence(rule: RuleTrace, names: Names): string {
  const title = `Rule "${names.rule(rule.rule)}"`;
  if (rule.missed !== undefined) return `${title} did not match: ${CONDITIONS[rule.missed]}.`;
  const did = (rule.did ?? []).map((effect) => {
    const said = EFFECTS[effect.kind];
    if ('overruledBy' in effect && effect.overruledBy !== undefined)
      return `${said}, but "${names.rule(effect.overruledBy)}" had said otherwise before`;
    if (!('removed' in effect)) return said;
    const of = effect.products === undefined ? '' : ` for ${list(effect.products.map(names.product))}`;
    return `${said}${of}: took away ${list(effect.removed.map(names.warehouse))}`;
  });
  return `${title} matched and ${did.join('; ')}.`;
}

function narrowSentence({ by, to, kept }: NarrowTrace, names: Names): string {
  const whose =
    by === 'capacity'
      ? 'Warehouses whose day is not full'
      : by === 'promise'
        ? 'Warehouses that ship by the promised time'
        : `What "${names.rule(by)}" prefers`;
  const which = `${whose} (${list(to.map(names.warehouse))})`;
  return kept
    ? `${which} can serve it, so the choice was among them.`
    : `${which} can't serve as much of it.`;
}

const DECISIONS: Readonly<Record<DecidedBy, string>> = {
  units: 'it serves more of the order than any other way',
  shipments: 'no other way needs as few shipments',
  cost: 'it costs less than the next one',
  load: 'it costs the same as the next one and has less to do that day',
  id: 'it is as good as the next one, and its id comes first',
};

const PROOFS: Readonly<Record<RoutingTrace['proof'], (atLeast: number) => string | null>> = {
  exact: () => null,
  fewest: () => 'There is no way with fewer shipments; not every equally small one was priced.',
  bounded: (atLeast) => `There were too many ways to try all; none needs fewer than ${atLeast} shipments.`,
};

export function explainTrace(trace: RoutingTrace, names: Names): string[] {
  const warehouses = (ids: readonly string[]) => list(ids.map(names.warehouse));
  const out = (why: 'rules' | 'nothing') =>
    trace.warehouses.filter((each) => each.out === why).map(({ warehouse }) => warehouse);
  const { limits, options, decidedBy } = trace;
  const [best, ...others] = options;
  const sentences = trace.rules.map((rule) => ruleSentence(rule, names));
  if (limits.shipments !== null) sentences.push(`At most ${limits.shipments} shipments.`);
  if (out('rules').length > 0) sentences.push(`Rules leave out ${warehouses(out('rules'))}.`);
  if (out('nothing').length > 0) sentences.push(`Nothing of it is in ${warehouses(out('nothing'))}.`);
  sentences.push(...trace.narrowed.map((each) => narrowSentence(each, names)));
  if (best !== undefined && decidedBy !== null) {
    const way = (option: typeof best) =>
      `${warehouses(option.warehouses)} (${option.warehouses.length === 1 ? '1 shipment' : `${option.warehouses.length} shipments`}, ${names.cost(option.cost)}, ${option.load} orders that day)`;
    sentences.push(`${way(best)}: ${DECISIONS[decidedBy]}.`);
    if (others.length > 0) sentences.push(`Compared with ${others.map(way).join('; ')}.`);
    if (trace.spread.length > 0)
      sentences.push(
        `${list(trace.spread.map(names.product))}: spread, as no single warehouse that may ship it has enough.`,
      );
    const proof = PROOFS[trace.proof](trace.atLeast);
    if (proof !== null) sentences.push(proof);
  }
  return sentences;
}
