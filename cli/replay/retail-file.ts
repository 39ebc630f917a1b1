/**
 * Reads the UCI "Online Retail" CSV, plain or gzipped, as a stream: only the rows of the wanted days are
 * kept. What can't be read ends the command with the row and the column, and nothing is replayed.
 */
import { createReadStream, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CsvError, parse } from 'csv-parse';
import { isFailure } from '../../domain/failure-types';
import {
  InvoiceCollector,
  type RetailInvoice,
  type RetailRow,
  retailDate,
} from '../../domain/retail/online-retail';
import { CommandError } from '../command-error';

/** The file's header, in any order, to our names. */
const COLUMNS: Readonly<Record<string, keyof RetailRow>> = {
  InvoiceNo: 'invoiceNo',
  StockCode: 'stockCode',
  Description: 'description',
  Quantity: 'quantity',
  InvoiceDate: 'invoiceDate',
  UnitPrice: 'unitPrice',
  CustomerID: 'customerId',
  Country: 'country',
};

/** A row of the file is some 100 bytes; longer means that a quote was never closed. */
const LONGEST_ROW_BYTES = 100_000;
const GZIP_MAGIC = [0x1f, 0x8b];
const DAY_MS = 24 * 60 * 60_000;

export interface RetailSlice {
  /** In the order of time. */
  readonly invoices: readonly RetailInvoice[];
  /** First moment, RFC 3339. */
  readonly from: string;
  /** First moment after, RFC 3339. */
  readonly to: string;
}

export interface ReadRetailFile {
  readonly path: string;
  /** `YYYY-MM-DD`; default the file's first day. */
  readonly from: string | null;
  /** Default: to the end of the file. */
  readonly days: number | null;
  readonly onProgress?: (bytes: number, ofBytes: number) => void;
}

/** @throws CommandError that names file, row and column of what can't be read. */
export async function readRetailFile(read: ReadRetailFile): Promise<RetailSlice> {
  const rows = await openRows(read);
  const kept = new DaysOfFile(read.from, read.days);
  let number = 0;
  try {
    for await (const row of rows as AsyncIterable<RetailRow>) {
      number += 1;
      kept.add(row, number);
    }
  } catch (error) {
    if (error instanceof CsvError) throw unreadable(read.path, error.message);
    if (isFailure(error)) throw unreadable(read.path, error.message);
    throw error;
  }
  return kept.slice(read.path);
}

class DaysOfFile {
  private readonly collector = new InvoiceCollector();
  private first: string | null = null;
  private last: string | null = null;
  /** Of the whole file, to say where its rows are when none is wanted. */
  private seenFrom: string | null = null;
  private seenTo: string | null = null;

  constructor(
    private readonly from: string | null,
    private readonly days: number | null,
  ) {}

  add(row: RetailRow, number: number): void {
    const date = retailDate(row);
    if (date === null) {
      throw new CommandError(
        `row ${number}: InvoiceDate "${row.invoiceDate.slice(0, 40)}" is no date like 2010-12-01 08:26:00`,
      );
    }
    if (this.seenFrom === null || date < this.seenFrom) this.seenFrom = date;
    if (this.seenTo === null || date > this.seenTo) this.seenTo = date;
    const from = this.from ?? this.first ?? date;
    if (date < from || (this.days !== null && date >= dayAfter(from, this.days))) return;
    this.first ??= from;
    if (this.last === null || date > this.last) this.last = date;
    this.collector.add(row);
  }

  slice(path: string): RetailSlice {
    const { first, last } = this;
    if (first === null || last === null) {
      if (this.seenFrom === null) throw new CommandError(`${path} holds no rows`);
      const wanted = `of ${this.days ?? 'the'} days from ${this.from ?? this.seenFrom} on`;
      const hint = `it goes from ${this.seenFrom} to ${this.seenTo}; choose with --from and --days`;
      throw new CommandError(`${path} holds no rows ${wanted}`, 1, hint);
    }
    const end = this.days === null ? dayAfter(last, 1) : dayAfter(first, this.days);
    return { invoices: this.collector.invoices(), from: `${first}T00:00:00Z`, to: `${end}T00:00:00Z` };
  }
}

function dayAfter(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

async function openRows({ path, onProgress }: ReadRetailFile): Promise<Readable> {
  const { size, gzipped } = await inspect(path);
  const bytes = createReadStream(path);
  let seen = 0;
  bytes.on('data', (chunk) => {
    seen += chunk.length;
    onProgress?.(seen, size);
  });
  const parser = parse({
    bom: true,
    max_record_size: LONGEST_ROW_BYTES,
    columns: (header: string[]) => columnsOf(header, path),
  });
  const source: Readable = gzipped ? bytes.pipe(createGunzip()) : bytes;
  // pipe() passes no errors on: without these a broken file would hang the reading.
  for (const stream of new Set([bytes, source])) {
    stream.on('error', (error: Error) => parser.destroy(unreadable(path, error.message)));
  }
  return source.pipe(parser);
}

async function inspect(path: string): Promise<{ readonly size: number; readonly gzipped: boolean }> {
  try {
    const file = await open(path);
    try {
      const { buffer } = await file.read(Buffer.alloc(GZIP_MAGIC.length), 0, GZIP_MAGIC.length, 0);
      const gzipped = GZIP_MAGIC.every((byte, index) => buffer[index] === byte);
      return { size: statSync(path).size, gzipped };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, error instanceof Error ? error.message : String(error));
  }
}

function columnsOf(header: readonly string[], path: string): (keyof RetailRow | false)[] {
  const missing = Object.keys(COLUMNS).filter(
    (name) => header.filter((one) => one.trim() === name).length !== 1,
  );
  if (missing.length > 0) {
    throw new CommandError(
      `${path}: the header must name once each: ${missing.join(', ')}`,
      1,
      `it is: ${header.join(',').slice(0, 200)}`,
    );
  }
  return header.map((name) => COLUMNS[name.trim()] ?? false);
}

function unreadable(path: string, why: string): CommandError {
  return new CommandError(`${path} can't be read: ${why}`);
}
