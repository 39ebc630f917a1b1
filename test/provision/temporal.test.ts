import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { freePort } from '../../provision/ports';
import { closeGuard } from '../../provision/process-guard';
import { identify, send } from '../../provision/processes';
import {
  type RunningTemporal,
  registerSearchAttributes,
  removeTemporalData,
  startTemporal,
  type TemporalOptions,
} from '../../provision/temporal';
import { findTemporalBinary } from '../../provision/temporal-binary';

// Without a Temporal program in the cache this suite is the one that fetches or builds it.
jest.setTimeout(600_000);

let directory: string;
let binary: string;
const started: RunningTemporal[] = [];

beforeAll(async () => {
  binary = await findTemporalBinary({ log: () => undefined });
});
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quayside-temporal-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
  rmSync(directory, { recursive: true, force: true });
});
afterAll(closeGuard);

async function start(options: Partial<TemporalOptions> = {}): Promise<RunningTemporal> {
  const dbFilename = join(directory, 'temporal.db');
  const server = await startTemporal({ binary, dbFilename, uiPort: null, log: () => undefined, ...options });
  started.push(server);
  return server;
}

async function withClient<T>(server: RunningTemporal, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: server.address });
  try {
    return await use(new Client({ connection, namespace: server.namespace }));
  } finally {
    await connection.close();
  }
}

const waiting = { workflowId: 'kept', taskQueue: 'nobody-listens', args: [] };

test('workflows are there after a stop, and after a kill, with a start on the same port at once', async () => {
  const first = await start();
  await withClient(first, (client) => client.workflow.start('waiting', waiting));
  await first.stop();
  expect(identify(first.pid)).toBeNull();

  const second = await start({ port: first.port });
  send(second.pid, 'SIGKILL');
  await second.exited;

  const third = await start({ port: first.port });
  const { status } = await withClient(third, (client) => client.workflow.getHandle('kept').describe());
  expect(status.name).toBe('RUNNING');
});

test('search attributes are registered once however often and by however many, and a workflow can carry them at once', async () => {
  const server = await start();
  const attributes = [
    { name: 'MerchantId', type: 'Keyword' },
    { name: 'BlockedSince', type: 'Datetime' },
    { name: 'TestOrder', type: 'Bool' },
  ] as const;
  await Promise.all([1, 2, 3].map(() => registerSearchAttributes(server.address, attributes)));
  await registerSearchAttributes(server.address, attributes);
  const typedSearchAttributes = new TypedSearchAttributes([
    { key: defineSearchAttributeKey('MerchantId', 'KEYWORD'), value: 'demo' },
    { key: defineSearchAttributeKey('TestOrder', 'BOOL'), value: true },
  ]);
  await withClient(server, (client) =>
    client.workflow.start('waiting', { ...waiting, typedSearchAttributes }),
  );
  await expect(
    registerSearchAttributes(server.address, [{ name: 'MerchantId', type: 'Datetime' }]),
  ).rejects.toThrow(
    'search attribute MerchantId exists in namespace default with another type than Datetime',
  );
});

test('the UI answers on loopback, knows the codec endpoint, and the namespace asked for exists', async () => {
  const uiPort = await freePort();
  const uiCodecEndpoint = 'http://127.0.0.1:4999/codec';
  const server = await start({ uiPort, uiCodecEndpoint, namespace: 'shelf' });
  expect(server.uiUrl).toBe(`http://127.0.0.1:${uiPort}`);
  const settings = (await (await fetch(`${server.uiUrl}/api/v1/settings`)).json()) as {
    Codec: { Endpoint: string };
  };
  expect(settings.Codec.Endpoint).toBe(uiCodecEndpoint);
  await withClient(server, (client) => client.workflow.start('waiting', waiting));
});

test('a database file that a living owner uses is refused', async () => {
  await start();
  await expect(start()).rejects.toThrow(`in use by another Quayside (process ${process.pid})`);
});

test('a start that fails says why, from the server’s own log', async () => {
  const first = await start();
  const other = join(directory, 'other.db');
  await expect(start({ dbFilename: other, port: first.port })).rejects.toThrow(
    `does not start: address already in use: port ${first.port}`,
  );
});

test('removing its data leaves no file', async () => {
  const server = await start();
  await server.stop();
  removeTemporalData(join(directory, 'temporal.db'));
  for (const suffix of ['', '-wal', '-shm', '.log', '.claim']) {
    expect(existsSync(join(directory, `temporal.db${suffix}`))).toBe(false);
  }
});
