/**
 * EasyPost's objects as its API answers them, made from our records. Their fields and types are those
 * of the recorded exchanges, which a test compares key by key; where recordings of different years
 * differ, the newer one is followed.
 */
import { problemsOf } from './address-check';
import type {
  AddressRecord,
  CustomsInfoRecord,
  CustomsItemRecord,
  LabelFormat,
  ParcelRecord,
  Purchase,
  RateRecord,
  RefundRecord,
  ScanFormRecord,
  ShipmentRecord,
  WebhookRecord,
} from './records';
import type { State } from './state';
import { trackerView } from './tracker-view';

/** EasyPost's times have whole seconds. */
export function seconds(iso: string): string {
  return `${iso.slice(0, 19)}Z`;
}

export function addressView(address: AddressRecord) {
  const { id, at, verified, verifiedBy } = address;
  return {
    id,
    object: 'Address',
    created_at: seconds(at),
    updated_at: seconds(at),
    name: address.name,
    company: address.company,
    street1: address.street1,
    street2: address.street2,
    city: address.city,
    state: address.state,
    zip: address.zip,
    country: address.country,
    phone: address.phone,
    email: address.email,
    mode: 'test',
    carrier_facility: null,
    residential: verified === 'passed' ? false : null,
    federal_tax_id: null,
    state_tax_id: null,
    verifications: {
      ...(verified === undefined ? {} : verificationsOf(address)),
      ...(verifiedBy === undefined ? {} : { verify_carrier: verifiedBy }),
    },
  };
}

function verificationsOf(address: AddressRecord) {
  const success = address.verified !== 'failed';
  const errors = address.verified === 'passed' ? [] : problemsOf(address);
  // A real answer has coordinates; ours is visibly nowhere.
  const place = { latitude: 0.5, longitude: 0.5, time_zone: 'Etc/UTC' };
  const nowhere = { latitude: null, longitude: null, time_zone: null };
  const details = { passed: place, carrier: nowhere, failed: {} }[address.verified ?? 'failed'];
  return { zip4: { success, errors, details: null }, delivery: { success, errors, details } };
}

export function parcelView(parcel: ParcelRecord) {
  const { id, at, length, width, height, weight, predefined } = parcel;
  const times = { created_at: seconds(at), updated_at: seconds(at) };
  return {
    id,
    object: 'Parcel',
    ...times,
    length,
    width,
    height,
    predefined_package: predefined,
    weight,
    mode: 'test',
  };
}

export function customsItemView({ id, at, given }: CustomsItemRecord) {
  const times = { created_at: seconds(at), updated_at: seconds(at) };
  return {
    id,
    object: 'CustomsItem',
    ...times,
    description: given['description'] ?? null,
    hs_tariff_number: given['hs_tariff_number'] ?? null,
    origin_country: given['origin_country'] ?? null,
    quantity: given['quantity'] ?? null,
    value: given['value'] === undefined ? null : Number(given['value']).toFixed(2),
    weight: given['weight'] ?? null,
    code: given['code'] ?? null,
    mode: 'test',
    manufacturer: given['manufacturer'] ?? null,
    currency: given['currency'] ?? null,
    eccn: null,
    printed_commodity_identifier: null,
  };
}

export function customsInfoView({ id, at, given, items }: CustomsInfoRecord) {
  const times = { created_at: seconds(at), updated_at: seconds(at) };
  return {
    id,
    object: 'CustomsInfo',
    ...times,
    contents_explanation: given['contents_explanation'] ?? null,
    contents_type: given['contents_type'] ?? null,
    customs_certify: given['customs_certify'] ?? false,
    customs_signer: given['customs_signer'] ?? null,
    eel_pfc: given['eel_pfc'] ?? null,
    non_delivery_option: given['non_delivery_option'] ?? 'return',
    restriction_comments: given['restriction_comments'] ?? null,
    restriction_type: given['restriction_type'] ?? 'none',
    mode: 'test',
    declaration: null,
    customs_items: items.map(customsItemView),
  };
}

export function rateView(state: State, rate: RateRecord, at = rate.at) {
  const amount = dollars(rate.cents);
  return {
    id: rate.id,
    object: 'Rate',
    created_at: seconds(at),
    updated_at: seconds(at),
    mode: 'test',
    service: rate.service,
    carrier: rate.carrier,
    rate: amount,
    currency: 'USD',
    retail_rate: dollars(Math.round(rate.cents * 1.4)),
    retail_currency: 'USD',
    list_rate: dollars(Math.round(rate.cents * 1.1)),
    list_currency: 'USD',
    billing_type: 'easypost',
    delivery_days: rate.days,
    delivery_date: null,
    delivery_date_guaranteed: false,
    est_delivery_days: rate.days,
    shipment_id: rate.shipmentId,
    carrier_account_id: accountOf(state, rate.carrier),
  };
}

