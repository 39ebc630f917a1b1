/**
 * Tells the streams of this process whose stock has changed: one look at the log of changes for all of
 * them, so that a thousand listeners cost what one does. It only wakes; what changed each stream reads by
 * itself, from its own cursor and as its own tenant, so a wake too many or too late loses nothing.
 * Looks only while somebody listens.
 */
import type { Database } from '../db/client';
import { changedProducts, presentCursor } from '../db/stock-change.repo';
import type { Logger } from '../telemetry';

/** A tenth of a second is at once for a person, and ten small reads a second are nothing to Postgres. */
const LOOK_EVERY_MS = 100;
const AFTER_FAILURE_MS = 1_000;

export class StockFollower {
  private listeners = 0;
  private cursor: string | null = null;
  private looks = 0;
  private timer: NodeJS.Timeout | undefined;
  /** At which look anybody's stock may have changed: what came before the first one nobody saw. */
  private allChangedAt = 0;
  /** At which look a merchant's stock was last found changed. */
  private readonly changedAt = new Map<string, number>();
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly database: Database,
    private readonly logger: Logger,
  ) {}

  get listening(): number {
    return this.listeners;
  }

  open(): void {
    this.listeners += 1;
    if (this.listeners === 1) this.schedule(0);
  }

  close(): void {
    this.listeners -= 1;
    if (this.listeners > 0) return;
    clearTimeout(this.timer);
    this.cursor = null;
    this.changedAt.clear();
  }

  /** To be taken before reading; then `after` misses nothing that came during the reading. */
  position(): number {
    return this.looks;
  }

  /** Resolves when a change of one of the merchants was seen after the position, or when the time is over. */
  async after(
    position: number,
    merchantIds: readonly string[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const until = Date.now() + timeoutMs;
    const changed = () =>
      this.allChangedAt > position || merchantIds.some((id) => (this.changedAt.get(id) ?? 0) > position);
    while (!signal.aborted && !changed() && Date.now() < until) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          this.waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, Math.max(0, until - Date.now()));
        signal.addEventListener('abort', done);
        this.waiting.add(done);
      });
    }
  }

  private schedule(inMs: number): void {
    this.timer = setTimeout(() => void this.look(), inMs);
  }

  private async look(): Promise<void> {
    let wait = LOOK_EVERY_MS;
    try {
      const { cursor } = this;
      const seen = await this.database.withSystem(async (tx) =>
        cursor === null
          ? { cursor: await presentCursor(tx), products: null }
          : await changedProducts(tx, cursor),
      );
      this.cursor = seen.cursor;
      this.note(seen.products?.map(({ merchantId }) => merchantId) ?? null);
    } catch (error) {
      this.logger.warn({ err: error }, 'changes of stock could not be read; streams wait');
      wait = AFTER_FAILURE_MS;
    }
    if (this.listeners > 0) this.schedule(wait);
  }

  /** @param merchantIds null: not known whose, so everybody looks. */
  private note(merchantIds: readonly string[] | null): void {
    if (merchantIds?.length === 0) return;
    this.looks += 1;
    if (merchantIds === null) this.allChangedAt = this.looks;
    for (const id of merchantIds ?? []) this.changedAt.set(id, this.looks);
    for (const wake of [...this.waiting]) wake();
  }
}
