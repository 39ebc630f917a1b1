/**
 * The parts of EasyPost's objects that we read, and their translation into the port's words. Unknown
 * fields are ignored, for EasyPost adds some every year; a missing or mistyped one that we need makes
 * the whole answer malformed. Amounts come as decimal strings and become minor units exactly.
 */
import { z } from 'zod';
import { Failure } from '../../../domain/failure-types';
import { parseMinor } from '../../../domain/money';
import type {
  AddressVerdict,
  CarrierAddress,
  CarrierRate,
  CarrierShipment,
  PurchasedLabel,
  VoidState,
} from '../port';
import { canonicalService } from './services';

const rateSchema = z.object({
  id: z.string().min(1),
  carrier: z.string().min(1),
  service: z.string().min(1),
  rate: z.string(),
  currency: z.string().length(3),
  delivery_days: z.number().int().nullish(),
});

export const shipmentSchema = z.object({
  id: z.string().min(1),
  reference: z.string().nullish(),
  tracking_code: z.string().nullish(),
  rates: z.array(rateSchema).nullish(),
  selected_rate: rateSchema.nullish(),
  postage_label: z
    .object({
      label_url: z.string().min(1).nullish(),
      label_pdf_url: z.string().min(1).nullish(),
      label_zpl_url: z.string().min(1).nullish(),
    })
    .nullish(),
  tracker: z.object({ id: z.string().min(1) }).nullish(),
  refund_status: z.string().nullish(),
  scan_form: z.object({ id: z.string().min(1), form_url: z.string().nullish() }).nullish(),
  messages: z.array(z.object({ carrier: z.string().nullish(), message: z.string().nullish() })).nullish(),
});
export type EasyPostShipment = z.output<typeof shipmentSchema>;

export const scanFormSchema = z.object({
  id: z.string().min(1),
  status: z.string(),
  message: z.string().nullish(),
  form_url: z.string().nullish(),
});

const verificationSchema = z.object({
  success: z.boolean(),
  errors: z.array(z.object({ code: z.string().nullish(), message: z.string().nullish() })),
});

export const verifiedAddressSchema = z.object({
  id: z.string().min(1),
  street1: z.string().nullable(),
  street2: z.string().nullish(),
  city: z.string().nullish(),
  state: z.string().nullish(),
  zip: z.string().nullish(),
  country: z.string().nullish(),
  /** Absent when nothing was verified, which after a request to verify is a broken answer. */
  verifications: z.object({ delivery: verificationSchema }),
});
export type VerifiedAddress = z.output<typeof verifiedAddressSchema>;

/** A rate that can't be read is left out; when none remains of several, the answer is malformed. */
export function ratesOf(shipment: EasyPostShipment): CarrierRate[] {
  const offered = shipment.rates ?? [];
  const rates = offered.flatMap((rate) => {
    const amountMinor = readAmount(rate.rate, rate.currency);
    if (amountMinor === null || amountMinor < 0n) return [];
    return [
      {
        externalRateId: rate.id,
        service: canonicalService(rate.carrier, rate.service),
        carrier: rate.carrier,
        amountMinor,
        currency: rate.currency,
        deliveryDays: rate.delivery_days ?? null,
      },
    ];
  });
  if (rates.length === 0 && offered.length > 0) {
    throw new Failure('PartnerMalformed', 'EasyPost quoted no rate whose amount can be read');
  }
  return rates;
}

/** Where a bought label's file is; null when EasyPost names no address. */
export function labelUrlOf({ postage_label: label }: EasyPostShipment): string | null {
  return label?.label_url ?? label?.label_pdf_url ?? label?.label_zpl_url ?? null;
}

/**
 * The label of a shipment, null when none was bought.
 * @throws Failure PartnerMalformed when there is one that misses its number, price or file.
 */
export function labelOf(shipment: EasyPostShipment): PurchasedLabel | null {
  const { postage_label: label, selected_rate: rate, tracking_code: trackingNumber } = shipment;
  if (!label) return null;
  const amountMinor = rate ? readAmount(rate.rate, rate.currency) : null;
  const labelUrl = labelUrlOf(shipment);
  if (!rate || !trackingNumber || amountMinor === null || labelUrl === null) {
    throw new Failure('PartnerMalformed', 'EasyPost has a label without tracking number, price or file', {
      externalShipmentId: shipment.id,
    });
  }
  return {
    externalShipmentId: shipment.id,
    externalTrackerId: shipment.tracker?.id ?? null,
    trackingNumber,
    carrier: rate.carrier,
    service: canonicalService(rate.carrier, rate.service),
    amountMinor,
    currency: rate.currency,
    labelUrl,
  };
}

export function shipmentOf(shipment: EasyPostShipment): CarrierShipment {
  return { externalShipmentId: shipment.id, rates: ratesOf(shipment), label: labelOf(shipment) };
}

const REFUND_STATES: Readonly<Record<string, VoidState>> = {
  submitted: 'requested',
  refunded: 'voided',
  rejected: 'rejected',
  not_applicable: 'not_applicable',
};

/**
 * How far a refund is; null when none was asked for.
 * @throws Failure PartnerMalformed for a state that EasyPost's documentation doesn't know.
 */
export function voidStateOf(refundStatus: string | null | undefined): VoidState | null {
  if (refundStatus === null || refundStatus === undefined) return null;
  const state = REFUND_STATES[refundStatus];
  if (state === undefined) {
    throw new Failure('PartnerMalformed', 'EasyPost answered an unknown state of a refund', { refundStatus });
  }
  return state;
}

const UNCONFIRMED = 'The carrier could not confirm that this address receives parcels.';

export function verdictOf(verified: VerifiedAddress, asked: CarrierAddress): AddressVerdict {
  const { success, errors } = verified.verifications.delivery;
  if (!success) {
    const problems = [...new Set(errors.map((error) => error.message).filter((text) => text != null))];
    return {
      deliverable: false,
      externalId: verified.id,
      problems: problems.length > 0 ? problems : [UNCONFIRMED],
      suggestion: null,
    };
  }
  return {
    deliverable: true,
    externalId: verified.id,
    problems: [],
    suggestion: {
      name: asked.name,
      company: asked.company,
      line1: verified.street1 ?? asked.line1,
      line2: verified.street2 || null,
      city: verified.city ?? asked.city,
      region: verified.state ?? null,
      postalCode: verified.zip ?? null,
      country: verified.country ?? asked.country,
      phone: asked.phone,
      email: asked.email,
    },
  };
}

function readAmount(text: string, currency: string): bigint | null {
  try {
    return parseMinor(text, currency);
  } catch {
    return null;
  }
}
