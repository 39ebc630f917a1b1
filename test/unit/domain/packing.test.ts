import fc from 'fast-check';
import { type Carton, cartonize, type PackItem } from '../../../domain/packing/cartonize';
import { type PickStop, pickPath } from '../../../domain/packing/pick-path';

const carton = (code: string, sides: [number, number, number], change: Partial<Carton> = {}): Carton => ({
  cartonId: code,
  code,
  lengthMm: sides[0],
  widthMm: sides[1],
  heightMm: sides[2],
  tareGrams: 100,
  maxGrams: 20_000,
  ...change,
});
const item = (quantity: number, sides: [number, number, number], weightGrams = 500): PackItem => ({
  productId: 'P',
  quantity,
  weightGrams,
  lengthMm: sides[0],
  widthMm: sides[1],
  heightMm: sides[2],
});
const small = carton('S', [200, 150, 100]);
const medium = carton('M', [300, 200, 150]);
const large = carton('L', [600, 400, 400]);

describe('cartonize', () => {
  test('the smallest carton that holds it all is chosen, and the weight includes it', () => {
    expect(cartonize([item(2, [100, 100, 100])], [large, medium, small])).toEqual({
      kind: 'carton',
      carton: small,
      weightGrams: 1100,
      lengthMm: 200,
      widthMm: 150,
      heightMm: 100,
      notes: [],
    });
  });

  test('volume counts up to four fifths of the inside', () => {
    const cube = carton('C', [100, 100, 100]);
    expect(cartonize([item(8, [100, 100, 10])], [cube]).kind).toBe('carton');
    expect(cartonize([item(9, [100, 100, 10])], [cube]).kind).toBe('several');
  });

  test('a thing too long for a carton is not squeezed into it, however little it holds', () => {
    expect(cartonize([item(1, [10, 290, 10])], [small, medium]).carton?.code).toBe('M');
  });

  test('a carton is never loaded beyond its weight', () => {
    const weak = carton('W', [200, 150, 100], { maxGrams: 1099 });
    expect(cartonize([item(2, [50, 50, 50])], [weak, medium]).carton?.code).toBe('M');
  });

  test('a single unit that no carton holds ships in its own packaging, by its own sides', () => {
    expect(cartonize([item(1, [900, 50, 300], 4000)], [small, large])).toMatchObject({
      kind: 'own_packaging',
      carton: null,
      weightGrams: 4000,
      lengthMm: 900,
      widthMm: 300,
      heightMm: 50,
    });
  });

  test('more than the largest carton holds is several parcels, said to the packer', () => {
    const packing = cartonize([item(500, [100, 100, 100])], [small, large]);
    expect(packing).toMatchObject({ kind: 'several', carton: large });
    expect(packing.notes.join()).toContain('several parcels');
    expect(cartonize([item(2, [10, 10, 10])], []).kind).toBe('several');
  });

  test('goods that nobody has measured still get a carton, with a note to weigh', () => {
    const unknown: PackItem = {
      productId: 'P',
      quantity: 2,
      weightGrams: 0,
      lengthMm: null,
      widthMm: 1,
      heightMm: 1,
    };
    const packing = cartonize([unknown], [small, medium]);
    expect(packing).toMatchObject({ kind: 'carton', carton: small, weightGrams: 600 });
    expect(packing.notes).toEqual(['2 units have no measured size or weight: weigh the parcel.']);
  });

  test('nothing to pack, and a quantity that is no positive whole number, are bugs of the caller', () => {
    expect(() => cartonize([], [small])).toThrow(RangeError);
    expect(() => cartonize([item(0, [1, 1, 1])], [small])).toThrow(RangeError);
  });

  test('a carton that was not chosen although it is smaller does not hold the goods', () => {
    const side = fc.integer({ min: 1, max: 400 });
    const sides = fc.tuple(side, side, side);
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ min: 1, max: 6 }), sides),
        fc.array(sides, { maxLength: 6 }),
        (goods, boxes) => {
          const cartons = boxes.map((box, index) => carton(`C${index}`, box));
          const chosen = cartonize([item(...goods)], cartons);
          const volume = (box: Carton) => box.lengthMm * box.widthMm * box.heightMm;
          for (const box of cartons) {
            if (chosen.kind !== 'carton' || (chosen.carton && volume(box) < volume(chosen.carton))) {
              expect(cartonize([item(...goods)], [box]).kind).not.toBe('carton');
            }
          }
        },
      ),
    );
  });
});

describe('pickPath', () => {
  const stop = (
    aisle: number | null,
    bay: number | null,
    level = 1,
    zone: string | null = null,
  ): PickStop => ({
    zone,
    aisle,
    bay,
    level,
    code: `${zone ?? ''}-${aisle}-${bay}-${level}`,
  });

  test('up the first aisle that is visited and down the next, an aisle without picks left out', () => {
    const stops = [stop(1, 2), stop(3, 1), stop(1, 9), stop(3, 8), stop(7, 4), stop(7, 1)];
    expect(pickPath(stops).map(({ aisle, bay }) => [aisle, bay])).toEqual([
      [1, 2],
      [1, 9],
      [3, 8],
      [3, 1],
      [7, 1],
      [7, 4],
    ]);
  });

  test('a bay is picked from the lowest level up, and zones one after the other', () => {
    const stops = [stop(2, 1, 1, 'B'), stop(1, 5, 3, 'A'), stop(1, 5, 1, 'A')];
    expect(pickPath(stops).map(({ code }) => code)).toEqual(['A-1-5-1', 'A-1-5-3', 'B-2-1-1']);
  });

  test('every stop once, and the same path however they are listed', () => {
    const number = fc.option(fc.nat(4));
    const stops = fc
      .array(fc.tuple(number, number, fc.nat(2), fc.constantFrom(null, 'A', 'B')), { maxLength: 12 })
      .map((rows) => rows.map((row, index) => ({ ...stop(...row), code: `bin ${index}` })));
    fc.assert(
      fc.property(stops, (all) => {
        const path = pickPath(all);
        expect([...path].sort((a, b) => (a.code < b.code ? -1 : 1))).toEqual(
          [...all].sort((a, b) => (a.code < b.code ? -1 : 1)),
        );
        expect(pickPath([...all].reverse())).toEqual(path);
      }),
    );
  });
});
