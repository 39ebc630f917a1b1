/** What the whole installation looks like from outside, read as the system role: no tenant, no names. */
import type { Tx } from './client';

export async function ping(tx: Tx): Promise<void> {
  await tx.run({ text: 'select 1' });
}

export interface Figure {
  readonly label: string;
  readonly other: string;
  readonly count: number;
  readonly seconds: number;
}

export interface Figures {
  readonly orders: readonly Figure[];
  readonly blocked: readonly Figure[];
  readonly exceptions: readonly Figure[];
  readonly outbox: readonly Figure[];
}

/**
 * Orders that are not terminal by state and by blocked reason, open exceptions by reason with the age of
 * the oldest, undelivered outbox rows by kind with their lag. All of them read partial indexes: what is
 * finished, which is nearly everything, is never counted.
 */
export async function readFigures(tx: Tx): Promise<Figures> {
  const rows = await tx.rows<Figure & { what: string }>({
    name: 'health-figures',
    text: `
select 'orders' as what, state as label, '' as other, count(*)::int as count, 0::float as seconds
from sales_order where deadline_at is not null group by state
union all
select 'blocked', blocked_reason, '', count(*)::int, 0 from sales_order where blocked_reason is not null group by blocked_reason
union all
select 'exceptions', reason, '', count(*)::int, extract(epoch from now() - min(opened_at))::float
from exception where state <> 'resolved' group by reason
union all
select 'outbox', kind, state, count(*)::int, greatest(0, extract(epoch from now() - min(due_at)))::float
from outbox where state in ('pending', 'leased') group by kind, state`,
  });
  const of = (what: keyof Figures) => rows.filter((row) => row.what === what);
  return { orders: of('orders'), blocked: of('blocked'), exceptions: of('exceptions'), outbox: of('outbox') };
}
