/**
 * Opening stock and corrections from a CSV file, one row a product and place. Rows and columns that are
 * wrong are named, all of them, before anything is posted. Spreadsheets write UTF-8 with or without a
 * byte order mark, and UTF-16; both are read.
 */
import { CsvError, parse } from 'csv-parse/sync';
import { z } from 'zod';
import { Failure } from '../../domain/failure-types';

const REQUIRED = ['sku', 'quantity'] as const;
const OPTIONAL = ['location', 'lot', 'expires_on', 'unit_cost_minor'] as const;
export const STOCK_COLUMNS: readonly string[] = [...REQUIRED, ...OPTIONAL];

/** A warehouse of a 3PL has some 10,000 places; more belongs into several files. */
const MOST_ROWS = 100_000;
const LONGEST_ROW_BYTES = 10_000;

export interface StockRow {
  /** Line of the file, the header is 1. */
  readonly row: number;
  readonly sku: string;
  readonly quantity: number;
  readonly location: string | null;
  readonly lot: string | null;
  readonly expiresOn: string | null;
  /** What one unit cost, in minor units; null: the product's cost. */
  readonly unitCostMinor: bigint | null;
}

export interface RowFault {
  readonly row: number;
  readonly column: string;
  readonly message: string;
}

const optional = (most: number) =>
  z
    .string()
    .max(most)
    .transform((text) => (text === '' ? null : text));

const rowSchema = z.object({
  sku: z.string().min(1, 'is missing').max(120),
  quantity: z
    .string()
    .regex(/^-?\d{1,7}$/, 'is no whole number up to 9,999,999')
    .transform(Number)
    .refine((quantity) => quantity !== 0, 'changes nothing'),
  location: optional(40),
  lot: optional(60),
  expires_on: optional(10).pipe(z.iso.date('is no date like 2026-03-31').nullable()),
  unit_cost_minor: z
    .string()
    .regex(/^(\d{1,15})?$/, 'is no whole number of minor units')
    .transform((text) => (text === '' ? null : BigInt(text))),
});

/** Text of a file as spreadsheets write it: UTF-8, or UTF-16 with its byte order mark. */
export function textOf(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.subarray(2).toString('utf16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff)
    return Buffer.from(bytes.subarray(2, bytes.length - (bytes.length % 2)))
      .swap16()
      .toString('utf16le');
  return bytes.toString('utf8');
}

/** @throws Failure InvalidInput when the file is no table with these columns. */
export function readStockFile(
  bytes: Buffer,
  file: string,
): { readonly rows: StockRow[]; readonly faults: RowFault[] } {
  let header: string[] = [];
  let records: { readonly record: Record<string, string>; readonly info: { readonly lines: number } }[];
  try {
    records = parse(textOf(bytes), {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      info: true,
      to: MOST_ROWS + 1,
      max_record_size: LONGEST_ROW_BYTES,
      columns: (names: string[]) => {
        header = names;
        checkHeader(names, file);
        return names;
      },
    });
  } catch (error) {
    if (error instanceof CsvError) throw new Failure('InvalidInput', `${file}: ${error.message}`);
    throw error;
  }
  if (header.length === 0) throw new Failure('InvalidInput', `${file} is empty`);
  if (records.length > MOST_ROWS)
    throw new Failure('InvalidInput', `${file} has more than ${MOST_ROWS} rows: split it into several files`);
  const rows: StockRow[] = [];
  const faults: RowFault[] = [];
  for (const { record, info } of records) {
    const given = Object.fromEntries(STOCK_COLUMNS.map((name) => [name, record[name] ?? '']));
    const parsed = rowSchema.safeParse(given);
    if (parsed.success) {
      const { expires_on: expiresOn, unit_cost_minor: unitCostMinor, ...rest } = parsed.data;
      rows.push({ row: info.lines, ...rest, expiresOn, unitCostMinor });
    } else
      for (const issue of parsed.error.issues)
        faults.push({ row: info.lines, column: String(issue.path[0]), message: issue.message });
  }
  return { rows, faults };
}

function checkHeader(header: readonly string[], file: string): void {
  const faults = [
    ...REQUIRED.filter((name) => !header.includes(name)).map((name) => `${name} is missing`),
    ...header.filter((name) => !STOCK_COLUMNS.includes(name)).map((name) => `${name} is unknown`),
    ...new Set(header.filter((name, at) => header.indexOf(name) !== at).map((name) => `${name} comes twice`)),
  ];
  if (faults.length === 0) return;
  throw new Failure(
    'InvalidInput',
    `${file}: ${faults.slice(0, 10).join(', ')}; columns are ${STOCK_COLUMNS.join(', ')}`,
  );
}
