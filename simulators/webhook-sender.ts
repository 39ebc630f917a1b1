/**
 * How a simulated partner sends its webhooks: at once, unordered, again on every answer but 2xx after
 * the partner's own delays, and given up after the last. The webhook faults strike here: `lose` never
 * sends, `duplicate` sends twice with the same id, `reorder` holds one back so that later ones overtake
 * it, `forge` adds a copy under a false signature, whose acceptance the journal would show. Deliveries
 * waiting for a retry are not remembered across a restart: for the receiver they are lost webhooks,
 * which it must find by asking.
 */
import { Agent, request } from 'undici';
import type { FaultKnobs, WebhookFaultKind } from './fault-knobs';
import type { Journal } from './simulator-server';

export interface WebhookDelivery {
  /** Stays the same over all attempts and duplicates. */
  readonly id: string;
  readonly topic: string;
  readonly url: string;
  readonly body: string;
  /** Headers of one attempt; `forged` asks for a signature by somebody without the secret. */
  readonly headers: (forged: boolean) => Readonly<Record<string, string>>;
  /** What the journal shall say about it. */
  readonly about: Readonly<Record<string, unknown>>;
  /** A delivery that is to arrive twice whatever the knobs say. */
  readonly twice?: boolean;
}

export interface WebhookSenderOptions {
  readonly faults: FaultKnobs;
  readonly journal: Journal;
  /** Milliseconds before each retry; its length is how often it is retried. */
  readonly retryDelaysMs: () => readonly number[];
  /** Milliseconds the receiver has to answer. */
  readonly timeoutMs: number;
}

export interface WebhookSender {
  send(delivery: WebhookDelivery): void;
  /** Resolves when nothing is on its way and nothing waits for a retry. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** As many as a large shop sends to one app at once; more wait their turn, outside their time-out. */
const IN_FLIGHT = 50;
const HELD_BACK_MS = 2_000;

export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const { faults, journal } = options;
  const post = createPoster(options.timeoutMs);
  const pauses = createPauses();
  const running = new Set<Promise<void>>();
  let closed = false;

  const aboutOf = ({ id, topic, about }: WebhookDelivery) => ({ webhookId: id, topic, ...about });

  const deliver = async (delivery: WebhookDelivery): Promise<void> => {
    const delays = options.retryDelaysMs();
    for (let attempt = 1; !closed; attempt += 1) {
      const about = { ...aboutOf(delivery), attempt };
      if (await post.accepted(delivery, false)) return journal.record('webhook_delivered', about);
      const delayMs = delays[attempt - 1];
      if (delayMs === undefined) return journal.record('webhook_given_up', about);
      if (!closed) await pauses.wait(delayMs);
    }
  };

  const forge = async (delivery: WebhookDelivery): Promise<void> => {
    const believed = await post.accepted(delivery, true);
    if (closed) return;
    journal.record(believed ? 'forged_webhook_accepted' : 'forged_webhook_refused', aboutOf(delivery));
  };

  const track = (work: Promise<void>) => {
    running.add(work);
    void work.finally(() => running.delete(work));
  };

  return {
    send(delivery) {
      const subject = { method: 'POST', path: new URL(delivery.url).pathname, operation: delivery.topic };
      const struck = (kind: WebhookFaultKind) => faults.strike([kind], subject)[0];
      if (struck('forge_signature')) track(forge(delivery));
      if (struck('lose_webhook')) return journal.record('webhook_lost', aboutOf(delivery));
      const held = struck('reorder_webhooks');
      const copies = struck('duplicate_webhook') || delivery.twice ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1) {
        const ready = held ? pauses.wait(held.latencyMs ?? HELD_BACK_MS) : Promise.resolve();
        track(ready.then(() => deliver(delivery)));
      }
    },
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
    async close() {
      closed = true;
      pauses.end();
      await Promise.all(running);
      await post.close();
    },
  };
}

/** Sends single attempts, a bounded number at a time. */
function createPoster(timeoutMs: number) {
  const agent = new Agent({ connections: IN_FLIGHT, connect: { timeout: timeoutMs } });
  const waiting: (() => void)[] = [];
  let inFlight = 0;

  const exchange = async (delivery: WebhookDelivery, forged: boolean): Promise<boolean> => {
    try {
      const answer = await request(delivery.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...delivery.headers(forged) },
        body: delivery.body,
        dispatcher: agent,
        signal: AbortSignal.timeout(timeoutMs),
      });
      await answer.body.dump();
      return answer.statusCode >= 200 && answer.statusCode < 300;
    } catch {
      return false;
    }
  };

  return {
    /** Whether the receiver answered 2xx in time. */
    async accepted(delivery: WebhookDelivery, forged: boolean): Promise<boolean> {
      if (inFlight >= IN_FLIGHT) await new Promise<void>((resolve) => waiting.push(resolve));
      inFlight += 1;
      try {
        return await exchange(delivery, forged);
      } finally {
        inFlight -= 1;
        waiting.shift()?.();
      }
    },
    close: () => agent.close(),
  };
}

/** Timers that a stop ends early instead of waiting for them. */
function createPauses() {
  const timers = new Map<NodeJS.Timeout, () => void>();
  return {
    wait: (ms: number) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          timers.delete(timer);
          resolve();
        }, ms);
        timers.set(timer, resolve);
      }),
    end() {
      for (const [timer, wake] of timers) {
        clearTimeout(timer);
        wake();
      }
      timers.clear();
    },
  };
}
