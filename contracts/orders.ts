/** Orders as callers bring them and as the API shows them. */
import { z } from 'zod';
import { currency, id, instant, minorUnits, quantity, reason, text } from './common';
import {
  incomingAddressSchema,
  incomingLineSchema,
  incomingOrderSchema,
  PAYMENT_STATES,
} from './incoming-order';

/**
 * An order through our own API: an incoming order without what only channels say. What an order may be
 * parked for (an unknown SKU, a bad address) is accepted, unless `strict`.
 */
export const createOrderSchema = incomingOrderSchema
  .omit({ version: true, cancelled: true, customer: true, lines: true })
  .extend({
    currency,
    totalMinor: minorUnits,
    customer: incomingOrderSchema.shape.customer.default({
      externalId: null,
      name: null,
      email: null,
      phone: null,
    }),
    lines: z
      .array(
        incomingLineSchema.extend({ quantity, unitPriceMinor: minorUnits, ships: z.boolean().default(true) }),
      )
      .min(1)
      .max(1000)
      .refine((lines) => new Set(lines.map((line) => line.externalLineId)).size === lines.length, {
        message: 'an externalLineId is given twice',
      }),
    tags: incomingOrderSchema.shape.tags.default([]),
    /** Refuse with 422 what would be parked. */
    strict: z.boolean().default(false),
    /** A trial run: the same workflow, against sandboxes. */
    test: z.boolean().default(false),
  });

export const acceptedOrderSchema = z
  .strictObject({
    id,
    state: z.string(),
    /** False when the order had been accepted before. */
    created: z.boolean(),
    workflowId: z.string(),
  })
  .meta({ id: 'AcceptedOrder' });

export const ORDER_STATES = [
  'received',
  'accepted',
  'planned',
  'in_fulfilment',
  'partly_shipped',
  'shipped',
  'delivered',
  'closed',
  'cancelled',
] as const;

const summary = {
  id,
  merchantId: id,
  connectionId: id,
  channel: z.string(),
  externalId: z.string(),
  externalNumber: z.string().nullable(),
  state: z.enum(ORDER_STATES),
  stateSince: instant,
  deadlineAt: instant.nullable(),
  blockedReason: z.string().nullable(),
  blockedSince: instant.nullable(),
  held: z.boolean(),
  payment: z.string(),
  currency: z.string(),
  totalMinor: z.string(),
  shipBy: instant.nullable(),
  test: z.boolean(),
  version: z.int(),
  placedAt: instant,
  acceptedAt: instant,
  shippedAt: instant.nullable(),
  deliveredAt: instant.nullable(),
  closedAt: instant.nullable(),
};
export const orderSummarySchema = z.strictObject(summary).meta({ id: 'OrderSummary' });

const address = z.strictObject({
  version: z.int(),
  name: z.string().nullable(),
  company: z.string().nullable(),
  line1: z.string().nullable(),
  line2: z.string().nullable(),
  city: z.string().nullable(),
  region: z.string().nullable(),
  postalCode: z.string().nullable(),
  country: z.string().nullable(),
  phone: z.string().nullable(),
  email: z.string().nullable(),
  checked: z.string(),
  problems: z.array(z.string()),
});

const orderLine = z.strictObject({
  id,
  externalLineId: z.string(),
  sku: z.string(),
  title: z.string(),
  quantity: z.int(),
  cancelledQuantity: z.int(),
  unitPriceMinor: z.string(),
  ships: z.boolean(),
  productId: id.nullable(),
});

const fulfilmentOrder = z.strictObject({
  id,
  number: z.int(),
  warehouseId: id,
  warehouseCode: z.string(),
  state: z.string(),
  stateSince: instant,
  shipBy: instant.nullable(),
  shippedAt: instant.nullable(),
  lines: z.array(
    z.strictObject({
      id,
      orderLineId: id,
      productId: id,
      sku: z.string(),
      quantity: z.int(),
      shorted: z.int(),
    }),
  ),
});

export const labelSchema = z
  .strictObject({
    id,
    state: z.string(),
    stateSince: instant,
    carrier: z.string().nullable(),
    service: z.string().nullable(),
    trackingNumber: z.string().nullable(),
    labelUrl: z.string().nullable(),
    amountMinor: z.string().nullable(),
    currency: z.string().nullable(),
    addressVersion: z.int(),
    failure: z.string().nullable(),
    createdAt: instant,
  })
  .meta({ id: 'Label' });

