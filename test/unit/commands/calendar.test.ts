/** Cut-offs by the clocks of every time zone that this Node knows, against those clocks read one by one. */
import { DateTime, IANAZone } from 'luxon';
import { openDaysOf, WallClock } from '../../../commands/intake/calendar';
import { shipDay } from '../../../domain/order/ship-by';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ZONES = [...Intl.supportedValuesOf('timeZone'), 'UTC'];
const hoursOf = (timeZone: string, cutoffMinutes: number) => ({
  time_zone: timeZone,
  cutoff_minutes: cutoffMinutes,
  working_days: [1, 2, 3, 4, 5, 6, 7],
  closed_days: [],
  holiday_country: null,
});

/** What a clock on the wall there shows, 'YYYY-MM-DD HH:MM', read from Intl and nothing of ours. */
function clockOf(timeZone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  return (at) => format.format(at);
}

/** Instants from which the zone's clocks run differently, within these years, to the day. */
function transitions(zone: IANAZone, fromYear: number, toYear: number): number[] {
  const found: number[] = [];
  const end = Date.UTC(toYear, 0, 1);
  let before = zone.offset(Date.UTC(fromYear, 0, 1));
  for (let at = Date.UTC(fromYear, 0, 1); at < end; at += DAY) {
    const offset = zone.offset(at);
    if (offset !== before) found.push(at);
    before = offset;
  }
  return found;
}

/** At night, where clocks change, and in the afternoon. */
const CUTOFFS = { 0: '00:00', 90: '01:30', 150: '02:30', 900: '15:00', 1439: '23:59' };
const EARLIER = [1, 60_000, 15 * 60_000, HOUR, 90 * 60_000, 2 * HOUR];

test('in every zone, around every change of its clocks, the cut-off is when they first show it or later', () => {
  let changes = 0;
  const wrong: string[] = [];
  for (const timeZone of ZONES) {
    const clock = clockOf(timeZone);
    for (const change of transitions(IANAZone.create(timeZone), 2026, 2028)) {
      changes += 1;
      for (const [cutoff, text] of Object.entries(CUTOFFS)) {
        const { open } = openDaysOf(hoursOf(timeZone, Number(cutoff)), new Date(change - DAY));
        const near = open.filter(({ cutoffAt }) => Math.abs(cutoffAt.getTime() - change) < 1.7 * DAY);
        if (near.length < 2) wrong.push(`${timeZone} has no days around ${new Date(change).toISOString()}`);
        for (const { localDate, cutoffAt } of near) {
          const shows = (at: number) => clock(at) >= `${localDate} ${text}`;
          const at = cutoffAt.getTime();
          if (!shows(at) || EARLIER.some((less) => shows(at - less)))
            wrong.push(`${timeZone} ${localDate} ${text}: ${cutoffAt.toISOString()}`);
        }
      }
    }
  }
  expect(wrong).toEqual([]);
  // America, Europe, Oceania, some of Africa and Asia: two years of them.
  expect(changes).toBeGreaterThan(300);
});

test('in every zone an order a moment before the cut-off leaves that day and a moment after it the next, on the day of a change too', () => {
  const wrong: string[] = [];
  for (const timeZone of ZONES) {
    const zone = IANAZone.create(timeZone);
    const days = [Date.UTC(2026, 5, 17), ...transitions(zone, 2026, 2027)];
    for (const day of days) {
      const hours = hoursOf(timeZone, 14 * 60);
      const noon = DateTime.fromMillis(day, { zone: timeZone }).set({
        hour: 14,
        minute: 0,
        second: 0,
        millisecond: 0,
      });
      const at = (moment: DateTime) => {
        const instant = moment.toJSDate();
        return shipDay(instant, openDaysOf(hours, instant)).localDate;
      };
      const next = noon.plus({ days: 1 }).toISODate();
      if (at(noon) !== noon.toISODate() || at(noon.plus({ milliseconds: 1 })) !== next)
        wrong.push(`${timeZone} ${noon.toISO()}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('clocks that skip the time take the instant of the change, and clocks that repeat it the first of the two', () => {
  const at = (zone: string, local: string) =>
    new Date(new WallClock(zone).firstShows(Date.parse(`${local}Z`))).toISOString();
  expect(at('America/New_York', '2026-03-08T02:30:00')).toBe('2026-03-08T07:00:00.000Z');
  expect(at('America/New_York', '2026-11-01T01:30:00')).toBe('2026-11-01T05:30:00.000Z');
  expect(at('Australia/Lord_Howe', '2026-10-04T02:15:00')).toBe('2026-10-03T15:30:00.000Z');
  // Santiago has no midnight that day.
  expect(at('America/Santiago', '2026-09-06T00:00:00')).toBe('2026-09-06T04:00:00.000Z');
});

test('a day that a zone never had is no working day: Samoa crossed the date line', () => {
  const samoa = hoursOf('Pacific/Apia', 900);
  const { open } = openDaysOf(samoa, new Date('2011-12-29T12:00:00Z'));
  const dates = open.map(({ localDate }) => localDate);
  expect(dates).toContain('2011-12-29');
  expect(dates).not.toContain('2011-12-30');
  expect(dates).toContain('2011-12-31');
});

test('public holidays last as long as they do, and closed days are added to them', () => {
  const hours = {
    time_zone: 'Europe/London',
    cutoff_minutes: 900,
    working_days: [1, 2, 3, 4, 5],
    closed_days: ['2026-04-07'],
    holiday_country: 'GB',
  };
  const after = (at: string, change = {}) =>
    shipDay(new Date(at), openDaysOf({ ...hours, ...change }, new Date(at))).localDate;
  // Good Friday, a weekend, Easter Monday, and a day off for the stock count.
  expect(after('2026-04-02T16:00:00Z')).toBe('2026-04-08');
  expect(after('2026-04-02T13:00:00Z')).toBe('2026-04-02');
  const riyadh = {
    time_zone: 'Asia/Riyadh',
    working_days: [7, 1, 2, 3, 4],
    closed_days: [],
    holiday_country: 'SA',
  };
  // Eid al-Fitr takes four days from Thursday the 19th on.
  expect(after('2026-03-18T13:00:00Z', riyadh)).toBe('2026-03-23');
  expect(after('2026-12-31T16:00:00Z')).toBe('2027-01-04');
});
