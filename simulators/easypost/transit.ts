/**
 * What happens to parcels and refunds after the calls: the carrier scans a parcel from its first hand to
 * the door, and a refund gets its outcome. Each parcel has one timer at most; a simulator that restarts
 * goes on with what was on its way. A parcel whose label was refunded is never scanned. The fate of a
 * parcel is written on it: "RETURN TO SENDER", "LOST PARCEL", "DAMAGED PARCEL" or "FAILED ATTEMPT" in
 * the first line of its address, else it is delivered.
 */
import type { Fate, RefundRecord, ShipmentRecord, TrackerRecord, TrackingDetailRecord } from './records';
import { newId, type State } from './state';
import { trackerView } from './tracker-view';
import { refundView } from './views';

type Scan = Omit<TrackingDetailRecord, 'at'>;

const LABEL_CREATED: Scan = {
  status: 'pre_transit',
  detail: 'label_created',
  message: 'Shipping label created',
};
const ACCEPTED: Scan = {
  status: 'in_transit',
  detail: 'received_at_origin_facility',
  message: 'Accepted at origin',
};
const DEPARTED: Scan = {
  status: 'in_transit',
  detail: 'departed_facility',
  message: 'Departed origin facility',
};
const ARRIVED: Scan = {
  status: 'in_transit',
  detail: 'arrived_at_facility',
  message: 'Arrived at destination facility',
};
const OUT: Scan = { status: 'out_for_delivery', detail: 'out_for_delivery', message: 'Out for delivery' };
const DELIVERED: Scan = { status: 'delivered', detail: 'arrived_at_destination', message: 'Delivered' };

const SCANS: Readonly<Record<Fate, readonly Scan[]>> = {
  delivered: [ACCEPTED, DEPARTED, ARRIVED, OUT, DELIVERED],
  attempted: [
    ACCEPTED,
    DEPARTED,
    OUT,
    { status: 'failure', detail: 'delivery_exception', message: 'Delivery attempted, nobody there' },
    { ...OUT, message: 'Out for delivery again' },
    DELIVERED,
  ],
  returned: [
    ACCEPTED,
    OUT,
    { status: 'failure', detail: 'refused', message: 'Refused by the recipient' },
    { status: 'return_to_sender', detail: 'return', message: 'Returned to the sender' },
  ],
  lost: [ACCEPTED, DEPARTED, { status: 'failure', detail: 'lost', message: 'Parcel declared lost' }],
  damaged: [ACCEPTED, ARRIVED, { status: 'failure', detail: 'damaged', message: 'Parcel damaged' }],
};

const MARKERS: readonly (readonly [marker: RegExp, fate: Fate])[] = [
  [/RETURN TO SENDER/i, 'returned'],
  [/LOST PARCEL/i, 'lost'],
  [/DAMAGED PARCEL/i, 'damaged'],
  [/FAILED ATTEMPT/i, 'attempted'],
];

export function fateOf({ to }: Pick<ShipmentRecord, 'to'>): Fate {
  return MARKERS.find(([marker]) => marker.test(to.street1 ?? ''))?.[1] ?? 'delivered';
}

export interface Transit {
  /** The label exists; the parcel may follow. */
  labelBought(trackerId: string): void;
  /** The carrier has the parcel. Of a parcel it has already, or whose label was refunded: nothing. */
  handOver(trackerId: string): boolean;
  refundAsked(refund: RefundRecord): void;
  /** Goes on with everything that was under way when the simulator stopped. */
  resume(): void;
  close(): void;
}

