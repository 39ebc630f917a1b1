/** Chains the audit log, again and again; how is said in `db/audit-seal.repo`. Several may run: one works. */
import { sealAudit } from '../db/audit-seal.repo';
import type { Database } from '../db/client';
import type { Logger } from '../telemetry';
import { type Loop, startLoop } from './loop';

/** How long an entry can be changed unseen. A round without entries costs under 1 ms. */
const SEAL_MS = 1_000;
/** Rows a seal: their hashes fit in a quarter of a megabyte. */
const BATCH = 5_000;

export function startAuditSealer(options: {
  readonly database: Database;
  readonly log: Logger;
  readonly intervalMs?: number;
}): Loop {
  return startLoop({
    name: 'audit-seal',
    intervalMs: options.intervalMs ?? SEAL_MS,
    log: options.log,
    round: async () => (await options.database.withSystem((tx) => sealAudit(tx, BATCH))) >= BATCH,
  });
}
