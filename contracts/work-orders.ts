/** Work orders: kits made of components, or taken apart, step by step. Units are whole base units. */
import { z } from 'zod';
import { WORK_ORDER_KINDS, WORK_ORDER_STATES } from '../domain/stock/work-order';
import { id, instant, quantity, reason, text } from './common';

const sku = text(120);
/** More parts than any kit that is put together by hand. */
const MOST_PARTS = 100;

export const newWorkOrderSchema = z.strictObject({
  warehouseId: id,
  /** `kit`: components down, kit up; `disassemble`: the reverse. */
  kind: z.enum(WORK_ORDER_KINDS).default('kit'),
  /** The kit; no bundle, for that one is put together when it is ordered. */
  sku,
  quantity,
  /** In one kit. */
  components: z.array(z.strictObject({ sku, quantity })).min(1).max(MOST_PARTS),
  /** Bin into which what comes out is put. */
  locationCode: text(40),
  reference: text(200).nullable().default(null),
  reason,
});

export const newStepSchema = z
  .strictObject({
    /** Kits made or taken apart since the last report. */
    units: z.int().min(0).max(1_000_000),
    /** Components that broke on the way. */
    scrap: z.array(z.strictObject({ sku, quantity, reason })).max(MOST_PARTS).default([]),
    /** Lots of what comes out, where it is tracked by lot. */
    lots: z
      .array(z.strictObject({ sku, lotCode: text(60), expiresOn: z.iso.date().optional() }))
      .max(MOST_PARTS)
      .default([]),
  })
  .refine((step) => step.units > 0 || step.scrap.length > 0, {
    message: 'nothing is reported',
    path: ['units'],
  });

const head = {
  id,
  merchantId: id,
  warehouseId: id,
  warehouseCode: z.string(),
  kind: z.enum(WORK_ORDER_KINDS),
  sku: z.string(),
  locationCode: z.string(),
  planned: z.int(),
  built: z.int(),
  state: z.enum(WORK_ORDER_STATES),
  /** How it was asked to end before all is made. */
  ending: z.enum(['done', 'cancelled']).nullable(),
  blockedReason: z.string().nullable(),
  blockedSince: instant.nullable(),
  reference: z.string().nullable(),
  reason: z.string(),
  requestedBy: z.string(),
  requestedAt: instant,
  endedAt: instant.nullable(),
  components: z.array(z.strictObject({ sku: z.string(), quantity: z.int() })),
};

export const workOrderSchema = z.strictObject(head).meta({ id: 'WorkOrder' });

export const workOrderDetailSchema = z
  .strictObject({
    ...head,
    steps: z.array(
      z.strictObject({
        number: z.int(),
        units: z.int(),
        scrap: z.array(z.strictObject({ sku: z.string(), quantity: z.int(), reason: z.string() })),
        reportedBy: z.string(),
        reportedAt: instant,
        /** null: reported, and not on the books yet. */
        postedAt: instant.nullable(),
      }),
    ),
    /** Where to take what is set apart for the rest. */
    takeFrom: z.array(
      z.strictObject({
        sku: z.string(),
        locationCode: z.string(),
        lotCode: z.string(),
        quantity: z.int(),
      }),
    ),
  })
  .meta({ id: 'WorkOrderDetail' });
