/**
 * The chain over the audit log. Writers only insert, each row with its transaction's id; the sealer takes
 * the rows of all transactions that are over (below the oldest one still running: no slower one can add
 * to them any more) and chains them: a Merkle tree over the rows, its root hashed with the seal before.
 * So writers never wait for each other, and a row that is changed, removed, or slipped in later breaks
 * the chain from its seal on. A copy of the newest root kept elsewhere dates everything before it.
 *
 * Hashes, all SHA-256: leaf = H(0x00 | row as JSON text), node = H(0x01 | left | right), an odd node
 * goes up as it is (RFC 6962, 2.1, lets it split otherwise; ours is simpler and as sound); root of a
 * seal = H(0x02 | prev | "number:up_to_xid:entries" | tree).
 */
import { createHash } from 'node:crypto';
import { Failure } from '../domain/failure-types';
import type { Tx } from './client';

const GENESIS = Buffer.alloc(32);

interface SealRow {
  readonly number: bigint;
  readonly up_to_xid: string;
  readonly entries: number;
  readonly prev: Buffer;
  readonly root: Buffer;
}

/** Every column in a fixed order; jsonb prints canonically, times as microseconds since 1970. */
const LEAF = `sha256('\\x00'::bytea || convert_to(jsonb_build_array(id, organisation_id, merchant_id, actor, action, thing_kind, thing_id,
  reason, before, after, request_id, xid::text, extract(epoch from at) * 1000000)::text, 'UTF8'))`;

/**
 * Seals what can be sealed, at most about `limit` rows (a transaction is never split).
 * @returns how many rows were sealed; 0 also when another sealer is at work.
 * @throws Failure InvariantBroken when the transaction counter is behind the last seal, which happens
 * after a restore into another cluster: rows would be missed silently.
 */
export async function sealAudit(tx: Tx, limit: number): Promise<number> {
  const [lock] = await tx.rows<{ ours: boolean }>({
    text: "select pg_try_advisory_xact_lock(hashtext('audit_seal')) as ours",
  });
  if (!lock?.ours) return 0;
  const [last] = await tx.rows<SealRow>({
    text: 'select number, up_to_xid::text, entries, prev, root from audit_seal order by number desc limit 1',
  });
  const upTo = await boundOf(tx, last?.up_to_xid ?? '0', limit);
  const leaves = await leavesBetween(tx, last?.up_to_xid ?? '0', upTo);
  if (leaves.length === 0) return 0;
  const number = (last?.number ?? 0n) + 1n;
  const prev = last?.root ?? GENESIS;
  const root = sealRoot(prev, number, upTo, leaves);
  await tx.run({
    text: 'insert into audit_seal (number, up_to_xid, entries, prev, root) values ($1, $2::xid8, $3, $4, $5)',
    values: [number.toString(), upTo, leaves.length, prev, root],
  });
  return leaves.length;
}

/** The first transaction id that the next seal leaves out. */
async function boundOf(tx: Tx, from: string, limit: number): Promise<string> {
  const entry = (
    offset: string,
  ) => `(select a.xid::text from audit_log a where a.xid >= $1::xid8 and a.xid < bound.xmin
    order by a.xid, a.id offset ${offset} limit 1)`;
  const [row] = await tx.rows<{ xmin: string; first: string | null; full: string | null; behind: boolean }>({
    text: `
with bound as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as xmin)
select xmin::text, xmin < $1::xid8 as behind, ${entry('0')} as first, ${entry('$2')} as full from bound`,
    values: [from, limit],
  });
  const { xmin, first, full, behind } = row as NonNullable<typeof row>;
  if (behind)
    throw new Failure('InvariantBroken', 'the transaction counter is behind the last audit seal', {
      from,
      xmin,
    });
  if (full === null) return xmin;
  // A single transaction larger than the limit is taken whole.
  return full === first ? (BigInt(full) + 1n).toString() : full;
}

async function leavesBetween(tx: Tx, from: string, to: string): Promise<Buffer[]> {
  const rows = await tx.rows<{ leaf: Buffer }>({
    text: `select ${LEAF} as leaf from audit_log where xid >= $1::xid8 and xid < $2::xid8 order by xid, id`,
    values: [from, to],
  });
  return rows.map((row) => row.leaf);
}

function sealRoot(prev: Buffer, number: bigint, upTo: string, leaves: readonly Buffer[]): Buffer {
  const about = `${number}:${upTo}:${leaves.length}`;
  return hash(Buffer.from([2]), prev, Buffer.from(about, 'utf8'), merkleRoot(leaves));
}

/** @param leaves at least one. */
function merkleRoot(leaves: readonly Buffer[]): Buffer {
  let level = [...leaves];
  while (level.length > 1) {
    const above: Buffer[] = [];
    for (let index = 0; index < level.length; index += 2) {
      const [left, right] = [level[index] as Buffer, level[index + 1]];
      above.push(right === undefined ? left : hash(Buffer.from([1]), left, right));
    }
    level = above;
  }
  return level[0] as Buffer;
}

function hash(...parts: readonly Buffer[]): Buffer {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest();
}

export interface AuditVerdict {
  readonly seals: number;
  readonly entries: number;
  /** Rows that are not sealed yet. */
  readonly unsealed: number;
  /** What is wrong, in words; empty when the chain holds. */
  readonly faults: readonly string[];
}

/** Recomputes the whole chain. Needs a role that sees every row: `quayside_check` or `quayside_system`. */
export async function verifyAudit(tx: Tx): Promise<AuditVerdict> {
  const seals = await tx.rows<SealRow>({
    text: 'select number, up_to_xid::text, entries, prev, root from audit_seal order by number',
  });
  const faults: string[] = [];
  let from = '0';
  let prev: Buffer = GENESIS;
  let entries = 0;
  for (const [index, seal] of seals.entries()) {
    const name = `seal ${seal.number}`;
    if (seal.number !== BigInt(index + 1)) faults.push(`${name} follows ${index}: one is missing`);
    if (!seal.prev.equals(prev)) faults.push(`${name} does not continue the one before`);
    const leaves = await leavesBetween(tx, from, seal.up_to_xid);
    if (leaves.length !== seal.entries)
      faults.push(`${name} was made over ${seal.entries} entries, ${leaves.length} are there`);
    else if (!sealRoot(seal.prev, seal.number, seal.up_to_xid, leaves).equals(seal.root))
      faults.push(`${name}: an entry was changed`);
    entries += leaves.length;
    from = seal.up_to_xid;
    prev = seal.root;
  }
  const [rest] = await tx.rows<{ count: number }>({
    text: 'select count(*)::integer as count from audit_log where xid >= $1::xid8',
    values: [from],
  });
  return { seals: seals.length, entries, unsealed: rest?.count ?? 0, faults };
}
