import { Client } from 'pg';
import { uuidv7 } from 'uuidv7';
import { audit } from '../../db/audit-log.repo';
import { sealAudit, verifyAudit } from '../../db/audit-seal.repo';
import { startAuditSealer } from '../../dispatcher/audit-sealer';
import { type Engine, quiet, startEngine, until } from './engine';

let engine: Engine;
let owner: Client;
beforeEach(async () => {
  engine = await startEngine();
  // The owner may do what the application can't: only a superuser is not bound by policies.
  owner = new Client({ connectionString: engine.urls.ownerUrl });
  await owner.connect();
  await owner.query('alter table audit_log no force row level security');
  await owner.query('alter table audit_seal no force row level security');
  // What seeding left: these tests count their own entries.
  await owner.query('delete from audit_log');
});
afterEach(async () => {
  await owner.end();
  await engine.close();
});

const INSERT = `insert into audit_log (id, organisation_id, merchant_id, actor, action, thing_kind, thing_id)
  values ($1, $2, $3, 'test', 'thing.change', 'thing', $4)`;
const write = (thing: string) =>
  engine.database.withMerchants([engine.merchant.merchantId], (tx) =>
    audit(tx, {
      merchantId: engine.merchant.merchantId,
      actor: 'test',
      action: 'thing.change',
      thingKind: 'thing',
      thingId: thing,
      after: { thing, n: 1 },
    }),
  );
const sealNow = (limit = 5_000) => engine.database.withSystem((tx) => sealAudit(tx, limit));
const verify = () => engine.database.withSystem(verifyAudit);
/** Other files' transactions on the same server hold the horizon back for a moment. */
const sealAll = () =>
  until(async () => {
    await sealNow();
    return (await verify()).unsealed === 0;
  });

test('the sealer never seals past a running transaction', async () => {
  const slow = new Client({ connectionString: engine.urls.appUrl });
  await slow.connect();
  try {
    await slow.query(`begin; set local app.merchant_ids = '${engine.merchant.merchantId}'`);
    await slow.query(INSERT, [uuidv7(), engine.merchant.organisationId, engine.merchant.merchantId, 'slow']);
    await write('quick');
    expect(await sealNow()).toBe(0);
    await slow.query('commit');
    await sealAll();
    expect(await verify()).toMatchObject({ entries: 2, unsealed: 0, faults: [] });
  } finally {
    await slow.end();
  }
});

test('entries of many writers end up sealed, once each, by whichever sealer comes first', async () => {
  const sealers = [1, 2].map(() =>
    startAuditSealer({ database: engine.database, log: quiet, intervalMs: 5 }),
  );
  try {
    await Promise.all(
      Array.from({ length: 8 }, async (_, n) => {
        for (let m = 0; m < 20; m += 1) await write(`${n}-${m}`);
      }),
    );
    await until(async () => (await verify()).unsealed === 0);
  } finally {
    await Promise.all(sealers.map((sealer) => sealer.close()));
  }
  expect(await verify()).toMatchObject({ entries: 160, unsealed: 0, faults: [] });
});

test('a batch is cut between transactions, never within one', async () => {
  await engine.database.withMerchants([engine.merchant.merchantId], (tx) =>
    audit(
      tx,
      Array.from({ length: 5 }, (_, n) => ({
        merchantId: engine.merchant.merchantId,
        actor: 'test',
        action: 'thing.change',
        thingKind: 'thing',
        thingId: `one-${n}`,
      })),
    ),
  );
  await write('two');
  await write('three');
  const sealed: number[] = [];
  await until(async () => {
    const entries = await sealNow(2);
    if (entries > 0) sealed.push(entries);
    return (await verify()).unsealed === 0;
  });
  expect(sealed[0]).toBe(5);
  expect(sealed.reduce((sum, entries) => sum + entries, 0)).toBe(7);
  expect((await verify()).faults).toEqual([]);
});

describe('the chain shows', () => {
  const tampered = async (sql: string) => {
    for (const thing of ['a', 'b', 'c']) {
      await write(thing);
      await sealAll();
    }
    expect((await verify()).faults).toEqual([]);
    await owner.query(sql);
    return (await verify()).faults.join('\n');
  };

  test('an entry that was changed', async () => {
    expect(await tampered("update audit_log set actor = 'somebody else' where thing_id = 'b'")).toContain(
      'seal 2: an entry was changed',
    );
  });

  test('a change deep inside what was recorded', async () => {
    const sql = `update audit_log set after = jsonb_set(after, '{n}', '2') where thing_id = 'c'`;
    expect(await tampered(sql)).toContain('seal 3: an entry was changed');
  });

  test('an entry that was removed', async () => {
    expect(await tampered("delete from audit_log where thing_id = 'a'")).toContain(
      'seal 1 was made over 1 entries, 0 are there',
    );
  });

  test('an entry that was slipped in under an old transaction', async () => {
    const sql = `insert into audit_log (id, organisation_id, actor, action, thing_kind, thing_id, xid)
      select gen_random_uuid(), organisation_id, 'forger', 'thing.change', 'thing', 'x', xid from audit_log where thing_id = 'b'`;
    expect(await tampered(sql)).toContain('seal 2 was made over 1 entries, 2 are there');
  });

  test('a seal that was removed', async () => {
    const faults = await tampered('delete from audit_seal where number = 2');
    expect(faults).toContain('one is missing');
    expect(faults).toContain('seal 3 does not continue the one before');
  });
});

test('a transaction counter behind the last seal stops the sealer instead of losing entries', async () => {
  await write('a');
  await sealAll();
  await owner.query("update audit_seal set up_to_xid = '9000000000000'");
  await write('b');
  await expect(sealNow()).rejects.toMatchObject({ type: 'InvariantBroken' });
});

test('the application can neither change an entry nor see a seal', async () => {
  await write('a');
  const app = (text: string) =>
    engine.database.withMerchants([engine.merchant.merchantId], (tx) => tx.run({ text }));
  await expect(app("update audit_log set actor = 'x'")).rejects.toThrow('permission denied');
  await expect(app('delete from audit_log')).rejects.toThrow('permission denied');
  await expect(app('select from audit_seal')).rejects.toThrow('permission denied');
});
