import fc from 'fast-check';
import { gs1CheckDigit, gtin14, isGtin, isSscc, orderBusinessKey } from '../../../domain/ids';

describe('orderBusinessKey', () => {
  test('names merchant, connection and the id of the channel, whatever that holds', () => {
    expect(orderBusinessKey('m', 'c', '9007199254740993')).toBe('order:m:c:9007199254740993');
    expect(orderBusinessKey('m', 'c', 'a:b')).toBe('order:m:c:a:b');
  });

  test('two orders never share a key', () => {
    const part = fc.string({ minLength: 1 }).filter((text) => !text.includes(':'));
    const key = fc.tuple(part, part, fc.string({ minLength: 1 }));
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(orderBusinessKey(...a) === orderBusinessKey(...b)).toBe(
          JSON.stringify(a) === JSON.stringify(b),
        );
      }),
    );
  });

  test('a missing part, or a colon in one of our own ids, is a bug of the caller', () => {
    expect(() => orderBusinessKey('', 'c', 'e')).toThrow(RangeError);
    expect(() => orderBusinessKey('m', '', 'e')).toThrow(RangeError);
    expect(() => orderBusinessKey('m', 'c', '')).toThrow(RangeError);
    expect(() => orderBusinessKey('m:c', 'c', 'e')).toThrow(RangeError);
  });
});

describe('GS1 numbers', () => {
  test('published examples have the check digit that GS1 gives them', () => {
    expect(gs1CheckDigit('629104150021')).toBe(3);
    expect(gs1CheckDigit('37610425002123456')).toBe(9);
    expect([
      isGtin('6291041500213'),
      isGtin('012345678905'),
      isGtin('40170725'),
      isSscc('376104250021234569'),
    ]).toEqual([true, true, true, true]);
  });

  test('every single wrong digit is noticed', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^\d{12}$/),
        fc.nat(12),
        fc.integer({ min: 1, max: 9 }),
        (digits, at, change) => {
          const gtin = digits + gs1CheckDigit(digits);
          expect(isGtin(gtin)).toBe(true);
          const wrong = gtin.slice(0, at) + ((Number(gtin[at]) + change) % 10) + gtin.slice(at + 1);
          expect(isGtin(wrong)).toBe(false);
        },
      ),
    );
  });

  test('lengths that GS1 does not have, and anything but digits, are no GTIN', () => {
    for (const text of [
      '',
      '0',
      '629104150021',
      '62910415002133',
      ' 6291041500213',
      '629104150021x',
      '٦٢٩١٠٤١٥٠٠٢١٣',
    ]) {
      expect([text, isGtin(text), isSscc(text)]).toEqual([text, false, false]);
    }
  });

  test('one GTIN of several lengths is one', () => {
    expect(gtin14('012345678905')).toBe(gtin14('0012345678905'));
    expect(gtin14('12345678901')).toBeNull();
  });
});
