/**
 * The shop's webhooks, as Shopify delivers them: HMAC-SHA256 of the raw body in base64, an id of the
 * delivery that stays over its retries, an id of the event that its topics share, five seconds to
 * answer, eight retries over four hours with the first payload. Shopify publishes the number and the
 * span, not the steps; doubling is assumed. `retryScale` shrinks the span for demos and tests.
 * Source: Shopify, "About webhooks" and the change of 10 September 2024 to the retry mechanism.
 */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { SimulatorContext } from '../simulator-server';
import { createWebhookSender } from '../webhook-sender';
import { type RestOrder, restJson } from './rest-shapes';
import type { InventoryLevel } from './shop';
import { DUPLICATE_WEBHOOK_TAG } from './shop-input';

export const API_VERSION = '2026-10';
const ANSWER_WITHIN_MS = 5_000;
const RETRIES = 8;
const RETRY_SPAN_MS = 4 * 60 * 60 * 1000;

export const webhookTargetSchema = z.strictObject({
  url: z.url(),
  secret: z.string().min(1),
  topics: z.array(z.string()).default(['orders/create', 'orders/updated', 'orders/paid', 'orders/cancelled']),
  /** 1 is Shopify's own pace, 0.001 spans 14.4 seconds. */
  retryScale: z.number().positive().max(1).default(1),
});
export type WebhookTarget = z.output<typeof webhookTargetSchema>;

const INVENTORY_TOPIC = 'inventory_levels/update';

interface News {
  readonly body: string;
  /** What the journal says it was about. */
  readonly about: Readonly<Record<string, unknown>>;
  readonly twice?: boolean;
}

/** 1, 2, 4, … 128 parts of the span, 255 in all. */
export function retryDelaysMs(scale: number): number[] {
  const unit = (RETRY_SPAN_MS * scale) / (2 ** RETRIES - 1);
  return Array.from({ length: RETRIES }, (_, index) => unit * 2 ** index);
}

export function createShopWebhooks({ faults, journal, memory, clock }: SimulatorContext, shopDomain: string) {
  const target = () => memory.get<WebhookTarget>('config', 'webhook');
  const sender = createWebhookSender({
    faults,
    journal,
    timeoutMs: ANSWER_WITHIN_MS,
    retryDelaysMs: () => retryDelaysMs(target()?.retryScale ?? 1),
  });

  const send = (to: WebhookTarget, topic: string, news: News, eventId: string) => {
    const { body, about, twice = false } = news;
    const id = randomUUID();
    const triggeredAt = clock().toISOString();
    sender.send({
      id,
      topic,
      url: to.url,
      body,
      about,
      twice,
      headers: (forged) => ({
        'X-Shopify-Topic': topic,
        'X-Shopify-Hmac-Sha256': createHmac('sha256', forged ? randomBytes(32) : to.secret)
          .update(body)
          .digest('base64'),
        'X-Shopify-Shop-Domain': shopDomain,
        'X-Shopify-API-Version': API_VERSION,
        'X-Shopify-Webhook-Id': forged ? randomUUID() : id,
        'X-Shopify-Event-Id': eventId,
        'X-Shopify-Triggered-At': triggeredAt,
      }),
    });
  };

  return {
    setTarget: (to: WebhookTarget) => void memory.put('config', 'webhook', to),
    target,
    /** Tells everybody who subscribed to one of the topics of this change. */
    announce(topics: readonly string[], order: RestOrder): void {
      const to = target();
      if (to === undefined) return;
      const eventId = randomUUID();
      const body = restJson(order);
      for (const topic of topics) {
        const twice = topic === 'orders/create' && order.tags.includes(DUPLICATE_WEBHOOK_TAG);
        if (to.topics.includes(topic))
          send(to, topic, { body, about: { orderId: order.id }, twice }, eventId);
      }
    },
    /** Tells that what is available of an item changed, whoever changed it. */
    announceLevel({ inventoryItemId, locationId, available }: InventoryLevel): void {
      const to = target();
      if (to === undefined || !to.topics.includes(INVENTORY_TOPIC)) return;
      const news = {
        inventory_item_id: inventoryItemId,
        location_id: locationId,
        available,
        updated_at: clock().toISOString(),
      };
      send(to, INVENTORY_TOPIC, { body: restJson(news), about: { inventoryItemId } }, randomUUID());
    },
    idle: () => sender.idle(),
    close: () => sender.close(),
  };
}
