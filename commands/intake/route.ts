/** Asks where an order ships from: the facts of a batch as the snapshot that the pure decision takes. */
import type { IntakeOrderRow } from '../../db/intake.repo';
import type { DemandLine } from '../../domain/order/map-lines';
import { planFulfilment } from '../../domain/routing/plan-fulfilment';
import type { FulfilmentPlan } from '../../domain/routing/snapshot';
import type { AddressRow, IntakeFactIndex, WarehouseRow } from './facts';
import { distanceKm } from './geography';
import type { Sellable } from './sellable';

type Destination = Pick<AddressRow, 'country' | 'region' | 'postal_code'>;

export function routeOrder(
  facts: IntakeFactIndex,
  sellable: Sellable,
  order: IntakeOrderRow,
  to: Destination,
  lines: readonly DemandLine[],
): FulfilmentPlan {
  const merchant = facts.merchant(order.merchant_id);
  const productIds = [...new Set(lines.map(({ productId }) => productId))];
  return planFulfilment(
    {
      lines,
      facts: {
        country: to.country,
        region: to.region,
        postalCode: to.postal_code,
        channel: '',
        connectionId: order.connection_id,
        tags: [],
      },
    },
    {
      splitPolicy: merchant.split_policy,
      partialPolicy: merchant.partial_policy,
      lineSplitPolicy: 'allowed',
      rules: [],
      zones: [],
      rates: [],
      products: new Map(),
      warehouses: facts.warehousesOf(order.merchant_id).map((warehouse) => ({
        warehouseId: warehouse.id,
        distanceKm: distanceTo(warehouse, to),
        available: new Map(
          productIds.map((productId) => [productId, sellable.unitsFor(order, warehouse, productId)]),
        ),
        load: 0,
        room: { orders: null, units: null },
        late: false,
      })),
    },
  );
}

export function distanceTo(warehouse: WarehouseRow, to: Pick<Destination, 'country' | 'postal_code'>) {
  return distanceKm(
    { country: warehouse.country, postalCode: warehouse.postal_code },
    { country: to.country, postalCode: to.postal_code },
  );
}
