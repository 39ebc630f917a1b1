/** Scans: what a person did, once an event id, with the answer he got. */
import type { Tx } from './client';

export type ScanKind =
  | 'claim'
  | 'pick'
  | 'short'
  | 'pack'
  | 'close_carton'
  | 'ship'
  | 'release'
  | 'count_start'
  | 'count';

export interface Scan {
  readonly merchantId: string;
  readonly eventId: string;
  readonly taskId: string;
  readonly taskLineId?: string | undefined;
  readonly kind: ScanKind;
  readonly personId: string;
  readonly quantity?: number | undefined;
  readonly code?: string | undefined;
  readonly outcome: unknown;
}

export interface RecordedScan {
  readonly merchantId: string;
  readonly taskId: string;
  readonly kind: ScanKind;
  readonly outcome: unknown;
}

/** The scan with this event id among these merchants, null when it is new. */
export async function findScan(
  tx: Tx,
  merchantIds: readonly string[],
  eventId: string,
): Promise<RecordedScan | null> {
  const [row] = await tx.rows<RecordedScan>({
    name: 'scan-find',
    text: `select merchant_id as "merchantId", task_id as "taskId", kind, outcome from scan
      where merchant_id = any($1::uuid[]) and event_id = $2`,
    values: [merchantIds, eventId],
  });
  return row ?? null;
}

/** False when the event id was used meanwhile. */
export async function insertScan(tx: Tx, scan: Scan): Promise<boolean> {
  const written = await tx.run({
    name: 'scan-insert',
    text: `insert into scan (merchant_id, event_id, task_id, task_line_id, kind, person_id, quantity, code, outcome)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
    values: [
      scan.merchantId,
      scan.eventId,
      scan.taskId,
      scan.taskLineId ?? null,
      scan.kind,
      scan.personId,
      scan.quantity ?? 0,
      scan.code ?? null,
      JSON.stringify(scan.outcome),
    ],
  });
  return written === 1;
}
