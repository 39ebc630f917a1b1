/** Gives up what is not counted of a count; what was counted and posted stays. A second time changes nothing. */
import { businessNow } from '../../db/adjustment.repo';
import { audit } from '../../db/audit-log.repo';
import type { Database } from '../../db/client';
import { cancelSheets, lockCount, lockSheetsOfCount } from '../../db/count.repo';
import { Failure } from '../../domain/failure-types';

export interface CancelCount {
  readonly merchantIds: readonly string[];
  readonly countId: string;
  readonly reason: string;
  readonly actor: string;
  readonly requestId?: string | null;
}

/** @throws Failure NotFound; IllegalTransition when all of it is counted. */
export function cancelCount(database: Database, request: CancelCount): Promise<void> {
  const { merchantIds, countId, actor, reason } = request;
  return database.withMerchants(merchantIds, async (tx) => {
    await lockSheetsOfCount(tx, merchantIds, countId);
    const found = await lockCount(tx, merchantIds, countId);
    if (found === null) throw new Failure('NotFound', 'there is no such count');
    if (found.state === 'cancelled') return;
    if (found.state === 'done')
      throw new Failure('IllegalTransition', 'all of it is counted', { state: found.state });
    const { merchantId } = found;
    const sheets = await cancelSheets(tx, merchantId, countId, await businessNow(tx, merchantId));
    await audit(tx, {
      merchantId,
      actor,
      requestId: request.requestId ?? null,
      action: 'count.cancel',
      thingKind: 'stock_count',
      thingId: countId,
      reason,
      after: { sheets },
    });
  });
}
