/**
 * A mail server for the demo and the tests: it takes every message by SMTP on loopback and keeps it in
 * an inbox that people and programs read over HTTP. Nothing is ever passed on. It recognises a message
 * by its Message-ID as mail readers do: the second delivery of the same one is counted, not listed
 * again, and the journal holds both. The fault knobs are those of every simulator, on
 * `{ method: 'SMTP', path: '/smtp', operation: 'rcpt' | 'data' }`: `rate_limit` is a temporary refusal
 * (450 at RCPT, 452 at DATA), `server_error` a permanent one (550, 554), and with `connection_reset` the
 * server hangs up; these strike before the message is taken. `success_then_timeout` (silence) and
 * `malformed_body` (hanging up) strike after. A recipient whose name begins with "refused" does not
 * exist, knob or not.
 */
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import { CALL_FAULTS, type FaultRule } from '../fault-knobs';
import {
  createSimulatorServer,
  LISTEN_HOST,
  type Simulator,
  type SimulatorContext,
} from '../simulator-server';
import { inboxRoutes } from './inbox';
import { readMessage } from './read-message';
import type { StoredMail } from './stored-mail';

/** Longer than a sender's patience (30 s by default): it is the sender who has to give up. */
const SILENCE_MS = 60_000;
const DEFAULT_LATENCY_MS = 1_000;
/** Our messages are a few kilobytes; this keeps a mistake from filling the memory. */
const LARGEST_MESSAGE_BYTES = 2 * 1024 * 1024;

export interface MailSimulatorOptions {
  /** Of the inbox; 0 or absent: a free one. */
  readonly port?: number;
  readonly smtpPort?: number;
  readonly stateFile?: string;
  readonly clock?: () => Date;
}

export interface MailSimulator extends Simulator {
  readonly smtpPort: number;
  /** For a mail sender: `smtp://127.0.0.1:port`. */
  readonly smtpUrl: string;
  inbox(): readonly StoredMail[];
}

/** @throws the listen error when a port is taken. */
export async function startMailSimulator(options: MailSimulatorOptions = {}): Promise<MailSimulator> {
  const { smtpPort: wantedPort = 0, ...server } = options;
  let smtp: SMTPServer | undefined;
  const simulator = await createSimulatorServer({
    name: 'mail',
    ...server,
    routes: inboxRoutes,
    onClose: () => closeSmtp(smtp),
  });
  try {
    const sockets = new Map<number, Socket>();
    smtp = smtpServer(simulator, (session) => sockets.get(session.remotePort)?.resetAndDestroy());
    const smtpPort = await listen(smtp, wantedPort, sockets);
    return {
      ...simulator,
      smtpPort,
      smtpUrl: `smtp://127.0.0.1:${smtpPort}`,
      inbox: () => simulator.memory.list<StoredMail>('mail'),
    };
  } catch (error) {
    await simulator.close();
    throw error;
  }
}

function listen(smtp: SMTPServer, wanted: number, sockets: Map<number, Socket>): Promise<number> {
  return new Promise((resolve, reject) => {
    smtp.once('error', reject);
    const server = smtp.listen(wanted, LISTEN_HOST, () => {
      smtp.off('error', reject);
      // A client that hangs up in mid-sentence is its own affair.
      smtp.on('error', () => undefined);
      resolve((server.address() as AddressInfo).port);
    });
    server.on('connection', (socket: Socket) => {
      const port = socket.remotePort as number;
      sockets.set(port, socket);
      socket.once('close', () => sockets.delete(port));
    });
  });
}

function closeSmtp(smtp: SMTPServer | undefined): Promise<void> {
  return new Promise((resolve) => (smtp === undefined ? resolve() : smtp.close(() => resolve())));
}

type HangUp = (session: SMTPServerSession) => void;

function smtpServer(context: SimulatorContext, hangUp: HangUp): SMTPServer {
  return new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    size: LARGEST_MESSAGE_BYTES,
    socketTimeout: SILENCE_MS,
    // A message in flight when the simulator stops gets no answer: that is what a crash looks like.
    closeTimeout: 100,
    onAuth: (_auth, _session, done) => done(null, { user: 'demo' }),
    onRcptTo: (address, session, done) => {
      if (/^refused/i.test(address.address)) return done(refusal(550, 'no such mailbox'));
      meetFault(context, 'rcpt', { refuse: done, hangUp: () => hangUp(session), proceed: () => done() });
    },
    onData: (stream, session, done) => {
      void readAll(stream).then((source) => {
        if (stream.sizeExceeded) return done(refusal(552, 'message too large'));
        const proceed = (fault: FaultRule | undefined) => {
          store(context, source);
          if (fault?.kind === 'success_then_timeout') return;
          if (fault?.kind === 'malformed_body') return hangUp(session);
          done(null, 'kept in the inbox');
        };
        meetFault(context, 'data', { refuse: done, hangUp: () => hangUp(session), proceed });
      }, done);
    },
  });
}

async function readAll(stream: SMTPServerDataStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface Endings {
  readonly refuse: (error: Error) => void;
  readonly hangUp: () => void;
  /** The message is taken; the fault, if any, concerns only the answer. */
  readonly proceed: (fault: FaultRule | undefined) => void;
}

function meetFault({ faults }: SimulatorContext, stage: 'rcpt' | 'data', endings: Endings): void {
  const struck = faults.strike(CALL_FAULTS, { method: 'SMTP', path: '/smtp', operation: stage });
  const delayMs = struck
    .filter(({ kind }) => kind === 'latency')
    .reduce((sum, { latencyMs }) => sum + (latencyMs ?? DEFAULT_LATENCY_MS), 0);
  const fault = struck.find(({ kind }) => kind !== 'latency');
  const meet = () => {
    switch (fault?.kind) {
      case 'rate_limit':
        return endings.refuse(refusal(stage === 'rcpt' ? 450 : 452, 'try again later'));
      case 'server_error':
        return endings.refuse(refusal(stage === 'rcpt' ? 550 : 554, 'refused for good'));
      case 'connection_reset':
        return endings.hangUp();
      default:
        return endings.proceed(fault);
    }
  };
  if (delayMs === 0) meet();
  else setTimeout(meet, delayMs).unref();
}

function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

function store({ memory, journal, clock }: SimulatorContext, source: Buffer): void {
  const read = readMessage(source);
  // A message without an id can't be recognised again: each delivery of it is a message of its own.
  const messageId = read.messageId ?? `<no-id-${memory.count('mail') + 1}@mail.simulator>`;
  const known = memory.get<StoredMail>('mail', messageId);
  const mail: StoredMail =
    known === undefined
      ? {
          ...read,
          number: memory.count('mail') + 1,
          messageId,
          receivedAt: clock().toISOString(),
          deliveries: 1,
        }
      : { ...known, deliveries: known.deliveries + 1 };
  memory.put('mail', messageId, mail);
  journal.record('mail_received', { messageId, number: mail.number, deliveries: mail.deliveries });
}
