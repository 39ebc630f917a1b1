/**
 * The address check that needs nobody outside: is there enough, in the right shape, for a carrier to
 * be asked at all? It never corrects and never replaces; a person or the merchant does.
 */
import { fitsPostalCodeShape, isCountryCode, usesPostalCodes } from './countries';

export interface ShipTo {
  readonly name: string | null;
  readonly company: string | null;
  readonly line1: string | null;
  readonly line2: string | null;
  readonly city: string | null;
  readonly region: string | null;
  readonly postalCode: string | null;
  readonly country: string | null;
}

const isBlank = (text: string | null) => text === null || text.trim() === '';

/** Plain sentences, one a problem, in the order in which an address is written; empty when it is good. */
export function checkAddress(address: ShipTo): string[] {
  const problems: string[] = [];
  if (isBlank(address.name) && isBlank(address.company)) problems.push('A name or a company is missing.');
  if (isBlank(address.line1)) problems.push('The street line is missing.');
  if (isBlank(address.city)) problems.push('The city is missing.');
  const country = address.country?.trim() ?? '';
  if (country === '') {
    problems.push('The country is missing.');
  } else if (!isCountryCode(country)) {
    problems.push(`"${country.slice(0, 20)}" is not a two-letter ISO country code.`);
  } else if (isBlank(address.postalCode)) {
    if (usesPostalCodes(country)) problems.push(`The postal code is missing, and ${country} uses them.`);
  } else if (!fitsPostalCodeShape(country, address.postalCode ?? '')) {
    problems.push(`The postal code doesn't have the shape that ${country} uses.`);
  }
  return problems;
}
