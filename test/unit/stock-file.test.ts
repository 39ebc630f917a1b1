import { readStockFile } from '../../commands/stock/stock-file';
import { Failure } from '../../domain/failure-types';

const read = (text: string | Buffer) =>
  readStockFile(Buffer.isBuffer(text) ? text : Buffer.from(text), 'file.csv');
const TEXT = 'sku,quantity,location,lot,expires_on\nA,5,B-1,L1,2027-01-31\nÄ,-2,,,\n';
const ROWS = [
  { row: 2, sku: 'A', quantity: 5, location: 'B-1', lot: 'L1', expiresOn: '2027-01-31', unitCostMinor: null },
  { row: 3, sku: 'Ä', quantity: -2, location: null, lot: null, expiresOn: null, unitCostMinor: null },
];

test.each([
  ['UTF-8', Buffer.from(TEXT)],
  ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${TEXT}`)],
  ['UTF-16, low byte first', Buffer.from(`\ufeff${TEXT}`, 'utf16le')],
  ['UTF-16, high byte first', Buffer.from(`\ufeff${TEXT}`, 'utf16le').swap16()],
  ['lines that end as on Windows', Buffer.from(TEXT.replaceAll('\n', '\r\n'))],
])('%s reads the same', (_name, bytes) => {
  expect(read(bytes)).toEqual({ rows: ROWS, faults: [] });
});

test('columns may come in any order, those that are not needed may be left out', () => {
  expect(read('quantity,sku\n3,A\n').rows).toMatchObject([{ sku: 'A', quantity: 3, location: null }]);
});

test('every fault is named by row and column, and the rest is read', () => {
  const { rows, faults } = read(
    'sku,quantity,expires_on\nA,5,\n,5,\nB,1.5,\nC,0,\nD,99999999,\nE,1,2027-02-30\nF,=1+1,\nG,7,\n',
  );
  expect(rows.map(({ sku }) => sku)).toEqual(['A', 'G']);
  expect(faults.map(({ row, column }) => `${row} ${column}`)).toEqual([
    '3 sku',
    '4 quantity',
    '5 quantity',
    '6 quantity',
    '7 expires_on',
    '8 quantity',
  ]);
});

test.each([
  ['', /is empty/],
  ['sku,amount\nA,1\n', /quantity is missing, amount is unknown/],
  ['sku,sku,quantity\nA,A,1\n', /sku comes twice/],
  ['sku,quantity\nA,1,2\n', /line 2/i],
  [`${'x,'.repeat(1_000_000)}y\n`, /file\.csv: /],
  ['sku,quantity\n"A,1\n', /file\.csv: /],
])('what is no such table is refused as a whole (%#)', (text, says) => {
  expect(() => read(text)).toThrow(Failure);
  expect(() => read(text)).toThrow(says);
});
