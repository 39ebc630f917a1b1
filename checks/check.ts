/**
 * Reads every invariant that rows can show, in one snapshot, as the role that may read everything and
 * write nothing. It proves nothing about what it did not look at, so each line says how many rows it
 * looked at, and what is proved elsewhere says where. Safe beside an engine at work, in any state.
 */
import { Database, type Tx } from '../db/client';
import { type CheckOptions, type Invariant, type Looked, together } from './invariant';
import { ORDER_INVARIANTS } from './order-invariants';
import { lookAtPartners, type PartnerUrls, readJournals } from './partner-journals';
import { PLUMBING_INVARIANTS } from './plumbing-invariants';
import { SHIPPING_INVARIANTS } from './shipping-invariants';
import { STOCK_INVARIANTS } from './stock-invariants';
import { WORK_ORDER_INVARIANTS } from './work-order-invariants';

/** A message may wait for its receiver's pause (a minute) and its lease (90 s); then somebody should look. */
const OUTBOX_GRACE_SECONDS = 300;

const ELSEWHERE: readonly Invariant[] = [
  { id: '10', name: 'refund and restock at most once a return line', elsewhere: 'not built yet' },
  { id: '12', name: 'no webhook without a valid signature', elsewhere: 'by test' },
  { id: '14', name: 'any order and repetition of facts ends in the same state', elsewhere: 'by test' },
  { id: '16', name: 'recorded histories replay on every build', elsewhere: 'by test' },
  { id: '17', name: 'no accepted signal or update is lost', elsewhere: 'by test' },
  { id: '18', name: 'one merchant does not starve the others', elsewhere: 'by test' },
  { id: '20', name: 'cut-offs are right across daylight saving', elsewhere: 'by test' },
  { id: '22', name: 'receipts post once, opening balances match', elsewhere: 'not built yet' },
];

const INVARIANTS: readonly Invariant[] = [
  ...STOCK_INVARIANTS,
  ...SHIPPING_INVARIANTS,
  ...ORDER_INVARIANTS,
  ...PLUMBING_INVARIANTS,
  ...WORK_ORDER_INVARIANTS,
  ...ELSEWHERE,
].sort((a, b) => (Number(a.id) || 99) - (Number(b.id) || 99));

export interface Finding {
  readonly invariant: string;
  readonly name: string;
  readonly ok: boolean;
  readonly status: 'held' | 'broken' | 'not built yet' | 'by test';
  /** Rows and facts that were looked at. */
  readonly checked: number;
  /** How many of them are wrong, and the first of those in words. */
  readonly faults: number;
  readonly detail: readonly string[];
}

export interface CheckReport {
  /** Nothing that was looked at is broken. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

/**
 * @param checkUrl the database as `quayside_check`.
 * @throws when the database or a named partner can't be read: no report is better than half a one.
 */
export async function runCheck(
  checkUrl: string,
  options: { readonly partners?: PartnerUrls } & Partial<CheckOptions> = {},
): Promise<CheckReport> {
  const urls = options.partners ?? {};
  const before = await readJournals(urls);
  // One role is all that is needed; the client wants two names for it.
  const database = new Database({ appUrl: checkUrl, systemUrl: checkUrl, poolSize: 1 });
  try {
    return await database.withSystem(async (tx) => {
      await tx.run({ text: 'set transaction isolation level repeatable read read only' });
      // A partner with a long journal may take its time to answer.
      await tx.run({ text: "set local idle_in_transaction_session_timeout = '60s'" });
      // The snapshot is taken by the first query; the journals read next are younger than it.
      await tx.rows({ text: 'select 1' });
      const partners = await lookAtPartners(tx, { urls, before, after: await readJournals(urls) });
      return checkIn(tx, partners, options);
    });
  } finally {
    await database.close();
  }
}

/** The same in a transaction that sees every row. */
export async function checkIn(
  tx: Tx,
  partners: ReadonlyMap<string, Looked> = new Map(),
  options: Partial<CheckOptions> = {},
): Promise<CheckReport> {
  const findings: Finding[] = [];
  for (const invariant of INVARIANTS)
    findings.push(await findingOf(tx, invariant, partners.get(invariant.id), options));
  return { ok: findings.every(({ ok }) => ok), findings };
}

async function findingOf(
  tx: Tx,
  invariant: Invariant,
  atPartners: Looked | undefined,
  { outboxGraceSeconds = OUTBOX_GRACE_SECONDS }: Partial<CheckOptions>,
): Promise<Finding> {
  const { id, name } = invariant;
  if ('elsewhere' in invariant)
    return { invariant: id, name, ok: true, status: invariant.elsewhere, checked: 0, faults: 0, detail: [] };
  const own = await invariant.look(tx, { outboxGraceSeconds });
  const { checked, faults, examples } = atPartners === undefined ? own : together([own, atPartners]);
  const status = faults === 0 ? 'held' : 'broken';
  return { invariant: id, name, ok: faults === 0, status, checked, faults, detail: examples };
}

/** The report as lines for a person. */
export function reportLines({ findings }: CheckReport): string[] {
  const lines = findings.flatMap(({ invariant, name, status, checked, faults, detail }) => {
    const number = invariant.padStart(5);
    if (status === 'held') return [`${number}  ok      ${name} (checked ${checked})`];
    if (status === 'broken')
      return [
        `${number}  BROKEN  ${name}: ${faults} of ${checked}`,
        ...detail.map((each) => `               ${each}`),
      ];
    return [`${number}  -       ${name}: ${status}`];
  });
  const broken = findings.filter(({ ok }) => !ok).length;
  const held = findings.filter(({ status }) => status === 'held').length;
  return [
    ...lines,
    broken === 0 ? `${held} invariants hold.` : `${broken} invariants are broken, ${held} hold.`,
  ];
}
