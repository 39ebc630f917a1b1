/**
 * The API process: Postgres, Temporal, the port. It starts while Temporal is away and goes on accepting
 * orders; without Postgres it answers 503. Closing takes no new connections, lets requests under way
 * end, and then lets go of the rest.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Client } from '@temporalio/client';
import { type Config, required } from '../config';
import { Database } from '../db/client';
import { createLogger, type Logger } from '../telemetry';
import { connectTemporal, withinDeadline } from '../temporal/client';
import { createPayloadCodec } from '../temporal/payload-codec';
import { createApp } from './app';
import type { ApiDeps } from './deps';
import { createOrderStarter } from './order-starter';

/** A thousand a second: more than one process on two cores can serve, so it only stops what runs wild. */
const REQUESTS_PER_MINUTE = 60_000;
/** The largest body at 300 kB/s takes 4 s; whoever needs longer than this holds a connection for nothing. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the idle time-out of common load balancers (60 s): they, not we, close a kept connection. */
const KEEP_ALIVE_MS = 65_000;
/** Requests under way may take as long as a label does. */
const CLOSE_GRACE_MS = 10_000;
const READY_TIMEOUT_MS = 2_000;

export interface RunningApi {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws when the configuration lacks something or the port is taken. */
export async function runApi(config: Config): Promise<RunningApi> {
  const logger = createLogger({ role: 'api', level: config.LOG_LEVEL });
  const sealingKeys = required(config, 'QUAYSIDE_ENCRYPTION_KEYS');
  const database = new Database({
    appUrl: required(config, 'DATABASE_APP_URL'),
    systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
    poolSize: config.DATABASE_POOL_SIZE,
    onPoolError: (error) => logger.warn({ error: error.message }, 'an idle database connection broke'),
  });
  const client = connectTemporal({
    address: config.TEMPORAL_ADDRESS,
    namespace: config.TEMPORAL_NAMESPACE,
    codec: createPayloadCodec(sealingKeys),
    tls: config.TEMPORAL_TLS,
    ...(config.TEMPORAL_API_KEY === undefined ? {} : { apiKey: config.TEMPORAL_API_KEY }),
  });
  const starter = createOrderStarter(client, database, logger);
  const publicUrl = (config.PUBLIC_URL ?? `http://${config.API_HOST}:${config.API_PORT}`).replace(/\/$/, '');
  const closing = new AbortController();
  const app = createApp({
    closing: closing.signal,
    database,
    logger,
    config: { publicUrl, sealingKeys, requestsPerMinute: REQUESTS_PER_MINUTE },
    startOrder: (order) => starter.start(order),
    updateWorkflow: workflowUpdater(client, logger),
    temporalReady: () => isReady(client),
  });
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS }, app);
  const release = async (): Promise<void> => {
    await starter.close();
    await client.connection.close();
    await database.close();
  };
  try {
    await listen(server, config.API_PORT, config.API_HOST);
  } catch (error) {
    await release();
    throw error;
  }
  const { address, family, port } = server.address() as AddressInfo;
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  logger.info({ url }, 'api is up');
  return {
    url,
    async close() {
      closing.abort();
      await closeServer(server);
      await release();
    },
  };
}

function workflowUpdater(client: Client, logger: Logger): ApiDeps['updateWorkflow'] {
  return async (workflowId, update, updateId, args, timeoutMs) => {
    try {
      const value = await withinDeadline(client, timeoutMs, () =>
        client.workflow.getHandle(workflowId).executeUpdate<unknown, [unknown, ...unknown[]]>(update, {
          updateId,
          // Every update of ours takes one argument.
          args: args as [unknown, ...unknown[]],
        }),
      );
      return { answered: true, value };
    } catch (error) {
      // The outbox row that was committed with the fact brings the same update under the same id.
      logger.warn({ workflowId, update, error: String(error) }, 'an update is left to the dispatcher');
      return { answered: false };
    }
  };
}

async function isReady(client: Client): Promise<boolean> {
  try {
    await withinDeadline(client, READY_TIMEOUT_MS, () => client.workflowService.getSystemInfo({}));
    return true;
  } catch {
    return false;
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const impatient = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearTimeout(impatient);
}
