import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { incomingOrderSchema } from '../../../contracts/incoming-order';
import { checkAddress } from '../../../domain/order/check-address';
import { countRetail, type RetailCounts } from '../../../domain/retail/count-retail';
import { makeUpGoods, makeUpPerson } from '../../../domain/retail/make-up';
import {
  CREDIT_OUTCOMES,
  InvoiceCollector,
  isGoodsCode,
  type RetailInvoice,
  type RetailRow,
  retailDate,
  soldLines,
  writeOffLines,
} from '../../../domain/retail/online-retail';
import { retailOrder } from '../../../domain/retail/retail-order';
import { describeIf, sharedDataDir } from '../../support/skip';

const row = (
  invoiceNo: string,
  stockCode: string,
  quantity: number,
  unitPrice: string,
  change: Partial<RetailRow> = {},
): RetailRow => ({
  invoiceNo,
  stockCode,
  description: `DEMO ${stockCode}`,
  quantity: String(quantity),
  invoiceDate: '2010-12-01 08:26:00',
  unitPrice,
  customerId: '10001.0',
  country: 'United Kingdom',
  ...change,
});

const later = { invoiceDate: '2010-12-02 09:00:00' };
const nobody = { customerId: '' };

/** Made by hand: every kind of row the rules name, once. */
const FIXTURE: RetailRow[] = [
  row('100001', '10001A', 6, '2.55'),
  row('100001', '10001A', 4, '2.55'),
  row('100001', '10002', 1, '0.0'),
  row('100001', 'POST', 1, '18.0'),
  row('100001', '10003', -2, '1.0'),
  row('100002', 'M', 1, '5.0', nobody),
  row('100003', '10002', -7, '0.0', { ...nobody, description: 'damages' }),
  row('100004', 'BANK CHARGES', -1, '15.0', nobody),
  row('100005', '10004', 3, '0.335', nobody),
  row('C100006', '10001A', -9, '2.55', later),
  row('C100006', '10001A', -2, '2.55', later),
  row('C100006', '10005', -1, '1.0', later),
  row('C100006', 'D', -1, '27.5', later),
  row('C100007', '10004', -1, '0.335', { ...later, ...nobody }),
  row('C100008', 'M', -1, '3.0', later),
];

const FIXTURE_COUNTS: RetailCounts = {
  rows: 15,
  invoices: 8,
  orders: 3,
  lines: 4,
  units: 14,
  // 15.30 + 10.20 + 0 + 3 × 0.335 rounded half up
  revenuePence: 2651,
  serviceLines: 5,
  creditInvoices: 3,
  creditLines: 4,
  creditUnits: 13,
  'credits.matched': 1,
  'credits.overReturned': 1,
  'credits.noPriorSale': 1,
  'credits.noCustomer': 1,
  writeOffLines: 2,
  writeOffUnits: 7,
};

const invoicesOf = (rows: readonly RetailRow[]): RetailInvoice[] => {
  const collector = new InvoiceCollector();
  for (const one of rows) collector.add(one);
  return collector.invoices();
};

/** The same counts once more, as queries over the raw rows; shares nothing with the code under test. */
function countBySets(rows: readonly RetailRow[]): RetailCounts {
  const table = rows.map((raw, at) => ({
    at,
    invoice: raw.invoiceNo,
    code: raw.stockCode,
    units: Number.parseInt(raw.quantity, 10),
    mills: Math.round(Number.parseFloat(raw.unitPrice) * 1000),
    who: raw.customerId,
    goods: [0, 1, 2, 3, 4].every((at) => '0123456789'.includes(raw.stockCode[at] ?? 'none')),
    credit: raw.invoiceNo.charAt(0) === 'C',
    when: rows.find((other) => other.invoiceNo === raw.invoiceNo)?.invoiceDate ?? '',
  }));
  type Entry = (typeof table)[number];
  const distinct = (entries: Entry[]) => new Set(entries.map((entry) => entry.invoice));
  const total = (entries: Entry[]) => entries.reduce((sum, entry) => sum + entry.units, 0);
  const orders = distinct(table.filter((entry) => !entry.credit && entry.units > 0));
  const sold = table.filter((entry) => orders.has(entry.invoice) && entry.goods && entry.units > 0);
  const credits = table.filter((entry) => entry.credit && entry.goods);
  const lost = table.filter((entry) => !entry.credit && entry.goods && entry.units <= 0);
  const before = (a: Entry, b: Entry) => (a.when === b.when ? a.at < b.at : a.when < b.when);
  const outcomes = new Map<string, number>(CREDIT_OUTCOMES.map((outcome) => [outcome, 0]));
  const returned: { who: string; code: string; units: number }[] = [];
  for (const entry of [...credits].sort((a, b) => (before(a, b) ? -1 : 1))) {
    const same = (other: { who: string; code: string }) =>
      other.who === entry.who && other.code === entry.code;
    const bought = sold.filter((sale) => same(sale) && before(sale, entry));
    const back = returned.filter(same).reduce((sum, other) => sum + other.units, 0) - entry.units;
    let outcome = 'matched';
    if (entry.who === '') outcome = 'noCustomer';
    else if (bought.length === 0) outcome = 'noPriorSale';
    else if (back > total(bought)) outcome = 'overReturned';
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (bought.length > 0 && entry.who !== '')
      returned.push({ who: entry.who, code: entry.code, units: -entry.units });
  }
  return {
    rows: table.length,
    invoices: distinct(table).size,
    orders: orders.size,
    lines: sold.length,
    units: total(sold),
    revenuePence: sold.reduce((sum, entry) => sum + Math.floor((entry.units * entry.mills + 5) / 10), 0),
    serviceLines: table.filter((entry) => !entry.goods).length,
    creditInvoices: distinct(table.filter((entry) => entry.credit)).size,
    creditLines: credits.length,
    creditUnits: 0 - total(credits),
    'credits.matched': outcomes.get('matched') ?? 0,
    'credits.overReturned': outcomes.get('overReturned') ?? 0,
    'credits.noPriorSale': outcomes.get('noPriorSale') ?? 0,
    'credits.noCustomer': outcomes.get('noCustomer') ?? 0,
    writeOffLines: lost.length,
    writeOffUnits: 0 - total(lost.filter((entry) => !orders.has(entry.invoice))),
  };
}

