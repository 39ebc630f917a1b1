/** Stock as the API shows it. Units are whole base units. */
import { z } from 'zod';
import { id, instant } from './common';

export const stockLevelSchema = z
  .strictObject({
    merchantId: id,
    warehouseId: id,
    warehouseCode: z.string(),
    productId: id,
    sku: z.string(),
    onHand: z.int(),
    /** In quarantine, damaged, or in a held lot: on hand, not to be sold. */
    held: z.int(),
    reserved: z.int(),
    /** onHand − held − reserved. */
    available: z.int(),
  })
  .meta({ id: 'StockLevel' });

const endSchema = z.strictObject({
  locationId: id,
  code: z.string(),
  kind: z.string(),
  /** null for the virtual ends: supplier, customer, adjustment, transit. */
  warehouseId: id.nullable(),
});

export const ledgerEntrySchema = z
  .strictObject({
    causeId: z.string(),
    line: z.int(),
    kind: z.string(),
    /** What it changes of the units on hand, in the warehouse asked for or in all. A move within is 0. */
    change: z.int(),
    quantity: z.int(),
    lotCode: z.string(),
    from: endSchema,
    to: endSchema,
    orderId: id.nullable(),
    /** Why a correction was made, by its code. */
    reasonCode: z.string().nullable(),
    reason: z.string().nullable(),
    actor: z.string(),
    occurredAt: instant,
    recordedAt: instant,
  })
  .meta({ id: 'LedgerEntry' });

/** Units in one warehouse, by what can be done with them. */
const unitsSchema = {
  onHand: z.int(),
  /** onHand that is not for sale: the sum of the five below. */
  held: z.int(),
  quarantined: z.int(),
  damaged: z.int(),
  /** Arrived and not put away. */
  atDock: z.int(),
  recalled: z.int(),
  expired: z.int(),
};

export const stockStateSchema = z
  .strictObject({
    merchantId: id,
    productId: id,
    sku: z.string(),
    warehouseId: id,
    warehouseCode: z.string(),
    ...unitsSchema,
    reserved: z.int(),
    /** Available to promise: onHand − held − reserved. */
    available: z.int(),
    /** On the road to this warehouse. */
    inTransit: z.int(),
    /** Announced for this warehouse, and not on the road yet. */
    incoming: z.int(),
  })
  .meta({ id: 'StockState' });

export const stockStatesSchema = z
  .strictObject({
    items: z.array(stockStateSchema),
    /** SKUs that were asked for and that no merchant of the request has. */
    unknown: z.array(z.string()),
  })
  .meta({ id: 'StockStates' });

export const stockAsOfSchema = z
  .strictObject({
    at: instant,
    items: z.array(
      z.strictObject({
        productId: id,
        sku: z.string(),
        /** null: on the road between warehouses. */
        warehouseId: id.nullable(),
        warehouseCode: z.string().nullable(),
        ...unitsSchema,
      }),
    ),
    unknown: z.array(z.string()),
  })
  .meta({ id: 'StockAsOf' });

export const serialUnitSchema = z
  .strictObject({
    serial: z.string(),
    lotCode: z.string(),
    locationCode: z.string(),
    /** `customer` once it was shipped. */
    locationKind: z.string(),
    warehouseId: id.nullable(),
    movements: z.array(
      z.strictObject({
        causeId: z.string(),
        kind: z.string(),
        orderId: id.nullable(),
        from: z.string(),
        to: z.string(),
        occurredAt: instant,
      }),
    ),
  })
  .meta({ id: 'SerialUnit' });
