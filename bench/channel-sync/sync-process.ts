/** The part of the dispatcher that publishes stock, as a process of its own; told by its environment, ends by SIGTERM. */
import { shopifyConnector } from '../../connectors/channels/shopify';
import { Database } from '../../db/client';
import { startStockSync } from '../../dispatcher/stock-sync';
import { createLogger } from '../../telemetry';

export interface SyncTask {
  readonly appUrl: string;
  readonly systemUrl: string;
  /** Base64, of 32 bytes. */
  readonly key: string;
}

const task = JSON.parse(process.env.SYNC_TASK ?? '{}') as SyncTask;
const database = new Database({ appUrl: task.appUrl, systemUrl: task.systemUrl });
const sync = startStockSync({
  database,
  keys: [{ id: 'bench', key: Buffer.from(task.key, 'base64') }],
  connectors: { shopify: shopifyConnector },
  log: createLogger({ role: 'bench', level: 'warn' }),
});
for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const)
  process.once(signal, () => void sync.close().then(() => database.close()));
process.send?.('ready');
