/**
 * A retail invoice as an order that comes in (the shape of the incoming-order contract, which a test
 * holds it against). Every positive line of the file becomes a line of its own; lines that are not
 * positive are no order's, and are posted as write-offs beside it.
 */
import { makeUpPerson, RETAIL_SEED } from './make-up';
import type { RetailInvoice } from './online-retail';

/** What the replay's merchant maps to a service level. */
export const RETAIL_SHIPPING_METHOD = 'Standard';

/** @throws RangeError when the invoice is no order. */
export function retailOrder(invoice: RetailInvoice, seed = RETAIL_SEED) {
  if (invoice.kind !== 'order') throw new RangeError(`${invoice.invoiceNo} is no order`);
  const person = makeUpPerson(invoice, seed);
  const lines = invoice.lines.filter((line) => line.quantity > 0);
  return {
    externalId: invoice.invoiceNo,
    externalNumber: invoice.invoiceNo,
    placedAt: invoice.placedAt,
    currency: 'GBP',
    totalMinor: lines.reduce((sum, line) => sum + line.amountPence, 0n).toString(),
    payment: 'captured' as const,
    requestedShippingMethod: RETAIL_SHIPPING_METHOD,
    shipBy: null,
    customer: {
      externalId: invoice.customerId,
      name: person.name,
      email: person.email,
      phone: null,
    },
    shipTo: {
      name: person.name,
      company: null,
      line1: person.line1,
      line2: null,
      city: person.city,
      region: person.region,
      postalCode: person.postalCode,
      country: person.country,
      phone: null,
      email: person.email,
    },
    lines: lines.map((line) => ({
      externalLineId: String(line.lineNo),
      sku: line.code,
      title: line.description,
      quantity: line.quantity,
      unitPriceMinor: line.unitPricePence.toString(),
      ships: line.isGoods,
    })),
    tags: [],
    note: null,
    giftMessage: null,
    version: null,
    cancelled: false,
  };
}
