/** Orders to test with, as a channel would bring them. */
import { randomUUID } from 'node:crypto';
import { acceptOrder } from '../../commands/accept-order';
import {
  type IncomingOrder,
  type IncomingOrderInput,
  incomingOrderSchema,
} from '../../contracts/incoming-order';
import type { Database } from '../../db/client';
import type { SeededMerchant } from './merchant';

/** A good order of these SKUs to a real ZIP code with a visibly made-up street. */
export function demoOrder(
  lines: readonly { readonly sku: string; readonly quantity: number; readonly ships?: boolean }[],
  change: Partial<IncomingOrderInput> = {},
): IncomingOrder {
  return incomingOrderSchema.parse({
    externalId: randomUUID(),
    placedAt: '2026-03-02T10:00:00Z',
    currency: 'USD',
    totalMinor: '5000',
    payment: 'captured',
    requestedShippingMethod: null,
    customer: { name: 'Demo Customer', email: 'demo@customer.example' },
    shipTo: {
      name: 'Demo Customer',
      line1: '1 Demo Street',
      city: 'Beverly Hills',
      region: 'CA',
      postalCode: '90210',
      country: 'US',
    },
    lines: lines.map((line, index) => ({
      externalLineId: String(index + 1),
      sku: line.sku,
      title: line.sku,
      quantity: line.quantity,
      unitPriceMinor: '1000',
      ships: line.ships ?? true,
    })),
    tags: [],
    cancelled: false,
    ...change,
  });
}

export async function placeOrder(
  database: Database,
  merchant: Pick<SeededMerchant, 'merchantId' | 'connectionId'>,
  order: IncomingOrder,
) {
  return acceptOrder(database, {
    merchantId: merchant.merchantId,
    connectionId: merchant.connectionId,
    order,
    source: 'test',
    eventKey: randomUUID(),
    raw: null,
  });
}
