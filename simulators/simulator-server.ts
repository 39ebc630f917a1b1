/**
 * The HTTP server under every simulated partner. It owns what all of them share: the body parser that
 * keeps the raw bytes, the fault knobs (`/__faults`), the journal of what the partner knows
 * (`/__journal`, read by the invariant checker) and an orderly stop. A simulator brings its routes
 * and, where the partner has its own, the answers to a rate limit and a server error. It listens on
 * loopback only, for the knobs have no login. Paths that begin with `/__` never meet a fault.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express, NextFunction, Request, Response } from 'express';
import express from 'express';
import { ZodError } from 'zod';
import { parseExactJson } from '../contracts/exact-json';
import { CALL_FAULTS, FaultKnobs, type FaultRule, faultRulesSchema } from './fault-knobs';
import { PartnerMemory } from './partner-memory';

/** Larger than any partner's largest documented body (Shopify's webhooks stay below 5 MB). */
const BODY_LIMIT = '8mb';
/** A silent connection ends by itself after this; longer than any client's time-out (60 s at most). */
const SILENCE_MS = 120_000;
const DEFAULT_LATENCY_MS = 1_000;

/**
 * Where simulators listen. Loopback, for the knobs have no login; a container that is reached by its
 * neighbours alone sets SIMULATOR_HOST to 0.0.0.0.
 */
export const LISTEN_HOST = process.env.SIMULATOR_HOST || '127.0.0.1';

export interface JournalFact {
  readonly seq: number;
  readonly at: string;
  /** What happened, e.g. label_bought, fulfilment_created, mail_received. */
  readonly kind: string;
  readonly fact: Readonly<Record<string, unknown>>;
}

/** What the partner knows to have happened, in order; kept in its memory, so a restart keeps it. */
export class Journal {
  constructor(
    private readonly memory: PartnerMemory,
    private readonly clock: () => Date,
  ) {}

  record(kind: string, fact: Readonly<Record<string, unknown>>): void {
    const seq = this.memory.count('journal') + 1;
    this.memory.put<JournalFact>('journal', String(seq), { seq, at: this.clock().toISOString(), kind, fact });
  }

  facts(kind?: string): JournalFact[] {
    const all = this.memory.list<JournalFact>('journal');
    return kind === undefined ? all : all.filter((entry) => entry.kind === kind);
  }
}

export interface SimulatorContext {
  readonly faults: FaultKnobs;
  readonly journal: Journal;
  readonly memory: PartnerMemory;
  readonly clock: () => Date;
}

export interface SimulatorOptions {
  readonly name: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  readonly routes: (app: Express, context: SimulatorContext) => void;
  readonly clock?: () => Date;
  /** Where the partner's memory is kept; without it a restart begins anew. */
  readonly stateFile?: string;
  /** The partner's own 429, with its own headers. */
  readonly rateLimited?: (req: Request, res: Response, retryAfterMs: number) => void;
  readonly serverError?: (req: Request, res: Response) => void;
  /** Awaited first when the simulator stops: webhook senders and the like. */
  readonly onClose?: () => Promise<void> | void;
}

export interface Simulator extends SimulatorContext {
  readonly name: string;
  /** Origin, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** The bytes of the request as they came, for signatures. */
export function rawBodyOf(req: Request): Buffer {
  return Buffer.isBuffer(req.rawBody) ? req.rawBody : Buffer.alloc(0);
}

declare module 'express-serve-static-core' {
  interface Request {
    rawBody?: Buffer;
  }
}

/**
 * Starts a simulator on LISTEN_HOST; its `url` is the one on loopback.
 * @throws the listen error (EADDRINUSE when `port` is taken).
 */
export async function createSimulatorServer(options: SimulatorOptions): Promise<Simulator> {
  const clock = options.clock ?? (() => new Date());
  const memory = new PartnerMemory(options.stateFile);
  const journal = new Journal(memory, clock);
  const faults = new FaultKnobs();
  const context: SimulatorContext = { faults, journal, memory, clock };

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(express.raw({ type: () => true, limit: BODY_LIMIT }), parseBody);
  controlRoutes(app, options.name, context);
  app.use(faultMiddleware(options, faults));
  options.routes(app, context);
  app.use((_req: Request, res: Response) => void res.status(404).json({ error: 'not_found' }));
  app.use(answerErrors);

  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, LISTEN_HOST, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    ...context,
    name: options.name,
    port,
    url: `http://127.0.0.1:${port}`,
    async close() {
      await options.onClose?.();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      memory.close();
    },
  };
}

