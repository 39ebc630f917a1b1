/**
 * The ship step of a fulfilment order, after its ship scan: stock leaves (packing place → customer),
 * reservations are consumed, money and work become facts, and whoever must be told gets an outbox row:
 * channel, customer, the merchant's own webhooks. Many shipments share a transaction; each posts once,
 * guarded by `shipment.posted_at` under a lock and by the ledger's cause.
 */
import { uuidv7 } from 'uuidv7';
import type { Database, Tx } from '../db/client';
import { enqueue, type OutboxMessage } from '../db/outbox.repo';
import { readReservedSerials } from '../db/serial.repo';
import {
  type FactRow,
  insertFacts,
  insertNotifications,
  lockShippedParts,
  markPosted,
  type ShippedPart,
} from '../db/ship.repo';
import { costOfGoods, labourMinutes } from '../domain/finance/order-facts';
import { groupBy } from '../domain/group-by';
import type { Money } from '../domain/money';
import { stepKey } from '../domain/step-key';
import { Coalescer } from './coalescer';
import { byUnit, type Movement } from './stock/movement';
import { postMovements } from './stock/post-movements';

export interface ShipRequest {
  readonly merchantId: string;
  readonly fulfilmentOrderId: string;
}

export type ShipOutcome =
  /** `orderState` is where its parts have brought the order. */
  { readonly outcome: 'posted'; readonly orderState: string } | { readonly outcome: 'not_shipped' };

export class ShipStep {
  private readonly coalescer: Coalescer<ShipRequest, ShipOutcome>;

  constructor(database: Database) {
    this.coalescer = new Coalescer((requests) =>
      database.withMerchants(
        requests.map((request) => request.merchantId),
        (tx) => shipIn(tx, requests),
      ),
    );
  }

  /** Posts the shipment, or finds that it is posted. `not_shipped`: its ship scan is not there. */
  run(request: ShipRequest): Promise<ShipOutcome> {
    return this.coalescer.submit(request);
  }
}

async function shipIn(tx: Tx, requests: readonly ShipRequest[]): Promise<ShipOutcome[]> {
  const keys = requests.map((request) => ({
    merchant_id: request.merchantId,
    fulfilment_order_id: request.fulfilmentOrderId,
  }));
  const parts = await lockShippedParts(tx, keys);
  const fresh = parts.filter((part) => !part.posted);
  const units = await readReservedSerials(
    tx,
    fresh.flatMap((part) =>
      part.allocations.map((each) => ({ merchantId: part.merchant_id, reservationId: each.reservation_id })),
    ),
  );
  await postMovements(
    tx,
    fresh.map((part) => movement(part, units)),
  );
  await insertFacts(
    tx,
    fresh.flatMap((part) => facts(part)),
  );
  await tell(tx, fresh);
  await markPosted(tx, fresh);
  const stateOf = new Map(parts.map((part) => [part.fulfilment_order_id, part.order_state]));
  return requests.map(({ fulfilmentOrderId }) => {
    const orderState = stateOf.get(fulfilmentOrderId);
    return orderState === undefined ? { outcome: 'not_shipped' } : { outcome: 'posted', orderState };
  });
}

const keyOf = (part: ShippedPart) => stepKey(part.fulfilment_order_id, 'ship');

function movement(part: ShippedPart, units: Awaited<ReturnType<typeof readReservedSerials>>): Movement {
  return {
    merchantId: part.merchant_id,
    causeId: keyOf(part),
    kind: 'ship',
    orderId: part.order_id,
    actor: 'workflow',
    occurredAt: part.shipped_at,
    lines: part.allocations.flatMap((allocation) =>
      byUnit(
        {
          productId: allocation.product_id,
          lotCode: allocation.lot_code,
          quantity: allocation.quantity,
          fromLocationId: allocation.location_id,
          toLocationId: part.customer_location_id,
        },
        units
          .filter(
            (unit) =>
              unit.reservationId === allocation.reservation_id &&
              unit.locationId === allocation.location_id &&
              unit.lotCode === allocation.lot_code,
          )
          .map((unit) => unit.serial),
      ),
    ),
    consume: [...new Set(part.allocations.map((allocation) => allocation.reservation_id))],
  };
}

