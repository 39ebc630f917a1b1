/**
 * A whole engine in the test's process, on the run's real servers: worker, dispatcher, the simulated
 * carrier and mail server. What the floor and the channels do, tests do by the same commands as the API.
 */

import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { uuidv7 } from 'uuidv7';
import { type Config, loadConfig, required } from '../../config';
import { Database } from '../../db/client';
import { sealSecrets } from '../../db/sealed';
import { type RunningDispatcher, runDispatcher } from '../../dispatcher/main';
import { DEMO_API_KEY, type EasyPostSimulator, startEasyPostSimulator } from '../../simulators/easypost';
import { type MailSimulator, startMailSimulator } from '../../simulators/mail';
import { connectTemporal } from '../../temporal/client';
import { createPayloadCodec } from '../../temporal/payload-codec';
import { runWorker } from '../../workers/main';
import { isRecording, RECORDING_KEY, recordHistories } from './histories';
import type { SeededMerchant } from './merchant';
import { type TestDatabase, testDatabase } from './postgres';
import { type TestTemporal, testNamespace } from './temporal';

export interface TestEngine {
  readonly config: Config;
  readonly database: Database;
  readonly urls: TestDatabase;
  readonly client: Client;
  readonly easypost: EasyPostSimulator;
  readonly mail: MailSimulator;
  /** Gives the merchant's organisation an account at the simulated carrier. */
  connectCarrier(merchant: SeededMerchant): Promise<string>;
  close(): Promise<void>;
}

/** Bundles are built once a run and shared by its files. */
const BUNDLES = path.join(tmpdir(), `quayside-test-bundles-${process.ppid}`);

/**
 * @param temporal a server of the test's own; default: a namespace of its own on the run's server.
 * @param startWorker a worker that does more than ours; default: ours.
 */
export async function startTestEngine(
  temporal?: TestTemporal,
  startWorker: (config: Config) => Promise<{ close(): Promise<void> }> = runWorker,
): Promise<TestEngine> {
  const urls = await testDatabase();
  const { address, namespace } = temporal ?? (await testNamespace());
  const easypost = await startEasyPostSimulator({
    settings: { transit: { startsAt: 'handover', firstScanMs: 0, stepMs: 0 } },
  });
  const mail = await startMailSimulator();
  const config = loadConfig({
    DATABASE_APP_URL: urls.appUrl,
    DATABASE_SYSTEM_URL: urls.systemUrl,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    QUAYSIDE_DATA_DIR: BUNDLES,
    QUAYSIDE_ENCRYPTION_KEYS: isRecording() ? RECORDING_KEY : `test:${randomBytes(32).toString('base64')}`,
    OUTGOING_ALLOW_HOSTS: [easypost.url, mail.url].map((url) => new URL(url).host).join(','),
    SMTP_URL: mail.smtpUrl,
    LOG_LEVEL: 'error',
  });
  const keys = required(config, 'QUAYSIDE_ENCRYPTION_KEYS');
  const database = new Database({ appUrl: urls.appUrl, systemUrl: urls.systemUrl, poolSize: 8 });
  const client = connectTemporal({ address, namespace, codec: createPayloadCodec(keys) });
  const worker = await startWorker(config);
  const dispatcher: RunningDispatcher = await runDispatcher(config);
  return {
    config,
    database,
    urls,
    client,
    easypost,
    mail,
    async connectCarrier(merchant) {
      const id = uuidv7();
      await database.withMerchants([merchant.merchantId], (tx) =>
        tx.run({
          text: `insert into carrier_account (id, organisation_id, provider, name, base_url, credentials_sealed, webhook_path_sha256)
            values ($1, $2, 'easypost', 'Demo carrier', $3, $4, $5)`,
          values: [
            id,
            merchant.organisationId,
            easypost.url,
            sealSecrets(keys, { apiKey: DEMO_API_KEY, webhookSecret: 'demo' }),
            randomBytes(32),
          ],
        }),
      );
      return id;
    },
    async close() {
      if (isRecording()) await recordHistories(client, { address, namespace });
      await dispatcher.close();
      await worker.close();
      await client.connection.close();
      await database.close();
      await easypost.close();
      await mail.close();
      await urls.drop();
    },
  };
}

/** Waits until `look` finds something; a test that waits 20 s has found a bug. */
export async function eventually<T>(
  look: () => Promise<T | null | undefined | false>,
  what: string,
): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`it never came to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
