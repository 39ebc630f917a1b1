/**
 * Lets the Temporal UI show decrypted payloads: Temporal's remote codec protocol (`POST …/encode` and
 * `…/decode`, a JSON body `{payloads: [{metadata, data}]}` with base64 values). Whoever can call it
 * reads every payload, so it listens on loopback, and a request needs the token: as a bearer header, or
 * as the first part of the path, because the development UI has no login whose header it could pass
 * on and can only be given an address. Browsers are let in from the UI's origin alone.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Payload, PayloadCodec } from '@temporalio/common';

/** A page of the UI asks for a whole history at once; Temporal's own limit for one is 50 MiB, rarely met. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;

export interface CodecEndpointOptions {
  readonly codec: PayloadCodec;
  /** Unguessable; part of the address that the UI is started with. */
  readonly token: string;
  /** Origin of the Temporal UI, e.g. `http://127.0.0.1:8233`; its alias `localhost` is let in too. */
  readonly uiOrigin: string;
}

export interface CodecEndpoint {
  /** What `--ui-codec-endpoint` is given. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

interface WirePayload {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly data?: string;
}

/** Serves the endpoint. @param host default 127.0.0.1. @param port 0 for a free one. @throws the listen error. */
export async function startCodecEndpoint(
  options: CodecEndpointOptions & { readonly host?: string; readonly port: number },
): Promise<CodecEndpoint> {
  const handle = codecRequestHandler(options);
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host ?? '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/${options.token}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The handler alone, for a server that exists already; it answers every request it is given. */
export function codecRequestHandler(
  options: CodecEndpointOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const origins = originsOf(options.uiOrigin);
  return async (request, response) => {
    const origin = request.headers.origin;
    response.setHeader('Vary', 'Origin');
    if (origin !== undefined && origins.has(origin)) {
      response.setHeader('Access-Control-Allow-Origin', origin);
      response.setHeader('Access-Control-Allow-Methods', 'POST, OPTIONS');
      response.setHeader('Access-Control-Allow-Headers', 'authorization, content-type, x-namespace');
      response.setHeader('Access-Control-Max-Age', '600');
    } else if (origin !== undefined) {
      return answer(response, 403, { error: 'this origin is not the Temporal UI' });
    }
    // A preflight carries no credentials and learns nothing.
    if (request.method === 'OPTIONS') return answer(response, 204);
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (!authorised(request, path, options.token)) return answer(response, 401, { error: 'not authorised' });
    const action = /\/(encode|decode)$/.exec(path)?.[1];
    if (request.method !== 'POST' || action === undefined)
      return answer(response, 404, { error: 'POST …/encode or …/decode' });
    await convert(request, response, action === 'encode' ? 'encode' : 'decode', options.codec);
  };
}

async function convert(
  request: IncomingMessage,
  response: ServerResponse,
  action: 'encode' | 'decode',
  codec: PayloadCodec,
): Promise<void> {
  const text = await readBody(request);
  if (text === null) return answer(response, 413, { error: `more than ${BODY_LIMIT_BYTES} bytes` });
  let payloads: Payload[];
  try {
    payloads = (JSON.parse(text) as { payloads: WirePayload[] }).payloads.map(fromWire);
  } catch {
    return answer(response, 400, { error: 'expected {"payloads": [{"metadata": {…}, "data": "…"}]}' });
  }
  try {
    answer(response, 200, { payloads: (await codec[action](payloads)).map(toWire) });
  } catch (error) {
    answer(response, 422, { error: error instanceof Error ? error.message : 'the codec failed' });
  }
}

/** The UI shows both names of this machine, and a person may have typed either. */
function originsOf(uiOrigin: string): ReadonlySet<string> {
  const url = new URL(uiOrigin);
  const names = ['127.0.0.1', 'localhost'].includes(url.hostname)
    ? ['127.0.0.1', 'localhost']
    : [url.hostname];
  return new Set(names.map((name) => `${url.protocol}//${name}${url.port === '' ? '' : `:${url.port}`}`));
}

function authorised(request: IncomingMessage, path: string, token: string): boolean {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return sameText(bearer ?? path.split('/')[1] ?? '', token);
}

/** Equal lengths for the constant-time comparison, whatever was sent. */
function sameText(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Read to the end all the same: a connection closed in mid-body shows as a network error, not as 413.
    if (bytes <= BODY_LIMIT_BYTES) chunks.push(chunk);
  }
  return bytes > BODY_LIMIT_BYTES ? null : Buffer.concat(chunks).toString('utf8');
}

function fromWire(wire: WirePayload): Payload {
  const metadata: Record<string, Uint8Array> = {};
  for (const [name, value] of Object.entries(wire.metadata ?? {}))
    metadata[name] = Buffer.from(value, 'base64');
  return { metadata, data: Buffer.from(wire.data ?? '', 'base64') };
}

function toWire(payload: Payload): WirePayload {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(payload.metadata ?? {}))
    metadata[name] = Buffer.from(value).toString('base64');
  return { metadata, data: Buffer.from(payload.data ?? []).toString('base64') };
}

function answer(response: ServerResponse, status: number, body?: unknown): void {
  response.statusCode = status;
  if (body === undefined) {
    response.end();
    return;
  }
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(body));
}
