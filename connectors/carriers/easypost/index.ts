/**
 * EasyPost behind the carriers' port. Stateless: keys, address and time-out come with each call; the
 * caller retries, limits and remembers. The safety of a purchase rests on its two halves. A shipment is
 * created with the step key as its reference and costs nothing, however often that happens; only the id
 * that the caller wrote down is bought, and EasyPost sells a shipment one label at most. So a purchase
 * of doubtful outcome is looked up by that id, and a second purchase adopts what the first one bought.
 * EasyPost's look-up by reference answers one shipment though references need not be unique: it serves
 * to find a shipment whose creation was in doubt, never to find out whether a label was bought.
 */
import { Failure, isFailure } from '../../../domain/failure-types';
import type {
  AddressVerdict,
  CarrierAccount,
  CarrierAddress,
  CarrierConnector,
  CarrierShipment,
  ParcelDimensions,
  PurchasedLabel,
  ShipmentRequest,
  TrackingFact,
  VoidState,
} from '../port';
import {
  type EasyPostShipment,
  labelOf,
  labelUrlOf,
  scanFormSchema,
  shipmentOf,
  shipmentSchema,
  verdictOf,
  verifiedAddressSchema,
  voidStateOf,
} from './answers';
import { easyPostCall } from './client';
import { hasCode, POSTAGE_EXISTS } from './errors';
import { factsOf, trackerSchema } from './tracking';
import { inchesFromMm, ouncesFromGrams } from './units';

export const easyPostConnector: CarrierConnector = {
  kind: 'easypost',
  verifyAddress,
  createShipment,
  findShipmentByReference,
  getShipment,
  buyLabel,
  voidLabel,
  getVoidState,
  track,
  createManifest,
};

/** Name, phone and e-mail stay here: where a parcel can be delivered does not depend on them. */
async function verifyAddress(account: CarrierAccount, address: CarrierAddress): Promise<AddressVerdict> {
  const { name: _name, phone: _phone, email: _email, ...place } = addressBody(address);
  const verified = await easyPostCall(account, {
    method: 'POST',
    path: '/addresses',
    body: { verify: true, address: place },
    write: false,
    what: "EasyPost's check of an address",
    schema: verifiedAddressSchema,
  });
  return verdictOf(verified, address);
}

/** @throws Failure NoServiceAvailable when no carrier quotes; its details hold the carriers' reasons. */
async function createShipment(account: CarrierAccount, request: ShipmentRequest): Promise<CarrierShipment> {
  const what = "EasyPost's creation of a shipment";
  const body = {
    shipment: {
      reference: request.reference,
      from_address: addressBody(request.from),
      to_address: addressBody(request.to),
      parcel: parcelBody(request.parcel),
      // 4 × 6 inches is what thermal printers and all carriers take.
      options: { label_format: labelFormatOf(account), label_size: '4x6' },
    },
  };
  const created = await easyPostCall(account, {
    method: 'POST',
    path: '/shipments',
    body,
    write: true,
    what,
    schema: shipmentSchema,
  });
  const shipment = shipmentOf(created);
  if (shipment.rates.length === 0 && shipment.label === null) {
    const reasons = (created.messages ?? [])
      .slice(0, 10)
      .map(({ carrier, message }) => ({ carrier, message }));
    throw new Failure('NoServiceAvailable', 'no carrier offers to take this parcel', {
      externalShipmentId: created.id,
      reasons,
    });
  }
  return shipment;
}

async function findShipmentByReference(
  account: CarrierAccount,
  reference: string,
): Promise<CarrierShipment | null> {
  try {
    const found = await readShipment(account, reference);
    // Adopting a stranger's shipment would put its label on our parcel.
    if (found.reference !== reference) {
      throw new Failure('PartnerMalformed', 'EasyPost answered a shipment with another reference');
    }
    return shipmentOf(found);
  } catch (error) {
    if (isFailure(error, 'PartnerRejected') && error.details['status'] === 404) return null;
    throw error;
  }
}

async function getShipment(account: CarrierAccount, externalShipmentId: string): Promise<CarrierShipment> {
  return shipmentOf(await readShipment(account, externalShipmentId));
}

async function buyLabel(
  account: CarrierAccount,
  externalShipmentId: string,
  externalRateId: string,
): Promise<PurchasedLabel> {
  let bought: EasyPostShipment | null;
  try {
    bought = await easyPostCall(account, {
      method: 'POST',
      path: `/shipments/${encodeURIComponent(externalShipmentId)}/buy`,
      body: { rate: { id: externalRateId } },
      write: true,
      what: "EasyPost's purchase of a label",
      schema: shipmentSchema,
    });
  } catch (error) {
    if (!isFailure(error) || !hasCode(error, POSTAGE_EXISTS)) throw error;
    bought = null;
  }
  try {
    return boughtLabel(
      bought === null
        ? await readShipment(account, externalShipmentId)
        : await withLabelFile(account, bought),
    );
  } catch (error) {
    // From here on money was spent, and a failure that says "nothing happened" would spend it again.
    if (!isFailure(error) || error.type === 'PartnerOutcomeUnknown') throw error;
    throw new Failure('PartnerOutcomeUnknown', `after a purchase: ${error.message}`, error.details, {
      cause: error,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    });
  }
}

function boughtLabel(shipment: EasyPostShipment): PurchasedLabel {
  const label = labelOf(shipment);
  if (label !== null) return label;
  throw new Failure('PartnerOutcomeUnknown', 'EasyPost answered a purchase without a label', {
    externalShipmentId: shipment.id,
  });
}

