/**
 * Addresses and their verification. The simulator knows no streets: an address passes when it could be
 * one, and fails the way the recorded failures do. "UNDELIVERABLE" in its first line makes any
 * address fail, so that a demo order can show its trouble in plain sight.
 */
import type { FieldError } from './errors';
import type { AddressRecord } from './records';
import { newId, type State } from './state';

const NOT_FOUND: FieldError = {
  code: 'E.ADDRESS.NOT_FOUND',
  field: 'address',
  message: 'Address not found',
  suggestion: null,
};
const NO_HOUSE_NUMBER: FieldError = {
  code: 'E.HOUSE_NUMBER.MISSING',
  field: 'street1',
  message: 'House number is missing',
  suggestion: null,
};

/** What a verification finds wrong; nothing when the address passes. */
export function problemsOf(address: AddressRecord): readonly FieldError[] {
  const street = address.street1 ?? '';
  if (/UNDELIVERABLE/i.test(street)) return [NOT_FOUND];
  // Abroad, houses have names; in the United States a street address begins with a number.
  if (address.country === 'US' && !/\d/.test(street)) return [NOT_FOUND, NO_HOUSE_NUMBER];
  const placed = address.city !== null || address.zip !== null;
  const nowhere = address.state === 'ZZ' || /^0+ /.test(street);
  return street !== '' && placed && !nowhere ? [] : [NOT_FOUND];
}

/** EasyPost writes a verified address in capitals, with the delivery point's four digits in the ZIP. */
export function verifiedForm(address: AddressRecord): AddressRecord {
  const upper = (text: string | null) => text?.toUpperCase() ?? null;
  const zip =
    address.country === 'US' && /^\d{5}$/.test(address.zip ?? '') ? `${address.zip}-0001` : address.zip;
  return {
    ...address,
    name: upper(address.name),
    company: upper(address.company),
    street1: upper(address.street1),
    street2: upper(address.street2) ?? '',
    city: upper(address.city),
    state: upper(address.state),
    zip,
    verified: 'passed',
  };
}

/** @returns null when `given` is no address. */
export function newAddress(state: State, given: unknown): AddressRecord | null {
  if (typeof given !== 'object' || given === null) return null;
  const fields = given as Record<string, unknown>;
  if (typeof fields['id'] === 'string') return state.find('address', fields['id']) ?? null;
  const text = (name: string) => {
    const value = fields[name];
    return typeof value === 'string' && value.trim() !== '' ? value : null;
  };
  return {
    id: newId('adr'),
    at: state.now(),
    name: text('name'),
    company: text('company'),
    street1: text('street1'),
    street2: text('street2'),
    city: text('city'),
    state: text('state'),
    zip: text('zip'),
    country: text('country')?.toUpperCase() ?? 'US',
    phone: text('phone'),
    email: text('email'),
  };
}
