/**
 * What an order would be parked for, asked before it is accepted: for callers who would rather be
 * refused (`strict`). The same pure checks as intake's; stock is not asked, for it is only decided when
 * the order is there.
 */
import type { IncomingOrder } from '../contracts/incoming-order';
import { readCatalogFacts } from '../db/catalog-facts.repo';
import type { Tx } from '../db/client';
import { checkOrder, shippingMethodKey } from '../domain/order/check-order';

export interface StrictFinding {
  /** RFC 6901, into the order. */
  readonly pointer: string;
  /** The reason under which the order would be parked. */
  readonly reason: string;
  readonly message: string;
}

/** Empty when nothing but stock can keep the order from being planned. */
export async function findStrictProblems(
  tx: Tx,
  merchantId: string,
  connectionId: string,
  order: Pick<IncomingOrder, 'payment' | 'requestedShippingMethod' | 'shipTo' | 'lines'>,
): Promise<StrictFinding[]> {
  const skus = [...new Set(order.lines.map(({ sku }) => sku))];
  const rows = await readCatalogFacts(tx, merchantId, skus);
  const checked = checkOrder(
    {
      connectionId,
      payment: order.payment,
      requestedShippingMethod: order.requestedShippingMethod,
      shipTo: order.shipTo,
      lines: order.lines.map(({ sku, quantity, ships }, index) => ({
        orderLineId: String(index),
        sku,
        quantity,
        ships,
      })),
    },
    {
      paymentPolicy: rows.payment_policy,
      shippingMethods: rows.methods.map((row) => ({
        connectionId: row.connection_id,
        method: shippingMethodKey(row.method),
        serviceLevel: row.service_level,
        services: row.services,
        maxDays: row.max_days,
      })),
      aliases: rows.aliases.map((row) => ({
        connectionId: row.connection_id,
        sku: row.alias,
        productId: row.product_id,
        unitsPerSku: row.multiplier,
      })),
      products: rows.products.map((row) => ({
        productId: row.id,
        sku: row.sku,
        ships: row.ships,
        components: row.is_bundle
          ? rows.components
              .filter(({ bundle_product_id }) => bundle_product_id === row.id)
              .map(({ component_product_id, quantity }) => ({ productId: component_product_id, quantity }))
          : null,
      })),
    },
  );
  return checked.blocked.flatMap(({ reason, problems, subjects }): StrictFinding[] => {
    if (reason === 'unmapped_sku') {
      return order.lines.flatMap(({ sku }, index) =>
        subjects.includes(sku)
          ? [{ pointer: `/lines/${index}/sku`, reason, message: 'no product or alias of this name' }]
          : [],
      );
    }
    const pointer = POINTERS[reason] ?? '';
    return problems.map((message) => ({ pointer, reason, message }));
  });
}

const POINTERS: Readonly<Record<string, string>> = {
  payment_pending: '/payment',
  unmapped_shipping_method: '/requestedShippingMethod',
  address_invalid: '/shipTo',
};
