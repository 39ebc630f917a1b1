/** What one may do about low stock by one click, and how many units it is about when nobody says. */
import type { Velocity } from './velocity';

export const FOLLOW_UP_ACTIONS = [
  'expedite_po',
  'pause_listings',
  'shift_channels',
  'transfer',
  'tell_marketing',
] as const;
export type FollowUpAction = (typeof FOLLOW_UP_ACTIONS)[number];

/** What the same button says in a message and on its page. */
export const FOLLOW_UP_WORDS: Readonly<Record<FollowUpAction, string>> = {
  expedite_po: 'Draft an expedite purchase order',
  pause_listings: 'Pause the listings',
  shift_channels: 'Shift stock to this channel',
  transfer: 'Ask for a transfer to this warehouse',
  tell_marketing: 'Tell marketing to hold back',
};

/** Those that need nothing but the alert: a shift needs to know the channel, a transfer the warehouse. */
export function actionsFor(scope: {
  readonly warehouseId: string | null;
  readonly connectionId: string | null;
}): FollowUpAction[] {
  return FOLLOW_UP_ACTIONS.filter((action) => {
    if (action === 'shift_channels') return scope.connectionId !== null;
    return action !== 'transfer' || scope.warehouseId !== null;
  });
}

/** Enough for a month at the pace of the window. */
const COVER_DAYS = 30;

/**
 * Units that bring the level to a month's sales, or, where nothing shows a pace, above the limit; at least one.
 * @param level units that are there.
 */
export function unitsWanted(
  level: number,
  rate: Pick<Velocity, 'shipped' | 'countedDays'>,
  limitUnits: number | null,
): number {
  const month = rate.countedDays === 0 ? 0 : Math.ceil((rate.shipped * COVER_DAYS) / rate.countedDays);
  return Math.max(1, Math.max(month, (limitUnits ?? 0) + 1) - Math.max(0, level));
}

/** A channel that gives up stock for another keeps half of its share, so that it never goes dark by a click. */
export const shareLeft = (sharePercent: number) => Math.floor(sharePercent / 2);
