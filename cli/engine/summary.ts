/** How many orders are in which state, for the live line; read as the role that reads everything and writes nothing. */
import { Pool } from 'pg';
import { ORDER_STATES } from '../../contracts/orders';

export interface Summary {
  readonly byState: Readonly<Record<string, number>>;
  readonly stuckByReason: Readonly<Record<string, number>>;
  readonly total: number;
}

export interface SummaryReader {
  /** null while the database doesn't answer. */
  read(): Promise<Summary | null>;
  close(): Promise<void>;
}

/** A line that is two seconds late is useless, and the next one comes anyway. */
const QUERY_TIMEOUT_MS = 2_000;

export function summaryReader(checkUrl: string): SummaryReader {
  const pool = new Pool({ connectionString: checkUrl, max: 1, query_timeout: QUERY_TIMEOUT_MS });
  pool.on('error', () => undefined);
  const counts = async (text: string): Promise<Record<string, number>> => {
    const { rows } = await pool.query<{ label: string; n: string }>(text);
    return Object.fromEntries(rows.map(({ label, n }) => [label, Number(n)]));
  };
  return {
    async read() {
      try {
        const byState = await counts(
          'select state as label, count(*) as n from sales_order group by 1 order by 1',
        );
        const stuckByReason = await counts(
          `select reason as label, count(*) as n from exception where state <> 'resolved' group by 1 order by 2 desc, 1`,
        );
        return { byState, stuckByReason, total: Object.values(byState).reduce((sum, n) => sum + n, 0) };
      } catch {
        return null;
      }
    },
    close: () => pool.end(),
  };
}

/**
 * `42 orders: 3 planned, 20 closed · stuck 2: unmapped_sku 1, out_of_stock 1`; in less than `width`
 * characters as many reasons as fit, the most frequent first.
 */
export function summaryLine(
  { total, byState, stuckByReason }: Summary,
  width = Number.POSITIVE_INFINITY,
): string {
  const states = ORDER_STATES.filter((state) => (byState[state] ?? 0) > 0).map(
    (state) => `${byState[state]} ${state.replaceAll('_', ' ')}`,
  );
  const orders = total === 0 ? 'no orders yet' : `${total} orders: ${states.join(', ')}`;
  const reasons = Object.entries(stuckByReason).map(([reason, n]) => `${reason} ${n}`);
  if (reasons.length === 0) return orders;
  const stuck = Object.values(stuckByReason).reduce((sum, n) => sum + n, 0);
  for (let shown = reasons.length; shown > 0; shown -= 1) {
    const more = reasons.length - shown;
    const line = `${orders} · stuck ${stuck}: ${reasons.slice(0, shown).join(', ')}${more > 0 ? `, ${more} more` : ''}`;
    if (line.length <= width) return line;
  }
  return `${orders} · stuck ${stuck}`;
}
