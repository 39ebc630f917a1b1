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
import {
  hasReplayLines,
  insertReplayLines,
  type ReplayLineRow,
  readCustomerAccounts,
} from '../../db/replay.repo';
import { insertFacts } from '../../db/ship.repo';
import { EXCEPTION_REASONS } from '../../domain/order/exception-reasons';
import {
  type CreditOutcome,
  countsAsReturned,
  creditLines,
  judgeCredit,
  type RetailInvoice,
  type RetailLine,
  writeOffLines,
} from '../../domain/retail/online-retail';
import { retailOrder } from '../../domain/retail/retail-order';
import { type AcceptedOrder, acceptOrder } from '../accept-order';
import { adjustStock } from '../stock/adjust-stock';
import { REPLAY_SOURCE, type ReplayMerchant } from './open-replay-merchant';

export type ReplayedInvoice =
  | { readonly kind: 'order'; readonly accepted: AcceptedOrder }
  | { readonly kind: 'credit' | 'write_off' }
  /** It can't be stored as an order; it is kept and somebody is asked. */
  | { readonly kind: 'parked' };

export async function replayInvoice(
  database: Database,
  merchant: ReplayMerchant,
  invoice: RetailInvoice,
): Promise<ReplayedInvoice> {
  if (invoice.kind === 'credit') {
    await recordCredit(database, merchant, invoice);
    return { kind: 'credit' };
  }
  const accepted = invoice.kind === 'order' ? await placeOrder(database, merchant, invoice) : null;
  for (const line of writeOffLines(invoice)) await writeOff(database, merchant, invoice, line);
  const orderId = accepted?.orderId ?? null;
  const { merchantId } = merchant;
  await database.withMerchants([merchantId], (tx) =>
    insertReplayLines(
      tx,
      merchantId,
      invoice.lines.map((line) => ({
        ...rowOf(invoice, line),
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

const causeOf = (invoice: RetailInvoice, line: RetailLine) =>
  `${REPLAY_SOURCE}:${invoice.invoiceNo}:${line.lineNo}`;

async function writeOff(
  database: Database,
  { merchantId, warehouseId }: ReplayMerchant,
  invoice: RetailInvoice,
  line: RetailLine,
): Promise<void> {
  await adjustStock(database, {
    merchantId,
    causeId: causeOf(invoice, line),
    kind: 'write_off',
    warehouseId,
    reason: line.description || 'no reason given',
    actor: 'replay',
    occurredAt: new Date(invoice.placedAt),
    lines: [{ sku: line.code, delta: line.quantity }],
  });
}

/** How the database spells what a credit was matched to. */
const OUTCOMES: Readonly<Record<CreditOutcome, NonNullable<ReplayLineRow['outcome']>>> = {
  matched: 'matched',
  overReturned: 'over_returned',
  noPriorSale: 'no_prior_sale',
  noCustomer: 'no_customer',
};

async function recordCredit(
  database: Database,
  { merchantId, connectionId }: ReplayMerchant,
  invoice: RetailInvoice,
): Promise<void> {
  const { customerId, invoiceNo, placedAt } = invoice;
  const credited = new Set(creditLines(invoice));
  await database.withMerchants([merchantId], async (tx) => {
    // All lines of a credit are written at once, so one of them means that it was judged.
    if (await hasReplayLines(tx, merchantId, invoiceNo)) return;
    const skus = [...new Set([...credited].map((line) => line.code))];
    const of = { merchantId, connectionId, skus, until: placedAt };
    const known =
      customerId === null ? [] : await readCustomerAccounts(tx, { ...of, customerExternalId: customerId });
    const accounts = new Map(known.map((account) => [account.sku, { ...account }]));
    const judged = invoice.lines.map((line) => {
      const row = rowOf(invoice, line);
      if (!credited.has(line)) return { row, account: undefined };
      const account = accounts.get(line.code);
      const units = Math.abs(line.quantity);
      const outcome = judgeCredit(customerId, account, units);
      if (account && countsAsReturned(outcome)) account.returned += units;
      return { row: { ...row, outcome: OUTCOMES[outcome], order_id: account?.orderId ?? null }, account };
    });
    await insertReplayLines(
      tx,
      merchantId,
      judged.map(({ row }) => row),
    );
    await insertFacts(
      tx,
      judged.flatMap(({ row, account }) =>
        row.outcome !== 'matched' || !account
          ? []
          : [
              {
                merchant_id: merchantId,
                key: `credit:${invoiceNo}:${row.line_no}`,
                order_id: account.orderId,
                kind: 'credit' as const,
                product_id: account.productId,
                quantity: Math.abs(row.quantity).toFixed(3),
                amount_minor: row.amount_minor,
                currency: account.currency,
                occurred_at: new Date(placedAt),
              },
            ],
      ),
    );
  });
}

function rowOf(invoice: RetailInvoice, line: RetailLine): ReplayLineRow {
  return {
    invoice_no: invoice.invoiceNo,
    line_no: line.lineNo,
    invoice_kind: invoice.kind,
    kind: kindOf(invoice, line),
    sku: line.code,
    description: line.description,
    quantity: line.quantity,
    amount_minor: line.amountPence.toString(),
    customer_external_id: invoice.customerId,
    occurred_at: invoice.placedAt,
    outcome: null,
    order_id: null,
  };
}

function kindOf(invoice: RetailInvoice, line: RetailLine): ReplayLineRow['kind'] {
  if (!line.isGoods) return 'service';
  if (invoice.kind === 'credit') return 'credit';
  return invoice.kind === 'order' && line.quantity > 0 ? 'sale' : 'write_off';
}