function parseBody(req: Request, res: Response, next: NextFunction): void {
  const raw = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
  req.rawBody = raw;
  const type = req.headers['content-type'] ?? '';
  if (raw.length === 0) req.body = {};
  else if (type.includes('json')) {
    try {
      req.body = parseExactJson(raw.toString('utf8'));
    } catch {
      res.status(400).json({ error: 'malformed_body' });
      return;
    }
  } else if (type.includes('application/x-www-form-urlencoded')) {
    req.body = Object.fromEntries(new URLSearchParams(raw.toString('utf8')));
  } else req.body = raw;
  next();
}

function controlRoutes(app: Express, name: string, { faults, journal }: SimulatorContext): void {
  app.get('/__faults', (_req, res) => void res.json({ rules: faults.list() }));
  app.put('/__faults', (req, res) => {
    faults.set(faultRulesSchema.parse(req.body).rules);
    res.json({ rules: faults.list() });
  });
  app.delete('/__faults', (_req, res) => {
    faults.clear();
    res.json({ rules: [] });
  });
  app.get('/__journal', (req, res) => {
    const { kind } = req.query;
    res.json({ name, facts: journal.facts(typeof kind === 'string' ? kind : undefined) });
  });
}

function answerErrors(error: unknown, _req: Request, res: Response, next: NextFunction): void {
  if (res.headersSent) return next(error);
  if (error instanceof ZodError) {
    const errors = error.issues.map(({ path, message }) => ({ pointer: `/${path.join('/')}`, message }));
    res.status(422).json({ error: 'invalid', errors });
    return;
  }
  res.status(500).json({ error: error instanceof Error ? error.message : 'internal' });
}

/** The name of a GraphQL request's operation, undefined for anything else. */
export function graphqlOperation(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { operationName, query } = body as { operationName?: unknown; query?: unknown };
  if (typeof operationName === 'string') return operationName;
  return typeof query === 'string' ? /\b(?:query|mutation)\s+(\w+)/.exec(query)?.[1] : undefined;
}

function faultMiddleware(options: SimulatorOptions, faults: FaultKnobs) {
  return (req: Request, res: Response, next: NextFunction): void => {
    if (req.path.startsWith('/__')) return next();
    const subject = { method: req.method, path: req.path, operation: graphqlOperation(req.body) };
    const struck = faults.strike(CALL_FAULTS, subject);
    const delayMs = struck
      .filter(({ kind }) => kind === 'latency')
      .reduce((sum, { latencyMs }) => sum + (latencyMs ?? DEFAULT_LATENCY_MS), 0);
    const fault = struck.find(({ kind }) => kind !== 'latency');
    const proceed = () => {
      if (!res.destroyed) applyFault(options, fault, req, res, next);
    };
    if (delayMs === 0) return proceed();
    const timer = setTimeout(proceed, delayMs);
    res.once('close', () => clearTimeout(timer));
  };
}

/**
 * `rate_limit`, `server_error` and `connection_reset` strike before the partner acts;
 * `success_then_timeout` and `malformed_body` after it did, which is what makes them ambiguous.
 */
function applyFault(
  options: SimulatorOptions,
  fault: FaultRule | undefined,
  req: Request,
  res: Response,
  next: NextFunction,
): void {
  switch (fault?.kind) {
    case 'rate_limit': {
      const retryAfterMs = fault.latencyMs ?? DEFAULT_LATENCY_MS;
      if (options.rateLimited) return options.rateLimited(req, res, retryAfterMs);
      res
        .status(429)
        .set('Retry-After', String(Math.ceil(retryAfterMs / 1000)))
        .json({ error: 'rate_limited' });
      return;
    }
    case 'server_error':
      if (options.serverError) return options.serverError(req, res);
      res.status(500).json({ error: 'internal' });
      return;
    case 'connection_reset':
      req.socket.resetAndDestroy();
      return;
    case 'success_then_timeout':
      swallowAnswer(res, fault.latencyMs ?? SILENCE_MS);
      return next();
    case 'malformed_body':
      truncateAnswer(res);
      return next();
    default:
      return next();
  }
}

function swallowAnswer(res: Response, silenceMs: number): void {
  res.write = (() => true) as typeof res.write;
  res.end = (() => res) as typeof res.end;
  const timer = setTimeout(() => res.socket?.destroy(), silenceMs);
  res.once('close', () => clearTimeout(timer));
}

/** Cuts the body in half and adds a byte that ends no JSON, XML or text in a valid way. */
function truncateAnswer(res: Response): void {
  const end = res.end.bind(res);
  res.end = ((chunk?: unknown) => {
    const whole = Buffer.isBuffer(chunk) ? chunk : Buffer.from(typeof chunk === 'string' ? chunk : '');
    const half = Buffer.concat([whole.subarray(0, Math.floor(whole.length / 2)), Buffer.from('\u0000')]);
    if (!res.headersSent) res.setHeader('Content-Length', half.length);
    return end(half);
  }) as typeof res.end;
}
