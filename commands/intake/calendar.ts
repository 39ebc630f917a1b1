/**
 * The instants of a warehouse's coming days, for `computeShipBy`. Time zones come from the process's ICU
 * tables, which differ by Node build: that is why this runs in an activity's command and never in a
 * workflow, whose replay must not change with a build.
 */
import type HolidaysConstructor from 'date-holidays';
import { DateTime } from 'luxon';
import type { CalendarDay } from '../../domain/order/ship-by';

/** Two weeks span any run of holidays. */
const DAYS = 15;
/** What ships on a day has left by 18:00; cut-offs later than that close the day themselves. */
const CLOSING_MINUTES = 18 * 60;

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
    .map((holiday) => holiday.date.slice(0, 10));
  holidaysByCountryYear.set(key, dates);
  return dates;
}

/**
 * @param timeZone IANA name.
 * @param cutoffMinutes minutes after local midnight, as people there read the clock.
 */
export function warehouseCalendar(
  placedAt: Date,
  timeZone: string,
  cutoffMinutes: number,
  holidayCountry: string | null,
): { readonly calendar: readonly CalendarDay[]; readonly holidays: readonly string[] } {
  const first = DateTime.fromJSDate(placedAt, { zone: timeZone }).startOf('day');
  // Setting hour and minute, instead of adding minutes to midnight, is what makes it right on the days
  // on which clocks change.
  const at = (day: DateTime, minutes: number) =>
    day.set({ hour: Math.floor(minutes / 60), minute: minutes % 60 }).toJSDate();
  const calendar = Array.from({ length: DAYS }, (_, index) => {
    const day = first.plus({ days: index });
    return {
      localDate: day.toFormat('yyyy-MM-dd'),
      cutoffAt: at(day, cutoffMinutes),
      closesAt: at(day, Math.max(cutoffMinutes, CLOSING_MINUTES)),
    };
  });
  const last = first.plus({ days: DAYS });
  const years = new Set([first.year, last.year]);
  const holidays =
    holidayCountry === null ? [] : [...years].flatMap((year) => publicHolidays(holidayCountry, year));
  return { calendar, holidays };
}
