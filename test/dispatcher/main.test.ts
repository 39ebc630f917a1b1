import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { loadConfig } from '../../config';
import { runDispatcher } from '../../dispatcher/main';
import { freePort } from '../../provision/ports';
import { createPayloadCodec } from '../../temporal/payload-codec';
import { type TestDatabase, testDatabase } from '../support/postgres';

let urls: TestDatabase;
beforeAll(async () => {
  urls = await testDatabase();
});
afterAll(() => urls.drop());

const key = randomBytes(32);
const config = async (more: Record<string, string> = {}) =>
  loadConfig({
    DATABASE_APP_URL: urls.appUrl,
    DATABASE_SYSTEM_URL: urls.systemUrl,
    // Nobody listens there: Temporal and the mail server are away.
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    SMTP_URL: 'smtp://127.0.0.1:1',
    QUAYSIDE_ENCRYPTION_KEYS: `k1:${key.toString('base64')}`,
    LOG_LEVEL: 'silent',
    ...more,
  });

test('the dispatcher starts and stops whoever is away, and leaves no connection behind', async () => {
  const dispatcher = await runDispatcher(await config());
  expect(dispatcher.codecUrl).toBeNull();
  const started = Date.now();
  await dispatcher.close();
  expect(Date.now() - started).toBeLessThan(5_000);
  const admin = new Client({ connectionString: urls.ownerUrl });
  await admin.connect();
  const { rows } = await admin.query(
    'select count(*)::integer as open from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  await admin.end();
  expect(rows).toEqual([{ open: 0 }]);
});

test('it opens the codec endpoint for the Temporal UI and its metrics for Prometheus', async () => {
  const [codecPort, metricsPort] = [await freePort(), await freePort()];
  const dispatcher = await runDispatcher(
    await config({
      CODEC_PORT: String(codecPort),
      CODEC_TOKEN: 'let-me-in',
      TEMPORAL_UI_URL: 'http://127.0.0.1:8233/namespaces',
      METRICS_PORT: String(metricsPort),
    }),
  );
  try {
    expect(dispatcher.codecUrl).toBe(`http://127.0.0.1:${codecPort}/let-me-in`);
    const [sealed] = await createPayloadCodec([{ id: 'k1', key }]).encode([
      { metadata: {}, data: Buffer.from('hi') },
    ]);
    const metadata = Object.fromEntries(
      Object.entries(sealed?.metadata ?? {}).map(([name, value]) => [
        name,
        Buffer.from(value).toString('base64'),
      ]),
    );
    const answer = await fetch(`${dispatcher.codecUrl}/decode`, {
      method: 'POST',
      headers: { origin: 'http://127.0.0.1:8233' },
      body: JSON.stringify({
        payloads: [{ metadata, data: Buffer.from(sealed?.data ?? []).toString('base64') }],
      }),
    });
    expect(await answer.json()).toEqual({
      payloads: [{ metadata: {}, data: Buffer.from('hi').toString('base64') }],
    });
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    expect(metrics).toContain('quayside_outbox_lag_seconds');
    expect((await fetch(`http://127.0.0.1:${metricsPort}/other`)).status).toBe(404);
  } finally {
    await dispatcher.close();
  }
});

test('a port that is taken is an error at the start, with nothing left running', async () => {
  const port = await freePort();
  const codecPort = await freePort();
  const first = await runDispatcher(await config({ METRICS_PORT: String(port) }));
  try {
    const second = await config({
      METRICS_PORT: String(port),
      CODEC_PORT: String(codecPort),
      CODEC_TOKEN: 'x',
      TEMPORAL_UI_URL: 'http://127.0.0.1:8233',
    });
    await expect(runDispatcher(second)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expect(fetch(`http://127.0.0.1:${codecPort}/`)).rejects.toThrow();
  } finally {
    await first.close();
  }
});
