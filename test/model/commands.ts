/** What can happen to stock in one warehouse, as random commands; numbers name what there is, modulo. */
import fc from 'fast-check';

export const SKUS = ['A', 'B', 'C'] as const;
export type Sku = (typeof SKUS)[number];
export type Units = Readonly<Partial<Record<Sku, number>>>;

export type HoldOp =
  | {
      readonly op: 'reserve';
      readonly units: Units;
      readonly allOrNothing: boolean;
      readonly minutes: number;
    }
  | { readonly op: 'release' | 'consume'; readonly hold: number }
  /** The same request as one before, with its key. */
  | { readonly op: 'repeat'; readonly request: number };

export type Command =
  /** Requests of the same moment: they share a transaction. */
  | { readonly kind: 'holds'; readonly ops: readonly HoldOp[] }
  | { readonly kind: 'gain' | 'lose'; readonly sku: Sku; readonly units: number }
  | {
      readonly kind: 'order';
      readonly units: Units;
      readonly urgent: boolean;
      /** Hours until its ship-by; made unique by the order's number. */
      readonly shipInHours: number;
      /** The hold that its checkout made, if any. */
      readonly hold: number | null;
      /** Whether its workflow looks at once. */
      readonly looks: boolean;
    }
  | { readonly kind: 'look' | 'cancel'; readonly order: number }
  /** Time passes, and the sweeper comes. */
  | { readonly kind: 'tick'; readonly minutes: number };

const quantity = fc.integer({ min: 1, max: 4 });
const units = fc
  .record({ A: quantity, B: quantity, C: quantity }, { requiredKeys: [] })
  .filter((wanted) => Object.keys(wanted).length > 0);
const named = fc.nat(1_000);

const holdOp: fc.Arbitrary<HoldOp> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('reserve' as const),
      units,
      allOrNothing: fc.boolean(),
      minutes: fc.constantFrom(15, 60, 1440),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constantFrom('release' as const, 'consume' as const), hold: named }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('repeat' as const), request: named }) },
);

export const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('holds' as const),
      ops: fc.array(holdOp, { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('gain' as const),
      sku: fc.constantFrom(...SKUS),
      units: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('lose' as const),
      sku: fc.constantFrom(...SKUS),
      units: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('order' as const),
      units,
      urgent: fc.boolean(),
      shipInHours: fc.integer({ min: 1, max: 72 }),
      hold: fc.option(named, { freq: 3 }),
      looks: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('look' as const, 'cancel' as const), order: named }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('tick' as const), minutes: fc.constantFrom(1, 15, 60, 1440) }),
  },
);

/** What is seen after a command; holds and orders by their number. */
export interface Seen {
  /** On hand and reserved. */
  readonly stock: Readonly<Record<Sku, readonly [number, number]>>;
  /** Live units of each hold that has some. */
  readonly holds: Readonly<Record<number, Units>>;
  /** Units that each order keeps while it waits, and those it ships with. */
  readonly kept: Readonly<Record<number, Units>>;
  readonly planned: Readonly<Record<number, Units>>;
  /** What each waiting order is in the queue for, and how many it needs. */
  readonly waits: Readonly<Record<number, Units>>;
}

/** What a request for a hold is told. */
export type Told =
  | { readonly told: 'reserved'; readonly units: Units }
  | { readonly told: 'short' }
  | { readonly told: 'ended'; readonly state: string }
  | { readonly told: 'unchanged'; readonly state: string };

export interface Engine {
  /** @returns what each hold request of the command was told, in order. */
  apply(command: Command): Promise<readonly Told[]> | readonly Told[];
  see(): Promise<Seen> | Seen;
}

export const START = Date.UTC(2026, 2, 2, 10);
/** The ship-by that the channel gives order number `n`, different for each. */
export const shipByOf = (n: number, hours: number) => new Date(START + hours * 3_600_000 + n * 1_000);
/** Later orders are younger. */
export const placedAtOf = (n: number) => new Date(START - 86_400_000 + n * 60_000);
export const KEEP_HOURS = 24;
