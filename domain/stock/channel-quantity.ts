/**
 * How many units of a listing a channel may show, as a pure decision: available to promise, less what
 * waiting orders are about to take, less the safety buffer, by the channel's share, with what may be sold
 * beyond the stock, under a cap, and nothing at all below what is worth showing.
 */

/** Units of one component of what is sold; a plain product is its own only component. */
export interface ComponentStock {
  /** On hand − held − reserved, over the warehouses that count. */
  readonly available: number;
  /** Units that orders in the backorder queue wait for. */
  readonly waiting: number;
  /** Units of it in one of the listing's. */
  readonly units: number;
}

export interface ListingRule {
  readonly paused: boolean;
  /** Units of the listing that are kept back. */
  readonly buffer: number;
  /** 0 to 100, of what is left after the buffer. */
  readonly sharePercent: number;
  /** The most that is shown; null: no limit. */
  readonly cap: number | null;
  /** Fewer than this are shown as none. */
  readonly minDisplay: number;
  /** Units that may be sold beyond the stock; orders that wait already use them up. */
  readonly backorderAllowance: number;
}

/**
 * Whole units of the listing that can be promised: the minimum over its components, less than none when
 * orders wait for more than there is.
 */
export function promisable(components: readonly ComponentStock[]): number {
  if (components.length === 0) return 0;
  const each = components.map(({ available, waiting, units }) => Math.floor((available - waiting) / units));
  return Math.min(...each);
}

/** The quantity that the channel is to show, never below 0. */
export function channelQuantity(components: readonly ComponentStock[], rule: ListingRule): number {
  if (rule.paused || components.length === 0) return 0;
  const free = promisable(components);
  const shared = Math.floor((Math.max(0, free - rule.buffer) * rule.sharePercent) / 100);
  // Who waits already was promised from the same allowance.
  const beyond = Math.max(0, rule.backorderAllowance + Math.min(0, free));
  const shown = Math.min(shared + beyond, rule.cap ?? Number.POSITIVE_INFINITY);
  return shown < rule.minDisplay ? 0 : shown;
}

/**
 * Milliseconds in which an order has come that a channel's own count shows: its webhook takes seconds, and
 * when that is lost the poll comes every 60 s and takes some more to read and reserve.
 */
export const ORDER_ARRIVES_MS = 90_000;

/** What is known of a listing when its turn to be pushed comes. */
export interface ListingState {
  /** What the channel has; null: not known. */
  readonly believed: number | null;
  readonly wanted: number;
  /** The channel sold units whose order has not come yet: it must not be told of more for a while. */
  readonly settling: boolean;
}

export type PushDecision =
  | { readonly kind: 'none' }
  /** It would raise what the channel's own sale lowered. */
  | { readonly kind: 'later' }
  | { readonly kind: 'push'; readonly quantity: number; readonly changeFrom: number | null };

/** Whether the channel is told, and from which quantity on. */
export function decidePush({ believed, wanted, settling }: ListingState): PushDecision {
  if (believed === wanted) return { kind: 'none' };
  if (settling && believed !== null && wanted > believed) return { kind: 'later' };
  return { kind: 'push', quantity: wanted, changeFrom: believed };
}

/** Channels repeat a webhook for hours but send it within seconds; an older push is no explanation. */
const ECHO_WITHIN_MS = 5 * 60_000;
/**
 * A listing that sells by the second is written more often than its last few quantities tell. What comes
 * so soon after a push is taken for an echo whatever it says: the next push names what it replaces, and
 * is refused if that was wrong.
 */
const ECHO_BLIND_MS = 10_000;

/**
 * Whether a quantity that the channel tells us is one that we wrote: the present one or one of the last
 * few, whose news may come late and in any order.
 * @param pushedMsAgo null before the first push.
 */
export function isEcho(
  told: number,
  believed: number | null,
  recentPushes: readonly number[],
  pushedMsAgo: number | null,
): boolean {
  if (told === believed) return true;
  if (pushedMsAgo === null || pushedMsAgo > ECHO_WITHIN_MS) return false;
  return pushedMsAgo < ECHO_BLIND_MS || recentPushes.includes(told);
}

/** Fewer than we left there, and not by us: the channel sold, and the order is probably on its way. */
export function looksSold(found: number, believed: number | null): boolean {
  return believed !== null && found < believed;
}
