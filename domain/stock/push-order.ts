/**
 * Which listings a channel is told of first when it can't be told of all at once. Rank is the number of
 * changes since the last push plus the seconds waited: the hottest come first, and a listing that changes
 * `r` times a second is pushed about (r + 1) times as often as one that changed once, so that none waits
 * for ever.
 */
export interface WaitingListing {
  readonly listingId: string;
  /** Changes since it was last told; 0 when it is only being looked at again. */
  readonly changes: number;
  /** Milliseconds since the epoch, of the oldest of them. */
  readonly since: number;
}

/** The first `count` of them, the most urgent first. @param now milliseconds since the epoch. */
export function mostUrgent<T extends WaitingListing>(waiting: readonly T[], count: number, now: number): T[] {
  if (waiting.length <= count) return [...waiting];
  const rank = ({ changes, since }: T) => changes + (now - since) / 1000;
  return waiting
    .map((listing) => ({ listing, rank: rank(listing) }))
    .sort((a, b) => b.rank - a.rank)
    .slice(0, count)
    .map(({ listing }) => listing);
}
