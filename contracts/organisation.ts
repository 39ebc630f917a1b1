/** Merchants, warehouses, locations and API keys: bodies and answers. */
import { z } from 'zod';
import { countryCode, currency, id, instant, minorUnitsFromZero, text } from './common';
import { scopeSchema } from './scopes';

const slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'not lower case letters, digits and hyphens');

const policies = {
  name: text(200),
  paymentPolicy: z.enum(['none', 'authorised', 'captured']),
  splitPolicy: z.enum(['never', 'allowed']),
  /** Whether a line that no single warehouse has may come from several. */
  lineSplitPolicy: z.enum(['never', 'allowed']),
  partialPolicy: z.enum(['wait', 'ship_available']),
  shortPickPolicy: z.enum(['ask', 'backorder', 'ship_short']),
  addressCheck: z.enum(['carrier', 'local']),
  mailFrom: z.email().max(254),
  /** A correction of more units waits for a second person; null: no limit. */
  adjustmentLimitUnits: z.int().min(0).max(1_000_000_000).nullable(),
  /** The same by worth at cost, in minor units. */
  adjustmentLimitMinor: minorUnitsFromZero.nullable(),
  /** A counted difference within all of these that are set needs no second look; none set: any does. */
  countToleranceUnits: z.int().min(0).max(1_000_000_000).nullable(),
  /** Of what the books say, in whole percent. */
  countTolerancePercent: z.int().min(0).max(100).nullable(),
  countToleranceMinor: minorUnitsFromZero.nullable(),
};

export const newMerchantSchema = z.strictObject({ slug, name: policies.name, currency });
export type NewMerchant = z.output<typeof newMerchantSchema>;

export const merchantPatchSchema = z
  .strictObject(policies)
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, { message: 'nothing to change' });
export type MerchantPatch = z.output<typeof merchantPatchSchema>;

export const merchantSchema = z
  .strictObject({
    id,
    slug: z.string(),
    currency: z.string(),
    ...policies,
    name: z.string(),
    mailFrom: z.string(),
    warehouseIds: z.array(id),
    createdAt: instant,
  })
  .meta({ id: 'Merchant' });

export const merchantWarehousesSchema = z.strictObject({ warehouseIds: z.array(id).max(200) });

const ZONES: ReadonlySet<string> = new Set([...Intl.supportedValuesOf('timeZone'), 'UTC']);
const timeZone = z.string().refine((zone) => ZONES.has(zone), { message: 'not an IANA time zone' });

const optional = (max: number) =>
  text(max)
    .nullish()
    .transform((value) => value ?? null);

const hours = {
  /** Minutes after local midnight until which an order still leaves the same day. */
  cutoffMinutes: z.int().min(0).max(1439),
  /** ISO weekdays, 1 is Monday. */
  workingDays: z.array(z.int().min(1).max(7)).min(1).max(7),
  /** Country whose public holidays it keeps. */
  holidayCountry: countryCode.nullable(),
  /** Local dates on which it does not work, beside weekdays and public holidays. */
  closedDays: z.array(z.iso.date()).max(400),
  /** What leaves it in a day; routing passes it over when that is planned. null: no limit. */
  ordersADay: z.int().min(1).max(1_000_000).nullable(),
  unitsADay: z.int().min(1).max(100_000_000).nullable(),
};

/** What is left out stays. */
export const warehousePatchSchema = z
  .strictObject({ name: text(200), phone: text(40).nullable(), ...hours })
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, { message: 'nothing to change' });
export type WarehousePatch = z.output<typeof warehousePatchSchema>;

export const newPersonSchema = z.strictObject({
  name: text(200),
  role: z.enum(['operator', 'floor']),
});
export type NewPerson = z.output<typeof newPersonSchema>;

/** Without the name, for it is kept under the request's key. */
export const madePersonSchema = z.object({ id, role: z.string(), createdAt: instant });
/** `name` is null once the person was erased. */
export const personSchema = madePersonSchema.extend({ name: z.string().nullable() });

