/**
 * One running simulator's parts, handed to every route: the memory with its kinds typed, ids, the
 * settings and the things that happen later (`events.ts`, `transit.ts`). EasyPost's ids are a prefix and
 * 32 hexadecimal digits; they are random, as theirs are, so that nobody can build one.
 */
import { randomUUID } from 'node:crypto';
import type { SimulatorContext } from '../simulator-server';
import type {
  AddressRecord,
  CustomsInfoRecord,
  CustomsItemRecord,
  ParcelRecord,
  RateRecord,
  RefundRecord,
  ScanFormRecord,
  ShipmentRecord,
  TrackerRecord,
  WebhookRecord,
} from './records';
import type { EasyPostSettings } from './settings';

interface Kinds {
  address: AddressRecord;
  parcel: ParcelRecord;
  customs_info: CustomsInfoRecord;
  customs_item: CustomsItemRecord;
  shipment: ShipmentRecord;
  tracker: TrackerRecord;
  scan_form: ScanFormRecord;
  refund: RefundRecord;
  webhook: WebhookRecord;
}
export type Kind = keyof Kinds;

export interface State extends SimulatorContext {
  readonly settings: () => EasyPostSettings;
  /** Origin of this simulator, for the addresses of its files. */
  readonly origin: () => string;
  readonly find: <K extends Kind>(kind: K, id: string) => Kinds[K] | undefined;
  readonly save: <K extends Kind>(kind: K, record: Kinds[K]) => Kinds[K];
  readonly remove: (kind: Kind, id: string) => void;
  /** Oldest first. */
  readonly all: <K extends Kind>(kind: K) => Kinds[K][];
  /** The newest shipment with this reference. */
  readonly findByReference: (reference: string) => ShipmentRecord | undefined;
  readonly findTracker: (code: string, carrier: string | null) => TrackerRecord | undefined;
  readonly findRate: (id: string) => RateRecord | undefined;
  readonly now: () => string;
  /** Tells the account's webhooks. */
  readonly tell: (topic: string, result: Readonly<Record<string, unknown>>, previous?: object) => void;
}

export type Core = Omit<State, 'settings' | 'origin' | 'tell'>;

export function newId(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll('-', '')}`;
}

/** The typed face of a simulator's memory. Looked-up fields are indexed, for a replay asks thousands of times. */
export function createCore(context: SimulatorContext): Core {
  const { memory, clock } = context;
  const references = new Map<string, string>();
  const trackers = new Map<string, string>();
  const rates = new Map<string, string>();
  const index = <K extends Kind>(kind: K, record: Kinds[K]) => {
    if (kind === 'shipment') {
      const shipment = record as ShipmentRecord;
      if (shipment.reference !== null) references.set(shipment.reference, shipment.id);
      for (const rate of shipment.rates) rates.set(rate.id, shipment.id);
    }
    if (kind === 'tracker') {
      const tracker = record as TrackerRecord;
      trackers.set(tracker.code, tracker.id);
      trackers.set(`${tracker.carrier} ${tracker.code}`, tracker.id);
    }
  };
  const find = <K extends Kind>(kind: K, id: string) => memory.get<Kinds[K]>(kind, id);
  // Changing an older shipment must not make it the newest of its reference.
  const touched = new Set<string>();
  for (const shipment of memory.list<ShipmentRecord>('shipment')) {
    index('shipment', shipment);
    touched.add(shipment.id);
  }
  for (const tracker of memory.list<TrackerRecord>('tracker')) index('tracker', tracker);
  return {
    ...context,
    find,
    save: (kind, record) => {
      if (kind !== 'shipment' || !touched.has(record.id)) index(kind, record);
      else for (const rate of (record as ShipmentRecord).rates) rates.set(rate.id, record.id);
      if (kind === 'shipment') touched.add(record.id);
      return memory.put(kind, record.id, record);
    },
    remove: (kind, id) => memory.remove(kind, id),
    all: (kind) => memory.list(kind),
    findByReference: (reference) => find('shipment', references.get(reference) ?? ''),
    findTracker: (code, carrier) =>
      find('tracker', trackers.get(carrier === null ? code : `${carrier} ${code}`) ?? ''),
    findRate: (id) => find('shipment', rates.get(id) ?? '')?.rates.find((rate) => rate.id === id),
    now: () => clock().toISOString(),
  };
}
