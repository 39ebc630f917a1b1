/**
 * What every carrier (or carrier aggregator) must be able to do. Stateless like the channels' port;
 * failures are `Failure`s: PartnerUnavailable (nothing happened), PartnerRateLimited,
 * PartnerOutcomeUnknown (the purchase may have happened: look up before anything else),
 * PartnerRejected, AddressUndeliverable, NoServiceAvailable, PartnerUnauthorised, PartnerMalformed.
 * A purchase is two calls, so that there is always something to look up: `createShipment` with our
 * reference gives the carrier's id, which the caller persists; `buyLabel` buys that id.
 */
export interface CarrierAccount {
  readonly accountId: string;
  readonly baseUrl: string;
  readonly credentials: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface CarrierAddress {
  readonly name: string | null;
  readonly company: string | null;
  readonly line1: string;
  readonly line2: string | null;
  readonly city: string;
  readonly region: string | null;
  readonly postalCode: string | null;
  readonly country: string;
  readonly phone: string | null;
  readonly email: string | null;
}

export interface AddressVerdict {
  readonly deliverable: boolean;
  /** The carrier's id of the check. */
  readonly externalId: string | null;
  /** Plain sentences for a person; empty when deliverable. */
  readonly problems: readonly string[];
  /** The carrier's spelling. It is shown beside ours, never silently used instead. */
  readonly suggestion: CarrierAddress | null;
}

export interface ParcelDimensions {
  readonly weightGrams: number;
  readonly lengthMm: number;
  readonly widthMm: number;
  readonly heightMm: number;
}

export interface CarrierRate {
  readonly externalRateId: string;
  /** Canonical lower snake, e.g. usps_ground_advantage. */
  readonly service: string;
  readonly carrier: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  /** Calendar days the carrier names, null when it names none. */
  readonly deliveryDays: number | null;
}

export interface CarrierShipment {
  readonly externalShipmentId: string;
  readonly rates: readonly CarrierRate[];
  /** Set when a label was bought already. */
  readonly label: PurchasedLabel | null;
}

export interface PurchasedLabel {
  readonly externalShipmentId: string;
  readonly externalTrackerId: string | null;
  readonly trackingNumber: string;
  readonly carrier: string;
  readonly service: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  /** Where the label's file is; fetched by whoever prints it. */
  readonly labelUrl: string;
}

export type VoidState = 'requested' | 'voided' | 'rejected' | 'not_applicable';

/** Our parcel states that a carrier's status can mean (state models, "parcel"). */
export type TrackingStatus =
  | 'pre_transit'
  | 'in_transit'
  | 'out_for_delivery'
  | 'delivered'
  | 'delivery_failed'
  | 'returned_to_sender'
  | 'lost'
  | 'damaged'
  | 'unknown';

export interface TrackingFact {
  readonly trackingNumber: string;
  /** The carrier's id of this event, or a digest of it; the same fact has the same id. */
  readonly eventId: string;
  readonly status: TrackingStatus;
  readonly occurredAt: Date;
  readonly message: string;
}

export interface ShipmentRequest {
  /** Our step key, kept by the carrier as its reference. */
  readonly reference: string;
  readonly from: CarrierAddress;
  readonly to: CarrierAddress;
  readonly parcel: ParcelDimensions;
}

export interface CarrierConnector {
  readonly kind: string;
  verifyAddress(account: CarrierAccount, address: CarrierAddress): Promise<AddressVerdict>;
  createShipment(account: CarrierAccount, request: ShipmentRequest): Promise<CarrierShipment>;
  /** The newest shipment with this reference, null when there is none. */
  findShipmentByReference(account: CarrierAccount, reference: string): Promise<CarrierShipment | null>;
  getShipment(account: CarrierAccount, externalShipmentId: string): Promise<CarrierShipment>;
  buyLabel(
    account: CarrierAccount,
    externalShipmentId: string,
    externalRateId: string,
  ): Promise<PurchasedLabel>;
  /** Asks for a refund, or reads how far it is when it was asked for already. */
  voidLabel(account: CarrierAccount, externalShipmentId: string): Promise<VoidState>;
  getVoidState(account: CarrierAccount, externalShipmentId: string): Promise<VoidState>;
  /** Everything known about a parcel, oldest first. */
  track(account: CarrierAccount, trackingNumber: string, carrier: string): Promise<readonly TrackingFact[]>;
  /** End-of-day form over bought labels; the carrier's id of the form and the file's address. */
  createManifest(
    account: CarrierAccount,
    externalShipmentIds: readonly string[],
  ): Promise<{ readonly externalManifestId: string; readonly formUrl: string | null }>;
}

/** What a verified tracker webhook says. */
export interface CarrierWebhookFact {
  readonly eventId: string;
  readonly facts: readonly TrackingFact[];
  readonly kind: 'tracking' | 'refund' | 'ignored' | 'unreadable';
  /** Of a `refund`: whose label, and how far its void is. */
  readonly refund?: {
    readonly externalShipmentId: string | null;
    readonly trackingNumber: string;
    readonly state: VoidState;
  };
  readonly reason?: string;
}
