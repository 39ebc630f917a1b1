/**
 * How fast a product sells, from what shipped day by day, and how long what is there lasts. Days that say
 * nothing about normal demand are left out of the average and named: those of a promotion, and those on
 * which there was nothing to sell at their beginning or at their end. Only whole days count, so that the
 * figure does not rise during the day. All is kept in whole units and days; a rate is rounded when it is shown.
 */

/** 'YYYY-MM-DD', in the zone in which the days were cut. */
export type Day = string;

export interface DayFacts {
  readonly day: Day;
  readonly shipped: number;
  /** What came onto the shelves less what left them. */
  readonly shelfChange: number;
}

export interface SalesHistory {
  /** First and last day, both included. */
  readonly from: Day;
  readonly to: Day;
  /** Units on the shelves when the first day began. */
  readonly shelfAtStart: number;
  /** Days on which something happened, in any order. */
  readonly days: readonly DayFacts[];
  /** Days of promotions of the product. */
  readonly promotions: ReadonlySet<Day>;
}

export interface LeftOutDay {
  readonly day: Day;
  readonly why: 'promotion' | 'out_of_stock';
}

export interface Velocity {
  readonly from: Day;
  readonly to: Day;
  readonly countedDays: number;
  /** Units shipped on the counted days. */
  readonly shipped: number;
  readonly leftOut: readonly LeftOutDay[];
}

/** Units a day over the counted days: shipped ÷ countedDays. */
export function measureVelocity(history: SalesHistory): Velocity {
  const facts = new Map(history.days.map((each) => [each.day, each]));
  const leftOut: LeftOutDay[] = [];
  let shelf = history.shelfAtStart;
  let [countedDays, shipped] = [0, 0];
  for (const day of daysBetween(history.from, history.to)) {
    const before = shelf;
    shelf += facts.get(day)?.shelfChange ?? 0;
    if (history.promotions.has(day)) leftOut.push({ day, why: 'promotion' });
    else if (before <= 0 || shelf <= 0) leftOut.push({ day, why: 'out_of_stock' });
    else {
      countedDays += 1;
      shipped += facts.get(day)?.shipped ?? 0;
    }
  }
  return { from: history.from, to: history.to, countedDays, shipped, leftOut };
}

const DAY_MS = 86_400_000;

/** The day so many days later; calendar days have no zone, so every one of them is as long. */
export function addDays(day: Day, days: number): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** Both included; none when the first comes after the last. */
export function daysBetween(from: Day, to: Day): Day[] {
  const days: Day[] = [];
  for (let day = from; day <= to; day = addDays(day, 1)) days.push(day);
  return days;
}

type Rate = Pick<Velocity, 'shipped' | 'countedDays'>;

/** To a thousandth; null when no day counted. */
export function unitsPerDay({ shipped, countedDays }: Rate): number | null {
  return countedDays === 0 ? null : Math.round((shipped * 1000) / countedDays) / 1000;
}

/** Days that the units last, to a tenth; 0 when there are none, null when nothing shows that they sell. */
export function daysOfCover(units: number, { shipped, countedDays }: Rate): number | null {
  if (units <= 0) return 0;
  return shipped === 0 ? null : Math.round((units * countedDays * 10) / shipped) / 10;
}

/** Whether the units last at most so many days, without rounding. What does not sell lasts for ever. */
export function coversAtMost(units: number, rate: Rate, days: number): boolean {
  if (units <= 0) return true;
  return rate.shipped > 0 && units * rate.countedDays <= days * rate.shipped;
}

/**
 * Fewer whole days than this of having been for sale say nothing: a product that came last week is new,
 * not slow.
 */
const FEWEST_DAYS_TO_JUDGE = 14;

/** Goods that would last longer than so many days at the pace they ship. */
export function isSlow(units: number, rate: Rate, coverDays: number): boolean {
  return units > 0 && rate.countedDays >= FEWEST_DAYS_TO_JUDGE && !coversAtMost(units, rate, coverDays);
}
