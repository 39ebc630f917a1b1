/** Routing rules, zones and rates, dry runs, and why an order went where it went: bodies and answers. */
import { z } from 'zod';
import { CONDITION_KINDS, HANDLING, type RuleConditions, type RuleEffect } from '../domain/routing/rule';
import { countryCode, id, instant, minorUnitsFromZero, quantity, text } from './common';

/** What a rule can name; more of one kind belongs into a zone. */
const several = <T extends z.ZodType>(item: T, most = 200) => z.array(item).min(1).max(most);

const zoneName = text(60);
const postalPrefix = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 -]{0,11}$/, 'not the beginning of a postal code');
const channel = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/, 'not a channel');

const conditionsSchema: z.ZodType<RuleConditions> = z
  .strictObject({
    countries: several(countryCode),
    zones: several(zoneName),
    postalPrefixes: several(postalPrefix),
    channels: several(channel),
    connectionIds: several(id),
    tags: several(text(100)),
    handling: several(z.enum(HANDLING)),
  } satisfies Record<(typeof CONDITION_KINDS)[number], z.ZodType>)
  .partial();

const warehouseIds = several(id);
const effectSchema: z.ZodType<RuleEffect> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['only', 'prefer', 'exclude']), warehouseIds }),
  z.strictObject({ kind: z.literal('split_at_most'), shipments: z.int().min(1).max(100) }),
  z.strictObject({
    kind: z.enum([
      'never_split',
      'ship_complete',
      'ship_available',
      'allow_line_split',
      'never_split_lines',
      'wait_for_backorder',
    ]),
  }),
]);

const ruleFields = {
  name: text(120),
  /** Rules are read by position, the older first where it is equal. */
  position: z.int().min(1).max(100_000),
  conditions: conditionsSchema,
  effects: several(effectSchema, 20),
  enabled: z.boolean(),
};

export const newRuleSchema = z.strictObject({
  ...ruleFields,
  /** Left out: after all others. */
  position: ruleFields.position.optional(),
  conditions: conditionsSchema.default({}),
  enabled: ruleFields.enabled.default(true),
});
export type NewRule = z.output<typeof newRuleSchema>;

export const rulePatchSchema = z
  .strictObject(ruleFields)
  .partial()
  .refine((patch) => Object.keys(patch).length > 0, { message: 'nothing to change' });
export type RulePatch = z.output<typeof rulePatchSchema>;

export const ruleSchema = z
  .strictObject({
    id,
    merchantId: id,
    ...ruleFields,
    version: z.int(),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'RoutingRule' });

const distinctBy = <T>(keyOf: (item: T) => string) => ({
  check: (list: readonly T[]) => new Set(list.map(keyOf)).size === list.length,
  message: 'the same one is listed twice',
});
const zonesDistinct = distinctBy<{ readonly name: string }>(({ name }) => name);

const zoneSchema = z.strictObject({
  name: zoneName,
  /** Anywhere in a country, or in these regions or under these postal codes of it. */
  places: z
    .array(
      z.strictObject({
        country: countryCode,
        regions: several(text(120)).optional(),
        postalPrefixes: several(postalPrefix, 1000).optional(),
      }),
    )
    .min(1)
    .max(250),
});

/** In the order in which rates are looked up: the first zone that a destination lies in and that has one. */
export const zonesSchema = z
  .strictObject({
    zones: z.array(zoneSchema).max(200).refine(zonesDistinct.check, { message: zonesDistinct.message }),
  })
  .meta({ id: 'RoutingZones' });
export type Zones = z.output<typeof zonesSchema>;

/** Below 10,000,000.00 a parcel and 1,000.00 a kilogram: then the cost of any order is an exact number. */
const rateMinor = (digits: number) =>
  minorUnitsFromZero.refine((value) => value.length <= digits, { message: `more than ${digits} digits` });
const rateSchema = z.strictObject({
  warehouseId: id,
  /** null: wherever no zone has a rate from this warehouse. */
  zone: zoneName.nullable(),
  baseMinor: rateMinor(9),
  perKgMinor: rateMinor(5),
});
const ratesDistinct = distinctBy<z.output<typeof rateSchema>>(
  ({ warehouseId, zone }) => `${warehouseId} ${zone ?? ''}`,
);

/** Empty: warehouses are compared by their distance instead. */
export const ratesSchema = z
  .strictObject({
    rates: z.array(rateSchema).max(5000).refine(ratesDistinct.check, { message: ratesDistinct.message }),
  })
  .meta({ id: 'RoutingRates' });
export type Rates = z.output<typeof ratesSchema>;

