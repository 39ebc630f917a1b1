/**
 * One invoice of a replayed file becomes facts: an order comes in as any other, a credit is matched to
 * what its customer bought before, a write-off is posted as far as the goods are there. Each is keyed by
 * its invoice (and line), so the same invoice again changes nothing, and one that was cut short is
 * completed. The merchant's clock must stand at the invoice's time.
 */
import { uuidv7 } from 'uuidv7';
import { incomingOrderSchema } from '../../contracts/incoming-order';
import type { Database } from '../../db/client';
import { openExceptions } from '../../db/exception.repo';
import { insertInbox } from '../../db/inbox-write.repo';
import { insertReplayLines } from '../../db/replay.repo';
import { EXCEPTION_REASONS } from '../../domain/order/exception-reasons';
import { type RetailInvoice, type RetailLine, writeOffLines } from '../../domain/retail/online-retail';
import { retailOrder } from '../../domain/retail/retail-order';
import { type AcceptedOrder, acceptOrder } from '../accept-order';
import { adjustStock } from '../stock/adjust-stock';
import { REPLAY_SOURCE, type ReplayMerchant } from './open-replay-merchant';
import { recordCredit } from './replay-credit';
import { replayLineCause, replayLineOf } from './replay-line';

export type ReplayedInvoice =
  | { readonly kind: 'order'; readonly accepted: AcceptedOrder }
  | { readonly kind: 'write_off' }
  /** `restocked`: goods came back, and orders that wait for them were woken. */
  | { readonly kind: 'credit'; readonly restocked: boolean }
  /** It can't be stored as an order; it is kept and somebody is asked. */
  | { readonly kind: 'parked' };

export async function replayInvoice(
  database: Database,
  merchant: ReplayMerchant,
  invoice: RetailInvoice,
): Promise<ReplayedInvoice> {
  if (invoice.kind === 'credit') {
    return { kind: 'credit', restocked: await recordCredit(database, merchant, invoice) };
  }
  // Before the order can be looked at, so that a replay comes out the same every time.
  for (const line of writeOffLines(invoice)) await writeOff(database, merchant, invoice, line);
  const accepted = invoice.kind === 'order' ? await placeOrder(database, merchant, invoice) : null;
  const orderId = accepted?.orderId ?? null;
  const { merchantId } = merchant;
  await database.withMerchants([merchantId], (tx) =>
    insertReplayLines(
      tx,
      merchantId,
      invoice.lines.map((line) => ({
        ...replayLineOf(invoice, line),
        order_id: line.quantity > 0 ? orderId : null,
      })),
    ),
  );
  if (invoice.kind === 'write_off') return { kind: 'write_off' };
  return accepted === null ? { kind: 'parked' } : { kind: 'order', accepted };
}

async function placeOrder(
  database: Database,
  merchant: ReplayMerchant,
  invoice: RetailInvoice,
): Promise<AcceptedOrder | null> {
  const { merchantId, connectionId } = merchant;
  const order = incomingOrderSchema.safeParse(retailOrder(invoice));
  if (!order.success) {
    const [issue] = order.error.issues;
    await park(database, merchant, invoice, `/${issue?.path.join('/') ?? ''}: ${issue?.message ?? ''}`);
    return null;
  }
  return acceptOrder(database, {
    merchantId,
    connectionId,
    order: order.data,
    source: REPLAY_SOURCE,
    eventKey: invoice.invoiceNo,
    raw: null,
  });
}

async function park(
  database: Database,
  { merchantId, connectionId }: ReplayMerchant,
  { invoiceNo, placedAt }: RetailInvoice,
  reason: string,
): Promise<void> {
  const meaning = EXCEPTION_REASONS.order_unreadable;
  await database.withMerchants([merchantId], async (tx) => {
    const inbox = { id: uuidv7(), merchantId, source: REPLAY_SOURCE, eventKey: invoiceNo, topic: 'order' };
    const isNew = await insertInbox(tx, { ...inbox, body: null, state: 'parked', reason, orderId: null });
    if (!isNew) return;
    await openExceptions(tx, [
      {
        merchantId,
        reason: 'order_unreadable',
        key: `order_unreadable:${inbox.id}`,
        cause: `order_unreadable:${connectionId}`,
        orderId: null,
        thingKind: 'inbox',
        thingId: inbox.id,
        owner: meaning.owner,
        message: `Invoice ${invoiceNo} can't become an order: ${reason}`,
        deadlineMinutes: meaning.deadlineMinutes,
        openedAt: new Date(placedAt),
      },
    ]);
  });
}

async function writeOff(
  database: Database,
  { merchantId, warehouseId }: ReplayMerchant,
  invoice: RetailInvoice,
  line: RetailLine,
): Promise<void> {
  await adjustStock(database, {
    merchantId,
    causeId: replayLineCause(invoice, line),
    kind: 'write_off',
    warehouseId,
    reason: line.description || 'no reason given',
    actor: 'replay',
    occurredAt: new Date(invoice.placedAt),
    lines: [{ sku: line.code, delta: line.quantity }],
  });
}
