/**
 * The dispatcher process: everything that must happen without anybody asking. It sends the outbox, lists
 * what is late, watches workflows, seals the audit log, and asks partners for what their webhooks lost.
 * Each part is a loop of its own over Postgres, keeps nothing that a restart would miss, and may run in
 * several processes at once (row locks and leases keep them apart). Closing stops the loops, lets what
 * is under way end, and then lets go of the connections.
 */
import { type Config, required } from '../config';
import { easyPostConnector } from '../connectors/carriers/easypost';
import { genericConnector } from '../connectors/channels/generic';
import { shopifyConnector } from '../connectors/channels/shopify';
import { countCalls } from '../connectors/count-calls';
import { guardOutgoingCalls } from '../connectors/http';
import { createMailSender } from '../connectors/messaging/mail';
import { Database } from '../db/client';
import { createLogger, type Logger, startMetricsEndpoint } from '../telemetry';
import { connectTemporal } from '../temporal/client';
import { startCodecEndpoint } from '../temporal/codec-endpoint';
import { createPayloadCodec } from '../temporal/payload-codec';
import { startAuditSealer } from './audit-sealer';
import { bury } from './bury';
import { startCarrierPoller } from './carrier-poller';
import { startChannelPoller } from './channel-poller';
import { startClosedWarehouseSweeper } from './closed-warehouses';
import { startDeadlineSweeper } from './deadline-sweeper';
import { startHoldSweeper } from './hold-sweeper';
import { startLotExpiry } from './lot-expiry';
import { startOutboxGauges } from './outbox-gauges';
import { startOutboxSender } from './outbox-sender';
import { startRetention } from './retention';
import { channelTrackingSender } from './senders/channel-tracking';
import { mailNotificationSender, noMailSender } from './senders/mail';
import { besidesStockAlerts, stockAlertSender } from './senders/stock-alert';
import { webhookSender } from './senders/webhook';
import { workflowMessageSender } from './senders/workflow-messages';
import { startStockSync } from './stock-sync';
import { startStockWatch } from './stock-watch';
import { startWatchdog } from './watchdog';

export interface RunningDispatcher {
  /** Where the Temporal UI decrypts payloads; null without CODEC_TOKEN and TEMPORAL_UI_URL. */
  readonly codecUrl: string | null;
  close(): Promise<void>;
}

interface Closable {
  close(): Promise<void>;
}

/** @throws when the configuration lacks something or a port is taken; a partner that is away is no reason. */
export async function runDispatcher(config: Config): Promise<RunningDispatcher> {
  const log = createLogger({ role: 'dispatcher', level: config.LOG_LEVEL });
  const keys = required(config, 'QUAYSIDE_ENCRYPTION_KEYS');
  guardOutgoingCalls(config.OUTGOING_ALLOW_HOSTS);
  const codec = createPayloadCodec(keys);
  const { doors, codecUrl } = await openDoors(config, codec);
  const database = new Database({
    appUrl: required(config, 'DATABASE_APP_URL'),
    systemUrl: required(config, 'DATABASE_SYSTEM_URL'),
    poolSize: config.DATABASE_POOL_SIZE,
    onPoolError: (error) => log.warn({ err: error }, 'an idle database connection broke'),
  });
  const client = connectTemporal({
    address: config.TEMPORAL_ADDRESS,
    namespace: config.TEMPORAL_NAMESPACE,
    codec,
    tls: config.TEMPORAL_TLS,
    ...(config.TEMPORAL_API_KEY === undefined ? {} : { apiKey: config.TEMPORAL_API_KEY }),
  });
  const loops = startLoops(config, { database, client, keys, log });
  log.info('dispatcher is up');
  return {
    codecUrl,
    async close() {
      await Promise.all(loops.map((loop) => loop.close()));
      await Promise.all(doors.map((door) => door.close()));
      await database.close();
      await client.connection.close();
    },
  };
}

/** What others call: the codec for the Temporal UI, the metrics. A port that is taken leaves none open. */
async function openDoors(
  config: Config,
  codec: ReturnType<typeof createPayloadCodec>,
): Promise<{ readonly doors: readonly Closable[]; readonly codecUrl: string | null }> {
  const doors: Closable[] = [];
  let codecUrl: string | null = null;
  try {
    if (config.CODEC_TOKEN !== undefined && config.TEMPORAL_UI_URL !== undefined) {
      const uiOrigin = new URL(config.TEMPORAL_UI_URL).origin;
      const { CODEC_TOKEN: token, CODEC_HOST: host, CODEC_PORT: port } = config;
      const endpoint = await startCodecEndpoint({ codec, token, uiOrigin, host, port });
      doors.push(endpoint);
      codecUrl = endpoint.url;
    }
    if (config.METRICS_PORT !== undefined)
      doors.push(await startMetricsEndpoint(config.METRICS_PORT, config.METRICS_HOST));
    return { doors, codecUrl };
  } catch (error) {
    await Promise.all(doors.map((door) => door.close()));
    throw error;
  }
}

function startLoops(
  config: Config,
  parts: {
    readonly database: Database;
    readonly client: ReturnType<typeof connectTemporal>;
    readonly keys: NonNullable<Config['QUAYSIDE_ENCRYPTION_KEYS']>;
    readonly log: Logger;
  },
): Closable[] {
  const { database, client, keys, log } = parts;
  const shopify = countCalls('shopify', shopifyConnector);
  const channels = { shopify, generic: countCalls('generic', genericConnector) };
  const carriers = { easypost: countCalls('easypost', easyPostConnector) };
  const workflow = workflowMessageSender(client);
  const mailer =
    config.SMTP_URL === undefined ? null : countCalls('smtp', createMailSender({ url: config.SMTP_URL }));
  const mail = mailer === null ? noMailSender(database) : mailNotificationSender(database, mailer);
  const publicUrl = config.PUBLIC_URL?.replace(/\/$/, '') ?? null;
  const alerts = stockAlertSender({ database, keys, mailer, publicUrl });
  return [
    startOutboxSender({
      database,
      log,
      bury: (message, note) => bury(database, message, note),
      senders: {
        'workflow.start': workflow,
        'workflow.signal': workflow,
        'workflow.update': workflow,
        'channel.tracking': channelTrackingSender({ database, keys, connectors: channels }),
        mail: besidesStockAlerts(alerts, mail),
        webhook: besidesStockAlerts(alerts, webhookSender({ database, keys })),
      },
    }),
    startDeadlineSweeper({ database, log }),
    startLotExpiry({ database, log }),
    startHoldSweeper({ database, log }),
    startStockWatch({ database, log }),
    startClosedWarehouseSweeper({ database, log }),
    startWatchdog({ database, client, log }),
    startAuditSealer({ database, log }),
    startChannelPoller({ database, keys, connectors: { shopify }, log }),
    startCarrierPoller({ database, keys, connectors: carriers, log }),
    startStockSync({ database, keys, connectors: channels, log }),
    startOutboxGauges({ database, log }),
    startRetention({ database, log }),
  ];
}
