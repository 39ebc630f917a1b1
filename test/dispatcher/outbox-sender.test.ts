import { Client } from 'pg';
import type { ClaimedMessage } from '../../db/outbox-claim.repo';
import { claimDue, markDelivered, settle } from '../../db/outbox-claim.repo';
import { bury } from '../../dispatcher/bury';
import { type OutboxSenderOptions, type Sender, startOutboxSender } from '../../dispatcher/outbox-sender';
import { Failure } from '../../domain/failure-types';
import { type Engine, message, one, outbox, quiet, startEngine, until, write } from './engine';

let engine: Engine;
let merchantId: string;
const running: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  engine = await startEngine();
  merchantId = engine.merchant.merchantId;
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((sender) => sender.close()));
  await engine.database.withSystem((tx) => tx.run({ text: "update outbox set state = 'done'" }));
});
afterAll(() => engine.close());

function start(send: Sender, changes: Partial<OutboxSenderOptions> = {}) {
  const senders = {
    'workflow.start': send,
    'workflow.signal': send,
    'workflow.update': send,
    'channel.tracking': send,
    mail: send,
    webhook: send,
  };
  const { database } = engine;
  const sender = startOutboxSender({
    database,
    senders,
    bury: (dead, note) => bury(database, dead, note),
    log: quiet,
    ...changes,
  });
  running.push(sender);
  return sender;
}

/** Takes every message and remembers its key. */
function receiver(): { taken: string[]; ids: string[]; send: Sender } {
  const taken: string[] = [];
  const ids: string[] = [];
  return {
    taken,
    ids,
    send: async (received) => {
      taken.push(received.key);
      ids.push(received.id);
      return { outcome: 'sent' };
    },
  };
}

const quickly = { delays: [20, 20, 20], endless: false };

test('a message committed late by a slow transaction is still sent', async () => {
  const slow = new Client({ connectionString: engine.urls.appUrl });
  await slow.connect();
  try {
    await slow.query(`begin; set local app.merchant_ids = '${merchantId}'`);
    await slow.query(
      "insert into outbox (id, merchant_id, kind, key, payload, lane) values (gen_random_uuid(), $1, 'webhook', 'slow', '{}', 'lane-1')",
      [merchantId],
    );
    const { taken, send } = receiver();
    start(send, { pollMs: 50 });
    await write(engine, [message(merchantId, { key: 'quick' })]);
    await until(() => taken.includes('quick'));
    await slow.query('commit');
    await until(() => taken.includes('slow'));
    expect(taken).toEqual(['quick', 'slow']);
  } finally {
    await slow.end();
  }
});

test('a crash after sending and before recording sends the same id again', async () => {
  await write(engine, [message(merchantId, { key: 'crash' })]);
  // What a killed process leaves: a lease, and nothing else.
  const [crashed] = await engine.database.withSystem((tx) =>
    claimDue(tx, { limit: 10, perLane: 4, free: {}, leaseMs: 300 }),
  );
  const { ids, send } = receiver();
  start(send, { pollMs: 50 });
  await until(() => ids.length === 1);
  expect(ids).toEqual([(crashed as ClaimedMessage).id]);
  await until(async () => (await outbox(engine, "key = 'crash'"))[0]?.state === 'done');
});

test('what a killed dispatcher had in its hands is due again within 20 s for a workflow, within 90 s for a partner', async () => {
  let release = () => {};
  const answer = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = 0;
  start(async () => {
    begun += 1;
    await answer;
    return { outcome: 'sent' };
  });
  await write(engine, [
    message(merchantId, { key: 'started', kind: 'workflow.start', lane: '' }),
    message(merchantId, { key: 'mailed', kind: 'mail', lane: 'mail' }),
  ]);
  await until(() => begun === 2);
  const leases = await engine.database.withSystem((tx) =>
    tx.rows<{ key: string; seconds: number }>({
      text: `select key, round(extract(epoch from leased_until - now()) / 10)::integer * 10 as seconds
        from outbox where state = 'leased' order by key desc`,
    }),
  );
  release();
  expect(leases).toEqual([
    { key: 'started', seconds: 20 },
    { key: 'mailed', seconds: 90 },
  ]);
});

test('an end that comes after its lease was given to another changes nothing', async () => {
  await write(engine, [message(merchantId, { key: 'fenced' })]);
  const claim = () =>
    engine.database.withSystem((tx) => claimDue(tx, { limit: 10, perLane: 4, free: {}, leaseMs: 1 }));
  const [first] = await claim();
  const [second] = await until(async () => {
    const claimed = await claim();
    return claimed.length > 0 && claimed;
  });
  const late = first as ClaimedMessage;
  expect((second as ClaimedMessage).attempt).toBe(late.attempt + 1);
  const changed = await engine.database.withSystem((tx) =>
    settle(tx, [{ merchantId, id: late.id, attempt: late.attempt, state: 'dead' }]),
  );
  expect(changed).toBe(0);
  expect((await outbox(engine, "key = 'fenced'"))[0]?.state).toBe('leased');
});

test('a dead endpoint delays no other lane', async () => {
  let release = () => {};
  const hangs = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { taken, send } = receiver();
  start(async (received) => {
    if (received.lane !== 'dead') return send(received);
    await hangs;
    throw new Failure('PartnerUnavailable', 'no answer');
  });
  await write(
    engine,
    Array.from({ length: 300 }, () => message(merchantId, { lane: 'dead' })),
  );
  await until(async () => (await outbox(engine, "lane = 'dead' and state = 'leased'")).length > 0);
  const started = Date.now();
  await write(
    engine,
    Array.from({ length: 20 }, () => message(merchantId, { lane: 'alive' })),
  );
  await until(() => taken.length === 20);
  expect(Date.now() - started).toBeLessThan(2_000);
  // The dead lane holds as many as one lane may, not what the others need.
  expect(await outbox(engine, "lane = 'dead' and state = 'leased'")).toHaveLength(4);
  release();
});

