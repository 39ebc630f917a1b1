/** The mail sender against the mail simulator, over real SMTP. */
import { createServer, type Server, type Socket } from 'node:net';
import { createMailSender, messageIdOf } from '../../../connectors/messaging/mail';
import type { Mail } from '../../../connectors/messaging/port';
import { isFailure } from '../../../domain/failure-types';
import { type MailSimulator, startMailSimulator } from '../../../simulators/mail';

const mail: Mail = {
  id: 'notification:0192:shipped',
  from: 'Demo Shop <orders@shop.example>',
  to: 'Demo Recipient <recipient@customer.example>',
  subject: 'Ihre Bestellung ist unterwegs – Größe L, 東京',
  text: 'Grüße aus dem Lager.\n.\n.. = 100 % unterwegs\n',
  html: '<p>Grüße &amp; <b>mehr</b></p>',
};

let simulator: MailSimulator;
beforeAll(async () => {
  simulator = await startMailSimulator();
});
afterAll(() => simulator.close());
afterEach(() => simulator.faults.clear());

function sender(timeoutMs = 5_000) {
  return createMailSender({ url: simulator.smtpUrl, timeoutMs });
}

async function failureTypeOf(sending: Promise<unknown>): Promise<string> {
  try {
    await sending;
    return 'none';
  } catch (error) {
    if (!isFailure(error)) throw error;
    return error.type;
  }
}

let seq = 0;
const fresh = (): Mail => ({ ...mail, id: `notification:fresh-${++seq}` });
const received = (messageId: string) =>
  simulator.journal.facts('mail_received').filter(({ fact }) => fact['messageId'] === messageId).length;

