/** The real application on a real port over a database of its own, and a client that speaks to it like any other. */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { uuidv7 } from 'uuidv7';
import { mintApiKey } from '../../api/api-key';
import { createApp } from '../../api/app';
import type { ApiDeps } from '../../api/deps';
import { SCOPES, type Scope } from '../../contracts/scopes';
import { insertApiKey } from '../../db/api-key.repo';
import { Database } from '../../db/client';
import type { SealingKeys } from '../../db/sealed';
import { createLogger } from '../../telemetry';
import { type TestDatabase, testDatabase } from '../support/postgres';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Answers are whatever JSON the route gives; each test says what it expects of it.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly json: any;
}

export interface Ask {
  readonly key?: string | null;
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default for POST: a new one. null sends none. */
  readonly idempotencyKey?: string | null;
}

export interface RunningApi {
  readonly url: string;
  readonly database: Database;
  readonly urls: TestDatabase;
  readonly sealingKeys: SealingKeys;
  readonly logs: string[];
  readonly started: string[];
  ask(method: string, path: string, ask?: Ask): Promise<Reply>;
  /** A key of the organisation; default: all merchants, all scopes but those of a person. */
  makeKey(organisationId: string, options?: KeyOptions): Promise<{ id: string; key: string }>;
  close(): Promise<void>;
}

export interface KeyOptions {
  readonly scopes?: readonly Scope[];
  readonly merchantIds?: readonly string[] | null;
  readonly personId?: string;
  readonly expiresAt?: Date;
}

export async function startApi(
  change: Partial<ApiDeps> & { requestsPerMinute?: number } = {},
): Promise<RunningApi> {
  const urls = await testDatabase();
  const database = new Database({ appUrl: urls.appUrl, systemUrl: urls.systemUrl });
  const logs: string[] = [];
  const started: string[] = [];
  const sealingKeys = [{ id: 'test', key: randomBytes(32) }];
  const { requestsPerMinute = 1_000_000, ...deps } = change;
  const app = createApp({
    database,
    config: { publicUrl: 'http://127.0.0.1', sealingKeys, requestsPerMinute },
    logger: createLogger({
      role: 'test',
      level: 'debug',
      destination: { write: (line: string) => logs.push(line) },
    }),
    startOrder: ({ orderId }) => started.push(orderId),
    updateWorkflow: async () => ({ answered: false }),
    temporalReady: async () => true,
    ...deps,
  });
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    database,
    urls,
    sealingKeys,
    logs,
    started,
    ask: (method, path, ask = {}) => send(url, method, path, ask),
    makeKey: (organisationId, options) => makeKey(database, organisationId, options),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await database.close();
      await urls.drop();
    },
  };
}

async function send(url: string, method: string, path: string, ask: Ask): Promise<Reply> {
  const headers: Record<string, string> = {};
  if (ask.key) headers['authorization'] = `Bearer ${ask.key}`;
  const body = ask.raw ?? (ask.body === undefined ? undefined : JSON.stringify(ask.body));
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method === 'POST' && ask.idempotencyKey !== null) {
    headers['idempotency-key'] = ask.idempotencyKey ?? randomUUID();
  } else if (ask.idempotencyKey) {
    headers['idempotency-key'] = ask.idempotencyKey;
  }
  const answer = await fetch(url + path, {
    method,
    headers: { ...headers, ...ask.headers },
    redirect: 'manual',
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
  });
  const text = await answer.text();
  const isJson = /json/.test(answer.headers.get('content-type') ?? '');
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    json: isJson ? JSON.parse(text) : undefined,
  };
}

async function makeKey(
  database: Database,
  organisationId: string,
  options: KeyOptions = {},
): Promise<{ id: string; key: string }> {
  const minted = mintApiKey('test');
  const id = uuidv7();
  await database.withTenants({ merchantIds: [], organisationIds: [organisationId] }, (tx) =>
    insertApiKey(tx, {
      id,
      organisationId,
      name: 'test',
      prefix: minted.prefix,
      sha256: minted.sha256,
      scopes: options.scopes ?? SCOPES,
      merchantIds: options.merchantIds ?? null,
      personId: options.personId ?? null,
      expiresAt: options.expiresAt ?? null,
    }),
  );
  return { id, key: minted.key };
}