describe('reading online-retail', () => {
  test('every kind of row counts as the rules say', () => {
    expect(countRetail(FIXTURE)).toEqual(FIXTURE_COUNTS);
    expect(countBySets(FIXTURE)).toEqual(FIXTURE_COUNTS);
  });

  test('on any rows, in any order, it counts what a second way of counting counts', () => {
    const rows = fc.array(
      fc.record({
        invoiceNo: fc.constantFrom('1', '2', '3', 'C4', 'C5'),
        stockCode: fc.constantFrom('10001', '10001a', 'POST', '1234'),
        description: fc.constant('DEMO'),
        quantity: fc.integer({ min: 1, max: 9 }).map(String),
        invoiceDate: fc.constantFrom('2010-12-01 08:00:00', '2010-12-01 09:00:00', '2010-12-02 08:00:00'),
        unitPrice: fc.constantFrom('0.0', '1.25', '0.335', '2.5'),
        customerId: fc.constantFrom('', '10001.0', '10002.0'),
        country: fc.constant('France'),
      }),
      { maxLength: 12 },
    );
    // One customer an invoice, and credits are negative, as in the file.
    const shaped = rows.map((all) =>
      all.map((raw) => ({
        ...raw,
        customerId: all.find((other) => other.invoiceNo === raw.invoiceNo)?.customerId ?? '',
        quantity: raw.invoiceNo.startsWith('C') ? `-${raw.quantity}` : raw.quantity,
      })),
    );
    const signed = fc
      .tuple(shaped, fc.func(fc.boolean()))
      .map(([all, negative]) =>
        all.map((raw, at) =>
          raw.invoiceNo === '3' && negative(at) ? { ...raw, quantity: `-${raw.quantity}` } : raw,
        ),
      );
    fc.assert(
      fc.property(signed, (all) => {
        expect(countRetail(all)).toEqual(countBySets(all));
      }),
      { numRuns: 1000 },
    );
  });

  test('goods are codes that begin with five digits, and nothing else', () => {
    expect(['10001', '85123A', '15056BL', '123456'].every(isGoodsCode)).toBe(true);
    for (const code of [
      'POST',
      'DOT',
      'M',
      'C2',
      'gift_0001_20',
      'DCGS0003',
      'BANK CHARGES',
      '1234',
      '1234A',
      '',
    ]) {
      expect([code, isGoodsCode(code)]).toEqual([code, false]);
    }
  });

  test('two lines of a code are two lines of the order; write-offs on it are kept apart', () => {
    const [order] = invoicesOf(FIXTURE);
    if (!order) throw new Error('no invoice');
    expect(soldLines(order).map(({ lineNo, code, quantity }) => [lineNo, code, quantity])).toEqual([
      [1, '10001A', 6],
      [2, '10001A', 4],
      [3, '10002', 1],
    ]);
    expect(writeOffLines(order).map(({ lineNo, quantity }) => [lineNo, quantity])).toEqual([[5, -2]]);
  });

  test("an invoice's rows may lie apart, and invoices come in the order of their first row's time", () => {
    const rows = [row('2', '10001', 1, '1', later), row('1', '10001', 1, '1'), row('2', '10002', 1, '1')];
    expect(invoicesOf(rows).map(({ invoiceNo, lines }) => [invoiceNo, lines.length])).toEqual([
      ['1', 1],
      ['2', 2],
    ]);
  });

  test('both forms of a date and of a customer id are read', () => {
    const [long] = invoicesOf([row('1', '10001', 1, '1')]);
    const [sheet] = invoicesOf([
      row('1', '10001', 1, '1', { invoiceDate: '12/1/2010 8:26', customerId: '10001' }),
    ]);
    expect(sheet).toEqual(long);
    expect([long?.placedAt, long?.customerId]).toEqual(['2010-12-01T08:26:00Z', '10001']);
    expect(retailDate(row('1', '10001', 1, '1'))).toBe('2010-12-01');
  });

  test.each<[keyof RetailRow, string]>([
    ['quantity', '1.5'],
    ['quantity', ''],
    ['quantity', '1e3'],
    ['unitPrice', 'free'],
    ['unitPrice', 'NaN'],
    ['invoiceDate', '2010-02-30 08:00:00'],
    ['invoiceDate', '13/1/2010 8:26'],
    ['invoiceNo', ' '],
    ['stockCode', ''],
  ])('a row whose %s is "%s" is refused by its number and column', (column, text) => {
    const bad = { ...row('1', '10001', 1, '1'), [column]: text };
    expect(() => countRetail([row('1', '10001', 1, '1'), bad])).toThrow(
      expect.objectContaining({ type: 'InvalidInput', details: { row: 2, column } }),
    );
  });
});

