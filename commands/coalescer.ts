/**
 * Many callers, one transaction at a time. While a batch is at work, callers queue; the next batch takes
 * all who wait. Each caller gets its own result. A batch that fails as a whole is bisected, so that one
 * poisoned request fails alone and the others don't know of it; a database that is away fails them all
 * at once, for halving a dead connection's batch would only multiply the waiting.
 */
import { isFailure } from '../domain/failure-types';

interface Waiter<Request, Result> {
  readonly request: Request;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export class Coalescer<Request, Result> {
  private readonly queue: Waiter<Request, Result>[] = [];
  private running = false;

  /**
   * @param run answers a batch in its order; it is called with one batch at a time.
   * @param maxBatch requests in one transaction. At 256 a batch of orders takes some 100 ms here, well
   *   under the lock time-out; a larger one gains nothing measurable.
   */
  constructor(
    private readonly run: (requests: readonly Request[]) => Promise<readonly Result[]>,
    private readonly maxBatch = 256,
  ) {}

  submit(request: Request): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.queue.push({ request, resolve, reject });
      if (!this.running) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.running = true;
    // One turn of the event loop lets callers of the same moment join the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.queue.length > 0) await this.attempt(this.queue.splice(0, this.maxBatch));
    this.running = false;
  }

  private async attempt(batch: readonly Waiter<Request, Result>[]): Promise<void> {
    try {
      const results = await this.run(batch.map((waiter) => waiter.request));
      batch.forEach((waiter, index) => {
        waiter.resolve(results[index] as Result);
      });
    } catch (error) {
      if (batch.length === 1 || isFailure(error, 'DatabaseUnavailable')) {
        for (const waiter of batch) waiter.reject(error);
        return;
      }
      const half = Math.ceil(batch.length / 2);
      await this.attempt(batch.slice(0, half));
      await this.attempt(batch.slice(half));
    }
  }
}
