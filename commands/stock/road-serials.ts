/**
 * Units with numbers on their way between warehouses: what went named comes named, and of the transfer
 * with which it went; what never comes is named as lost.
 */
import { Failure } from '../../domain/failure-types';
import { byUnit, type MovementLine } from './movement';

interface OnRoad {
  readonly productId: string;
  readonly lotCode: string;
  readonly serial: string;
}

const sameGoods = (a: Omit<OnRoad, 'serial'>, b: Omit<OnRoad, 'serial'>) =>
  a.productId === b.productId && a.lotCode === b.lotCode;

/**
 * @param contents what was on the way before these lines came.
 * @throws Failure InvalidInput for a unit that is not on this way, or fewer names than units with numbers came.
 */
export function assertNamed(
  lines: readonly MovementLine[],
  onRoad: readonly OnRoad[],
  contents: readonly { readonly productId: string; readonly lotCode: string; readonly outstanding: number }[],
): void {
  const named = lines.flatMap((line) => (line.serials ?? []).map((serial) => ({ ...line, serial })));
  const stranger = named.find(
    (unit) => !onRoad.some((each) => sameGoods(each, unit) && each.serial === unit.serial),
  );
  if (stranger)
    throw new Failure('InvalidInput', `${stranger.serial} is not on this way`, { serial: stranger.serial });
  for (const content of contents) {
    const came = lines.filter((line) => sameGoods(line, content));
    const left = content.outstanding - came.reduce((sum, line) => sum + line.quantity, 0);
    const numbered = onRoad.filter((each) => sameGoods(each, content)).length;
    const names = named.filter((each) => sameGoods(each, content)).length;
    if (numbered - names > left)
      throw new Failure('InvalidInput', 'units of this product have serial numbers: name those that came', {
        productId: content.productId,
      });
  }
}

/** The same line, with the units that have numbers named apart from those that have none. */
export function nameLost(line: MovementLine, onRoad: readonly OnRoad[]): MovementLine[] {
  const serials = onRoad.filter((each) => sameGoods(each, line)).map((each) => each.serial);
  return byUnit(line, serials);
}
