/** What the API is given from outside; `api/main.ts` wires it for the process, tests wire their own. */
import type { Database } from '../db/client';
import type { SealingKeys } from '../db/sealed';
import type { Logger } from '../telemetry';

/** What a workflow's update came to: `answered: false` when Temporal was slow, away, or knows no such workflow. */
export type UpdateAnswer =
  | { readonly answered: true; readonly value: unknown }
  | { readonly answered: false };

/** An order whose row and start message are committed. */
export interface StartedOrder {
  readonly merchantId: string;
  readonly orderId: string;
  readonly workflowId: string;
  /** Of the outbox row that starts it, should nobody else. */
  readonly startKey: string;
  readonly channel: string;
  readonly number: string | null;
  readonly test: boolean;
  /** Of the request that brought it, when one did; for the log. */
  readonly requestId?: string;
}

export interface ApiConfig {
  /** Where callers reach this API, without a slash at the end; shown in OpenAPI. */
  readonly publicUrl: string;
  /** Unseal the credentials of connections, to check webhooks' signatures. */
  readonly sealingKeys: SealingKeys;
  /** Requests a key may make in a minute. */
  readonly requestsPerMinute: number;
}

export interface ApiDeps {
  readonly database: Database;
  readonly config: ApiConfig;
  readonly logger: Logger;
  /**
   * Starts an accepted order's workflow at once. Must not throw and needs no waiting for: the outbox
   * row that was committed with the order starts it when this doesn't.
   */
  readonly startOrder?: (order: StartedOrder) => void;
  /** Sends a workflow update and waits for its answer at most `timeoutMs`. Never throws for Temporal's sake. */
  readonly updateWorkflow: (
    workflowId: string,
    update: string,
    updateId: string,
    args: readonly unknown[],
    timeoutMs: number,
  ) => Promise<UpdateAnswer>;
  /** Aborted when the process is about to end: streams end then, and their readers come again elsewhere. */
  readonly closing?: AbortSignal;
  /** Whether Temporal answers; for /readyz. */
  readonly temporalReady: () => Promise<boolean>;
}
