/**
 * Orders from a CSV file, one row a line of an order; rows with the same `order_id` are one order, whose
 * head is that of its first row. A file that is no table is refused as a whole, naming row and column;
 * an order in it that can't be read is handed back with its reason, for it is parked, not dropped.
 */
import { CsvError, parse } from 'csv-parse/sync';
import { type IncomingOrder, incomingOrderSchema } from '../../contracts/incoming-order';
import { parseMinor } from '../../domain/money';
import { CommandError } from '../command-error';

export const REQUIRED_COLUMNS = [
  'order_id',
  'placed_at',
  'currency',
  'sku',
  'quantity',
  'unit_price',
  'name',
  'line1',
  'city',
  'country',
] as const;
export const OPTIONAL_COLUMNS = [
  'number',
  'payment',
  'shipping_method',
  'ship_by',
  'customer_id',
  'email',
  'phone',
  'company',
  'line2',
  'region',
  'postal_code',
  'title',
  'note',
] as const;

type Column = (typeof REQUIRED_COLUMNS)[number] | (typeof OPTIONAL_COLUMNS)[number];
type Row = Readonly<Partial<Record<Column, string>>>;

/** An export of a busy day has some 100,000 rows; more belongs into several files. */
const MOST_ROWS = 1_000_000;
const LONGEST_ROW_BYTES = 100_000;

export interface ReadOrder {
  readonly externalId: string;
  readonly order: IncomingOrder | null;
  readonly reason?: string;
  /** The rows themselves, for the inbox. */
  readonly raw: string;
}

/** @throws CommandError when the file is no table with these columns. */
export function readCsvOrders(text: string, file: string): ReadOrder[] {
  const rows = readRows(text, file);
  const orders = new Map<string, Row[]>();
  rows.forEach((row, index) => {
    const id = row.order_id ?? '';
    // Without an id rows can't be put together; each stays by itself, to be parked.
    const key = id === '' ? `row ${index + 2}` : id;
    orders.set(key, [...(orders.get(key) ?? []), row]);
  });
  return [...orders.values()].map(readOrder);
}

function readRows(text: string, file: string): Row[] {
  let header: string[] = [];
  try {
    const rows: Row[] = parse(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      to: MOST_ROWS,
      max_record_size: LONGEST_ROW_BYTES,
      columns: (names: string[]) => {
        header = names;
        return names;
      },
    });
    checkHeader(header, file);
    return rows;
  } catch (error) {
    if (error instanceof CsvError) throw new CommandError(`${file}: ${error.message}`);
    throw error;
  }
}

function checkHeader(header: readonly string[], file: string): void {
  const known: readonly string[] = [...REQUIRED_COLUMNS, ...OPTIONAL_COLUMNS];
  const faults = [
    ...REQUIRED_COLUMNS.filter((name) => !header.includes(name)).map((name) => `${name} is missing`),
    ...header.filter((name) => !known.includes(name)).map((name) => `${name} is unknown`),
    ...new Set(header.filter((name, at) => header.indexOf(name) !== at).map((name) => `${name} comes twice`)),
  ];
  if (faults.length === 0) return;
  throw new CommandError(`${file}: ${faults.join(', ')}`, 1, `columns are ${known.join(', ')}`);
}

function readOrder(rows: readonly Row[]): ReadOrder {
  const raw = JSON.stringify(rows);
  const [head = {}] = rows;
  const externalId = head.order_id ?? '';
  try {
    const order = incomingOrderSchema.safeParse(orderOf(externalId, head, rows));
    if (order.success) return { externalId, order: order.data, raw };
    const [issue] = order.error.issues;
    return {
      externalId,
      order: null,
      reason: `invalid_order: /${issue?.path.join('/') ?? ''}: ${issue?.message ?? ''}`,
      raw,
    };
  } catch (error) {
    // What `parseMinor` says of a text that is no amount of this currency.
    if (!(error instanceof RangeError)) throw error;
    return { externalId, order: null, reason: `invalid_money: ${error.message}`, raw };
  }
}

const given = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text);

function orderOf(externalId: string, head: Row, rows: readonly Row[]) {
  const currency = head.currency ?? '';
  const lines = rows.map((row, index) => ({
    externalLineId: String(index + 1),
    sku: row.sku ?? '',
    title: given(row.title) ?? row.sku ?? '',
    quantity: /^\d{1,9}$/.test(row.quantity ?? '') ? Number(row.quantity) : row.quantity,
    unitPriceMinor: parseMinor(row.unit_price ?? '', currency).toString(),
    ships: true,
  }));
  const total = lines.reduce(
    (sum, line) => sum + BigInt(line.unitPriceMinor) * BigInt(Number(line.quantity) || 0),
    0n,
  );
  const [name, email, phone] = [given(head.name), given(head.email), given(head.phone)];
  return {
    externalId,
    externalNumber: given(head.number) ?? externalId,
    placedAt: head.placed_at,
    currency,
    totalMinor: total.toString(),
    payment: given(head.payment) ?? 'captured',
    requestedShippingMethod: given(head.shipping_method),
    shipBy: given(head.ship_by),
    customer: { externalId: given(head.customer_id), name, email, phone },
    shipTo: {
      name,
      company: given(head.company),
      line1: given(head.line1),
      line2: given(head.line2),
      city: given(head.city),
      region: given(head.region),
      postalCode: given(head.postal_code),
      country: given(head.country),
      phone,
      email,
    },
    lines,
    tags: [],
    note: given(head.note),
    giftMessage: null,
    version: null,
    cancelled: false,
  };
}
