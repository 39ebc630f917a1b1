/**
 * Names that more than one part must build alike: the business key of an order, which is also its
 * workflow's id, and the GS1 numbers on goods and parcels. The key is made of ids we gave and the
 * channel's own id at its end, so no two orders share one whatever a channel puts into its ids.
 */

/**
 * One order of one connection, for ever: `order:{merchant}:{connection}:{externalId}`. A second import
 * of the same order gets the same workflow id and so starts nothing.
 * @throws RangeError when a part is empty, or one of ours holds a colon.
 */
export function orderBusinessKey(merchantId: string, connectionId: string, externalId: string): string {
  if (!isIdPart(merchantId) || !isIdPart(connectionId) || externalId === '') {
    throw new RangeError('an order key needs a merchant, a connection and an external id');
  }
  return `order:${merchantId}:${connectionId}:${externalId}`;
}

const isIdPart = (text: string) => text !== '' && !text.includes(':');

/**
 * The GS1 check digit (modulo 10, weights 3 and 1 from the right) that completes these digits.
 * Source: GS1 General Specifications, "Standard check digit calculations".
 * @throws RangeError when there is anything but digits.
 */
export function gs1CheckDigit(digits: string): number {
  if (!/^\d+$/.test(digits)) throw new RangeError(`not digits: ${digits.slice(0, 40)}`);
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const fromRight = digits.length - 1 - index;
    sum += Number(digits[index]) * (fromRight % 2 === 0 ? 3 : 1);
  }
  return (10 - (sum % 10)) % 10;
}

function hasCheckDigit(text: string): boolean {
  return gs1CheckDigit(text.slice(0, -1)) === Number(text.at(-1));
}

/** Whether this is a GTIN-8, -12, -13 or -14 with the right check digit. */
export function isGtin(text: string): boolean {
  return /^(\d{8}|\d{12,14})$/.test(text) && hasCheckDigit(text);
}

/** A GTIN as 14 digits, in which all of its lengths compare equal; null when it is none. */
export function gtin14(text: string): string | null {
  return isGtin(text) ? text.padStart(14, '0') : null;
}

/** Whether this is a serial shipping container code: 18 digits with the right check digit. */
export function isSscc(text: string): boolean {
  return /^\d{18}$/.test(text) && hasCheckDigit(text);
}
