/** Value and pace of stock computed the slow and obvious way, unit by unit and day by day. */

interface Movement {
  readonly units: number;
  readonly unitCostMinor: bigint | null;
}

interface Worth {
  readonly units: number;
  readonly valueMinor: bigint;
  readonly leftMinor: bigint;
  readonly unitsOwed: number;
}

/** The whole number nearest to a ÷ b of amounts from 0, by trying both neighbours; a tie goes up. */
export function nearest(a: bigint, b: bigint): bigint {
  const below = a / b;
  const tooLow = a - below * b;
  const tooHigh = (below + 1n) * b - a;
  return tooHigh <= tooLow ? below + 1n : below;
}

/** Every unit is a thing with its own cost, in a row. */
export function fifoOracle(movements: readonly Movement[]): Worth {
  const shelf: bigint[] = [];
  let [leftMinor, unitsOwed] = [0n, 0];
  for (const { units, unitCostMinor } of movements) {
    for (let unit = 0; unit < Math.abs(units); unit += 1) {
      if (units > 0 && unitsOwed > 0) {
        unitsOwed -= 1;
        leftMinor += unitCostMinor ?? 0n;
      } else if (units > 0) shelf.push(unitCostMinor ?? 0n);
      else {
        const gone = shelf.shift();
        if (gone === undefined) unitsOwed += 1;
        else leftMinor += gone;
      }
    }
  }
  return { units: shelf.length, valueMinor: shelf.reduce((a, b) => a + b, 0n), leftMinor, unitsOwed };
}

/** A heap of goods and a heap of money; whoever takes goods takes his share of the money. */
export function averageOracle(movements: readonly Movement[]): Worth {
  let [goods, money, leftMinor, unitsOwed] = [0, 0n, 0n, 0];
  for (const { units, unitCostMinor } of movements) {
    for (let unit = 0; unit < units; unit += 1) {
      if (unitsOwed > 0) {
        unitsOwed -= 1;
        leftMinor += unitCostMinor ?? 0n;
      } else {
        goods += 1;
        money += unitCostMinor ?? 0n;
      }
    }
    if (units >= 0) continue;
    const taken = -units > goods ? goods : -units;
    unitsOwed += -units - taken;
    if (taken === 0) continue;
    const share = nearest(money * BigInt(taken), BigInt(goods));
    goods -= taken;
    money -= share;
    leftMinor += share;
  }
  return { units: goods, valueMinor: money, leftMinor, unitsOwed };
}

interface ShelfMove {
  readonly day: string;
  /** Onto the shelf; below 0 from it. */
  readonly units: number;
  /** To a customer. */
  readonly sold: boolean;
}

/** Each day asks the whole past what lay there before it and after it. */
export function velocityOracle(
  window: readonly string[],
  shelfAtStart: number,
  moves: readonly ShelfMove[],
  promotions: readonly string[],
) {
  const thereBefore = (isPast: (day: string) => boolean) =>
    moves.filter(({ day }) => isPast(day)).reduce((sum, { units }) => sum + units, shelfAtStart);
  const judged = window.map((day) => ({
    day,
    why: promotions.includes(day)
      ? ('promotion' as const)
      : thereBefore((other) => other < day) <= 0 || thereBefore((other) => other <= day) <= 0
        ? ('out_of_stock' as const)
        : null,
  }));
  const counted = judged.filter(({ why }) => why === null).map(({ day }) => day);
  return {
    countedDays: counted.length,
    shipped: moves
      .filter(({ day, sold }) => sold && counted.includes(day))
      .reduce((sum, { units }) => sum - units, 0),
    leftOut: judged.filter(({ why }) => why !== null),
  };
}
