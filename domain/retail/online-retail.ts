/**
 * The rules by which the UCI "Online Retail" file is read: which of its rows are orders, credits,
 * write-offs and services. The file has one row a line and no notion of any of these; they follow from
 * the invoice's number, the code and the sign of the quantity:
 * - goods are codes that begin with five digits; every other code (POST, M, BANK CHARGES, gift_…) is a
 *   service, which never touches stock nor counts as revenue of goods;
 * - an invoice whose number begins with C is a credit; any other with at least one positive line is an
 *   order; the rest are write-offs ("damages", "check"), as are the goods lines of an order that are
 *   not positive.
 * An invoice's time is that of its first row. The file gives no zone; times are taken as UTC.
 */
import { Failure } from '../failure-types';
import { divideHalfUp } from '../finance/rounding';

/** One row as the CSV gives it. */
export interface RetailRow {
  readonly invoiceNo: string;
  readonly stockCode: string;
  readonly description: string;
  readonly quantity: string;
  /** `2010-12-01 08:26:00`, or `12/1/2010 8:26` as in the original spreadsheet. */
  readonly invoiceDate: string;
  readonly unitPrice: string;
  /** `17850.0`, `17850` or empty. */
  readonly customerId: string;
  readonly country: string;
}

export interface RetailLine {
  /** Place within its invoice, from 1, in the order of the file. */
  readonly lineNo: number;
  /** Place in the file, from 1, of the rows that were read. */
  readonly rowNumber: number;
  readonly code: string;
  readonly description: string;
  /** As in the file, with its sign. */
  readonly quantity: number;
  readonly isGoods: boolean;
  /** One unit, rounded half up to the penny. */
  readonly unitPricePence: bigint;
  /** Quantity × price, rounded half up to the penny once; has the quantity's sign. */
  readonly amountPence: bigint;
}

export type RetailInvoiceKind = 'order' | 'credit' | 'write_off';

export interface RetailInvoice {
  readonly kind: RetailInvoiceKind;
  readonly invoiceNo: string;
  /** RFC 3339, UTC. */
  readonly placedAt: string;
  /** null for lines without a customer. */
  readonly customerId: string | null;
  /** In words, as the file has it. */
  readonly country: string;
  readonly lines: readonly RetailLine[];
}

/** Whether a code names something that lies on a shelf. */
export function isGoodsCode(code: string): boolean {
  return /^\d{5}/.test(code);
}

function unreadable(column: keyof RetailRow, text: string, rowNumber: number): Failure {
  return new Failure('InvalidInput', `row ${rowNumber}: ${column} "${text.slice(0, 40)}" can't be read`, {
    row: rowNumber,
    column,
  });
}

const LONG_DATE = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})(?::(\d{2}))?$/;
const SHEET_DATE = /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d{2})$/;

/** RFC 3339 in UTC, null when it is no date. */
function readDate(text: string): string | null {
  const long = LONG_DATE.exec(text);
  const sheet = long ? null : SHEET_DATE.exec(text);
  const parts = long
    ? [long[1], long[2], long[3], long[4], long[5], long[6] ?? '0']
    : sheet && [sheet[3], sheet[1], sheet[2], sheet[4], sheet[5], '0'];
  if (!parts) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const same =
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    minute < 60;
  return same && second < 60 ? date.toISOString().replace('.000', '') : null;
}

/** Local date (YYYY-MM-DD) of a row, for cutting a stretch out of the file; null when it can't be read. */
export function retailDate(row: RetailRow): string | null {
  return readDate(row.invoiceDate.trim())?.slice(0, 10) ?? null;
}

interface ReadRow {
  readonly invoiceNo: string;
  readonly placedAt: string;
  readonly customerId: string | null;
  readonly country: string;
  readonly line: Omit<RetailLine, 'lineNo' | 'rowNumber'>;
}

function readRow(row: RetailRow, rowNumber: number): ReadRow {
  const invoiceNo = row.invoiceNo.trim();
  const code = row.stockCode.trim();
  if (invoiceNo === '') throw unreadable('invoiceNo', row.invoiceNo, rowNumber);
  if (code === '') throw unreadable('stockCode', row.stockCode, rowNumber);
  const quantity = /^-?\d{1,9}$/.test(row.quantity.trim()) ? Number(row.quantity) : null;
  if (quantity === null) throw unreadable('quantity', row.quantity, rowNumber);
  const price = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(row.unitPrice.trim());
  if (!price) throw unreadable('unitPrice', row.unitPrice, rowNumber);
  const placedAt = readDate(row.invoiceDate.trim());
  if (!placedAt) throw unreadable('invoiceDate', row.invoiceDate, rowNumber);
  const decimals = price[3] ?? '';
  const digits = BigInt(`${price[1]}${price[2]}${decimals}`);
  // Price as a fraction of pence: digits × 100 ÷ 10^decimals.
  const pence = (units: bigint) => divideHalfUp(digits * units * 100n, 10n ** BigInt(decimals.length));
  return {
    invoiceNo,
    placedAt,
    customerId: row.customerId.trim().replace(/\.0+$/, '') || null,
    country: row.country.trim(),
    line: {
      code,
      description: row.description.trim(),
      quantity,
      isGoods: isGoodsCode(code),
      unitPricePence: pence(1n),
      amountPence: pence(BigInt(quantity)),
    },
  };
}

/**
 * Takes rows in the order of the file, from whatever reads it, and gives the invoices they make. An
 * invoice's rows may lie apart, and its kind is known only when all of it was seen, so the invoices are
 * there at the end; the memory is that of the rows that were added.
 */
