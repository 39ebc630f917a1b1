/**
 * What a replay of the retail file must come to, counted from its rows alone. The replay's report is
 * counted from the database under the same names, and the two are compared.
 */
import {
  type CreditOutcome,
  InvoiceCollector,
  matchCredits,
  type RetailInvoice,
  type RetailRow,
  soldLines,
  writeOffLines,
} from './online-retail';

/** Flat, so that the names are those of the report. */
export interface RetailCounts extends Record<`credits.${CreditOutcome}`, number> {
  rows: number;
  /** Distinct invoice numbers of every kind. */
  invoices: number;
  orders: number;
  /** Positive goods lines of orders. */
  lines: number;
  units: number;
  revenuePence: number;
  /** Lines whose code is not goods, on invoices of every kind. */
  serviceLines: number;
  creditInvoices: number;
  creditLines: number;
  creditUnits: number;
  writeOffLines: number;
  /** Units of the invoices without any positive line. */
  writeOffUnits: number;
}

const units = (lines: readonly { readonly quantity: number }[]) =>
  lines.reduce((sum, { quantity }) => sum + Math.abs(quantity), 0);

/** @param invoices in the order that `InvoiceCollector.invoices` gives. */
export function countInvoices(invoices: readonly RetailInvoice[]): RetailCounts {
  const counts: RetailCounts = {
    rows: 0,
    invoices: invoices.length,
    orders: 0,
    lines: 0,
    units: 0,
    revenuePence: 0,
    serviceLines: 0,
    creditInvoices: 0,
    creditLines: 0,
    creditUnits: 0,
    'credits.matched': 0,
    'credits.overReturned': 0,
    'credits.noPriorSale': 0,
    'credits.noCustomer': 0,
    writeOffLines: 0,
    writeOffUnits: 0,
  };
  let revenuePence = 0n;
  for (const invoice of invoices) {
    counts.rows += invoice.lines.length;
    counts.serviceLines += invoice.lines.filter((line) => !line.isGoods).length;
    if (invoice.kind === 'order') counts.orders++;
    if (invoice.kind === 'credit') counts.creditInvoices++;

    const sold = soldLines(invoice);
    counts.lines += sold.length;
    counts.units += units(sold);
    for (const line of sold) revenuePence += line.amountPence;

    const written = writeOffLines(invoice);
    counts.writeOffLines += written.length;
    if (invoice.kind === 'write_off') counts.writeOffUnits += units(written);
  }
  counts.revenuePence = Number(revenuePence);
  for (const credit of matchCredits(invoices)) {
    counts.creditLines++;
    counts.creditUnits += credit.units;
    counts[`credits.${credit.outcome}`]++;
  }
  return counts;
}

/** @throws Failure InvalidInput for a row that can't be read. */
export function countRetail(rows: Iterable<RetailRow>): RetailCounts {
  const collector = new InvoiceCollector();
  for (const row of rows) collector.add(row);
  return countInvoices(collector.invoices());
}
