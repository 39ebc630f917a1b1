/** An order with all its parts as one answer, from one transaction: its figures agree with each other. */
import type { Tx } from '../db/client';
import { listExceptions } from '../db/exception-read.repo';
import {
  type AddressRow,
  findAddress,
  findCustomer,
  listFulfilmentOrders,
  listHolds,
  listOrderLines,
  type OrderRow,
} from '../db/order-read.repo';
import { readTimeline } from '../db/order-timeline.repo';
import { listLabels, listParcels } from '../db/parcel-read.repo';
import { minorOf, timeOf } from './answers';
import { exceptionOf } from './exceptions.routes';
import { labelOf, parcelOf } from './parcels.routes';

/** An order is split into a handful of parcels; beyond this many the list of parcels is the place to look. */
const PARTS = 200;

export function summaryOf(row: OrderRow) {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    connectionId: row.connection_id,
    channel: row.channel,
    externalId: row.external_id,
    externalNumber: row.external_number,
    state: row.state,
    stateSince: timeOf(row.state_since),
    deadlineAt: timeOf(row.deadline_at),
    blockedReason: row.blocked_reason,
    blockedSince: timeOf(row.blocked_since),
    held: row.held,
    payment: row.payment,
    currency: row.currency,
    totalMinor: minorOf(row.total_minor),
    shipBy: timeOf(row.ship_by),
    test: row.test,
    version: Number(row.version),
    placedAt: timeOf(row.placed_at),
    acceptedAt: timeOf(row.accepted_at),
    shippedAt: timeOf(row.shipped_at),
    deliveredAt: timeOf(row.delivered_at),
    closedAt: timeOf(row.closed_at),
  };
}

export async function orderDetail(tx: Tx, row: OrderRow) {
  const { merchant_id: merchantId, id } = row;
  const shipTo = await findAddress(tx, row);
  const customer = row.customer_id === null ? null : await findCustomer(tx, row);
  const holds = await listHolds(tx, merchantId, id);
  const lines = await listOrderLines(tx, merchantId, id);
  const parts = await listFulfilmentOrders(tx, merchantId, id);
  const parcels = await listParcels(tx, [merchantId], { orderId: id }, null, PARTS);
  const parcelIds = parcels.map((parcel) => parcel.id);
  const labels = parcels.length === 0 ? [] : await listLabels(tx, merchantId, parcelIds);
  const exceptions = await listExceptions(tx, [merchantId], { orderId: id }, null, PARTS);
  const timeline = await readTimeline(tx, merchantId, id);
  return {
    ...summaryOf(row),
    requestedShippingMethod: row.requested_shipping_method,
    serviceLevel: row.service_level,
    priority: row.priority,
    vip: row.vip,
    tags: row.tags,
    note: row.note,
    giftMessage: row.gift_message,
    blockedDetail: row.blocked_detail,
    workflowId: row.workflow_id,
    customer,
    shipTo: shipTo === null ? null : addressOf(shipTo),
    holds: holds.map((hold) => ({
      name: hold.name,
      note: hold.note,
      placedBy: hold.placed_by,
      placedAt: timeOf(hold.placed_at),
      releasedBy: hold.released_by,
      releasedAt: timeOf(hold.released_at),
    })),
    lines: lines.map((line) => ({
      id: line.id,
      externalLineId: line.external_line_id,
      sku: line.sku,
      title: line.title,
      quantity: line.quantity,
      cancelledQuantity: line.cancelled_quantity,
      unitPriceMinor: minorOf(line.unit_price_minor),
      ships: line.ships,
      productId: line.product_id,
    })),
    fulfilmentOrders: parts.map((part) => ({
      id: part.id,
      number: part.number,
      warehouseId: part.warehouse_id,
      warehouseCode: part.warehouse_code,
      state: part.state,
      stateSince: timeOf(part.state_since),
      shipBy: timeOf(part.ship_by),
      shippedAt: timeOf(part.shipped_at),
      lines: part.lines,
    })),
    parcels: parcels.map((parcel) => ({
      ...parcelOf(parcel),
      labels: labels.filter((label) => label.parcel_id === parcel.id).map(labelOf),
    })),
    exceptions: exceptions.map(exceptionOf),
    timeline: timeline.map((entry) => ({ ...entry, at: timeOf(entry.at) })),
  };
}

export function addressOf(row: AddressRow) {
  const { postal_code: postalCode, ...rest } = row;
  return { ...rest, postalCode };
}
