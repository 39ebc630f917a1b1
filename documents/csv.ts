/**
 * Tables as CSV (RFC 4180) for people who open them in a spreadsheet. A text that a spreadsheet would
 * take for a formula gets an apostrophe in front, which it shows as text: what customers and suppliers
 * wrote must not run on the desk of who reads it. Numbers are ours and stay numbers.
 */

export type Cell = string | number | bigint | boolean | null;

/** What makes a cell a formula: = + - @, or a tab or line break that hides one of them. */
const FORMULA = /^[=+\-@\t\r\n]/;

function cellOf(value: Cell): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line with its end; lines end in CR LF. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(cellOf).join(',')}\r\n`;
}
