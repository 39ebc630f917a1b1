/** Exceptions for the stuck list: flat, grouped by what they share, and one for acting on. */
import type { Tx } from './client';

export interface ExceptionRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly reason: string;
  readonly key: string;
  readonly cause: string;
  readonly order_id: string | null;
  readonly thing_kind: string;
  readonly thing_id: string;
  /** As of now: a snooze that is over is `open`, whatever the row says. */
  readonly state: 'open' | 'snoozed' | 'resolved';
  /** The role. */
  readonly owner: string;
  /** The person, where it is given to one. */
  readonly assignee_id: string | null;
  /** null once the snooze is over. */
  readonly snoozed_until: Date | null;
  readonly message: string;
  readonly tried: readonly unknown[];
  readonly opened_at: Date;
  readonly deadline_at: Date | null;
  readonly resolved_at: Date | null;
  readonly resolved_by: string | null;
  readonly resolution: string | null;
  readonly key_at: string;
}

/**
 * Whether it is off the list now. The person's time is real time and the deadline the merchant's; a deadline
 * that had passed when it was snoozed brings nothing back.
 */
const IS_SNOOZED = `(state = 'snoozed' and snoozed_until > now()
  and (deadline_at is null or deadline_at <= snoozed_at or deadline_at > business_now(merchant_id)))`;
const COLUMNS = `id, merchant_id, reason, key, cause, order_id, thing_kind, thing_id, owner, assignee_id, message, tried, opened_at,
  case when state = 'snoozed' and not ${IS_SNOOZED} then 'open' else state end as state,
  case when ${IS_SNOOZED} then snoozed_until end as snoozed_until, deadline_at, resolved_at, resolved_by, resolution, opened_at::text as key_at`;

export interface ExceptionGroupFilter {
  readonly reason?: string | undefined;
  readonly owner?: string | undefined;
  /** A person's id, or `none`. */
  readonly assignee?: string | undefined;
  /** Lists those that are snoozed beside the open ones. */
  readonly snoozed?: boolean | undefined;
}

export interface ExceptionFilter extends ExceptionGroupFilter {
  /** Left out: all. */
  readonly state?: 'open' | 'snoozed' | 'resolved' | undefined;
  readonly orderId?: string | undefined;
  readonly cause?: string | undefined;
}

/** Of a person, or of nobody in particular. */
const assigned = (parameter: string) =>
  `(${parameter}::text is null or coalesce(assignee_id::text, 'none') = ${parameter})`;

/** Which rows a state stands for, the state being read off the row and the clocks; named, so that the index finds them. */
const STATES = {
  open: `state in ('open', 'snoozed') and not ${IS_SNOOZED}`,
  unresolved: `state in ('open', 'snoozed')`,
  snoozed: IS_SNOOZED,
  resolved: `state = 'resolved'`,
  any: 'true',
} as const;

function statesOf({ state, snoozed }: Pick<ExceptionFilter, 'state' | 'snoozed'>): string {
  if (state === undefined) return STATES.any;
  return STATES[state === 'open' && snoozed ? 'unresolved' : state];
}

/** The oldest first: what has waited longest comes up first. */
export function listExceptions(
  tx: Tx,
  merchantIds: readonly string[],
  filter: ExceptionFilter,
  after: readonly [string, string] | null,
  limit: number,
): Promise<ExceptionRow[]> {
  return tx.rows<ExceptionRow>({
    text: `select ${COLUMNS} from exception where merchant_id = any($1::uuid[]) and ${statesOf(filter)} and ${assigned('$2')}
      and ($3::text is null or reason = $3) and ($4::text is null or owner = $4) and ($5::uuid is null or order_id = $5)
      and ($6::text is null or cause = $6) and ($7::timestamptz is null or (opened_at, id) > ($7, $8::uuid))
      order by opened_at, id limit $9`,
    values: [
      merchantIds,
      filter.assignee ?? null,
      filter.reason ?? null,
      filter.owner ?? null,
      filter.orderId ?? null,
      filter.cause ?? null,
      after?.[0] ?? null,
      after?.[1] ?? null,
      limit,
    ],
  });
}

export async function findException(
  tx: Tx,
  merchantIds: readonly string[],
  id: string,
): Promise<ExceptionRow | null> {
  const [row] = await tx.rows<ExceptionRow>({
    text: `select ${COLUMNS} from exception where merchant_id = any($1::uuid[]) and id = $2`,
    values: [merchantIds, id],
  });
  return row ?? null;
}

export interface ExceptionGroupRow {
  readonly merchant_id: string;
  readonly cause: string;
  readonly reason: string;
  readonly owner: string;
  readonly count: number;
  readonly oldest_at: Date;
  readonly deadline_at: Date | null;
  readonly example_id: string;
  readonly message: string;
  readonly key_at: string;
}

/** Open exceptions by what they share; the cause with the oldest one first. */
export function groupExceptions(
  tx: Tx,
  merchantIds: readonly string[],
  filter: ExceptionGroupFilter,
  after: readonly [string, string] | null,
  limit: number,
): Promise<ExceptionGroupRow[]> {
  return tx.rows<ExceptionGroupRow>({
    text: `
select *, oldest_at::text as key_at from (
  select merchant_id, cause, reason, min(owner) as owner, count(*)::int as count, min(opened_at) as oldest_at,
    min(deadline_at) as deadline_at, (array_agg(id order by opened_at, id))[1] as example_id,
    (array_agg(message order by opened_at, id))[1] as message
  from exception where merchant_id = any($1::uuid[]) and ${statesOf({ ...filter, state: 'open' })}
    and ($2::text is null or reason = $2) and ($3::text is null or owner = $3) and ${assigned('$7')}
  group by merchant_id, cause, reason
) g where $4::timestamptz is null or (oldest_at, example_id) > ($4, $5::uuid)
order by oldest_at, example_id limit $6`,
    values: [
      merchantIds,
      filter.reason ?? null,
      filter.owner ?? null,
      after?.[0] ?? null,
      after?.[1] ?? null,
      limit,
      filter.assignee ?? null,
    ],
  });
}

/** Puts a dead message back into the outbox; false when it is not dead. */
export async function reviveOutboxMessage(tx: Tx, merchantId: string, id: string): Promise<boolean> {
  const revived = await tx.run({
    text: `update outbox set state = 'pending', due_at = now(), attempts = 0, last_error = null, leased_until = null
      where merchant_id = $1 and id = $2 and state = 'dead'`,
    values: [merchantId, id],
  });
  return revived === 1;
}

export async function readOutboxPayload(
  tx: Tx,
  merchantId: string,
  id: string,
): Promise<Readonly<Record<string, unknown>> | null> {
  const [row] = await tx.rows<{ payload: Readonly<Record<string, unknown>> }>({
    text: 'select payload from outbox where merchant_id = $1 and id = $2',
    values: [merchantId, id],
  });
  return row?.payload ?? null;
}
