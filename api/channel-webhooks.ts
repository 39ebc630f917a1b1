/**
 * The channels that send webhooks, each with how its deliveries are verified and read; and what becomes
 * of a delivery once it is known to be genuine, now or when a person has it read again.
 */
import { DatabaseError } from 'pg';
import {
  type ChannelFact,
  type ReceiveChannelFact,
  receiveChannelFact,
} from '../commands/receive-channel-fact';
import { parseGenericWebhook, verifyGenericWebhook } from '../connectors/channels/generic/webhook';
import { parseShopifyWebhook, verifyShopifyWebhook } from '../connectors/channels/shopify/webhook';
import type { ApiDeps } from './deps';

export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

interface ChannelWebhooks {
  readonly verify: (raw: Buffer, headers: WebhookHeaders, secrets: readonly string[]) => boolean;
  readonly parse: (headers: WebhookHeaders, raw: Buffer) => ChannelFact;
  /** Headers from which a kept delivery is read like the first time. */
  readonly headersOf: (kept: { readonly topic: string; readonly eventKey: string }) => WebhookHeaders;
}

const CHANNELS: Readonly<Record<string, ChannelWebhooks>> = {
  shopify: {
    verify: verifyShopifyWebhook,
    parse: parseShopifyWebhook,
    headersOf: ({ topic, eventKey }) => ({ 'x-shopify-topic': topic, 'x-shopify-webhook-id': eventKey }),
  },
  generic: {
    verify: (raw, headers, secrets) => verifyGenericWebhook(raw, headers, secrets).valid,
    parse: parseGenericWebhook,
    headersOf: ({ eventKey }) => ({ 'webhook-id': eventKey }),
  },
};

/** Null for a kind of channel that sends none. */
export function channelWebhooks(channel: string): ChannelWebhooks | null {
  return Object.hasOwn(CHANNELS, channel) ? (CHANNELS[channel] as ChannelWebhooks) : null;
}

/** Applies a genuine delivery and starts the order that it brought. */
export async function applyChannelFact(deps: ApiDeps, requestId: string, request: ReceiveChannelFact) {
  const received = await receiveChannelFact(deps.database, request).catch((error: unknown) => {
    if (!isUnstorable(error)) throw error;
    return receiveChannelFact(deps.database, { ...request, fact: unstorable(request.fact) });
  });
  const { accepted } = received;
  if (accepted !== null && accepted.startKey !== null) {
    const { orderId, workflowId, startKey } = accepted;
    const number = request.fact.order?.externalNumber ?? null;
    const { merchantId, channel } = request;
    deps.startOrder?.({
      ...{ merchantId, orderId, workflowId, startKey, channel, number, requestId },
      test: false,
    });
  }
  return received;
}

/** A genuine message with a value that no column takes (SQLSTATE class 22) would come again for ever. */
export function isUnstorable(error: unknown): boolean {
  return error instanceof DatabaseError && error.code?.startsWith('22') === true;
}

export const UNSTORABLE = 'unstorable_value: a value in it can not be stored';

function unstorable(fact: ChannelFact): ChannelFact {
  return {
    ...fact,
    topic: withoutNul(fact.topic),
    eventId: withoutNul(fact.eventId),
    kind: 'unreadable',
    order: null,
    reason: UNSTORABLE,
  };
}

/** Text that Postgres takes: it stores no NUL. */
export function withoutNul(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}