export const dryRunSchema = z
  .strictObject({
    /** An order that exists, as if it came in now: what it holds itself is free for it. */
    orderId: id.optional(),
    /** Or lines that nobody has ordered. */
    lines: several(z.strictObject({ sku: text(120), quantity }), 500).optional(),
    destination: z
      .strictObject({
        country: countryCode,
        region: text(120).optional(),
        postalCode: text(32).optional(),
      })
      .optional(),
    connectionId: id.optional(),
    tags: z.array(text(100)).max(250).optional(),
    /** By when the channel has promised it. */
    shipBy: z.iso.datetime({ offset: true }).optional(),
  })
  .superRefine((body, context) => {
    const issue = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if ((body.orderId === undefined) === (body.lines === undefined))
      issue('lines', 'give either an order or lines');
    if (body.lines !== undefined && body.destination === undefined)
      issue('destination', 'lines need a destination');
    const { orderId, lines: _lines, ...rest } = body;
    if (orderId !== undefined && Object.keys(rest).length > 0)
      issue('orderId', 'an order brings everything else itself');
  });
export type DryRun = z.output<typeof dryRunSchema>;

const warehouseRef = z.strictObject({ id, code: z.string().nullable() });
const productRef = z.strictObject({ id, sku: z.string().nullable() });

/** Metres, or minor units to three decimals as a number; null: unknown. */
const cost = z.number().nullable();

export const traceSchema = z
  .strictObject({
    /** The same in sentences, as a person asks: why did it go there? */
    explanation: z.array(z.string()),
    rules: z.array(
      z.strictObject({
        id,
        /** null: it was removed since. */
        name: z.string().nullable(),
        matched: z.boolean(),
        /** The first condition that did not hold. */
        missed: z.enum(CONDITION_KINDS).nullable(),
        did: z.array(
          z.strictObject({
            kind: z.string(),
            /** Warehouses that it took away. */
            removed: z.array(warehouseRef).optional(),
            /** The only products for which it did. */
            products: z.array(productRef).optional(),
            /** An earlier rule had said something else. */
            overruledBy: id.optional(),
          }),
        ),
      }),
    ),
    limits: z.strictObject({
      shipments: z.int().nullable(),
      splitLines: z.boolean(),
      partial: z.enum(['wait', 'ship_available']),
    }),
    costBy: z.enum(['distance', 'rates']),
    warehouses: z.array(
      z.strictObject({
        warehouse: warehouseRef,
        /** How many of the order's products it has enough of and may ship. */
        whole: z.int(),
        cost,
        /** Orders that were planned for that day. */
        load: z.int(),
        out: z.enum(['rules', 'nothing']).nullable(),
        avoid: z.enum(['full', 'late']).nullable(),
      }),
    ),
    narrowed: z.array(
      z.strictObject({
        by: z.enum(['capacity', 'promise', 'rule']),
        ruleId: id.nullable(),
        to: z.array(warehouseRef),
        kept: z.boolean(),
      }),
    ),
    /** The way that was chosen, then at most three others. */
    options: z.array(
      z.strictObject({
        warehouses: z.array(warehouseRef),
        shipments: z.int(),
        units: z.int(),
        cost,
        load: z.int(),
      }),
    ),
    decidedBy: z.enum(['units', 'shipments', 'cost', 'load', 'id']).nullable(),
    /** Products that come from several warehouses. */
    spread: z.array(productRef),
    /** `exact`: nothing is better. `fewest`: no fewer shipments. `bounded`: see `atLeast`. */
    proof: z.enum(['exact', 'fewest', 'bounded']),
    /** No way needs fewer shipments than this. */
    atLeast: z.int(),
  })
  .meta({ id: 'RoutingTrace' });

export const OUTCOMES = ['plan', 'short', 'no_warehouse'] as const;

export const orderRoutingSchema = z
  .strictObject({
    orderId: id,
    /** The newest first: each plan of the order, and the last look that led to none. */
    decisions: z.array(
      z.strictObject({ id, decidedAt: instant, outcome: z.enum(OUTCOMES), trace: traceSchema }),
    ),
  })
  .meta({ id: 'OrderRouting' });

const unitsOf = z.strictObject({ product: productRef, quantity: z.int() });
export const dryRunAnswerSchema = z
  .strictObject({
    outcome: z.enum(OUTCOMES),
    shipments: z.array(z.strictObject({ warehouse: warehouseRef, lines: z.array(unitsOf) })),
    /** What would wait for stock. */
    waiting: z.array(unitsOf),
    trace: traceSchema,
  })
  .meta({ id: 'RoutingDryRun' });
