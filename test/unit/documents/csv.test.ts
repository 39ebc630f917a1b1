import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { csvLine } from '../../../documents/csv';

test.each(['=1+1', '+1', '-1', '@sum(A1)', '\t=1', '\r=1', '\n=1', '=HYPERLINK("x")'])(
  'the text %j is no formula to a spreadsheet',
  (text) => {
    const [[cell] = []] = parse(csvLine([text])) as string[][];
    expect(cell).toBe(`'${text}`);
  },
);

test('numbers stay numbers, nothing is empty', () => {
  expect(csvLine([-3, 5n, true, null, 'plain'])).toBe('-3,5,true,,plain\r\n');
});

test('whatever a text holds, it comes back as one cell that begins with no formula', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 2, maxLength: 6 }), (texts) => {
      const [cells = []] = parse(csvLine(texts), {
        relax_column_count: true,
        record_delimiter: '\r\n',
      }) as string[][];
      expect(cells.map((cell) => cell.replace(/^'(?=[=+\-@\t\r\n])/, ''))).toEqual(texts);
      for (const cell of cells) expect(cell).not.toMatch(/^[=+\-@\t\r\n]/);
    }),
  );
});
