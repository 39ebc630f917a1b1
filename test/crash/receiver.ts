/**
 * The merchant's own server, which takes the webhooks of its orders: it verifies each as a Standard
 * Webhook, remembers it by its id as such receivers do, and now and then hangs up after it has taken one
 * for the first time, so that the engine must send it again.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { seededRandom } from '../../simulators/fault-knobs';

/** Often enough to happen in every run, rarely enough not to pause the lane for long. */
const HANG_UP_SHARE = 0.05;

export interface Received {
  readonly id: string;
  /** Event and what it is about: two of them are one fact. */
  readonly fact: string;
}

export interface Receiver {
  readonly url: string;
  readonly host: string;
  readonly secret: string;
  /** Every delivery, repeated ones too. */
  readonly deliveries: readonly Received[];
  /** Deliveries whose signature did not fit. */
  refused(): number;
  close(): Promise<void>;
}

export async function startReceiver(seed: number): Promise<Receiver> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const webhook = new Webhook(secret);
  const random = seededRandom(seed);
  const deliveries: Received[] = [];
  let refused = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      try {
        webhook.verify(body, request.headers as Record<string, string>);
      } catch {
        refused += 1;
        response.writeHead(401).end();
        return;
      }
      const { type, data } = JSON.parse(body) as { type: string; data: Record<string, unknown> };
      const id = String(request.headers['webhook-id']);
      const isNew = deliveries.every((each) => each.id !== id);
      deliveries.push({ id, fact: `${type} ${String(data['fulfilmentOrderId'])}` });
      // Once only: the second retry comes after five minutes.
      if (isNew && random() < HANG_UP_SHARE) request.socket.destroy();
      else response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}/webhooks`,
    host,
    secret,
    deliveries,
    refused: () => refused,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
