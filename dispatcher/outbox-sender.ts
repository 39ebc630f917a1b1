/**
 * Sends the outbox. A row is claimed under a lease, sent, and settled; a crash anywhere in between lets
 * the lease run out and the message is sent again under the same id, so receivers dedupe and nothing is
 * lost. Postgres wakes the sender by NOTIFY; a poll finds what no notice announces: retries that came
 * due, leases that ran out, and notices lost with their connection. Each kind has a sender of its own;
 * what a failure means is decided in judge-failure, how much a lane gets in lanes.
 */
import type { PoolClient } from 'pg';
import type { Database } from '../db/client';
import type { OutboxKind } from '../db/outbox.repo';
import { type ClaimedMessage, claimDue } from '../db/outbox-claim.repo';
import { Failure } from '../domain/failure-types';
import { type Logger, orderFields } from '../telemetry';
import { deliveries } from './dispatch-metrics';
import { judgeFailure } from './judge-failure';
import { Lanes } from './lanes';
import { type Loop, startLoop } from './loop';
import { RETRY_SCHEDULES, type RetrySchedule } from './retry-schedule';
import { Settler } from './settler';

/** How a delivery went; a failure is thrown instead. */
export type Sent =
  /** Taken, or rightly not sent; `note` says why not. */
  | { readonly outcome: 'sent'; readonly note?: string }
  /** The sender wrote the end itself, in the transaction of what follows from it. */
  | { readonly outcome: 'settled' }
  /** Not its turn yet: comes again without counting as an attempt. */
  | { readonly outcome: 'later'; readonly delayMs: number; readonly note: string };

export type Sender = (message: ClaimedMessage) => Promise<Sent>;

export interface OutboxSenderOptions {
  readonly database: Database;
  readonly senders: Readonly<Record<OutboxKind, Sender>>;
  /** Writes the end of a message that won't be tried again, with its exception. */
  readonly bury: (message: ClaimedMessage, note: string) => Promise<void>;
  readonly log: Logger;
  readonly schedules?: Readonly<Partial<Record<OutboxKind, RetrySchedule>>>;
  readonly pollMs?: number;
  readonly leaseMs?: number;
  readonly lanePauseMs?: number;
}

/**
 * Longer than the longest send: Shopify's takes up to six exchanges of 10 s, a mail 30 s. A message whose
 * sender was killed waits this long, and a message of a living one is never sent by two at once.
 */
const LEASE_MS = 90_000;
/**
 * Twice the longest send to Temporal (10 s, an update). Orders start and go on by these messages, so one
 * that a killed dispatcher held should not wait as long as a mail may take.
 */
const WORKFLOW_LEASE_MS = 20_000;
/** A retry or an expired lease is found this late at most; a claim that finds nothing costs about 1 ms. */
const POLL_MS = 500;
/** A burst of notices is one claim: at most 50 a second, at the price of 20 ms. */
const MIN_GAP_MS = 20;
/** In all lanes together: each holds a socket and some memory. */
const MAX_IN_FLIGHT = 200;
/** Temporal takes a message in about 10 ms; more at once only queue there. */
const WORKFLOW_LANE_LIMIT = 32;
/** What a small shop's or merchant's server stands; Shopify's limits allow some four calls at once. */
const LANE_LIMIT = 4;
/** Every merchant's mails share one server, which takes some 0.3 s for each: thirty a second. */
const MAIL_LANE_LIMIT = 10;
/** Where it differs from the limit of all other lanes. */
const LANE_LIMITS: Readonly<Record<string, number>> = { '': WORKFLOW_LANE_LIMIT, mail: MAIL_LANE_LIMIT };
const LANE_PAUSE_MS = 1_000;
/** A receiver that is back is noticed within a minute. */
const LONGEST_LANE_PAUSE_MS = 60_000;
/** Temporal is ours and answers a probe in milliseconds: orders go on as soon as it is back. */
const LONGEST_WORKFLOW_PAUSE_MS = 2_000;
/** After a lost LISTEN connection; polling goes on meanwhile. */
const RECONNECT_MS = 1_000;

export interface OutboxSender {
  /** Looks for due messages at once. */
  wake(): void;
  /** Stops claiming, lets what is under way end, and writes how it ended. */
  close(): Promise<void>;
}

