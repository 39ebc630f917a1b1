/**
 * Mail by SMTP, one connection a message. The same `Mail.id` always becomes the same Message-ID, so a
 * message that is sent twice can be recognised by whoever receives it; SMTP itself recognises nothing.
 * Nodemailer composes the message and speaks the protocol; we use its connection instead of its
 * transport, for only the connection tells whether the message had been handed over when it broke off.
 * Before that nothing was sent (PartnerUnavailable); after it, without the server's answer, it may have
 * been (PartnerOutcomeUnknown), and sending again with the same id is the only way on. A 4xx means
 * later (RFC 5321, 4.2.1), a 5xx never. Failures name codes, not addresses.
 */
import { Readable } from 'node:stream';
import addressParser from 'nodemailer/lib/addressparser';
import MailComposer from 'nodemailer/lib/mail-composer';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { Failure } from '../../domain/failure-types';
import type { Mail, MailSender } from './port';

/**
 * Servers that scan before they accept take some seconds; RFC 5321 (4.5.3.2.6) would wait ten minutes
 * for the last answer, but the sender's lease is shorter, and the stable Message-ID makes a repetition
 * harmless.
 */
const DEFAULT_TIMEOUT_MS = 30_000;

export interface MailSenderOptions {
  /** `smtp://user:password@host:587` (STARTTLS where offered, required with a password) or `smtps://…:465`. */
  readonly url: string;
  /** Milliseconds for one message, from connecting to the server's last answer. */
  readonly timeoutMs?: number;
}

/** @throws Failure InvalidInput when the URL is none of SMTP. */
export function createMailSender(options: MailSenderOptions): MailSender {
  const server = readSmtpUrl(options.url);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return {
    /**
     * @throws Failure InvalidInput, PartnerUnavailable, PartnerUnauthorised, PartnerRejected,
     * PartnerOutcomeUnknown.
     */
    async send(mail) {
      const from = oneAddress(mail.from, 'from');
      const to = oneAddress(mail.to, 'to');
      const messageId = messageIdOf(mail.id, from);
      const bytes = await compose(mail, messageId);
      await deliver(server, { from, to, bytes, timeoutMs });
      return { messageId };
    },
  };
}

/**
 * The Message-ID of a mail: its id on the left, the sender's domain on the right. Whatever a
 * dot-atom (RFC 5322, 3.2.3) has no place for is written as `=` and hexadecimal digits, so that
 * different ids stay different.
 */
export function messageIdOf(id: string, fromAddress: string): string {
  if (id === '' || id.length > 200) throw new Failure('InvalidInput', 'a mail id has 1 to 200 characters');
  const left = [...Buffer.from(id, 'utf8')]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return /[A-Za-z0-9_-]/.test(letter) ? letter : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
  return `<${left}@${fromAddress.slice(fromAddress.lastIndexOf('@') + 1)}>`;
}

interface SmtpServer {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly credentials: { readonly user: string; readonly pass: string } | null;
}

function readSmtpUrl(text: string): SmtpServer {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '') {
    // The text may hold a password, so it is not repeated.
    throw new Failure(
      'InvalidInput',
      'not an SMTP address: smtp://host:port or smtps://host:port is expected',
    );
  }
  const secure = url.protocol === 'smtps:';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    credentials:
      url.username === ''
        ? null
        : { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
  };
}

function oneAddress(text: string, field: string): string {
  const [first, ...others] = addressParser(text, { flatten: true });
  const address = first?.address ?? '';
  if (others.length > 0 || !/^[^\s@<>]+@[^\s@<>]+$/.test(address)) {
    throw new Failure('InvalidInput', `${field} has to be one mail address`);
  }
  return address;
}

function compose(mail: Mail, messageId: string): Promise<Buffer> {
  const message = new MailComposer({
    messageId,
    from: mail.from,
    to: mail.to,
    subject: mail.subject,
    text: mail.text,
    ...(mail.html === undefined ? {} : { html: mail.html }),
    // What we write is text; nothing in it may name a file or an address to be fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  return message.build();
}

interface Delivery {
  readonly from: string;
  readonly to: string;
  readonly bytes: Buffer;
  readonly timeoutMs: number;
}

async function deliver(server: SmtpServer, delivery: Delivery): Promise<void> {
  const connection = new SMTPConnection({
    host: server.host,
    port: server.port,
    secure: server.secure,
    // A password never crosses an open line, unless the server is this machine.
    requireTLS: server.credentials !== null && !isLoopback(server.host),
    // Longer than the deadline below, which is the one that ends a delivery.
    connectionTimeout: delivery.timeoutMs * 2,
    greetingTimeout: delivery.timeoutMs * 2,
    socketTimeout: delivery.timeoutMs * 2,
  });
  // The connection asks for the message only after the server's "354, go on".
  let handedOver = false;
  const message = new Readable({
    read() {
      handedOver = true;
      this.push(delivery.bytes);
      this.push(null);
    },
  });
  const talk = async () => {
    await step((done) => connection.connect(done));
    const { credentials } = server;
    if (credentials !== null) await step((done) => connection.login({ credentials }, done));
    const envelope = { from: delivery.from, to: [delivery.to] };
    await step((done) => connection.send(envelope, message, done));
  };
  let timer: NodeJS.Timeout | undefined;
  const broken = new Promise<never>((_resolve, reject) => {
    connection.once('error', reject);
    timer = setTimeout(() => reject(new Error('timeout')), delivery.timeoutMs);
  });
  try {
    await Promise.race([talk(), broken]);
  } catch (error) {
    throw failureOf(error, handedOver);
  } finally {
    clearTimeout(timer);
    // After an error the connection may report another one while it closes; nobody needs it.
    connection.on('error', () => undefined);
    connection.close();
  }
}

function step(act: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => act((error) => (error ? reject(error) : resolve())));
}

function failureOf(error: unknown, handedOver: boolean): Failure {
  const { responseCode, code, command } = error as {
    responseCode?: number;
    code?: string;
    command?: string;
  };
  const details = { responseCode: responseCode ?? null, code: code ?? null, command: command ?? null };
  if (responseCode === undefined || responseCode < 400) {
    if (code === 'EAUTH')
      return new Failure('PartnerUnauthorised', 'the mail server has no login we know', details);
    return handedOver
      ? new Failure('PartnerOutcomeUnknown', 'the mail server took the message and did not answer', details)
      : new Failure('PartnerUnavailable', 'the mail server could not be reached or broke off', details);
  }
  // Before the envelope a refusal is about the server or us, and the next attempt may meet a better day.
  if (responseCode < 500 || command === 'CONN') {
    return new Failure('PartnerUnavailable', `the mail server refused for now (${responseCode})`, details);
  }
  if (code === 'EAUTH')
    return new Failure('PartnerUnauthorised', 'the mail server refused our login', details);
  return new Failure('PartnerRejected', `the mail server refused for good (${responseCode})`, details);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}