test('a lane that fails is probed by one message at a time, and the others keep their attempts', async () => {
  let attempts = 0;
  start(
    async () => {
      attempts += 1;
      throw new Failure('PartnerUnavailable', 'away');
    },
    { pollMs: 20, lanePauseMs: 200, schedules: { webhook: { delays: [10], endless: true } } },
  );
  await write(
    engine,
    Array.from({ length: 100 }, () => message(merchantId, { lane: 'away' })),
  );
  const started = Date.now();
  await until(() => attempts >= 6);
  // 4 at first, then one after 200 ms and one after 400 ms more.
  expect(Date.now() - started).toBeGreaterThan(500);
  expect((await outbox(engine, "lane = 'away' and attempts = 0")).length).toBeGreaterThanOrEqual(93);
});

test('a committed message is sent at once, without waiting for a poll', async () => {
  const { taken, send } = receiver();
  start(send, { pollMs: 60_000 });
  await write(engine, [message(merchantId, { key: 'warm-up' })]);
  await until(async () => (await outbox(engine, "key = 'warm-up' and state = 'done'")).length === 1);
  // The end of a delivery looks for more by itself, within 20 ms; only a notice can come after that.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const started = Date.now();
  await write(engine, [message(merchantId)]);
  await until(() => taken.length === 2);
  expect(Date.now() - started).toBeLessThan(1_000);
});

test('a lost connection for notices is made again, and nothing that came meanwhile is missed', async () => {
  const { taken, send } = receiver();
  start(send, { pollMs: 60_000 });
  await write(engine, [message(merchantId)]);
  await until(() => taken.length === 1);
  const owner = new Client({ connectionString: engine.urls.systemUrl });
  await owner.connect();
  await owner.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%' and datname = current_database()",
  );
  await owner.end();
  await write(engine, [message(merchantId)]);
  await until(() => taken.length === 2);
});

test('two dispatchers share the work and send each message once', async () => {
  const first = receiver();
  const second = receiver();
  start(first.send);
  start(second.send);
  const lanes = ['a', 'b', 'c', 'd', 'e'];
  const messages = Array.from({ length: 400 }, (_, n) =>
    message(merchantId, { lane: lanes[n % 5] as string }),
  );
  await write(engine, messages);
  await until(() => first.taken.length + second.taken.length >= 400);
  await until(async () => (await outbox(engine, "state <> 'done'")).length === 0);
  expect([...first.taken, ...second.taken].sort()).toEqual(messages.map(({ key }) => key).sort());
});

test('a message that used up its attempts is dead, and an open exception says so', async () => {
  start(
    async () => {
      throw new Failure('PartnerUnavailable', 'still away');
    },
    { pollMs: 20, lanePauseMs: 10, schedules: { webhook: quickly } },
  );
  await write(engine, [message(merchantId, { key: 'doomed', lane: 'doomed' })]);
  const [row] = await until(async () => {
    const dead = await outbox(engine, "key = 'doomed' and state = 'dead'");
    return dead.length > 0 && dead;
  });
  expect(row?.attempts).toBe(4);
  const exception = await one<{ reason: string; cause: string }>(
    engine,
    "select reason, cause from exception where key = $1 and state = 'open'",
    [`outbox_dead:${row?.id}`],
  );
  expect(exception).toEqual({ reason: 'outbox_dead', cause: 'outbox_dead:webhook:doomed' });
});

test('a receiver that says no for good is not asked again', async () => {
  let asked = 0;
  start(async () => {
    asked += 1;
    throw new Failure('PartnerRejected', 'never');
  });
  await write(engine, [message(merchantId, { key: 'refused' })]);
  await until(async () => (await outbox(engine, "key = 'refused' and state = 'dead'")).length === 1);
  expect(asked).toBe(1);
});

test('starts and signals never die, however long Temporal is away', async () => {
  let asked = 0;
  start(
    async () => {
      asked += 1;
      throw new Failure('PartnerUnavailable', 'Temporal is away');
    },
    { pollMs: 10, lanePauseMs: 1, schedules: { 'workflow.signal': { delays: [1], endless: true } } },
  );
  await write(engine, [message(merchantId, { key: 'patient', kind: 'workflow.signal', lane: '' })]);
  await until(() => asked > 8);
  expect((await outbox(engine, "key = 'patient'"))[0]?.state).not.toBe('dead');
});

test('what its writer delivered himself is left alone', async () => {
  const own = message(merchantId, { key: 'own', delayMs: 200 });
  await write(engine, [own, message(merchantId, { key: 'other', delayMs: 300 })]);
  expect(
    await engine.database.withMerchants([merchantId], (tx) =>
      markDelivered(tx, [{ merchantId, key: 'own' }]),
    ),
  ).toBe(1);
  const { taken, send } = receiver();
  start(send, { pollMs: 20 });
  await until(() => taken.length === 1);
  expect(taken).toEqual(['other']);
});

test('closing waits for what is under way and records it', async () => {
  let release = () => {};
  const answer = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = false;
  const sender = start(async () => {
    begun = true;
    await answer;
    return { outcome: 'sent' };
  });
  await write(engine, [message(merchantId, { key: 'last' })]);
  await until(() => begun);
  const closed = sender.close();
  release();
  await closed;
  expect((await outbox(engine, "key = 'last'"))[0]?.state).toBe('done');
});
