/** Shapes that many resources share. */
import { z } from 'zod';

/** Free text from outside: no control characters but line breaks and tabs, trimmed, at least one character. */
export const text = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    // Postgres stores no NUL, and other control characters only serve to disturb terminals and logs.
    .refine((value) => !hasControlCharacter(value), { message: 'contains control characters' });

function hasControlCharacter(value: string): boolean {
  for (const character of value) {
    const code = character.codePointAt(0) as number;
    if ((code < 32 && code !== 9 && code !== 10 && code !== 13) || code === 127) return true;
  }
  return false;
}

export const id = z.uuid().toLowerCase();
export const idParams = z.strictObject({ id });

/** Whole minor units as text, so that nothing passes through a float: "1250" is 12.50 EUR. */
export const minorUnits = z.string().regex(/^-?\d{1,15}$/, 'not a whole number of minor units, as text');
/** The same, never below zero. */
export const minorUnitsFromZero = z
  .string()
  .regex(/^\d{1,15}$/, 'not a whole number of minor units, as text');

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));
/** ISO 4217. */
export const currency = z
  .string()
  .refine((value) => CURRENCIES.has(value), { message: 'not an ISO 4217 currency' });

/** ISO 3166-1 alpha-2, upper case. */
export const countryCode = z.string().regex(/^[A-Z]{2}$/, 'not a two-letter country code');

export const quantity = z.int().min(1).max(1_000_000);

/** RFC 3339 in UTC, as answers give times. */
export const instant = z.iso.datetime();
/** A person's or machine's reason for a change; kept in the audit log, so no personal data. */
export const reason = text(500);
