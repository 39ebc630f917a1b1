/**
 * The floor's side of the HTTP API. Each act has an idempotency key of its own that is kept over its
 * retries, so an act whose answer got lost happens once. An API that is down, restarting, slow or over
 * its limit is asked again for as long as the simulation runs; a refusal (4xx) is an answer.
 */
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import type {
  closeCartonSchema,
  closedCartonSchema,
  nextTaskAnswerSchema,
  scanAnswerSchema,
  scanSchema,
  shipScanAnswerSchema,
} from '../../contracts/floor';

export type FloorTask = NonNullable<z.output<typeof nextTaskAnswerSchema>['task']>;

/** The API refused the act; asking again would not help. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: { readonly type?: string; readonly detail?: string },
  ) {
    super(`${status} ${problem.detail ?? problem.type ?? ''}`);
  }
}

export interface FloorApiOptions {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly signal: AbortSignal;
  /** Told once when the API stops answering and once when it answers again. */
  readonly log: (line: string) => void;
}

/** The API waits eight seconds for a label; anything longer than this is a hanging connection. */
const REQUEST_TIMEOUT_MS = 15_000;
const FIRST_RETRY_MS = 100;
/** An API that restarts is back within seconds. */
const LONGEST_RETRY_MS = 3_000;

export class FloorApi {
  private away = false;
  /** Requests that had to be sent again. */
  retries = 0;

  constructor(private readonly options: FloorApiOptions) {}

  nextTask(personId: string, warehouseId: string): Promise<z.output<typeof nextTaskAnswerSchema>> {
    return this.post('/v1/floor/tasks/next', { personId, warehouseId });
  }

  scan(
    personId: string,
    taskId: string,
    scan: Omit<z.input<typeof scanSchema>, 'personId'>,
  ): Promise<z.output<typeof scanAnswerSchema>> {
    return this.post(`/v1/floor/tasks/${taskId}/scans`, { personId, ...scan });
  }

  closeCarton(
    personId: string,
    taskId: string,
    carton: Omit<z.input<typeof closeCartonSchema>, 'personId'>,
  ): Promise<z.output<typeof closedCartonSchema>> {
    return this.post(`/v1/floor/tasks/${taskId}/close-carton`, { personId, ...carton });
  }

  ship(personId: string, trackingCode: string): Promise<z.output<typeof shipScanAnswerSchema>> {
    return this.post('/v1/floor/ship-scans', { personId, trackingCode });
  }

  release(personId: string, taskId: string): Promise<unknown> {
    return this.post(`/v1/floor/tasks/${taskId}/release`, { personId });
  }

  private async post<Answer>(path: string, body: unknown): Promise<Answer> {
    const { apiUrl, apiKey, signal } = this.options;
    const idempotencyKey = randomUUID();
    for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_RETRY_MS)) {
      signal.throwIfAborted();
      let retryMs = delayMs * (0.5 + Math.random() / 2);
      try {
        const response = await fetch(apiUrl + path, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${apiKey}`,
            'content-type': 'application/json',
            'idempotency-key': idempotencyKey,
          },
          body: JSON.stringify(body),
          signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
        });
        if (response.ok) {
          this.heard();
          return (await response.json()) as Answer;
        }
        if (response.status < 500 && response.status !== 429) {
          this.heard();
          throw new Refused(response.status, (await response.json().catch(() => ({}))) as object);
        }
        await response.body?.cancel();
        const asked = Number(response.headers.get('retry-after') ?? 0) * 1000;
        retryMs = Math.max(retryMs, Math.min(asked, LONGEST_RETRY_MS));
        this.missed(`it answers ${response.status}`);
      } catch (error) {
        if (error instanceof Refused || signal.aborted) throw error;
        this.missed(error instanceof Error ? error.message : String(error));
      }
      this.retries += 1;
      await pause(retryMs, signal);
    }
  }

  private heard(): void {
    if (this.away) this.options.log('the API answers again');
    this.away = false;
  }

  private missed(why: string): void {
    if (!this.away) this.options.log(`the API does not answer (${why}); trying again`);
    this.away = true;
  }
}

/** Resolves early, without an error, when the simulation stops. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
