/**
 * A dispatcher that is killed by SIGKILL right after a receiver took its message, before that is written
 * down. Its one argument is JSON (`DispatcherOrders`); only the kind that it dies of is ever sent.
 */
import { genericConnector } from '../../connectors/channels/generic';
import type { ChannelConnector } from '../../connectors/channels/port';
import { shopifyConnector } from '../../connectors/channels/shopify';
import { guardOutgoingCalls } from '../../connectors/http';
import { createMailSender } from '../../connectors/messaging/mail';
import { Database } from '../../db/client';
import { startOutboxSender } from '../../dispatcher/outbox-sender';
import { channelTrackingSender } from '../../dispatcher/senders/channel-tracking';
import { mailNotificationSender } from '../../dispatcher/senders/mail';
import { webhookSender } from '../../dispatcher/senders/webhook';
import { KEYS, quiet } from '../dispatcher/engine';

export interface DispatcherOrders {
  readonly appUrl: string;
  readonly systemUrl: string;
  readonly smtpUrl: string;
  readonly allowHosts: readonly string[];
  /** The outbox key of the message that kills it. */
  readonly dyingOf: string;
  readonly leaseMs: number;
}

/** Nothing it is told about comes back: the process is gone. */
function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

const dying = (connector: ChannelConnector): ChannelConnector => ({
  ...connector,
  pushTracking: async (...args) => {
    await connector.pushTracking(...args);
    return die();
  },
});

function main(orders: DispatcherOrders): void {
  const { appUrl, systemUrl, smtpUrl, dyingOf, leaseMs } = orders;
  guardOutgoingCalls([...orders.allowHosts]);
  const database = new Database({ appUrl, systemUrl, poolSize: 3 });
  const mailer = createMailSender({ url: smtpUrl });
  const mail = mailNotificationSender(database, {
    ...mailer,
    send: async (message) => {
      await mailer.send(message);
      return die();
    },
  });
  const tracking = channelTrackingSender({
    database,
    keys: KEYS,
    connectors: { shopify: dying(shopifyConnector), generic: dying(genericConnector) },
  });
  const post = webhookSender({ database, keys: KEYS });
  // Others' messages are none of its business; in the outbox of a test they are few.
  const later = async () => ({ outcome: 'later' as const, delayMs: 10, note: 'not mine' });
  const only =
    (sender: typeof post): typeof post =>
    (message) =>
      message.key === dyingOf ? sender(message) : later();
  startOutboxSender({
    database,
    log: quiet,
    bury: () => Promise.resolve(),
    leaseMs,
    pollMs: 20,
    senders: {
      'workflow.start': later,
      'workflow.signal': later,
      'workflow.update': later,
      mail: only(mail),
      'channel.tracking': only(tracking),
      webhook: only(async (message) => {
        await post(message);
        return die();
      }),
    },
  });
}

main(JSON.parse(process.argv[2] as string) as DispatcherOrders);