export const newWarehouseSchema = z.strictObject({
  code: text(40),
  name: text(200),
  timeZone,
  line1: text(200),
  city: text(120),
  region: optional(120),
  postalCode: text(32),
  country: countryCode,
  phone: optional(40),
  cutoffMinutes: hours.cutoffMinutes.default(900),
  workingDays: hours.workingDays.default([1, 2, 3, 4, 5]),
  holidayCountry: countryCode.nullish().transform((value) => value ?? null),
  closedDays: hours.closedDays.default([]),
  ordersADay: hours.ordersADay.default(null),
  unitsADay: hours.unitsADay.default(null),
});
export type NewWarehouse = z.output<typeof newWarehouseSchema>;

export const warehouseSchema = newWarehouseSchema
  .extend({
    id,
    timeZone: z.string(),
    region: z.string().nullable(),
    phone: z.string().nullable(),
    holidayCountry: z.string().nullable(),
    cutoffMinutes: z.int(),
    workingDays: z.array(z.int()),
    closedDays: z.array(z.string()),
    ordersADay: z.int().nullable(),
    unitsADay: z.int().nullable(),
    wmsKind: z.enum(['built_in', 'external']),
    closedAt: instant.nullable(),
    createdAt: instant,
  })
  .meta({ id: 'Warehouse' });

export const closedWarehouseSchema = z
  .strictObject({
    warehouse: warehouseSchema,
    /** Fulfilment orders that nobody has begun: their orders are planned again elsewhere, or wait. */
    leaving: z.int(),
    /** Those that somebody has begun are finished there. */
    staying: z.int(),
  })
  .meta({ id: 'ClosedWarehouse' });

export const LOCATION_KINDS = ['bin', 'dock', 'staging', 'packing', 'quarantine', 'damaged'] as const;
const position = z
  .int()
  .min(0)
  .max(10_000)
  .nullish()
  .transform((value) => value ?? null);

export const newLocationSchema = z.strictObject({
  code: text(40),
  zone: optional(40),
  kind: z.enum(LOCATION_KINDS),
  /** Where it is on the floor, for walking paths. */
  aisle: position,
  bay: position,
  level: position,
});
export type NewLocation = z.output<typeof newLocationSchema>;

export const locationSchema = z
  .strictObject({
    id,
    warehouseId: id,
    code: z.string(),
    zone: z.string().nullable(),
    kind: z.enum(LOCATION_KINDS),
    aisle: z.int().nullable(),
    bay: z.int().nullable(),
    level: z.int().nullable(),
    archivedAt: instant.nullable(),
  })
  .meta({ id: 'Location' });

export const connectionSchema = z
  .strictObject({
    id,
    merchantId: id,
    channel: z.string(),
    name: z.string(),
    tellsTracking: z.boolean(),
    sandbox: z.boolean(),
    lastError: z.string().nullable(),
    disabledAt: instant.nullable(),
    createdAt: instant,
  })
  .meta({ id: 'Connection' });

export const newApiKeySchema = z.strictObject({
  name: text(200),
  kind: z.enum(['live', 'test']).default('live'),
  scopes: z
    .array(scopeSchema)
    .min(1)
    .refine((list) => new Set(list).size === list.length, { message: 'a scope is listed twice' }),
  /** Left out or null: every merchant of the organisation, also future ones. */
  merchantIds: z
    .array(id)
    .min(1)
    .max(1000)
    .nullish()
    .transform((value) => value ?? null),
  /** The person who uses it; needed for scope `floor`. */
  personId: id.nullish().transform((value) => value ?? null),
  expiresAt: z.iso
    .datetime({ offset: true })
    .nullish()
    .transform((value) => value ?? null),
});
export type NewApiKey = z.output<typeof newApiKeySchema>;

export const apiKeySchema = z
  .strictObject({
    id,
    name: z.string(),
    /** Its first characters, to tell keys apart. */
    prefix: z.string(),
    scopes: z.array(z.string()),
    merchantIds: z.array(id).nullable(),
    personId: id.nullable(),
    expiresAt: instant.nullable(),
    revokedAt: instant.nullable(),
    createdAt: instant,
  })
  .meta({ id: 'ApiKey' });

export const createdApiKeySchema = z
  .strictObject({
    id,
    prefix: z.string(),
    /** The secret. It is shown this once: a replay of the request answers null. */
    key: z.string().nullable(),
  })
  .meta({ id: 'CreatedApiKey' });
