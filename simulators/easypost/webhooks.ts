/**
 * The account's webhooks: registered over the API, told of trackers and refunds, signed the way
 * EasyPost signs. This is written without a look at the engine's own verification, so that each proves
 * the other.
 */
import { createHmac } from 'node:crypto';
import type { Express, Request, Response } from 'express';
import { createWebhookSender, type WebhookSender } from '../webhook-sender';
import { missing, notFound } from './errors';
import type { WebhookRecord } from './records';
import { type Core, newId } from './state';
import { webhookView } from './views';

/** EasyPost waits seven seconds for an answer and tries again for some days; a demo has less patience. */
const ANSWER_TIMEOUT_MS = 7_000;
export const RETRY_DELAYS_MS: readonly number[] = [1_000, 5_000, 15_000, 60_000, 300_000, 900_000];

export interface Webhooks {
  readonly sender: WebhookSender;
  register(url: string, secret: string | null): WebhookRecord;
  tell(topic: string, result: Readonly<Record<string, unknown>>, previous?: object): void;
}

export function createWebhooks(core: Core, retryDelaysMs: readonly number[]): Webhooks {
  const sender = createWebhookSender({
    faults: core.faults,
    journal: core.journal,
    retryDelaysMs: () => retryDelaysMs,
    timeoutMs: ANSWER_TIMEOUT_MS,
  });
  return {
    sender,
    register(url, secret) {
      const known = core.all('webhook').find((webhook) => webhook.url === url);
      const id = known?.id ?? newId('hook');
      return core.save('webhook', { id, at: core.now(), url, secret, customHeaders: [] });
    },
    tell(topic, result, previous = {}) {
      const now = core.now();
      const id = newId('evt');
      for (const webhook of core.all('webhook')) {
        const body = JSON.stringify({
          description: topic,
          mode: 'test',
          previous_attributes: previous,
          created_at: now,
          pending_urls: [webhook.url],
          completed_urls: [],
          updated_at: now,
          id,
          user_id: 'user_demo',
          status: 'pending',
          object: 'Event',
          result,
        });
        sender.send({
          id,
          topic,
          url: webhook.url,
          body,
          headers: (forged) => signedHeaders(webhook, body, forged),
          about: { objectId: result['id'], status: result['status'], trackingCode: result['tracking_code'] },
        });
      }
    },
  };
}

function signedHeaders(webhook: WebhookRecord, body: string, forged: boolean): Record<string, string> {
  const custom = Object.fromEntries(webhook.customHeaders.map(({ name, value }) => [name, value]));
  if (webhook.secret === null) return custom;
  const key = (forged ? `not ${webhook.secret}` : webhook.secret).normalize('NFKD');
  const digest = createHmac('sha256', key).update(body, 'utf8').digest('hex');
  return { ...custom, 'X-Hmac-Signature': `hmac-sha256-hex=${digest}` };
}

export function webhookRoutes(app: Express, core: Core): void {
  app.post('/v2/webhooks', (req, res) => {
    const given = req.body?.webhook ?? {};
    if (typeof given.url !== 'string' || !URL.canParse(given.url)) return missing(res, 'url');
    const webhook: WebhookRecord = {
      id: newId('hook'),
      at: core.now(),
      url: given.url,
      secret: typeof given.webhook_secret === 'string' ? given.webhook_secret : null,
      customHeaders: Array.isArray(given.custom_headers) ? given.custom_headers : [],
    };
    res.status(201).json(webhookView(core.save('webhook', webhook)));
  });

  app.get('/v2/webhooks', (_req, res) => void res.json({ webhooks: core.all('webhook').map(webhookView) }));

  app.get('/v2/webhooks/:id', (req, res) =>
    withWebhook(req, res, (webhook) => void res.json(webhookView(webhook))),
  );

  app.patch('/v2/webhooks/:id', (req, res) =>
    withWebhook(req, res, (webhook) => {
      const { webhook_secret: secret, custom_headers: customHeaders } = req.body;
      const changed = {
        ...webhook,
        ...(typeof secret === 'string' ? { secret } : {}),
        ...(Array.isArray(customHeaders) ? { customHeaders } : {}),
      };
      res.status(201).json(webhookView(core.save('webhook', changed)));
    }),
  );

  app.delete('/v2/webhooks/:id', (req, res) =>
    withWebhook(req, res, (webhook) => {
      core.remove('webhook', webhook.id);
      res.json({});
    }),
  );

  function withWebhook(req: Request, res: Response, act: (webhook: WebhookRecord) => void): void {
    const webhook = core.find('webhook', String(req.params['id']));
    if (webhook === undefined) notFound(res);
    else act(webhook);
  }
}
