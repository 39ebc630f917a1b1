/**
 * What of the simulated EasyPost can be set while it runs, beside the fault knobs of every simulator:
 * `GET` and `PUT /__settings`, where a PUT changes only what it names. They last until the simulator
 * stops.
 */
import { z } from 'zod';

/**
 * An answer that EasyPost gives in place of its usual one, and whether it acted all the same; taken in
 * order, one a call. `{"code":"SHIPMENT.POSTAGE.TIMED_OUT","acts":true}` is a label bought in silence,
 * a status of 200 the error body that comes dressed as a success.
 */
const answerSchema = z.strictObject({
  code: z.string().min(1).max(100),
  status: z.int().min(200).max(599).default(422),
  acts: z.boolean(),
});
export type PlannedAnswer = z.output<typeof answerSchema>;

const milliseconds = z.int().min(0).max(86_400_000);

export const settingsSchema = z.strictObject({
  transit: z.strictObject({
    /**
     * When the carrier gets the parcel: some time after the label was bought, or when somebody says so
     * (`POST /__handover`), as a driver would by loading it.
     */
    startsAt: z.enum(['purchase', 'handover']),
    /** From then to the carrier's first scan. */
    firstScanMs: milliseconds,
    /** Between two scans. With 0 for both, everything is told at once, in one webhook. */
    stepMs: milliseconds,
  }),
  refunds: z.strictObject({
    outcome: z.enum(['refunded', 'rejected', 'not_applicable']),
    /** From the request to its outcome; EasyPost's carriers take up to 30 days. */
    settleMs: milliseconds,
    answers: z.array(answerSchema).max(1000),
  }),
  purchase: z.strictObject({
    /** How long a purchase takes; a second one meanwhile is answered SHIPMENT.PURCHASE.IN_PROGRESS. */
    delayMs: milliseconds,
    answers: z.array(answerSchema).max(1000),
  }),
  /** The account's carriers and the ids of their accounts. */
  carriers: z.partialRecord(z.enum(['USPS', 'UPS', 'FedEx']), z.string().min(1)),
});
export type EasyPostSettings = z.output<typeof settingsSchema>;

export const settingsChangeSchema = z.strictObject({
  transit: settingsSchema.shape.transit.partial().optional(),
  refunds: settingsSchema.shape.refunds.partial().optional(),
  purchase: settingsSchema.shape.purchase.partial().optional(),
  carriers: settingsSchema.shape.carriers.optional(),
});
export type SettingsChange = z.input<typeof settingsChangeSchema>;

export const DEFAULT_SETTINGS: EasyPostSettings = {
  // A demo parcel is delivered in about half a minute: long enough to watch, short enough to wait.
  transit: { startsAt: 'purchase', firstScanMs: 15_000, stepMs: 5_000 },
  refunds: { outcome: 'refunded', settleMs: 10_000, answers: [] },
  purchase: { delayMs: 0, answers: [] },
  carriers: { USPS: 'ca_demo_usps', UPS: 'ca_demo_ups', FedEx: 'ca_demo_fedex' },
};

/** @throws ZodError when the change is not valid. */
export function changedSettings(current: EasyPostSettings, change: unknown): EasyPostSettings {
  const { transit, refunds, purchase, carriers } = settingsChangeSchema.parse(change);
  return settingsSchema.parse({
    transit: { ...current.transit, ...transit },
    refunds: { ...current.refunds, ...refunds },
    purchase: { ...current.purchase, ...purchase },
    carriers: carriers ?? current.carriers,
  });
}
