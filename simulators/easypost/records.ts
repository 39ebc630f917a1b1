/**
 * What the simulated EasyPost remembers. Records are small (their whole JSON is appended to the state
 * file at each change); the large objects that the API answers are made from them in `views.ts`.
 * Times are ISO strings of the simulator's clock.
 */
export interface AddressRecord {
  readonly id: string;
  readonly at: string;
  readonly name: string | null;
  readonly company: string | null;
  readonly street1: string | null;
  readonly street2: string | null;
  readonly city: string | null;
  readonly state: string | null;
  readonly zip: string | null;
  readonly country: string;
  readonly phone: string | null;
  readonly email: string | null;
  /** Absent: nobody asked for a verification. */
  readonly verified?: 'passed' | 'failed' | 'carrier';
  readonly verifiedBy?: string;
}

export interface ParcelRecord {
  readonly id: string;
  readonly at: string;
  readonly length: number | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly weight: number;
  readonly predefined: string | null;
}

export interface CustomsItemRecord {
  readonly id: string;
  readonly at: string;
  readonly given: Readonly<Record<string, unknown>>;
}

export interface CustomsInfoRecord extends CustomsItemRecord {
  readonly items: readonly CustomsItemRecord[];
}

export interface RateRecord {
  readonly id: string;
  readonly at: string;
  readonly shipmentId: string;
  readonly carrier: string;
  readonly service: string;
  readonly cents: number;
  readonly days: number;
}

export const LABEL_FORMATS = ['PNG', 'PDF', 'ZPL'] as const;
export type LabelFormat = (typeof LABEL_FORMATS)[number];

export interface LabelRecord {
  readonly id: string;
  readonly at: string;
  readonly format: LabelFormat;
  /** Other formats that were asked for afterwards. */
  readonly converted: readonly LabelFormat[];
}

export type RefundStatus = 'submitted' | 'refunded' | 'rejected' | 'not_applicable';

export interface ShipmentRecord {
  readonly id: string;
  readonly at: string;
  readonly updatedAt: string;
  readonly reference: string | null;
  readonly isReturn: boolean;
  readonly from: AddressRecord;
  readonly to: AddressRecord;
  readonly parcel: ParcelRecord;
  readonly customs: CustomsInfoRecord | null;
  readonly options: Readonly<Record<string, unknown>>;
  readonly taxIdentifiers: readonly Readonly<Record<string, unknown>>[] | null;
  readonly rates: readonly RateRecord[];
  readonly messages: readonly CarrierMessage[];
  readonly bought: Purchase | null;
  readonly refundStatus: RefundStatus | null;
  readonly scanFormId: string | null;
}

export interface CarrierMessage {
  readonly carrier: string;
  readonly carrier_account_id: string;
  readonly type: 'rate_error';
  readonly message: string;
}

export interface Purchase {
  readonly rate: RateRecord;
  readonly at: string;
  readonly label: LabelRecord;
  readonly trackerId: string;
  readonly trackingCode: string;
  /** Dollars as text, e.g. "50.00". */
  readonly insurance: string | null;
}

export interface TrackerRecord {
  readonly id: string;
  readonly at: string;
  readonly updatedAt: string;
  readonly code: string;
  readonly carrier: string;
  readonly shipmentId: string | null;
  readonly details: readonly TrackingDetailRecord[];
  /** What the carrier's hands will do with the parcel, once they have it. */
  readonly fate: Fate;
  /** True from the first scan by the carrier on. */
  readonly moving: boolean;
}

export interface TrackingDetailRecord {
  readonly status: string;
  readonly detail: string;
  readonly message: string;
  readonly at: string;
}

export const FATES = ['delivered', 'attempted', 'returned', 'lost', 'damaged'] as const;
export type Fate = (typeof FATES)[number];

export interface ScanFormRecord {
  readonly id: string;
  readonly at: string;
  readonly batchId: string;
  readonly shipmentIds: readonly string[];
  readonly trackingCodes: readonly string[];
  readonly from: AddressRecord;
}

export interface RefundRecord {
  readonly id: string;
  readonly at: string;
  readonly updatedAt: string;
  readonly trackingCode: string;
  readonly carrier: string;
  readonly shipmentId: string;
  readonly status: RefundStatus;
}

export interface WebhookRecord {
  readonly id: string;
  readonly at: string;
  readonly url: string;
  readonly secret: string | null;
  readonly customHeaders: readonly { readonly name: string; readonly value: string }[];
}