export function createTransit(state: State): Transit {
  const timers = new Set<NodeJS.Timeout>();
  const later = (ms: number, act: () => void) => {
    if (ms === 0) return act();
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };

  const tell = (tracker: TrackerRecord, topic: string, before: string) =>
    state.tell(topic, trackerView(tracker), { status: before });

  const handOver = (trackerId: string): boolean => {
    const tracker = state.find('tracker', trackerId);
    if (tracker === undefined || tracker.moving || isRefunded(state, tracker)) return false;
    state.save('tracker', { ...tracker, moving: true });
    state.journal.record('parcel_handed_over', { trackerId, trackingCode: tracker.code });
    later(state.settings().transit.firstScanMs, () => scanNext(trackerId));
    return true;
  };

  const scanNext = (trackerId: string): void => {
    const { stepMs } = state.settings().transit;
    let tracker = state.find('tracker', trackerId);
    if (tracker === undefined) return;
    const before = tracker.details.at(-1)?.status ?? 'unknown';
    do {
      const scan = nextScan(tracker);
      if (scan === undefined) break;
      tracker = withScan(state, tracker, scan);
    } while (stepMs === 0);
    state.save('tracker', tracker);
    tell(tracker, 'tracker.updated', before);
    if (nextScan(tracker) === undefined) {
      const status = tracker.details.at(-1)?.status;
      state.journal.record('parcel_settled', { trackerId, trackingCode: tracker.code, status });
    } else later(stepMs, () => scanNext(trackerId));
  };

  return {
    labelBought(trackerId) {
      const tracker = state.find('tracker', trackerId);
      if (tracker === undefined) return;
      tell(state.save('tracker', withScan(state, tracker, LABEL_CREATED)), 'tracker.created', 'unknown');
      if (state.settings().transit.startsAt === 'purchase') handOver(trackerId);
    },
    handOver,
    refundAsked(refund) {
      later(state.settings().refunds.settleMs, () => settleRefund(state, refund.id));
    },
    resume() {
      const { transit, refunds } = state.settings();
      for (const tracker of state.all('tracker')) {
        if (tracker.moving && nextScan(tracker) !== undefined) {
          later(transit.stepMs, () => scanNext(tracker.id));
        }
      }
      for (const refund of state.all('refund')) {
        if (refund.status === 'submitted') later(refunds.settleMs, () => settleRefund(state, refund.id));
      }
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}

function settleRefund(state: State, refundId: string): void {
  const refund = state.find('refund', refundId);
  if (refund === undefined || refund.status !== 'submitted') return;
  const status = state.settings().refunds.outcome;
  const settled = state.save('refund', { ...refund, status, updatedAt: state.now() });
  const shipment = state.find('shipment', refund.shipmentId);
  if (shipment !== undefined) state.save('shipment', { ...shipment, refundStatus: status });
  const { shipmentId, trackingCode } = refund;
  state.journal.record('refund_settled', { shipmentId, trackingCode, status });
  if (status === 'refunded') {
    state.tell('refund.successful', refundView(settled), { status: 'submitted' });
  }
}

/** What the carrier will scan next; the label's own entry is not the carrier's. */
function nextScan(tracker: TrackerRecord): Scan | undefined {
  const scanned = tracker.details.filter(({ status }) => status !== 'pre_transit').length;
  return SCANS[tracker.fate][scanned];
}

function withScan(state: State, tracker: TrackerRecord, scan: Scan): TrackerRecord {
  const now = state.now();
  const last = tracker.details.at(-1)?.at;
  // Two scans of one moment would have no order.
  const at = last !== undefined && last >= now ? new Date(Date.parse(last) + 1).toISOString() : now;
  return { ...tracker, updatedAt: now, details: [...tracker.details, { ...scan, at }] };
}

function isRefunded(state: State, tracker: TrackerRecord): boolean {
  const status = state.find('shipment', tracker.shipmentId ?? '')?.refundStatus;
  return status === 'submitted' || status === 'refunded';
}

/** EasyPost's test codes: a tracker that stands still in the state of its number. */
const TEST_CODES: Readonly<Record<string, readonly Scan[]>> = {
  EZ1000000001: [LABEL_CREATED],
  EZ2000000002: [LABEL_CREATED, ACCEPTED],
  EZ3000000003: [LABEL_CREATED, ACCEPTED, OUT],
  EZ4000000004: [LABEL_CREATED, ACCEPTED, OUT, DELIVERED],
  EZ5000000005: [LABEL_CREATED, ...SCANS.returned],
  EZ6000000006: [
    LABEL_CREATED,
    ACCEPTED,
    { status: 'failure', detail: 'failure', message: 'Delivery failed' },
  ],
  EZ7000000007: [],
};

/** A tracker for a parcel that has no label from here: one of the test codes, or a silent one. */
export function foreignTracker(state: State, code: string, carrier: string): TrackerRecord {
  const now = state.now();
  const blank: TrackerRecord = {
    id: newId('trk'),
    at: now,
    updatedAt: now,
    code,
    carrier,
    shipmentId: null,
    details: [],
    fate: 'delivered',
    moving: false,
  };
  return (TEST_CODES[code] ?? []).reduce((tracker, scan) => withScan(state, tracker, scan), blank);
}
