/**
 * What the retail file lacks (people, addresses, sizes, weights), made up so that everybody sees it is:
 * "Demo Customer 17850" of "12 Demo Street", mail to a name under .example. Everything follows from a
 * seed and the customer, invoice or code it belongs to, so a second replay makes up the same.
 */
import type { RetailInvoice } from './online-retail';

export const RETAIL_SEED = 'online-retail';

/** FNV-1a, 32 bits: spreads short texts well enough for demo data and needs no library. */
function hash(seed: string, text: string): number {
  let value = 0x811c9dc5;
  for (const character of `${seed}/${text}`) {
    value ^= character.codePointAt(0) ?? 0;
    value = Math.imul(value, 0x01000193) >>> 0;
  }
  // The last characters of a text hardly reach the high bits without this.
  value ^= value >>> 15;
  return Math.imul(value, 0x2c1b3c6d) >>> 0;
}

const between = (seed: string, text: string, low: number, high: number) =>
  low + (hash(seed, text) % (high - low + 1));

/** The file's country names. What names no country ships within the retailer's own. */
const COUNTRIES: Readonly<Record<string, string>> = {
  Australia: 'AU',
  Austria: 'AT',
  Bahrain: 'BH',
  Belgium: 'BE',
  Brazil: 'BR',
  Canada: 'CA',
  'Channel Islands': 'JE',
  Cyprus: 'CY',
  'Czech Republic': 'CZ',
  Denmark: 'DK',
  EIRE: 'IE',
  Finland: 'FI',
  France: 'FR',
  Germany: 'DE',
  Greece: 'GR',
  'Hong Kong': 'HK',
  Iceland: 'IS',
  Israel: 'IL',
  Italy: 'IT',
  Japan: 'JP',
  Lebanon: 'LB',
  Lithuania: 'LT',
  Malta: 'MT',
  Netherlands: 'NL',
  Norway: 'NO',
  Poland: 'PL',
  Portugal: 'PT',
  RSA: 'ZA',
  'Saudi Arabia': 'SA',
  Singapore: 'SG',
  Spain: 'ES',
  Sweden: 'SE',
  Switzerland: 'CH',
  'United Arab Emirates': 'AE',
  'United Kingdom': 'GB',
  USA: 'US',
};

/** `#` is a digit. Countries that aren't listed get five digits, which nobody checks the shape of. */
const POSTAL_CODES: Readonly<Record<string, string>> = {
  AT: '####',
  AU: '####',
  BE: '####',
  BR: '#####-###',
  CA: 'K1A 0B#',
  CH: '####',
  DK: '####',
  // No postal area is called ZZ.
  GB: 'ZZ# #ZZ',
  JE: 'JE# #ZZ',
  JP: '###-####',
  NL: '#### ZZ',
  NO: '####',
  PL: '##-###',
  US: '200##',
};

const REGIONS: Readonly<Record<string, string>> = { CA: 'ON', US: 'DC' };

/** ISO 3166-1 alpha-2 of a country as the file names it. */
export function retailCountry(name: string): string {
  return Object.hasOwn(COUNTRIES, name) ? (COUNTRIES[name] as string) : 'GB';
}

export interface MadeUpPerson {
  readonly name: string;
  readonly email: string;
  readonly line1: string;
  readonly city: string;
  readonly region: string | null;
  readonly postalCode: string;
  readonly country: string;
}

/** The same for every invoice of a customer; an invoice without one has a guest of its own. */
export function makeUpPerson(
  invoice: Pick<RetailInvoice, 'invoiceNo' | 'customerId' | 'country'>,
  seed = RETAIL_SEED,
): MadeUpPerson {
  const { invoiceNo, customerId } = invoice;
  const who = customerId === null ? `guest-${invoiceNo}` : `customer-${customerId}`;
  const country = retailCountry(invoice.country);
  const pattern = Object.hasOwn(POSTAL_CODES, country) ? (POSTAL_CODES[country] as string) : '#####';
  let place = 0;
  return {
    name: customerId === null ? `Demo Guest ${invoiceNo}` : `Demo Customer ${customerId}`,
    email: `${who}@retail.example`,
    line1: `${between(seed, `${who} house`, 1, 199)} Demo Street`,
    city: 'Demo City',
    region: REGIONS[country] ?? null,
    postalCode: pattern.replaceAll('#', () => String(between(seed, `${who} post ${place++}`, 0, 9))),
    country,
  };
}

export interface MadeUpGoods {
  readonly weightGrams: number;
  readonly lengthMm: number;
  readonly widthMm: number;
  readonly heightMm: number;
}

/** The retailer sells gifts and small things for the house: 20 to 600 g, up to 30 cm. */
export function makeUpGoods(code: string, seed = RETAIL_SEED): MadeUpGoods {
  return {
    weightGrams: between(seed, `${code} weight`, 20, 600),
    lengthMm: between(seed, `${code} length`, 60, 300),
    widthMm: between(seed, `${code} width`, 40, 200),
    heightMm: between(seed, `${code} height`, 5, 120),
  };
}