export function startOutboxSender(options: OutboxSenderOptions): OutboxSender {
  const { database, log } = options;
  const lanes = new Lanes({
    limitOf: (lane) => LANE_LIMITS[lane] ?? LANE_LIMIT,
    firstPauseMs: options.lanePauseMs ?? LANE_PAUSE_MS,
    longestPauseOf: (lane) => (lane === '' ? LONGEST_WORKFLOW_PAUSE_MS : LONGEST_LANE_PAUSE_MS),
  });
  const settler = new Settler(database, log);
  const underWay = new Set<Promise<void>>();
  let claimedAt = 0;

  const round = async (): Promise<boolean> => {
    const gap = claimedAt + MIN_GAP_MS - performance.now();
    if (gap > 0) await new Promise((resolve) => setTimeout(resolve, gap));
    const limit = MAX_IN_FLIGHT - lanes.inFlight;
    if (limit <= 0) return false;
    claimedAt = performance.now();
    const messages = await database.withSystem((tx) =>
      claimDue(tx, {
        limit,
        perLane: LANE_LIMIT,
        free: { ...LANE_LIMITS, ...lanes.free() },
        leaseMs: options.leaseMs ?? LEASE_MS,
        ...(options.leaseMs === undefined ? { leaseMsOf: { '': WORKFLOW_LEASE_MS } } : {}),
      }),
    );
    for (const message of messages) {
      lanes.began(message.lane);
      const delivery = deliver(options, { lanes, settler }, message).finally(() => {
        underWay.delete(delivery);
        // Its place in the lane is free for the next one.
        loop.wake();
      });
      underWay.add(delivery);
    }
    return false;
  };

  const loop: Loop = startLoop({ name: 'outbox', intervalMs: options.pollMs ?? POLL_MS, round, log });
  const listener = listen(database, log, () => loop.wake());
  return {
    wake: () => loop.wake(),
    async close() {
      await listener.close();
      await loop.close();
      while (underWay.size > 0) await Promise.all(underWay);
      await settler.idle();
    },
  };
}

/** Sends one message and writes its end. Never rejects. */
async function deliver(
  { senders, schedules, bury, log }: OutboxSenderOptions,
  { lanes, settler }: { readonly lanes: Lanes; readonly settler: Settler },
  message: ClaimedMessage,
): Promise<void> {
  const { merchantId, id, attempt, kind, lane } = message;
  const settlement = { merchantId, id, attempt };
  try {
    const sent = await senders[kind](message);
    lanes.ended(lane, 'well');
    deliveries.inc({ kind, outcome: sent.outcome === 'later' ? 'later' : 'sent' });
    if (sent.outcome === 'sent') {
      settler.add({ ...settlement, state: 'done', ...(sent.note === undefined ? {} : { note: sent.note }) });
    } else if (sent.outcome === 'later') {
      settler.add({
        ...settlement,
        state: 'pending',
        delayMs: sent.delayMs,
        note: sent.note,
        uncounted: true,
      });
    }
  } catch (error) {
    const verdict = judgeFailure(error, message, schedules?.[kind] ?? RETRY_SCHEDULES[kind]);
    lanes.ended(lane, verdict.receiver, verdict.pauseMs);
    const { state, delayMs, note, uncounted } = verdict;
    const failure =
      error instanceof Failure ? error.type : error instanceof Error ? error.name : 'not an error';
    const order = message.orderId === null ? {} : orderFields(message.orderId);
    const { workflowId } = message.payload;
    deliveries.inc({ kind, outcome: state === 'dead' ? 'dead' : 'retry' });
    log.info(
      // The sentence is in the outbox: a receiver's words may repeat an address.
      { ...order, workflowId, kind, outboxId: id, attempt, state, failure },
      'a message was not taken',
    );
    if (state === 'pending') settler.add({ ...settlement, state, delayMs, note, uncounted });
    else await buryOrLeave(bury, message, note, log);
  }
}

/** Without its exception a dead message would be forgotten: when both can't be written, the lease ends. */
async function buryOrLeave(
  bury: OutboxSenderOptions['bury'],
  message: ClaimedMessage,
  note: string,
  log: Logger,
): Promise<void> {
  try {
    await bury(message, note);
  } catch (error) {
    log.warn({ err: error, outboxId: message.id }, 'a dead message could not be recorded; it comes again');
  }
}

/** Calls `onNotice` for every notice of the outbox, connecting again whenever the connection is lost. */
function listen(database: Database, log: Logger, onNotice: () => void): { close(): Promise<void> } {
  let closed = false;
  let client: PoolClient | undefined;
  let timer: NodeJS.Timeout | undefined;

  const connect = async (): Promise<void> => {
    let connection: PoolClient | undefined;
    try {
      const opened = await database.listenConnection();
      connection = opened;
      const lost = (error?: Error) => {
        if (client !== opened) return;
        client = undefined;
        opened.release(true);
        if (!closed) {
          log.warn({ err: error }, 'no notices from the database; polling until they are back');
          timer = setTimeout(() => void connect(), RECONNECT_MS);
        }
      };
      client = opened;
      opened.on('error', lost);
      opened.on('end', () => lost());
      opened.on('notification', onNotice);
      await opened.query('listen quayside_outbox');
      // What was announced while nobody listened.
      onNotice();
    } catch (error) {
      if (client !== undefined && client === connection) {
        client = undefined;
        connection.release(true);
      }
      if (!closed) {
        log.debug({ err: error }, 'could not listen for notices');
        timer = setTimeout(() => void connect(), RECONNECT_MS);
      }
    }
  };

  const connecting = connect();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await connecting;
      const open = client;
      client = undefined;
      // Its last words are of no interest, but an error that nobody hears would end the process.
      open?.removeAllListeners().on('error', () => undefined);
      open?.release(true);
    },
  };
}
