/**
 * What the simulated carriers ask for a parcel: a price that begins at the service's least and rises
 * with each ounce begun, the same for the same parcel. The USPS prices of 15.4 oz are those of the
 * recorded exchanges; the others are made up and plausible. No zones: a demo needs none.
 */
import type { AddressRecord, CarrierMessage, ParcelRecord, RateRecord } from './records';
import { newId } from './state';

interface Service {
  readonly carrier: string;
  readonly service: string;
  readonly baseCents: number;
  readonly centsPerOunce: number;
  readonly days: number;
}

const DOMESTIC: readonly Service[] = [
  { carrier: 'USPS', service: 'GroundAdvantage', baseCents: 433, centsPerOunce: 10, days: 3 },
  { carrier: 'USPS', service: 'Priority', baseCents: 498, centsPerOunce: 12, days: 2 },
  { carrier: 'USPS', service: 'Express', baseCents: 2830, centsPerOunce: 30, days: 1 },
  { carrier: 'UPS', service: 'Ground', baseCents: 812, centsPerOunce: 6, days: 3 },
  { carrier: 'UPS', service: '2ndDayAir', baseCents: 1460, centsPerOunce: 14, days: 2 },
  { carrier: 'UPS', service: 'NextDayAir', baseCents: 3120, centsPerOunce: 31, days: 1 },
  { carrier: 'FedEx', service: 'GROUND_HOME_DELIVERY', baseCents: 845, centsPerOunce: 6, days: 3 },
  { carrier: 'FedEx', service: 'FEDEX_2_DAY', baseCents: 1512, centsPerOunce: 15, days: 2 },
];

const ABROAD: readonly Service[] = [
  {
    carrier: 'USPS',
    service: 'FirstClassPackageInternationalService',
    baseCents: 1395,
    centsPerOunce: 48,
    days: 10,
  },
  { carrier: 'USPS', service: 'PriorityMailInternational', baseCents: 2980, centsPerOunce: 62, days: 7 },
  { carrier: 'UPS', service: 'Expedited', baseCents: 6210, centsPerOunce: 70, days: 4 },
  { carrier: 'FedEx', service: 'INTERNATIONAL_ECONOMY', baseCents: 5990, centsPerOunce: 71, days: 5 },
];

/** Elsewhere in the world, within one country. */
const LOCAL: readonly Service[] = [
  { carrier: 'UPS', service: 'UPSStandard', baseCents: 795, centsPerOunce: 5, days: 2 },
  { carrier: 'FedEx', service: 'INTERNATIONAL_ECONOMY', baseCents: 880, centsPerOunce: 6, days: 2 },
];

/** 70 and 150 pounds: what the carriers take as a parcel. */
const HEAVIEST_OUNCES: Readonly<Record<string, number>> = { USPS: 1120, UPS: 2400, FedEx: 2400 };

export interface Quote {
  readonly rates: readonly RateRecord[];
  readonly messages: readonly CarrierMessage[];
}

export interface QuoteRequest {
  readonly shipmentId: string;
  readonly at: string;
  readonly from: AddressRecord;
  readonly to: AddressRecord;
  readonly parcel: ParcelRecord;
  /** Carrier to account id. */
  readonly carriers: Readonly<Record<string, string>>;
  /** Ids of the accounts that were asked for; null: all. */
  readonly accounts: readonly string[] | null;
}

export function quote(request: QuoteRequest): Quote {
  const { parcel, carriers, accounts, at, shipmentId } = request;
  const rates: RateRecord[] = [];
  const messages: CarrierMessage[] = [];
  for (const [carrier, account] of Object.entries(carriers)) {
    if (accounts !== null && !accounts.includes(account)) continue;
    if (parcel.weight > (HEAVIEST_OUNCES[carrier] ?? 0)) {
      const message = `A parcel of ${parcel.weight} oz is too heavy for this carrier`;
      messages.push({ carrier, carrier_account_id: account, type: 'rate_error', message });
      continue;
    }
    for (const service of servicesOf(request)) {
      if (service.carrier !== carrier) continue;
      const cents = service.baseCents + service.centsPerOunce * Math.ceil(parcel.weight);
      const { service: name, days } = service;
      rates.push({ id: newId('rate'), at, shipmentId, carrier, service: name, cents, days });
    }
  }
  return { rates, messages };
}

function servicesOf({ from, to }: QuoteRequest): readonly Service[] {
  if (from.country !== to.country) return ABROAD;
  return from.country === 'US' ? DOMESTIC : LOCAL;
}
