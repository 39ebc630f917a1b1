/**
 * A merchant's routing rules as data. Rules are read in order. Every kind of condition that a rule names
 * must hold, by any of its values; a rule without conditions always holds. What several rules say adds up
 * where it forbids (`only`, `exclude`): goods never leave from where one rule says they must not. Where
 * rules say how an order may be split, the first one that says it is heard. `only` and `exclude` of a rule
 * that asks for handling hold for the products that need it, so that one cold parcel does not bind the
 * order's other lines.
 */

/** What a product needs of the warehouse that ships it. */
export const HANDLING = ['hazmat', 'cold', 'oversize'] as const;
export type Handling = (typeof HANDLING)[number];

export const CONDITION_KINDS = [
  'countries',
  'zones',
  'postalPrefixes',
  'channels',
  'connectionIds',
  'tags',
  'handling',
] as const;
export type ConditionKind = (typeof CONDITION_KINDS)[number];

export interface RuleConditions {
  /** ISO 3166-1 alpha-2. */
  readonly countries?: readonly string[] | undefined;
  /** Names of the merchant's destination zones. */
  readonly zones?: readonly string[] | undefined;
  /** Beginnings of postal codes; case and spaces make no difference. */
  readonly postalPrefixes?: readonly string[] | undefined;
  /** `shopify`, `api`, …: what kind of channel the order came from. */
  readonly channels?: readonly string[] | undefined;
  readonly connectionIds?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Holds when any product of the order needs any of these. */
  readonly handling?: readonly Handling[] | undefined;
}

export type RuleEffect =
  | { readonly kind: 'only'; readonly warehouseIds: readonly string[] }
  | { readonly kind: 'prefer'; readonly warehouseIds: readonly string[] }
  | { readonly kind: 'exclude'; readonly warehouseIds: readonly string[] }
  /** One shipment or none. */
  | { readonly kind: 'never_split' }
  | { readonly kind: 'split_at_most'; readonly shipments: number }
  /** Nothing leaves until all of the order can. */
  | { readonly kind: 'ship_complete' }
  /** What is there leaves, the rest follows. */
  | { readonly kind: 'ship_available' }
  /** A line that no single warehouse can serve may come from several. */
  | { readonly kind: 'allow_line_split' }
  | { readonly kind: 'never_split_lines' }
  /** Rather than being split, the order waits until one warehouse has all of it. */
  | { readonly kind: 'wait_for_backorder' };

export interface RoutingRule {
  readonly ruleId: string;
  readonly conditions: RuleConditions;
  readonly effects: readonly RuleEffect[];
}

/** Part of the world: a country, or what lies in these regions or under these postal codes of it. */
export interface ZonePlace {
  readonly country: string;
  readonly regions?: readonly string[] | undefined;
  readonly postalPrefixes?: readonly string[] | undefined;
}

export interface RoutingZone {
  readonly name: string;
  readonly places: readonly ZonePlace[];
}

/** What the conditions are compared with. Where it goes is null when nobody has said it. */
export interface OrderFacts {
  readonly country: string | null;
  readonly region: string | null;
  readonly postalCode: string | null;
  readonly channel: string;
  readonly connectionId: string;
  readonly tags: readonly string[];
}

const bare = (text: string) => text.replace(/\s+/g, '').toUpperCase();

export function hasPostalPrefix(postalCode: string | null, prefixes: readonly string[]): boolean {
  if (postalCode === null) return false;
  const code = bare(postalCode);
  return prefixes.some((prefix) => code.startsWith(bare(prefix)));
}

/** The zones that a destination lies in, in the order in which the merchant lists them. */
export function zonesOf(
  to: Pick<OrderFacts, 'country' | 'region' | 'postalCode'>,
  zones: readonly RoutingZone[],
): string[] {
  const lies = ({ country, regions = [], postalPrefixes = [] }: ZonePlace) =>
    country === to.country &&
    (regions.length === 0 || (to.region !== null && regions.map(bare).includes(bare(to.region)))) &&
    (postalPrefixes.length === 0 || hasPostalPrefix(to.postalCode, postalPrefixes));
  return zones.filter((zone) => zone.places.some(lies)).map((zone) => zone.name);
}