describe('the mail sender', () => {
  test('delivers every letter of subject, text and HTML, under the id of the mail', async () => {
    const { messageId } = await sender().send(mail);
    expect(messageId).toBe('<notification=3A0192=3Ashipped@shop.example>');
    const answer = await fetch(`${simulator.url}/inbox?messageId=${encodeURIComponent(messageId)}`);
    const { mails } = (await answer.json()) as { mails: Record<string, unknown>[] };
    expect(mails).toHaveLength(1);
    expect(mails[0]).toMatchObject({
      messageId,
      to: 'Demo Recipient <recipient@customer.example>',
      subject: mail.subject,
      html: mail.html,
      deliveries: 1,
    });
    expect(String(mails[0]?.['text']).replace(/\r\n/g, '\n')).toBe(mail.text);
  });

  test('gives the same message id to the same mail, and different ids to different ones', async () => {
    const again = fresh();
    const first = await sender().send(again);
    const second = await sender().send(again);
    expect(second.messageId).toBe(first.messageId);
    const ids = ['a:b', 'a=3Ab', 'a.b', 'a b', 'a@b', 'ä', 'a', 'A'];
    expect(new Set(ids.map((id) => messageIdOf(id, 'x@y.example'))).size).toBe(ids.length);
    const inbox = simulator.inbox().filter(({ messageId }) => messageId === first.messageId);
    expect(inbox).toMatchObject([{ deliveries: 2 }]);
  });

  test.each([
    [
      'a temporary refusal of the recipient',
      { kind: 'rate_limit', operation: 'rcpt' },
      'PartnerUnavailable',
      0,
    ],
    [
      'a temporary refusal of the message',
      { kind: 'rate_limit', operation: 'data' },
      'PartnerUnavailable',
      0,
    ],
    [
      'a permanent refusal of the recipient',
      { kind: 'server_error', operation: 'rcpt' },
      'PartnerRejected',
      0,
    ],
    ['a permanent refusal of the message', { kind: 'server_error', operation: 'data' }, 'PartnerRejected', 0],
    ['a break before the message', { kind: 'connection_reset', operation: 'rcpt' }, 'PartnerUnavailable', 0],
    ['a break after the message', { kind: 'malformed_body', operation: 'data' }, 'PartnerOutcomeUnknown', 1],
    [
      'silence after the message',
      { kind: 'success_then_timeout', operation: 'data' },
      'PartnerOutcomeUnknown',
      1,
    ],
    ['silence before the message', { kind: 'latency', operation: 'rcpt' }, 'PartnerUnavailable', 0],
  ] as const)('reports %s as what it is', async (_name, { kind, operation }, type, deliveries) => {
    simulator.faults.set([{ kind, match: { operation }, times: 1, latencyMs: 60_000 }]);
    const once = fresh();
    await expect(failureTypeOf(sender(1_500).send(once))).resolves.toBe(type);
    expect(simulator.faults.list()).toMatchObject([{ struck: 1 }]);
    const messageId = messageIdOf(once.id, 'orders@shop.example');
    expect(received(messageId)).toBe(deliveries);
    await sender().send(once);
    const inbox = simulator.inbox().filter((entry) => entry.messageId === messageId);
    expect(inbox).toMatchObject([{ deliveries: deliveries + 1 }]);
  });

  test('says that nothing was sent when nobody listens', async () => {
    const gone = await startMailSimulator();
    await gone.close();
    const failure = failureTypeOf(createMailSender({ url: gone.smtpUrl, timeoutMs: 2_000 }).send(fresh()));
    await expect(failure).resolves.toBe('PartnerUnavailable');
  });

  test('keeps its deadline when a server drips a greeting that never ends', async () => {
    const sockets: Socket[] = [];
    const dripping = await listening((socket) => {
      sockets.push(socket);
      const timer = setInterval(() => socket.write('220-'), 20);
      socket.on('close', () => clearInterval(timer)).on('error', () => undefined);
    });
    const { port } = dripping.address() as { port: number };
    const before = performance.now();
    const failure = failureTypeOf(
      createMailSender({ url: `smtp://127.0.0.1:${port}`, timeoutMs: 300 }).send(fresh()),
    );
    await expect(failure).resolves.toBe('PartnerUnavailable');
    expect(performance.now() - before).toBeLessThan(2_000);
    for (const socket of sockets) socket.destroy();
    dripping.close();
  });

  test('refuses what is not one address, and never writes an address into a failure', async () => {
    await expect(failureTypeOf(sender().send({ ...fresh(), to: 'a@b.example, c@d.example' }))).resolves.toBe(
      'InvalidInput',
    );
    await expect(failureTypeOf(sender().send({ ...fresh(), to: 'nobody' }))).resolves.toBe('InvalidInput');
    expect(() => createMailSender({ url: 'http://user:secret@host' })).toThrow(/^(?!.*secret).*SMTP/);
    const refused = sender().send({ ...fresh(), to: 'refused@customer.example' });
    const failure: unknown = await refused.catch((error: unknown) => error);
    expect(isFailure(failure, 'PartnerRejected')).toBe(true);
    expect(JSON.stringify({ ...(failure as object), message: (failure as Error).message })).not.toContain(
      'customer',
    );
  });

  test('lets a subject add no header and no recipient', async () => {
    const sly = { ...fresh(), subject: 'Hello\r\nBcc: everybody@customer.example\r\n\r\nBody' };
    const { messageId } = await sender().send(sly);
    const kept = simulator.inbox().find((entry) => entry.messageId === messageId);
    expect(kept?.subject).toContain('Bcc: everybody');
    expect(kept?.to).toBe(mail.to);
    expect(kept?.text?.trim()).toBe(mail.text.trim().replace(/\n/g, '\r\n'));
  });
});

describe('the mail simulator', () => {
  test('keeps its inbox and journal over a restart', async () => {
    const { mkdtempSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    const { join } = await import('node:path');
    const stateFile = join(mkdtempSync(join(tmpdir(), 'mail-')), 'state.jsonl');
    const before = await startMailSimulator({ stateFile });
    const { messageId } = await createMailSender({ url: before.smtpUrl }).send(fresh());
    await before.close();
    const after = await startMailSimulator({ stateFile });
    expect(after.inbox()).toMatchObject([{ messageId, deliveries: 1 }]);
    expect(after.journal.facts('mail_received')).toHaveLength(1);
    await after.close();
  });

  test('shows people a page in which a message can do nothing', async () => {
    const evil = { ...fresh(), subject: '<script>alert(1)</script>', html: '"><script>alert(2)</script>' };
    await sender().send(evil);
    const number = simulator.inbox().length;
    for (const path of ['/inbox', `/inbox/${number}`]) {
      const answer = await fetch(simulator.url + path, { headers: { accept: 'text/html' } });
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(await answer.text()).not.toContain('<script>');
    }
  });
});

async function listening(onSocket: (socket: Socket) => void): Promise<Server> {
  const server = createServer(onSocket);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