/** One of the recorded labels came as a file inside the answer; asking for a format puts it at an address. */
async function withLabelFile(account: CarrierAccount, shipment: EasyPostShipment): Promise<EasyPostShipment> {
  if (!shipment.postage_label || labelUrlOf(shipment) !== null) return shipment;
  const format = encodeURIComponent(labelFormatOf(account));
  return easyPostCall(account, {
    method: 'GET',
    path: `/shipments/${encodeURIComponent(shipment.id)}/label?file_format=${format}`,
    write: false,
    what: "EasyPost's label file",
    schema: shipmentSchema,
  });
}

/** PDF prints anywhere. */
function labelFormatOf(account: CarrierAccount): string {
  return account.credentials['labelFormat'] ?? 'PDF';
}

/**
 * A refund that is under way or settled is only read; one that was rejected is asked for again, which
 * EasyPost allows (a label refunded within minutes of its purchase is often rejected at first). Where no
 * label was bought there is nothing to void, and the answer is not_applicable.
 */
async function voidLabel(account: CarrierAccount, externalShipmentId: string): Promise<VoidState> {
  const before = await readState(account, externalShipmentId);
  if (!before.postage_label) return 'not_applicable';
  const state = voidStateOf(before.refund_status);
  if (state !== null && state !== 'rejected') return state;
  try {
    const after = await easyPostCall(account, {
      method: 'POST',
      path: `/shipments/${encodeURIComponent(externalShipmentId)}/refund`,
      body: {},
      write: true,
      what: "EasyPost's refund of a label",
      schema: shipmentSchema,
    });
    const asked = voidStateOf(after.refund_status);
    if (asked !== null) return asked;
    throw new Failure('PartnerOutcomeUnknown', 'EasyPost answered a refund without its state', {
      externalShipmentId,
    });
  } catch (error) {
    // The parcel was scanned, or the request of another process came first: the shipment knows.
    if (!isFailure(error, 'PartnerRejected')) throw error;
    const now = voidStateOf((await readState(account, externalShipmentId)).refund_status);
    if (now !== null && now !== 'rejected') return now;
    return 'rejected';
  }
}

/** Without a request under way the answer is `rejected`: the label stands, and may be voided again. */
async function getVoidState(account: CarrierAccount, externalShipmentId: string): Promise<VoidState> {
  const shipment = await readState(account, externalShipmentId);
  if (!shipment.postage_label) return 'not_applicable';
  return voidStateOf(shipment.refund_status) ?? 'rejected';
}

/**
 * Creating a tracker that exists answers the existing one (two of the recorded exchanges got the same
 * id), so this is a read; the list of trackers would be limited to five calls a second.
 */
async function track(
  account: CarrierAccount,
  trackingNumber: string,
  carrier: string,
): Promise<readonly TrackingFact[]> {
  const tracker = await easyPostCall(account, {
    method: 'POST',
    path: '/trackers',
    body: { tracker: { tracking_code: trackingNumber, carrier } },
    write: false,
    what: "EasyPost's tracker",
    schema: trackerSchema,
  });
  return factsOf(tracker);
}

/**
 * A form that was made before is answered again: a shipment belongs to one form, and the first of the
 * list tells which. Repeat a call of doubtful outcome with the same list.
 */
async function createManifest(
  account: CarrierAccount,
  externalShipmentIds: readonly string[],
): Promise<{ readonly externalManifestId: string; readonly formUrl: string | null }> {
  const [first] = externalShipmentIds;
  if (first === undefined) throw new Failure('InvalidInput', 'a manifest needs at least one shipment');
  const existing = (await readState(account, first)).scan_form;
  if (existing) return { externalManifestId: existing.id, formUrl: existing.form_url ?? null };
  const form = await easyPostCall(account, {
    method: 'POST',
    path: '/scan_forms',
    body: { scan_form: { shipments: externalShipmentIds.map((id) => ({ id })) } },
    write: true,
    what: "EasyPost's creation of a scan form",
    schema: scanFormSchema,
  });
  if (form.status === 'failed') {
    throw new Failure(
      'PartnerRejected',
      `EasyPost could not make a scan form: ${form.message ?? 'no reason'}`,
      {
        externalManifestId: form.id,
      },
    );
  }
  return { externalManifestId: form.id, formUrl: form.form_url ?? null };
}

/** With a label's file, where there is a label. */
async function readShipment(account: CarrierAccount, idOrReference: string): Promise<EasyPostShipment> {
  return withLabelFile(account, await readState(account, idOrReference));
}

/** Enough for refunds and forms, which must not fail for want of a file. */
function readState(account: CarrierAccount, idOrReference: string): Promise<EasyPostShipment> {
  return easyPostCall(account, {
    method: 'GET',
    path: `/shipments/${encodeURIComponent(idOrReference)}`,
    write: false,
    what: "EasyPost's shipment",
    schema: shipmentSchema,
  });
}

function addressBody(address: CarrierAddress) {
  return {
    name: address.name,
    company: address.company,
    street1: address.line1,
    street2: address.line2,
    city: address.city,
    state: address.region,
    zip: address.postalCode,
    country: address.country,
    phone: address.phone,
    email: address.email,
  };
}

function parcelBody(parcel: ParcelDimensions) {
  return {
    weight: ouncesFromGrams(parcel.weightGrams),
    length: inchesFromMm(parcel.lengthMm),
    width: inchesFromMm(parcel.widthMm),
    height: inchesFromMm(parcel.heightMm),
  };
}