function facts(part: ShippedPart): FactRow[] {
  const row = (kind: FactRow['kind'], of: string, quantity: number, money: Money | null): FactRow => ({
    merchant_id: part.merchant_id,
    key: `${keyOf(part)}:${kind}:${of}`,
    order_id: part.order_id,
    kind,
    product_id: null,
    quantity: quantity.toFixed(3),
    amount_minor: money === null ? null : money.amountMinor.toString(),
    currency: money?.currency ?? null,
    occurred_at: part.shipped_at,
  });
  const own = (amountMinor: bigint): Money => ({ amountMinor, currency: part.currency });
  const byProduct = groupBy(part.allocations, (line) => line.product_id);
  const goods = [...byProduct].flatMap(([productId, lines]) => {
    const units = lines.reduce((sum, line) => sum + line.quantity, 0);
    const cogs = costOfGoods(
      lines.map((line) => ({
        quantity: line.quantity,
        unitCostMinor: line.unit_cost_minor === null ? null : BigInt(line.unit_cost_minor),
      })),
    );
    const revenue = lines.reduce(
      (sum, line) => sum + BigInt(line.quantity) * BigInt(line.unit_price_minor),
      0n,
    );
    return [
      { ...row('cogs', productId, units, own(cogs.amountMinor)), product_id: productId },
      { ...row('revenue', productId, units, own(revenue)), product_id: productId },
    ];
  });
  const parcels = part.parcels.flatMap((parcel) => [
    ...(parcel.label_minor === null || parcel.label_currency === null
      ? []
      : [
          row('shipping_cost', parcel.id, 1, {
            amountMinor: BigInt(parcel.label_minor),
            currency: parcel.label_currency,
          }),
        ]),
    row('material', parcel.id, 1, own(BigInt(parcel.carton_cost_minor ?? 0))),
  ]);
  const minutes = labourMinutes(
    part.tasks.map((task) => ({
      claimedAt: new Date(task.claimed_at),
      finishedAt: new Date(task.finished_at),
    })),
  );
  return [...goods, ...parcels, row('labour_minutes', 'all', minutes, null)];
}

async function tell(tx: Tx, parts: readonly ShippedPart[]): Promise<void> {
  const notifications = await insertNotifications(
    tx,
    parts
      .filter((part) => part.has_email)
      .map((part) => ({
        id: uuidv7(),
        merchant_id: part.merchant_id,
        order_id: part.order_id,
        event: 'order_shipped',
        key: `order_shipped:${part.fulfilment_order_id}`,
      })),
  );
  const mails = notifications.map(
    (notification): OutboxMessage => ({
      merchantId: notification.merchant_id,
      kind: 'mail',
      key: `mail:${notification.key}`,
      orderId: notification.order_id,
      lane: 'mail',
      payload: { notificationId: notification.id },
    }),
  );
  await enqueue(tx, [...parts.flatMap((part) => [...trackings(part), ...webhooks(part)]), ...mails]);
}

function trackings(part: ShippedPart): OutboxMessage[] {
  if (!part.tells_tracking || !['shopify', 'generic'].includes(part.channel)) return [];
  return part.parcels.map((parcel) => ({
    merchantId: part.merchant_id,
    kind: 'channel.tracking',
    key: `tracking:${parcel.id}`,
    orderId: part.order_id,
    lane: part.connection_id,
    payload: { parcelId: parcel.id, connectionId: part.connection_id },
  }));
}

function webhooks(part: ShippedPart): OutboxMessage[] {
  return part.endpoints.map((endpointId) => ({
    merchantId: part.merchant_id,
    kind: 'webhook',
    key: `webhook:${endpointId}:order.shipped:${part.fulfilment_order_id}`,
    orderId: part.order_id,
    lane: endpointId,
    payload: {
      endpointId,
      type: 'order.shipped',
      data: {
        orderId: part.order_id,
        fulfilmentOrderId: part.fulfilment_order_id,
        parcelIds: part.parcels.map((parcel) => parcel.id),
      },
    },
  }));
}
