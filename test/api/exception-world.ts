/** Exception routes of the sweep, and an exception that allows each of them. */
import { randomUUID } from 'node:crypto';
import type { Database } from '../../db/client';
import { openExceptions } from '../../db/exception.repo';
import type { SeededMerchant } from '../support/merchant';

export const EXCEPTION_THINGS = [
  'exceptionId',
  'exceptionToRetry',
  'exceptionToCancel',
  'exceptionToResolve',
  'exceptionToSkip',
] as const;
export type ExceptionWorld = Readonly<Record<(typeof EXCEPTION_THINGS)[number], string>>;

export const EXCEPTION_ROUTES: Readonly<
  Record<string, (w: ExceptionWorld) => { readonly path: string; readonly body?: unknown }>
> = {
  listExceptions: () => ({ path: '/v1/exceptions' }),
  listExceptionGroups: () => ({ path: '/v1/exception-groups' }),
  getException: (w) => ({ path: `/v1/exceptions/${w.exceptionId}` }),
  retryException: (w) => ({ path: `/v1/exceptions/${w.exceptionToRetry}/retry`, body: { reason: 'again' } }),
  cancelException: (w) => ({
    path: `/v1/exceptions/${w.exceptionToCancel}/cancel`,
    body: { reason: 'asked' },
  }),
  resolveException: (w) => ({
    path: `/v1/exceptions/${w.exceptionToResolve}/resolve`,
    body: { reason: 'done' },
  }),
  assignException: (w) => ({
    path: `/v1/exceptions/${w.exceptionId}/assign`,
    body: { to: { role: 'operator' }, reason: 'theirs' },
  }),
  snoozeException: (w) => ({
    path: `/v1/exceptions/${w.exceptionId}/snooze`,
    body: { until: new Date(Date.now() + 3_600_000).toISOString(), reason: 'not now' },
  }),
  skipException: (w) => ({
    path: `/v1/exceptions/${w.exceptionToSkip}/skip`,
    body: { reason: 'not needed' },
  }),
};

/** One exception for each of four orders, and one of a message. */
export async function makeExceptions(
  database: Database,
  merchant: SeededMerchant,
  orderIds: readonly string[],
): Promise<ExceptionWorld> {
  const { merchantId } = merchant;
  const reasons = ['unmapped_sku', 'unmapped_sku', 'unmapped_sku', 'parcel_lost'];
  await database.withMerchants([merchantId], (tx) =>
    openExceptions(
      tx,
      orderIds.map((orderId, index) => ({
        merchantId,
        reason: reasons[index] as string,
        key: `${reasons[index]}:${orderId}`,
        cause: `${reasons[index]}:DEMO`,
        orderId,
        thingKind: 'order',
        thingId: orderId,
        owner: 'merchant',
        message: 'A demo exception.',
        deadlineMinutes: 60,
        openedAt: new Date(),
      })),
    ),
  );
  const rows = await database.withMerchants([merchantId], (tx) =>
    tx.rows<{ id: string; order_id: string }>({ text: 'select id, order_id from exception' }),
  );
  const [exceptionId, exceptionToRetry, exceptionToCancel, exceptionToResolve] = orderIds.map(
    (orderId) => rows.find((row) => row.order_id === orderId)?.id as string,
  );
  const exceptionToSkip = await raiseDeadMessage(database, merchantId);
  return {
    exceptionId,
    exceptionToRetry,
    exceptionToCancel,
    exceptionToResolve,
    exceptionToSkip,
  } as ExceptionWorld;
}

/** A message that nobody could deliver. Returns its exception. */
async function raiseDeadMessage(database: Database, merchantId: string): Promise<string> {
  const id = randomUUID();
  return database.withMerchants([merchantId], async (tx) => {
    await tx.run({
      text: `insert into outbox (id, merchant_id, kind, key, payload, state, done_at) values ($1, $2, 'webhook', $3, '{}', 'dead', now())`,
      values: [id, merchantId, `demo:${id}`],
    });
    const key = `outbox_dead:${id}`;
    const about = { orderId: null, thingKind: 'outbox', thingId: id, owner: 'integrator' };
    const when = { message: 'A demo exception.', deadlineMinutes: 60, openedAt: new Date() };
    await openExceptions(tx, [{ merchantId, reason: 'outbox_dead', key, cause: key, ...about, ...when }]);
    const [row] = await tx.rows<{ id: string }>({
      text: 'select id from exception where key = $1',
      values: [key],
    });
    return (row as { id: string }).id;
  });
}
