/**
 * EasyPost's trackers in the port's words. A tracker carries its whole history; each entry of it is one
 * fact with an id of its own, so that a webhook, its duplicate, a later webhook and a poll that all
 * tell the same scan give the same fact. EasyPost numbers no entries: the id is a digest of tracker,
 * meaning, time and message. Times are compared as instants, for EasyPost writes both `Z` and `+00:00`.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { TrackingFact, TrackingStatus } from '../port';

const instant = z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'not a time');

export const trackerSchema = z.object({
  id: z.string().min(1),
  tracking_code: z.string().min(1),
  status: z.string().nullish(),
  status_detail: z.string().nullish(),
  updated_at: instant.nullish(),
  tracking_details: z
    .array(
      z.object({
        status: z.string().nullish(),
        status_detail: z.string().nullish(),
        datetime: instant,
        message: z.string().nullish(),
      }),
    )
    .nullish(),
});
export type EasyPostTracker = z.output<typeof trackerSchema>;

const STATUSES: Readonly<Record<string, TrackingStatus>> = {
  pre_transit: 'pre_transit',
  in_transit: 'in_transit',
  out_for_delivery: 'out_for_delivery',
  // The parcel is where its recipient takes it over; what remains is for him to do.
  available_for_pickup: 'out_for_delivery',
  delivered: 'delivered',
  return_to_sender: 'returned_to_sender',
  failure: 'delivery_failed',
  // Neither says where the parcel is.
  cancelled: 'unknown',
  error: 'unknown',
  unknown: 'unknown',
};

/** Details that say more than the status they come with (a lost parcel's is `failure` or `error`). */
const DETAILS: Readonly<Record<string, TrackingStatus>> = { lost: 'lost', damaged: 'damaged' };

/** @param status EasyPost's `status`. @param detail its `status_detail`; both may be missing. */
export function trackingStatus(status: string | null | undefined, detail?: string | null): TrackingStatus {
  return DETAILS[detail ?? ''] ?? STATUSES[status ?? ''] ?? 'unknown';
}

/** Everything a tracker tells, oldest first; the same entry told twice is one fact. */
export function factsOf(tracker: EasyPostTracker): TrackingFact[] {
  const entries = tracker.tracking_details ?? [];
  const told =
    entries.length > 0 || !tracker.updated_at
      ? entries
      : // Some carriers report a state without any history; a bare "unknown" is no report.
        [{ ...tracker, datetime: tracker.updated_at, message: '' }].filter(
          ({ status, status_detail: detail }) => trackingStatus(status, detail) !== 'unknown',
        );
  const facts = new Map<string, TrackingFact>();
  for (const entry of told) {
    const status = trackingStatus(entry.status, entry.status_detail);
    const occurredAt = new Date(entry.datetime);
    const message = entry.message ?? '';
    // Without a history the time is only that of the report, and would make a new fact of each.
    const at = entries.length > 0 ? occurredAt.toISOString() : null;
    const eventId = digest([tracker.id, status, at, message]);
    facts.set(eventId, { trackingNumber: tracker.tracking_code, eventId, status, occurredAt, message });
  }
  return [...facts.values()].sort((a, b) => a.occurredAt.getTime() - b.occurredAt.getTime());
}

function digest(parts: readonly (string | null)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40);
}
