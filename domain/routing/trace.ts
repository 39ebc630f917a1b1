/**
 * Why an order went where it went: each rule and what it did, every warehouse and why it was out, how the
 * choice was narrowed, the best ways to ship it, and what decided between them. It is kept with the plan
 * as JSON, so it holds ids and small numbers only; names are put to them when somebody reads it.
 */
import type { ConditionKind, RuleEffect } from './rule';

export type EffectTrace =
  | { readonly kind: RuleEffect['kind']; readonly overruledBy?: string }
  /** `removed`: warehouses that it took away; `products`: the only ones for which it did, absent for all. */
  | {
      readonly kind: 'only' | 'exclude';
      readonly removed: readonly string[];
      readonly products?: readonly string[];
    };

export interface RuleTrace {
  readonly rule: string;
  /** The first condition that did not hold; absent when the rule matched. */
  readonly missed?: ConditionKind;
  readonly did?: readonly EffectTrace[];
}

export interface WarehouseTrace {
  readonly warehouse: string;
  /** How many of the order's products it has enough of, alone, and may ship. */
  readonly whole: number;
  /** Metres, or thousandths of a minor unit for a parcel without weight; null: unknown. */
  readonly cost: number | null;
  readonly load: number;
  /** Why it was no candidate. */
  readonly out?: 'rules' | 'nothing';
  /** Avoided where others can serve: its day is full, or it would ship after the promise. */
  readonly avoid?: 'full' | 'late';
}

/** One attempt to make do with fewer candidates. */
export interface NarrowTrace {
  /** A rule's id, or what every plan tries first. */
  readonly by: 'capacity' | 'promise' | (string & {});
  readonly to: readonly string[];
  /** False: these can't serve as much of the order, so the attempt changed nothing. */
  readonly kept: boolean;
}

/** One way to ship the order; its shipments are its warehouses. */
export interface OptionTrace {
  readonly warehouses: readonly string[];
  readonly units: number;
  /** Metres in all, or thousandths of a minor unit; null: unknown for one of them. */
  readonly cost: number | null;
  readonly load: number;
}

/** What set the winner apart from the next best way; `shipments`: there is no other with as few. */
export type DecidedBy = 'units' | 'shipments' | 'cost' | 'load' | 'id';

export interface RoutingTrace {
  readonly rules: readonly RuleTrace[];
  readonly limits: {
    /** null: as many as it takes. */
    readonly shipments: number | null;
    readonly splitLines: boolean;
    readonly partial: 'wait' | 'ship_available';
  };
  readonly costBy: 'distance' | 'rates';
  readonly warehouses: readonly WarehouseTrace[];
  readonly narrowed: readonly NarrowTrace[];
  /** The winner first, then at most three others. */
  readonly options: readonly OptionTrace[];
  readonly decidedBy: DecidedBy | null;
  /** Products that come from several warehouses, as no single one that may ship them has enough. */
  readonly spread: readonly string[];
  /** What is known of the choice: see choose-sites. */
  readonly proof: 'exact' | 'fewest' | 'bounded';
  /** No way needs fewer shipments than this. */
  readonly atLeast: number;
}
