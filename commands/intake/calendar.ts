/**
 * The instants of a warehouse's coming days, for ship-by and for what a day's capacity is taken from. Time
 * zones come from the process's ICU tables, which differ by Node build: that is why this runs in an
 * activity's command and never in a workflow, whose replay must not change with a build. A calendar is
 * the same for every order of a day, so it is kept.
 */
import type HolidaysConstructor from 'date-holidays';
import { IANAZone } from 'luxon';
import { type CalendarDay, type OpenDays, openDays } from '../../domain/order/ship-by';

/** Two weeks span any run of holidays; one day before, because UTC's date may be ahead of the warehouse's. */
const DAYS = 16;
/** What ships on a day has left by 18:00; cut-offs later than that close the day themselves. */
const CLOSING_MINUTES = 18 * 60;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export interface WarehouseHours {
  /** IANA name. */
  readonly time_zone: string;
  /** Minutes after local midnight, as people there read the clock. */
  readonly cutoff_minutes: number;
  readonly working_days: readonly number[];
  /** Local dates, YYYY-MM-DD. */
  readonly closed_days: readonly string[];
  readonly holiday_country: string | null;
}

/** Some hundred warehouses with a few kinds of hours each, over the days of a replay. */
const KEPT = 5_000;
const kept = new Map<string, OpenDays>();

/** The days on which a warehouse works, from the day of this instant (or the day before) on. */
export function openDaysOf(warehouse: WarehouseHours, at: Date): OpenDays {
  const from = Math.floor(at.getTime() / DAY_MS);
  const { time_zone: zone, cutoff_minutes: cutoff, working_days: weekdays, closed_days: closed } = warehouse;
  const key = `${zone} ${cutoff} ${weekdays.join()} ${closed.join()} ${warehouse.holiday_country} ${from}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const calendar = calendarFrom((from - 1) * DAY_MS, zone, cutoff);
  const days = openDays(calendar.days, weekdays, [
    ...closed,
    ...calendar.skipped,
    ...holidaysAround(warehouse.holiday_country, at),
  ]);
  if (kept.size >= KEPT) kept.clear();
  kept.set(key, days);
  return days;
}

function holidaysAround(country: string | null, at: Date): readonly string[] {
  if (country === null) return [];
  const years = new Set([-1, DAYS].map((days) => new Date(at.getTime() + days * DAY_MS).getUTCFullYear()));
  return [...years].flatMap((year) => publicHolidays(country, year));
}

const holidaysByCountryYear = new Map<string, readonly string[]>();

/** Public holidays as local dates. The package takes 0.9 s to load, so it is loaded when first needed. */
function publicHolidays(country: string, year: number): readonly string[] {
  const key = `${country} ${year}`;
  const known = holidaysByCountryYear.get(key);
  if (known) return known;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded lazily on purpose, see above
  const Holidays = require('date-holidays') as typeof HolidaysConstructor;
  const dates = new Holidays(country)
    .getHolidays(year)
    .filter((holiday) => holiday.type === 'public')
    .flatMap(({ date, start, end }) => {
      // Feasts last several days; a part of a day at the end is no day off.
      const length = Math.max(1, Math.floor((end.getTime() - start.getTime()) / DAY_MS));
      const first = Date.parse(`${date.slice(0, 10)}T00:00:00Z`);
      return Array.from({ length }, (_, day) => dateOf(first + day * DAY_MS));
    });
  holidaysByCountryYear.set(key, dates);
  return dates;
}

const dateOf = (midnightUtc: number) => new Date(midnightUtc).toISOString().slice(0, 10);

/** @returns the local dates with their instants, and those that the zone never had (it crossed the date line). */
function calendarFrom(
  midnightUtc: number,
  timeZone: string,
  cutoffMinutes: number,
): { readonly days: readonly CalendarDay[]; readonly skipped: readonly string[] } {
  const clock = new WallClock(timeZone);
  const skipped: string[] = [];
  const days = Array.from({ length: DAYS }, (_, index): CalendarDay => {
    const day = midnightUtc + index * DAY_MS;
    const at = (minutes: number) => new Date(clock.firstShows(day + minutes * MINUTE_MS));
    if (at(0).getTime() === clock.firstShows(day + DAY_MS)) skipped.push(dateOf(day));
    return {
      localDate: dateOf(day),
      cutoffAt: at(cutoffMinutes),
      closesAt: at(Math.max(cutoffMinutes, CLOSING_MINUTES)),
    };
  });
  return { days, skipped };
}

/** The clocks of a time zone. */
export class WallClock {
  private readonly zone: IANAZone;
  /** By day since 1970: how far ahead of UTC the zone is at its beginning, in milliseconds. */
  private readonly offsets = new Map<number, number>();

  /** @param timeZone IANA name. */
  constructor(timeZone: string) {
    this.zone = IANAZone.create(timeZone);
  }

  /**
   * The first instant at which the clocks show this time or a later one: where they are put back over it
   * the first of the two, where they are put forward over it the instant at which they are.
   * @param local what they show, as if it were UTC, in milliseconds.
   */
  firstShows(local: number): number {
    // Clocks are at most 14 hours ahead of UTC and 12 behind, so they show it between these two days.
    const day = Math.floor(local / DAY_MS);
    const before = this.offsetOf(day - 1);
    const after = this.offsetOf(day + 2);
    if (before === after) return local - before;
    const change = this.changeBetween((day - 1) * DAY_MS, (day + 2) * DAY_MS);
    if (local - before < change) return local - before;
    return Math.max(change, local - after);
  }

  private offsetOf(day: number): number {
    const known = this.offsets.get(day) ?? this.zone.offset(day * DAY_MS) * MINUTE_MS;
    this.offsets.set(day, known);
    return known;
  }

  /** When the offset becomes what it is at `to`; in milliseconds, exact to the second. */
  private changeBetween(from: number, to: number): number {
    const after = this.zone.offset(to);
    let low = from / 1000;
    let high = to / 1000;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.zone.offset(middle * 1000) === after) high = middle;
      else low = middle;
    }
    return high * 1000;
  }
}
