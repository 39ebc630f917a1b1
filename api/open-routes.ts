/**
 * Addresses that need no API key: liveness, readiness, metrics, the API's own description, and partners'
 * webhooks, which prove themselves by a secret address and a signature. Declared like the others, so
 * that the OpenAPI page lists them.
 */
import type { Request, Response } from 'express';
import type { ZodType } from 'zod';
import type { ApiDeps } from './deps';
import type { Method } from './route';

export interface OpenRoute {
  readonly method: Method;
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly params?: ZodType;
  /** Media type and schema of the answers; null: no JSON. */
  readonly answers: Readonly<Record<number, ZodType | null>>;
  readonly handler: (deps: ApiDeps, request: Request, response: Response) => Promise<void>;
}
