/**
 * JSON in which whole numbers beyond 2^53 - 1 survive: they are read as strings of their digits, so a
 * partner's 64-bit id never becomes its neighbour's. Everything else is read as `JSON.parse` reads it,
 * and what `JSON.parse` refuses is refused with its own error.
 */

/** One JSON string, or one JSON number; on valid JSON nothing else begins with a quote or a digit. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;
const WHOLE = /^-?\d+$/;

/** @throws SyntaxError when the text is not JSON. */
export function parseExactJson(text: string): unknown {
  const plain: unknown = JSON.parse(text);
  // 2^53 has 16 digits: without a run of 16 there is nothing to keep.
  if (!/\d{16}/.test(text)) return plain;
  // Only after the plain parse: quoting a number could make a key of it and broken JSON valid.
  const quoted = text.replace(STRING_OR_NUMBER, (token) =>
    WHOLE.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token,
  );
  return quoted === text ? plain : JSON.parse(quoted);
}
