/**
 * Suggests one carton for the goods of a parcel, by volume, longest sides and weight. It doesn't place
 * the goods in space, so it leaves room: a carton counts as full at four fifths of its inside, which is
 * what padding and odd shapes cost. A person at the bench may always take another one.
 */

export interface Carton {
  readonly cartonId: string;
  readonly code: string;
  /** Inside, millimetres. */
  readonly lengthMm: number;
  readonly widthMm: number;
  readonly heightMm: number;
  readonly tareGrams: number;
  /** Gross weight that it carries. */
  readonly maxGrams: number;
}

export interface PackItem {
  readonly productId: string;
  readonly quantity: number;
  /** Of one unit; null or 0 when nobody has measured it. */
  readonly weightGrams: number | null;
  readonly lengthMm: number | null;
  readonly widthMm: number | null;
  readonly heightMm: number | null;
}

export interface Packing {
  /**
   * `carton`: it all fits in one. `own_packaging`: a single unit that no carton holds ships as it is.
   * `several`: it takes several parcels; the carton and weight are those of all of it, for a person.
   */
  readonly kind: 'carton' | 'own_packaging' | 'several';
  readonly carton: Carton | null;
  /** Gross, tare included; at least 1, because carriers take no parcel of 0. */
  readonly weightGrams: number;
  readonly lengthMm: number;
  readonly widthMm: number;
  readonly heightMm: number;
  /** Plain sentences for the person who packs. */
  readonly notes: readonly string[];
}

const FILL_NUMERATOR = 4;
const FILL_DENOMINATOR = 5;

/**
 * What one unit counts as where nobody has measured it: a paperback of 250 g. Large enough that a dozen
 * unmeasured goods don't end up in an envelope, small enough that one doesn't ask for a pallet.
 */
const ASSUMED = { weightGrams: 250, sidesMm: [200, 130, 20] } as const;

interface Goods {
  readonly volumeMm3: number;
  readonly grams: number;
  readonly units: number;
  /** Longest, middle and shortest side over all goods, each the largest of its kind. */
  readonly sidesMm: readonly [number, number, number];
  readonly unmeasured: number;
}

const descending = (sides: readonly number[]) => [...sides].sort((a, b) => b - a);
const volumeOf = (carton: Carton) => carton.lengthMm * carton.widthMm * carton.heightMm;

function measure(items: readonly PackItem[]): Goods {
  let volumeMm3 = 0;
  let grams = 0;
  let units = 0;
  let unmeasured = 0;
  const longest: [number, number, number] = [0, 0, 0];
  for (const item of items) {
    if (!Number.isSafeInteger(item.quantity) || item.quantity < 1) {
      throw new RangeError(`not a quantity: ${item.quantity}`);
    }
    const known = item.lengthMm && item.widthMm && item.heightMm;
    const sides = known ? descending([item.lengthMm, item.widthMm, item.heightMm]) : [...ASSUMED.sidesMm];
    const [a = 0, b = 0, c = 0] = sides;
    if (!known || !item.weightGrams) unmeasured += item.quantity;
    volumeMm3 += a * b * c * item.quantity;
    grams += (item.weightGrams || ASSUMED.weightGrams) * item.quantity;
    units += item.quantity;
    longest[0] = Math.max(longest[0], a);
    longest[1] = Math.max(longest[1], b);
    longest[2] = Math.max(longest[2], c);
  }
  return { volumeMm3, grams, units, sidesMm: longest, unmeasured };
}

function holds(carton: Carton, goods: Goods): boolean {
  const inside = descending([carton.lengthMm, carton.widthMm, carton.heightMm]);
  // A single unit fills what it fills; padding is asked for only between several.
  const volumeFits =
    goods.units === 1 || goods.volumeMm3 * FILL_DENOMINATOR <= volumeOf(carton) * FILL_NUMERATOR;
  return (
    volumeFits &&
    goods.grams + carton.tareGrams <= carton.maxGrams &&
    goods.sidesMm.every((side, index) => side <= (inside[index] ?? 0))
  );
}

const bySize = (a: Carton, b: Carton) =>
  volumeOf(a) - volumeOf(b) || a.tareGrams - b.tareGrams || (a.cartonId < b.cartonId ? -1 : 1);

/**
 * The smallest carton of the merchant's list that holds everything.
 * @throws RangeError when there is nothing to pack or a quantity is not a positive whole number.
 */
export function cartonize(items: readonly PackItem[], cartons: readonly Carton[]): Packing {
  const goods = measure(items);
  if (goods.units === 0) throw new RangeError('nothing to pack');
  const notes =
    goods.unmeasured > 0
      ? [`${goods.unmeasured} units have no measured size or weight: weigh the parcel.`]
      : [];
  const sorted = [...cartons].sort(bySize);
  const fitting = sorted.find((carton) => holds(carton, goods));
  if (fitting) return inCarton('carton', fitting, goods, notes);
  const [lengthMm, widthMm, heightMm] = goods.sidesMm;
  const largest = sorted.at(-1);
  if (goods.units === 1 || !largest) {
    const note =
      goods.units === 1
        ? 'No carton holds it: ship it in its own packaging.'
        : 'There is no carton to choose.';
    return {
      kind: goods.units === 1 ? 'own_packaging' : 'several',
      carton: null,
      weightGrams: Math.max(1, goods.grams),
      lengthMm,
      widthMm,
      heightMm,
      notes: [note, ...notes],
    };
  }
  return inCarton('several', largest, goods, [
    'No single carton holds it all: pack several parcels.',
    ...notes,
  ]);
}

function inCarton(kind: Packing['kind'], carton: Carton, goods: Goods, notes: readonly string[]): Packing {
  const { lengthMm, widthMm, heightMm } = carton;
  return {
    kind,
    carton,
    weightGrams: Math.max(1, goods.grams + carton.tareGrams),
    lengthMm,
    widthMm,
    heightMm,
    notes,
  };
}