export class InvoiceCollector {
  private readonly byNumber = new Map<string, { readonly first: ReadRow; readonly lines: RetailLine[] }>();
  private rowCount = 0;

  /** @throws Failure InvalidInput naming the row (1 is the first one added) and the column. */
  add(row: RetailRow): void {
    this.rowCount++;
    const read = readRow(row, this.rowCount);
    const rowNumber = this.rowCount;
    const known = this.byNumber.get(read.invoiceNo);
    if (known) known.lines.push({ lineNo: known.lines.length + 1, rowNumber, ...read.line });
    else this.byNumber.set(read.invoiceNo, { first: read, lines: [{ lineNo: 1, rowNumber, ...read.line }] });
  }

  get rows(): number {
    return this.rowCount;
  }

  /** In the order of time, and within one time in that of their first rows. */
  invoices(): RetailInvoice[] {
    return [...this.byNumber.values()]
      .map(({ first, lines }) => ({
        kind: kindOf(first.invoiceNo, lines),
        invoiceNo: first.invoiceNo,
        placedAt: first.placedAt,
        customerId: first.customerId,
        country: first.country,
        lines,
      }))
      .sort((a, b) => (a.placedAt < b.placedAt ? -1 : a.placedAt > b.placedAt ? 1 : 0));
  }
}

function kindOf(invoiceNo: string, lines: readonly RetailLine[]): RetailInvoiceKind {
  if (invoiceNo.startsWith('C')) return 'credit';
  return lines.some((line) => line.quantity > 0) ? 'order' : 'write_off';
}

/** The goods lines that an order asks for. Two of one code are two lines and one demand. */
export function soldLines(invoice: RetailInvoice): RetailLine[] {
  return invoice.kind === 'order' ? invoice.lines.filter((line) => line.isGoods && line.quantity > 0) : [];
}

/** The goods lines that take stock away without an order. */
export function writeOffLines(invoice: RetailInvoice): RetailLine[] {
  if (invoice.kind === 'credit') return [];
  return invoice.lines.filter((line) => line.isGoods && line.quantity <= 0);
}

/** The goods lines that a customer is credited for. */
export function creditLines(invoice: RetailInvoice): RetailLine[] {
  return invoice.kind === 'credit' ? invoice.lines.filter((line) => line.isGoods) : [];
}

export const CREDIT_OUTCOMES = ['matched', 'overReturned', 'noPriorSale', 'noCustomer'] as const;
export type CreditOutcome = (typeof CREDIT_OUTCOMES)[number];

/** What a customer bought and returned of one code so far. */
export interface CreditAccount {
  readonly bought: number;
  readonly returned: number;
}

/** @param account undefined when the customer bought nothing of that code so far. */
export function judgeCredit(
  customerId: string | null,
  account: CreditAccount | undefined,
  units: number,
): CreditOutcome {
  if (customerId === null) return 'noCustomer';
  if (!account) return 'noPriorSale';
  return account.returned + units > account.bought ? 'overReturned' : 'matched';
}

/**
 * Whether the goods of a matched credit had left the warehouse, and so go back on the shelf. Those of an
 * order that still waits were never away.
 * @param goods units of that code which left for the customer, and which came back from him, so far.
 */
export function goodsHadShipped(
  goods: { readonly shipped: number; readonly restocked: number },
  units: number,
): boolean {
  return units > 0 && goods.shipped - goods.restocked >= units;
}

/** Whether such a credit counts against what was bought, for those that follow. */
export function countsAsReturned(outcome: CreditOutcome): boolean {
  return outcome === 'matched' || outcome === 'overReturned';
}

/**
 * Matches credits to what the customer bought of that very code before. What is matched or over-returned
 * counts as returned; the rest doesn't, for there was nothing it could come from.
 */
class CreditMatcher {
  private readonly byCustomer = new Map<string, { bought: number; returned: number }>();

  buy(customerId: string | null, code: string, units: number): void {
    if (customerId === null) return;
    const key = JSON.stringify([customerId, code]);
    const account = this.byCustomer.get(key) ?? { bought: 0, returned: 0 };
    account.bought += units;
    this.byCustomer.set(key, account);
  }

  credit(customerId: string | null, code: string, units: number): CreditOutcome {
    const account = customerId === null ? undefined : this.byCustomer.get(JSON.stringify([customerId, code]));
    const outcome = judgeCredit(customerId, account, units);
    if (account && countsAsReturned(outcome)) account.returned += units;
    return outcome;
  }
}

export interface CreditedLine {
  readonly invoice: RetailInvoice;
  readonly line: RetailLine;
  /** Positive. */
  readonly units: number;
  readonly outcome: CreditOutcome;
}

/** Every credit line with what it was matched to, in the order of the invoices' time and then of the file. */
export function matchCredits(invoices: readonly RetailInvoice[]): CreditedLine[] {
  const events = invoices
    .flatMap((invoice) => [...soldLines(invoice), ...creditLines(invoice)].map((line) => ({ invoice, line })))
    .sort((a, b) => {
      if (a.invoice.placedAt !== b.invoice.placedAt) return a.invoice.placedAt < b.invoice.placedAt ? -1 : 1;
      return a.line.rowNumber - b.line.rowNumber;
    });
  const matcher = new CreditMatcher();
  const credited: CreditedLine[] = [];
  for (const { invoice, line } of events) {
    if (invoice.kind === 'order') {
      matcher.buy(invoice.customerId, line.code, line.quantity);
    } else {
      const units = Math.abs(line.quantity);
      credited.push({ invoice, line, units, outcome: matcher.credit(invoice.customerId, line.code, units) });
    }
  }
  return credited;
}
