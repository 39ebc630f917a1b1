/** Low-stock alerts: rules, what they found, and what was done about it. */
import { z } from 'zod';
import { FOLLOW_UP_ACTIONS } from '../domain/stock/follow-up';
import { id, instant, quantity, text } from './common';

const orNull = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? null);

const destination = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('mail'), to: z.email().max(254) }),
  /** An incoming webhook that takes `{"text": …}`, as chat tools give them out. */
  z.strictObject({ kind: z.literal('chat'), url: z.url({ protocol: /^https?$/ }).max(2000) }),
]);

/** A mailing list reaches more people than more rows would. */
const MOST_DESTINATIONS = 10;
const MINUTES_A_WEEK = 10_080;

const limit = {
  /** `units`: at most so many are left. `days_of_cover`: what is left lasts at most so many days. */
  limitKind: z.enum(['units', 'days_of_cover']),
  atMost: z.int().min(0).max(1_000_000),
  /** Whole days over which the pace is measured. */
  windowDays: z.int().min(1).max(366).default(28),
  /** How long it must have stayed well before the all-clear. */
  clearAfterMinutes: z.int().min(0).max(MINUTES_A_WEEK).default(15),
  /** Whether the merchant's webhook endpoints that take `stock.alert_opened` and `stock.alert_cleared` are told. */
  tellsWebhooks: z.boolean().default(true),
  /** Who looks after what is to be bought. */
  owner: text(60).default('purchasing'),
};

export const newAlertRuleSchema = z
  .strictObject({
    name: text(120),
    /** null: each product. */
    sku: orNull(text(120)),
    /** null: all warehouses together. */
    warehouseId: orNull(id),
    /** What this channel is offered, instead of what there is. */
    connectionId: orNull(id),
    ...limit,
    destinations: z.array(destination).max(MOST_DESTINATIONS).default([]),
  })
  .refine(({ warehouseId, connectionId }) => warehouseId === null || connectionId === null, {
    message: 'name a warehouse or a channel, not both',
    path: ['connectionId'],
  });
export type NewAlertRule = z.output<typeof newAlertRuleSchema>;

export const alertRuleSchema = z
  .strictObject({
    id,
    merchantId: id,
    name: z.string(),
    productId: id.nullable(),
    sku: z.string().nullable(),
    warehouseId: id.nullable(),
    connectionId: id.nullable(),
    limitKind: z.enum(['units', 'days_of_cover']),
    atMost: z.int(),
    windowDays: z.int(),
    clearAfterMinutes: z.int(),
    tellsWebhooks: z.boolean(),
    owner: z.string(),
    /** `hint` is all that is shown of an address. */
    destinations: z.array(z.strictObject({ id, kind: z.enum(['mail', 'chat']), hint: z.string() })),
  })
  .meta({ id: 'StockAlertRule' });

export const stockAlertSchema = z
  .strictObject({
    id,
    merchantId: id,
    ruleId: id,
    ruleName: z.string(),
    productId: id,
    sku: z.string(),
    warehouseId: id.nullable(),
    connectionId: id.nullable(),
    state: z.enum(['open', 'recovering', 'cleared']),
    /** Units when it was opened, and how long they would last. */
    level: z.int(),
    daysOfCover: z.number().nullable(),
    unitsPerDay: z.number().nullable(),
    window: z.strictObject({ from: z.iso.date(), to: z.iso.date(), countedDays: z.int(), shipped: z.int() }),
    openedAt: instant,
    clearedAt: instant.nullable(),
    clearedLevel: z.int().nullable(),
    /** What one may do about it with no more to say. */
    actions: z.array(z.enum(FOLLOW_UP_ACTIONS)),
  })
  .meta({ id: 'StockAlert' });

export const newFollowUpSchema = z.strictObject({
  action: z.enum(FOLLOW_UP_ACTIONS),
  /** Of a purchase or a transfer; left out: a month's sales. */
  quantity: quantity.optional(),
  /** Of a transfer; left out: the warehouse that has the most. */
  fromWarehouseId: id.optional(),
  /** Of a transfer; left out: the rule's. */
  toWarehouseId: id.optional(),
  /** Of a shift: the channel that gets more; left out: the rule's. */
  connectionId: id.optional(),
});

export const followUpSchema = z
  .strictObject({
    id,
    merchantId: id,
    alertId: id,
    sku: z.string(),
    action: z.enum(FOLLOW_UP_ACTIONS),
    /** `draft`: it waits for its owner. */
    state: z.enum(['draft', 'done']),
    owner: z.string().nullable(),
    quantity: z.int().nullable(),
    /** What came of it: listings, shares, the transfer, endpoints told. */
    effect: z.record(z.string(), z.unknown()),
    requestedBy: z.string(),
    requestedAt: instant,
  })
  .meta({ id: 'StockFollowUp' });