function accountOf(state: State, carrier: string): string {
  const accounts: Readonly<Record<string, string | undefined>> = state.settings().carriers;
  return accounts[carrier] ?? 'ca_demo_other';
}

const FILE_TYPES: Readonly<Record<LabelFormat, string>> = {
  PNG: 'image/png',
  PDF: 'application/pdf',
  ZPL: 'application/zpl',
};

function labelView(state: State, { label, at }: Purchase) {
  const url = (format: LabelFormat) =>
    `${state.origin()}/files/postage_label/${label.id}.${format.toLowerCase()}`;
  const converted = (format: LabelFormat) => (label.converted.includes(format) ? url(format) : null);
  return {
    object: 'PostageLabel',
    id: label.id,
    created_at: seconds(at),
    updated_at: seconds(at),
    date_advance: 0,
    integrated_form: 'none',
    label_date: seconds(at),
    label_resolution: 300,
    label_size: '4x6',
    label_type: 'default',
    label_file_type: FILE_TYPES[label.format],
    label_url: url(label.format),
    label_pdf_url: converted('PDF'),
    label_zpl_url: converted('ZPL'),
    label_epl2_url: null,
    label_file: null,
  };
}

export function shipmentView(state: State, shipment: ShipmentRecord) {
  const { bought } = shipment;
  const from = addressView(shipment.from);
  const to = addressView(shipment.to);
  const tracker = bought === null ? undefined : state.find('tracker', bought.trackerId);
  const form = shipment.scanFormId === null ? undefined : state.find('scan_form', shipment.scanFormId);
  return {
    created_at: seconds(shipment.at),
    is_return: shipment.isReturn,
    messages: shipment.messages,
    mode: 'test',
    options: { ...shipment.options, currency: 'USD', payment: { type: 'SENDER' }, date_advance: 0 },
    reference: shipment.reference,
    status: tracker?.details.at(-1)?.status ?? 'unknown',
    tracking_code: bought?.trackingCode ?? null,
    updated_at: seconds(shipment.updatedAt),
    batch_id: null,
    batch_status: null,
    batch_message: null,
    customs_info: shipment.customs === null ? null : customsInfoView(shipment.customs),
    from_address: from,
    insurance: bought?.insurance ?? null,
    order_id: null,
    parcel: parcelView(shipment.parcel),
    postage_label: bought === null ? null : labelView(state, bought),
    rates: shipment.rates.map((rate) => rateView(state, rate)),
    refund_status: shipment.refundStatus,
    scan_form: form === undefined ? null : scanFormView(state, form),
    selected_rate: bought === null ? null : rateView(state, bought.rate, bought.at),
    tracker: tracker === undefined ? null : { ...trackerView(tracker), fees: [] },
    to_address: to,
    usps_zone: shipment.from.country === 'US' && shipment.to.country === 'US' ? 4 : null,
    return_address: from,
    buyer_address: to,
    forms: [],
    fees: bought === null ? [] : feesOf(bought, shipment.refundStatus === 'refunded'),
    id: shipment.id,
    object: 'Shipment',
    ...(shipment.taxIdentifiers === null ? {} : { tax_identifiers: shipment.taxIdentifiers }),
  };
}

function feesOf({ rate, insurance }: Purchase, refunded: boolean) {
  const fee = (type: string, amount: string) => ({ object: 'Fee', type, amount, charged: true, refunded });
  return [
    fee('LabelFee', '0.00000'),
    fee('PostageFee', `${dollars(rate.cents)}000`),
    ...(insurance === null ? [] : [fee('InsuranceFee', (Number(insurance) / 100).toFixed(5))]),
  ];
}

export function scanFormView(state: State, form: ScanFormRecord) {
  const { id, at, trackingCodes, batchId, from } = form;
  return {
    id,
    object: 'ScanForm',
    created_at: seconds(at),
    updated_at: seconds(at),
    tracking_codes: trackingCodes,
    address: addressView(from),
    status: 'created',
    message: null,
    form_url: `${state.origin()}/files/scan_form/${id}.pdf`,
    form_file_type: null,
    batch_id: batchId,
    confirmation: null,
  };
}

export function refundView(refund: RefundRecord) {
  return {
    id: refund.id,
    object: 'Refund',
    created_at: seconds(refund.at),
    updated_at: seconds(refund.updatedAt),
    tracking_code: refund.trackingCode,
    confirmation_number: null,
    status: refund.status,
    carrier: refund.carrier,
    shipment_id: refund.shipmentId,
  };
}

export function webhookView({ id, at, url, customHeaders }: WebhookRecord) {
  return {
    id,
    object: 'Webhook',
    mode: 'test',
    url,
    created_at: seconds(at),
    disabled_at: null,
    custom_headers: customHeaders,
  };
}

export function dollars(cents: number): string {
  return (cents / 100).toFixed(2);
}
