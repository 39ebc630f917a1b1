import fc from 'fast-check';
import { DateTime } from 'luxon';
import { type CalendarDay, computeShipBy, isoWeekday, openDays } from '../../../domain/order/ship-by';

/** Two weeks as a caller with a time-zone database builds them. */
function calendarFrom(zone: string, placedAt: string, cutoff = 14, closes = 18): CalendarDay[] {
  const start = DateTime.fromISO(placedAt, { zone }).startOf('day');
  return Array.from({ length: 14 }, (_, offset) => {
    const day = start.plus({ days: offset });
    return {
      localDate: day.toISODate() as string,
      cutoffAt: day.set({ hour: cutoff }).toJSDate(),
      closesAt: day.set({ hour: closes }).toJSDate(),
    };
  });
}

const weekdays = [1, 2, 3, 4, 5];
interface Change {
  readonly workingDays?: readonly number[];
  readonly holidays?: readonly string[];
  readonly calendar?: readonly CalendarDay[];
  readonly channelShipBy?: Date;
  readonly handlingDays?: number;
}

const shipBy = (zone: string, placedAt: string, change: Change = {}) => {
  const { calendar = calendarFrom(zone, placedAt), workingDays = weekdays, holidays = [] } = change;
  const result = computeShipBy({
    placedAt: new Date(placedAt),
    channelShipBy: change.channelShipBy ?? null,
    days: openDays(calendar, workingDays, holidays),
    ...(change.handlingDays === undefined ? {} : { handlingDays: change.handlingDays }),
  });
  return `${result.rule} ${result.shipBy.toISOString()}`;
};

describe('computeShipBy', () => {
  test('a minute decides: at the cut-off ships today, after it the next working day', () => {
    expect(shipBy('Europe/London', '2026-01-14T14:00:00.000Z')).toBe('calendar 2026-01-14T18:00:00.000Z');
    expect(shipBy('Europe/London', '2026-01-14T14:00:00.001Z')).toBe('calendar 2026-01-15T18:00:00.000Z');
  });

  test('weekends and holidays are no working days', () => {
    const friday = '2026-04-02T15:00:00Z';
    expect(shipBy('Europe/London', friday, { holidays: ['2026-04-03', '2026-04-06'] })).toBe(
      'calendar 2026-04-07T17:00:00.000Z',
    );
  });

  test('across the change to summer time the cut-off keeps its local hour', () => {
    // London leaves GMT on 2026-03-29; 13:30 UTC is 13:30 on Friday and 14:30 on Monday.
    expect(shipBy('Europe/London', '2026-03-27T13:30:00Z')).toBe('calendar 2026-03-27T18:00:00.000Z');
    expect(shipBy('Europe/London', '2026-03-27T14:30:00Z')).toBe('calendar 2026-03-30T17:00:00.000Z');
    expect(shipBy('Europe/London', '2026-03-30T13:30:00Z')).toBe('calendar 2026-03-31T17:00:00.000Z');
  });

  test('across the change back to winter time too, on the other side of the ocean', () => {
    // New York leaves EDT on 2026-11-01.
    expect(shipBy('America/New_York', '2026-10-30T17:59:00Z')).toBe('calendar 2026-10-30T22:00:00.000Z');
    expect(shipBy('America/New_York', '2026-10-30T18:01:00Z')).toBe('calendar 2026-11-02T23:00:00.000Z');
    expect(shipBy('America/New_York', '2026-11-02T18:59:00Z')).toBe('calendar 2026-11-02T23:00:00.000Z');
  });

  test('the local date counts: late evening in Auckland is already the next day', () => {
    expect(shipBy('Pacific/Auckland', '2026-06-17T12:30:00Z')).toBe('calendar 2026-06-18T06:00:00.000Z');
  });

  test("the channel's own ship-by wins over the calendar", () => {
    expect(
      shipBy('Europe/London', '2026-01-14T10:00:00Z', { channelShipBy: new Date('2026-01-20T12:00:00Z') }),
    ).toBe('channel 2026-01-20T12:00:00.000Z');
  });

  test('handling days are working days', () => {
    expect(shipBy('Europe/London', '2026-01-15T10:00:00Z', { handlingDays: 2 })).toBe(
      'calendar 2026-01-19T18:00:00.000Z',
    );
  });

  test('a warehouse that never works still gives a deadline, at the end of the calendar', () => {
    expect(shipBy('Europe/London', '2026-01-14T10:00:00Z', { workingDays: [] })).toBe(
      'last_day 2026-01-27T18:00:00.000Z',
    );
  });

  test('a calendar with a hole is refused', () => {
    const calendar = calendarFrom('Europe/London', '2026-01-14T10:00:00Z').filter((_, index) => index !== 3);
    expect(() => shipBy('Europe/London', '2026-01-14T10:00:00Z', { calendar })).toThrow(RangeError);
    expect(() => shipBy('Europe/London', '2026-01-14T10:00:00Z', { calendar: [] })).toThrow(RangeError);
  });

  test('in any zone and season: never before the order, on a working day, and at the local closing hour', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          'Europe/London',
          'America/New_York',
          'America/Sao_Paulo',
          'Australia/Lord_Howe',
          'Asia/Kolkata',
        ),
        fc.date({ min: new Date('2024-01-01'), max: new Date('2027-12-31'), noInvalidDate: true }),
        (zone, placedAt) => {
          const result = computeShipBy({
            placedAt,
            channelShipBy: null,
            days: openDays(calendarFrom(zone, placedAt.toISOString()), weekdays, []),
          });
          const local = DateTime.fromJSDate(result.shipBy, { zone });
          expect(result.shipBy.getTime()).toBeGreaterThan(placedAt.getTime());
          expect([local.hour, local.minute]).toEqual([18, 0]);
          expect(weekdays).toContain(local.weekday);
        },
      ),
    );
  });
});

test('weekdays are those of the calendar, and what is no date is refused', () => {
  expect(['2026-03-30', '2026-04-05', '2024-02-29'].map(isoWeekday)).toEqual([1, 7, 4]);
  for (const text of ['2026-02-29', '2026-2-1', '2026-13-01', ''])
    expect(() => isoWeekday(text)).toThrow(RangeError);
});
