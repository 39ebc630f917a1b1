/**
 * Writes how deliveries ended, many in one statement: while one is under way the next ones gather. At
 * 200 messages a second that is some 30 transactions instead of 200. When Postgres can't be reached the
 * gathered ends are dropped: their leases run out and the messages are sent again under the same ids.
 */
import type { Database } from '../db/client';
import { type Settlement, settle } from '../db/outbox-claim.repo';
import type { Logger } from '../telemetry';

export class Settler {
  private gathered: Settlement[] = [];
  private flushing: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly log: Logger,
  ) {}

  add(settlement: Settlement): void {
    this.gathered.push(settlement);
    this.flushing ??= this.flush();
  }

  /** Resolves when everything added so far is written or given up. */
  async idle(): Promise<void> {
    while (this.flushing !== undefined) await this.flushing;
  }

  private async flush(): Promise<void> {
    // Lets deliveries that end in the same turn of the event loop join.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.gathered.length > 0) {
      const batch = this.gathered;
      this.gathered = [];
      try {
        await this.database.withSystem((tx) => settle(tx, batch));
      } catch (error) {
        this.log.warn({ err: error, messages: batch.length }, 'deliveries could not be recorded');
      }
    }
    this.flushing = undefined;
  }
}
