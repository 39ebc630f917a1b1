/**
 * What each lane (a connection, an endpoint, Temporal, the mail server) may take at the moment. A lane
 * that fails is left alone for a while, longer each time, and then probed with one message; the first
 * success opens it again. So a dead receiver costs one attempt a pause, its messages keep their own
 * attempts for when it is back, and nobody else waits. Known to this process alone: two dispatchers
 * each have their own view and limits.
 */

export interface LaneOptions {
  /** Messages under way at once. */
  readonly limitOf: (lane: string) => number;
  /** Milliseconds to leave a lane alone after its first failure in a row. */
  readonly firstPauseMs: number;
  /** Milliseconds, however often in a row it failed. */
  readonly longestPauseOf: (lane: string) => number;
  readonly clock?: () => number;
}

interface LaneState {
  inFlight: number;
  failures: number;
  pausedUntil: number;
}

export class Lanes {
  private readonly lanes = new Map<string, LaneState>();
  private readonly clock: () => number;

  constructor(private readonly options: LaneOptions) {
    this.clock = options.clock ?? Date.now;
  }

  /** What the lanes that aren't idle can take; every other one takes its whole limit. */
  free(): Record<string, number> {
    const now = this.clock();
    const free: Record<string, number> = {};
    for (const [lane, state] of this.lanes) {
      const limit = state.failures > 0 ? 1 : this.options.limitOf(lane);
      free[lane] = state.pausedUntil > now ? 0 : Math.max(0, limit - state.inFlight);
    }
    return free;
  }

  /** Messages under way in all lanes. */
  get inFlight(): number {
    let sum = 0;
    for (const state of this.lanes.values()) sum += state.inFlight;
    return sum;
  }

  began(lane: string): void {
    const state = this.lanes.get(lane) ?? { inFlight: 0, failures: 0, pausedUntil: 0 };
    state.inFlight += 1;
    this.lanes.set(lane, state);
  }

  /**
   * @param receiver `well` when it answered, whatever it said; `unwell` when it is away or asks for less.
   * @param pauseMs how long the receiver asked to be left alone.
   */
  ended(lane: string, receiver: 'well' | 'unwell', pauseMs = 0): void {
    const state = this.lanes.get(lane);
    if (state === undefined) return;
    state.inFlight -= 1;
    if (receiver === 'well') {
      state.failures = 0;
      state.pausedUntil = 0;
      if (state.inFlight === 0) this.lanes.delete(lane);
      return;
    }
    const now = this.clock();
    // Those that were under way together fail together: they are one failure.
    if (state.pausedUntil <= now) {
      state.failures += 1;
      const backoff = this.options.firstPauseMs * 2 ** Math.min(state.failures - 1, 20);
      state.pausedUntil = now + Math.min(backoff, this.options.longestPauseOf(lane));
    }
    state.pausedUntil = Math.max(state.pausedUntil, now + pauseMs);
  }
}