describe('what the file lacks is made up', () => {
  const order = invoicesOf(FIXTURE).find((invoice) => invoice.kind === 'order') as RetailInvoice;

  test('it is visibly made up, the same every time, and another one for another seed', () => {
    const person = makeUpPerson(order);
    expect(person).toMatchObject({
      name: 'Demo Customer 10001',
      email: 'customer-10001@retail.example',
      country: 'GB',
    });
    expect(person.line1).toMatch(/^\d+ Demo Street$/);
    expect(makeUpPerson(order)).toEqual(person);
    const seeds = ['a', 'b', 'c', 'd'].map((seed) =>
      JSON.stringify([makeUpPerson(order, seed), makeUpGoods('10001', seed)]),
    );
    expect(new Set(seeds).size).toBe(4);
    expect(makeUpPerson({ invoiceNo: '7', customerId: null, country: 'Unspecified' })).toMatchObject({
      email: 'guest-7@retail.example',
      country: 'GB',
    });
  });

  test('an order of the file is an incoming order with a good address, its services without the floor', () => {
    const incoming = incomingOrderSchema.parse(retailOrder(order));
    expect(checkAddress(incoming.shipTo)).toEqual([]);
    expect(incoming.lines.map(({ sku, quantity, ships }) => [sku, quantity, ships])).toEqual([
      ['10001A', 6, true],
      ['10001A', 4, true],
      ['10002', 1, true],
      ['POST', 1, false],
    ]);
    expect([incoming.totalMinor, incoming.placedAt]).toEqual(['4350', '2010-12-01T08:26:00Z']);
    expect(() => retailOrder({ ...order, kind: 'write_off' })).toThrow(RangeError);
  });
});

const dataDir = sharedDataDir();
describeIf(dataDir !== null, 'online-retail: ../shared/data is absent')('the real file', () => {
  const file = join(dataDir ?? '', 'online-retail', '2010-12_to_2011-06.csv.gz');
  const COLUMNS = [
    'invoiceNo',
    'stockCode',
    'description',
    'quantity',
    'invoiceDate',
    'unitPrice',
    'customerId',
    'country',
  ];
  let rows: RetailRow[] = [];
  beforeAll(() => {
    rows = parse(gunzipSync(readFileSync(file)), {
      columns: COLUMNS,
      from_line: 2,
    }) as unknown as RetailRow[];
  });
  const week = () => rows.filter((one) => (retailDate(one) ?? '') <= '2010-12-07');

  test('2010-12-01 and the six days after come to the published figures, counted two ways', () => {
    const published =
      '{"rows":16985,"invoices":757,"orders":633,"lines":16698,"units":138433,"revenuePence":31488745,"serviceLines":74,"creditInvoices":79,"creditLines":168,"creditUnits":11205,"credits.matched":30,"credits.overReturned":4,"credits.noPriorSale":114,"credits.noCustomer":20,"writeOffLines":45,"writeOffUnits":1897}';
    expect(countRetail(week())).toEqual(JSON.parse(published));
    expect(countBySets(week())).toEqual(JSON.parse(published));
  });

  test('the whole file is read, and each of its orders is an incoming order that ships somewhere', () => {
    const invoices = invoicesOf(rows);
    const problems = new Set<string>();
    for (const invoice of invoices) {
      if (invoice.kind !== 'order') continue;
      const incoming = incomingOrderSchema.parse(retailOrder(invoice));
      for (const problem of checkAddress(incoming.shipTo)) problems.add(`${invoice.country}: ${problem}`);
    }
    expect([...problems]).toEqual([]);
    expect(invoices).toHaveLength(12_795);
    const big = invoices.find((invoice) => invoice.invoiceNo === '541431');
    expect(big && soldLines(big).map(({ quantity }) => quantity)).toEqual([74_215]);
  });
});