const parcel = {
  id,
  merchantId: id,
  orderId: id,
  fulfilmentOrderId: id,
  number: z.int(),
  state: z.string(),
  stateSince: instant,
  weightGrams: z.int().nullable(),
  lengthMm: z.int().nullable(),
  widthMm: z.int().nullable(),
  heightMm: z.int().nullable(),
  carrier: z.string().nullable(),
  service: z.string().nullable(),
  trackingNumber: z.string().nullable(),
  promisedAt: instant.nullable(),
  shippedAt: instant.nullable(),
  deliveredAt: instant.nullable(),
};
export const parcelSchema = z.strictObject(parcel).meta({ id: 'Parcel' });
export const parcelDetailSchema = z
  .strictObject({
    ...parcel,
    lines: z.array(z.strictObject({ productId: id, sku: z.string(), quantity: z.int() })),
    labels: z.array(labelSchema),
    tracking: z.array(
      z.strictObject({
        eventId: z.string(),
        status: z.string(),
        message: z.string(),
        occurredAt: instant,
        receivedAt: instant,
        source: z.string(),
      }),
    ),
  })
  .meta({ id: 'ParcelDetail' });

export const exceptionSchema = z
  .strictObject({
    id,
    merchantId: id,
    reason: z.string(),
    cause: z.string(),
    state: z.enum(['open', 'snoozed', 'resolved']),
    /** The role that is to do something about it. */
    owner: z.string(),
    /** The person who does, where it was given to one. */
    assigneeId: id.nullable(),
    /** Off the list until then, or until its deadline passes or its cause changes. */
    snoozedUntil: instant.nullable(),
    message: z.string(),
    orderId: id.nullable(),
    thingKind: z.string(),
    thingId: z.string(),
    /** What a person may do about it. */
    actions: z.array(z.string()),
    tried: z.array(z.unknown()),
    openedAt: instant,
    deadlineAt: instant.nullable(),
    resolvedAt: instant.nullable(),
    resolvedBy: z.string().nullable(),
    resolution: z.string().nullable(),
  })
  .meta({ id: 'Exception' });

export const exceptionGroupSchema = z
  .strictObject({
    merchantId: id,
    cause: z.string(),
    reason: z.string(),
    owner: z.string(),
    /** What frees it, for a person. */
    resumes: z.string(),
    count: z.int(),
    oldestAt: instant,
    /** The earliest deadline of the group. */
    deadlineAt: instant.nullable(),
    exampleId: id,
    message: z.string(),
  })
  .meta({ id: 'ExceptionGroup' });

const hold = z.strictObject({
  name: z.string(),
  note: z.string().nullable(),
  placedBy: z.string(),
  placedAt: instant,
  releasedBy: z.string().nullable(),
  releasedAt: instant.nullable(),
});

export const timelineEntrySchema = z
  .strictObject({
    at: instant,
    /** What kind of fact: message, order, hold, address, fulfilment, scan, parcel, label, tracking, exception, notification, told, audit. */
    kind: z.string(),
    what: z.string(),
    /** Small facts: ids, states, reasons; never a person's data. */
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'TimelineEntry' });

export const orderDetailSchema = z
  .strictObject({
    ...summary,
    requestedShippingMethod: z.string().nullable(),
    serviceLevel: z.string().nullable(),
    priority: z.int(),
    vip: z.boolean(),
    tags: z.array(z.string()),
    note: z.string().nullable(),
    giftMessage: z.string().nullable(),
    blockedDetail: z.unknown(),
    workflowId: z.string(),
    customer: z
      .strictObject({
        id,
        name: z.string().nullable(),
        email: z.string().nullable(),
        phone: z.string().nullable(),
      })
      .nullable(),
    shipTo: address.nullable(),
    holds: z.array(hold),
    lines: z.array(orderLine),
    fulfilmentOrders: z.array(fulfilmentOrder),
    parcels: z.array(z.strictObject({ ...parcel, labels: z.array(labelSchema) })),
    exceptions: z.array(exceptionSchema),
    timeline: z.array(timelineEntrySchema),
  })
  .meta({ id: 'OrderDetail' });

export const holdSchema = z.strictObject({
  /** Each hold has a name and is released by it; `manual` when none is given. */
  name: text(60).default('manual'),
  note: reason.nullish().transform((value) => value ?? null),
});
export const heldSchema = z.strictObject({ held: z.boolean() }).meta({ id: 'Held' });

export const reasonSchema = z.strictObject({ reason });
export const doneSchema = z.strictObject({ outcome: z.literal('done') }).meta({ id: 'Done' });

export const addressChangeSchema = incomingAddressSchema;
export const addressChangedSchema = z
  .strictObject({ addressVersion: z.int() })
  .meta({ id: 'AddressChanged' });

export const paymentSchema = z.strictObject({ payment: z.enum(PAYMENT_STATES) });

export const taskSchema = z
  .strictObject({
    id,
    merchantId: id,
    warehouseId: id,
    kind: z.string(),
    state: z.string(),
    orderId: id.nullable(),
    fulfilmentOrderId: id.nullable(),
    parcelId: id.nullable(),
    priority: z.int(),
    dueAt: instant.nullable(),
    claimedBy: id.nullable(),
    claimedAt: instant.nullable(),
    finishedAt: instant.nullable(),
    createdAt: instant,
  })
  .meta({ id: 'Task' });
