/**
 * A credit of a replayed file: each line is matched to what its customer bought before and kept as a fact.
 * Goods of a matched line that had left the warehouse come back to their bin, and orders that wait for
 * them are woken; goods that had not are still there. Rows, facts and stock are one transaction, keyed by
 * the invoice, so the same credit again changes nothing.
 */
import type { Database, Tx } from '../../db/client';
import { virtualPlace } from '../../db/place.repo';
import { hasReplayLines, insertReplayLines, type ReplayLineRow } from '../../db/replay.repo';
import { type CustomerAccount, readCustomerAccounts } from '../../db/replay-credit.repo';
import { type FactRow, insertFacts } from '../../db/ship.repo';
import {
  type CreditOutcome,
  countsAsReturned,
  creditLines,
  goodsHadShipped,
  judgeCredit,
  type RetailInvoice,
  type RetailLine,
} from '../../domain/retail/online-retail';
import { type Movement, postMovements } from '../stock/post-movements';
import { wakeBackorders } from '../wake-orders';
import { REPLAY_SOURCE, type ReplayMerchant } from './open-replay-merchant';
import { replayLineCause, replayLineOf } from './replay-line';
import { shelfOf } from './stock-replay-goods';

/** How the database spells what a credit was matched to. */
const OUTCOMES: Readonly<Record<CreditOutcome, NonNullable<ReplayLineRow['outcome']>>> = {
  matched: 'matched',
  overReturned: 'over_returned',
  noPriorSale: 'no_prior_sale',
  noCustomer: 'no_customer',
};

interface JudgedLine {
  readonly line: RetailLine;
  readonly row: ReplayLineRow;
  /** Of the goods that it was matched to. */
  readonly account: CustomerAccount | null;
  readonly units: number;
  readonly restocks: boolean;
}

/** @returns whether goods went back on the shelf. */
export async function recordCredit(
  database: Database,
  merchant: ReplayMerchant,
  invoice: RetailInvoice,
): Promise<boolean> {
  const { merchantId } = merchant;
  return database.withMerchants([merchantId], async (tx) => {
    // All lines of a credit are written at once, so one of them means that it was judged.
    if (await hasReplayLines(tx, merchantId, invoice.invoiceNo)) return false;
    const judged = judge(invoice, await accountsOf(tx, merchant, invoice));
    const restocked = await restock(tx, merchant, invoice, judged);
    await insertReplayLines(
      tx,
      merchantId,
      judged.map(({ row }) => row),
    );
    await insertFacts(
      tx,
      judged.flatMap((each) => factOf(merchantId, invoice, each)),
    );
    return restocked;
  });
}

async function accountsOf(
  tx: Tx,
  { merchantId, connectionId }: ReplayMerchant,
  invoice: RetailInvoice,
): Promise<CustomerAccount[]> {
  const { customerId, placedAt } = invoice;
  if (customerId === null) return [];
  const skus = [...new Set(creditLines(invoice).map((line) => line.code))];
  const until = placedAt;
  const source = REPLAY_SOURCE;
  return readCustomerAccounts(tx, {
    merchantId,
    connectionId,
    source,
    customerExternalId: customerId,
    skus,
    until,
  });
}

function judge(invoice: RetailInvoice, known: readonly CustomerAccount[]): JudgedLine[] {
  const accounts = new Map(known.map((account) => [account.sku, { ...account }]));
  const credited = new Set(creditLines(invoice));
  return invoice.lines.map((line) => {
    const units = Math.abs(line.quantity);
    const row = replayLineOf(invoice, line);
    if (!credited.has(line)) return { line, row, account: null, units, restocks: false };
    const account = accounts.get(line.code);
    const outcome = judgeCredit(invoice.customerId, account, units);
    const restocks = outcome === 'matched' && account !== undefined && goodsHadShipped(account, units);
    if (account && countsAsReturned(outcome)) account.returned += units;
    if (account && restocks) account.restocked += units;
    return {
      line,
      row: { ...row, outcome: OUTCOMES[outcome], order_id: account?.orderId ?? null },
      account: account ?? null,
      units,
      restocks,
    };
  });
}

async function restock(
  tx: Tx,
  merchant: ReplayMerchant,
  invoice: RetailInvoice,
  judged: readonly JudgedLine[],
): Promise<boolean> {
  const { merchantId } = merchant;
  const back = judged.flatMap(({ line, account, units, restocks }) =>
    restocks && account !== null && account.productId !== null
      ? [{ line, orderId: account.orderId, productId: account.productId, units }]
      : [],
  );
  if (back.length === 0) return false;
  const customer = await virtualPlace(tx, merchantId, 'customer');
  await postMovements(
    tx,
    back.map(
      ({ line, orderId, productId, units }): Movement => ({
        merchantId,
        causeId: replayLineCause(invoice, line),
        kind: 'return',
        orderId,
        reason: `credit ${invoice.invoiceNo}`,
        actor: 'replay',
        occurredAt: new Date(invoice.placedAt),
        lines: [
          {
            productId,
            lotCode: '',
            quantity: units,
            fromLocationId: customer,
            toLocationId: shelfOf(merchant, line.code),
          },
        ],
      }),
    ),
  );
  await wakeBackorders(tx, merchantId, [...new Set(back.map(({ productId }) => productId))]);
  return true;
}

function factOf(merchantId: string, invoice: RetailInvoice, { row, account, units }: JudgedLine): FactRow[] {
  if (row.outcome !== 'matched' || account === null) return [];
  return [
    {
      merchant_id: merchantId,
      key: `credit:${invoice.invoiceNo}:${row.line_no}`,
      order_id: account.orderId,
      kind: 'credit',
      product_id: account.productId,
      quantity: units.toFixed(3),
      amount_minor: row.amount_minor,
      currency: account.currency,
      occurred_at: new Date(invoice.placedAt),
    },
  ];
}
