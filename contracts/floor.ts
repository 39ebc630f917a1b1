/**
 * What a device on the floor sends and shows. Every act carries an event id, by the body or else by the
 * Idempotency-Key: the same event again gets the same answer and changes nothing.
 */
import { z } from 'zod';
import { id, instant, quantity, text } from './common';

/** The person at the device; default the one that the API key belongs to. */
const personId = id.optional();
/** The device's own id of the act, kept over its retries. */
const eventId = text(200).optional();
const code = text(120);
const act = { personId, eventId };

/** Kinds that a person on the floor is given, in the order that finishes what is begun first. */
export const floorKinds = ['ship', 'pack', 'pick'] as const;

export const nextTaskSchema = z.strictObject({
  ...act,
  warehouseId: id,
  kinds: z
    .array(z.enum(floorKinds))
    .min(1)
    .max(3)
    .default([...floorKinds]),
  /** A further task although one is claimed. */
  several: z.boolean().default(false),
});

export const releaseTaskSchema = z.strictObject(act);

export const scanSchema = z.strictObject({
  ...act,
  /** GTIN, SKU or alias; at a pick also, alone, the bin. */
  code,
  /** Pick: the bin it was taken from. */
  locationCode: code.optional(),
  lotCode: z.string().trim().max(120).optional(),
  /** Times the code was scanned. */
  quantity: quantity.default(1),
});

export const shortSchema = z.strictObject({
  ...act,
  taskLineId: id,
  /** Units of the line that were there, all of them scanned. */
  foundQuantity: z.int().min(0).max(1_000_000),
});

const millimetres = z.int().min(1).max(10_000);

export const closeCartonSchema = z.strictObject({
  ...act,
  /** Left out when the goods ship in their own packaging. */
  cartonCode: text(120).optional(),
  /** Gross, from the scale. */
  weightGrams: z.int().min(1).max(2_000_000).optional(),
  /** Needed without a carton. */
  dimensions: z
    .strictObject({ lengthMm: millimetres, widthMm: millimetres, heightMm: millimetres })
    .optional(),
});

export const shipScanSchema = z
  .strictObject({ ...act, parcelId: id.optional(), trackingCode: code.optional() })
  .refine((scan) => (scan.parcelId === undefined) !== (scan.trackingCode === undefined), {
    message: 'give either parcelId or trackingCode',
    path: ['trackingCode'],
  });

export const settleShortPickSchema = z.strictObject({
  /** `backorder`: plan the missing units anew. `ship_short`: cancel them. The rest goes on either way. */
  decision: z.enum(['backorder', 'ship_short']),
});
export const settledShortPickSchema = z.strictObject({ packTaskIds: z.array(z.uuid()) });

const progress = {
  taskLineId: z.uuid(),
  quantity: z.int(),
  done: z.int(),
  short: z.int(),
};

export const floorTaskSchema = z.strictObject({
  id: z.uuid(),
  merchantId: z.uuid(),
  kind: z.string(),
  state: z.string(),
  warehouseId: z.uuid(),
  orderId: z.uuid().nullable(),
  orderNumber: z.string().nullable(),
  fulfilmentOrderId: z.uuid().nullable(),
  parcelId: z.uuid().nullable(),
  trackingNumber: z.string().nullable(),
  priority: z.int(),
  dueAt: instant.nullable(),
  claimedBy: z.uuid().nullable(),
  giftMessage: z.string().nullable(),
  /** Picks in walking order. */
  lines: z.array(
    z.strictObject({
      ...progress,
      productId: z.uuid(),
      sku: z.string(),
      name: z.string(),
      gtin: z.string().nullable(),
      locationCode: z.string().nullable(),
      lotCode: z.string(),
      expiresOn: z.iso.date().nullable(),
    }),
  ),
  /** Pack tasks: what to put the rest into. */
  carton: z
    .strictObject({
      kind: z.enum(['carton', 'own_packaging', 'several']),
      cartonCode: z.string().nullable(),
      weightGrams: z.int(),
      lengthMm: z.int(),
      widthMm: z.int(),
      heightMm: z.int(),
      notes: z.array(z.string()),
    })
    .nullable(),
});

/** `task` is null when there is nothing to do. */
export const nextTaskAnswerSchema = z.strictObject({ task: floorTaskSchema.nullable() });

export const scanAnswerSchema = z.strictObject({
  taskId: z.uuid(),
  taskState: z.enum(['claimed', 'done', 'shorted']),
  lines: z.array(z.strictObject(progress)),
  /** Picks: the pack task that follows the last scan. */
  packTaskId: z.uuid().nullable(),
  /** Packs: the parcel it went into. */
  parcelId: z.uuid().nullable(),
  /** Packs: everything is in a carton, close it. */
  complete: z.boolean(),
});

export const releasedTaskSchema = z.strictObject({
  taskId: z.uuid(),
  taskState: z.literal('open'),
  putBack: z.array(
    z.strictObject({
      sku: z.string(),
      locationCode: z.string().nullable(),
      lotCode: z.string(),
      quantity: z.int(),
    }),
  ),
});

const closed = {
  taskId: z.uuid(),
  taskState: z.enum(['claimed', 'done']),
  fulfilmentOrderId: z.uuid(),
  parcelId: z.uuid(),
  parcelNumber: z.int(),
  weightGrams: z.int(),
};

export const closedCartonSchema = z.strictObject({
  ...closed,
  /** `pending` comes with 202: the label follows, ask for the parcel or repeat the request. */
  label: z.discriminatedUnion('outcome', [
    z.strictObject({
      outcome: z.literal('labelled'),
      labelId: z.uuid(),
      trackingNumber: z.string(),
      carrier: z.string().nullable(),
      service: z.string().nullable(),
      labelUrl: z.string().nullable(),
    }),
    z.strictObject({ outcome: z.literal('blocked'), reason: z.string() }),
    z.strictObject({ outcome: z.literal('cancelled') }),
    z.strictObject({ outcome: z.literal('pending') }),
  ]),
});

export const shipScanAnswerSchema = z.strictObject({
  parcelId: z.uuid(),
  orderId: z.uuid(),
  fulfilmentOrderId: z.uuid(),
  /** False when it had left before. */
  shippedNow: z.boolean(),
  /** Every parcel of the fulfilment order has left. */
  complete: z.boolean(),
});
