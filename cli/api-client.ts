/**
 * The commands that look at a running engine do so through its API, like anybody else. Which one: the
 * engine of the data directory, or the one that `QUAYSIDE_API_URL` and `QUAYSIDE_API_KEY` name.
 */
import { randomUUID } from 'node:crypto';
import { CommandError } from './command-error';
import { findRunning, locateDataDir, type Running } from './data-dir';

/** The longest request waits for a label that is being bought. */
const TIMEOUT_MS = 30_000;

/** The API answered, and not with what was asked for. */
export class ApiRefusal extends CommandError {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface ApiClient {
  readonly url: string;
  /** The engine of the data directory; null when the environment names another one. */
  readonly running: Running | null;
  get<T>(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<T>;
  /** All items of a list, page by page, `limit` at most. */
  list<T>(path: string, query: Readonly<Record<string, string | undefined>>, limit: number): Promise<T[]>;
  send<T>(method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T>;
  /** Server-sent events, for as long as the signal lets; where a stream ended it goes on. */
  events<T>(path: string, signal: AbortSignal): AsyncIterable<StreamEvent<T>>;
}

export interface StreamEvent<T> {
  readonly event: string;
  readonly data: T;
}

interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer?: string; readonly message?: string }[];
}

/** The most that the API gives in one page. */
const PAGE = 200;

/**
 * @param merchant id or slug that requests act for; default all that the key reaches.
 * @throws CommandError when no engine runs and none is named.
 */
export function openApi(dataDirFlag?: string, merchant?: string): ApiClient {
  const url = process.env.QUAYSIDE_API_URL ?? '';
  const key = process.env.QUAYSIDE_API_KEY ?? '';
  if (url !== '') {
    if (key === '')
      throw new CommandError(
        'QUAYSIDE_API_URL is set but QUAYSIDE_API_KEY is not',
        2,
        'set both, or neither',
      );
    return client({ url: url.replace(/\/+$/, ''), key, running: null, merchant });
  }
  const running = requireRunning(dataDirFlag);
  if (running.apiKey === null && key === '')
    throw new CommandError(
      'this engine runs without the demo, so there is no key to ask it with',
      2,
      'make one with "quayside keys create" and give it as QUAYSIDE_API_KEY',
    );
  return client({ url: running.apiUrl, key: key === '' ? (running.apiKey ?? '') : key, running, merchant });
}

/** @throws CommandError when no engine runs on the data directory. */
export function requireRunning(dataDirFlag?: string): Running {
  const dataDir = locateDataDir(dataDirFlag);
  const running = findRunning(dataDir);
  if (running === null)
    throw new CommandError(
      `no engine runs on ${dataDir}`,
      1,
      'start one with "npm start", name its --data-dir, or set QUAYSIDE_API_URL and QUAYSIDE_API_KEY',
    );
  return running;
}

function client(options: {
  readonly url: string;
  readonly key: string;
  readonly running: Running | null;
  readonly merchant: string | undefined;
}): ApiClient {
  const { url, key, running, merchant } = options;
  const authorisation = {
    authorization: `Bearer ${key}`,
    ...(merchant === undefined ? {} : { 'quayside-merchant': merchant }),
  };
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await ask(`${url}${path}`, {
      method,
      headers: {
        ...authorisation,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'GET' ? {} : { 'idempotency-key': randomUUID() }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok)
      throw new ApiRefusal(answer.status, `${method} ${path}: ${sentenceOf(answer.status, text)}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };
  const get = <T>(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<T> => {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const search = new URLSearchParams(given).toString();
    return call<T>('GET', search === '' ? path : `${path}?${search}`);
  };
  return {
    url,
    running,
    get,
    async list<T>(path: string, query: Readonly<Record<string, string | undefined>>, limit: number) {
      const items: T[] = [];
      let cursor: string | undefined;
      do {
        const page = await get<{ items: T[]; nextCursor: string | null }>(path, {
          ...query,
          limit: String(Math.min(PAGE, limit - items.length)),
          cursor,
        });
        items.push(...page.items);
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined && items.length < limit);
      return items;
    },
    send: call,
    events: (path, signal) => followEvents(`${url}${path}`, authorisation, signal),
  };
}

/** A server that is being restarted is back within seconds; what changed meanwhile is told then. */
const COME_AGAIN_AFTER_MS = 1_000;

async function* followEvents<T>(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): AsyncIterable<StreamEvent<T>> {
  let lastId: string | null = null;
  let opened = false;
  while (!signal.aborted) {
    try {
      const answer = await fetch(url, {
        headers: { ...headers, ...(lastId === null ? {} : { 'last-event-id': lastId }) },
        signal,
      });
      if (!answer.ok || answer.body === null)
        throw new ApiRefusal(answer.status, `GET ${url}: ${sentenceOf(answer.status, await answer.text())}`);
      opened = true;
      for await (const { event, id, data } of framesOf(answer.body)) {
        if (id !== null) lastId = id;
        yield { event, data: JSON.parse(data) as T };
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiRefusal) throw error;
      if (!opened)
        throw new CommandError(`${new URL(url).origin} does not answer`, 1, 'is the engine running?');
    }
    await new Promise((resolve) => setTimeout(resolve, COME_AGAIN_AFTER_MS));
  }
}

async function* framesOf(body: ReadableStream<Uint8Array>) {
  const decoder = new TextDecoder();
  let text = '';
  for await (const part of body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(part, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const of = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? null;
      const [event, data] = [of('event'), of('data')];
      if (event !== null && data !== null) yield { event, id: of('id'), data };
    }
  }
}

/** `fetch` whose failure to connect is a sentence. */
export async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new CommandError(`${new URL(url).origin} does not answer: ${cause}`, 1, 'is the engine running?');
  }
}

function sentenceOf(status: number, text: string): string {
  try {
    const { title, detail, errors } = JSON.parse(text) as Problem;
    const fields = (errors ?? []).map(({ pointer, message }) => `${pointer ?? ''} ${message ?? ''}`.trim());
    return [`${status} ${title ?? ''}`.trim(), detail, ...fields].filter(Boolean).join('; ');
  } catch {
    return `${status} ${text.slice(0, 200)}`;
  }
}
