/**
 * By when an order must ship: what its channel promised where it did, else from the warehouse's
 * calendar. The calendar comes in as instants: for each local date the caller, who has a time-zone
 * database, says at which instant that day's cut-off and end of work are. So daylight saving is right
 * by construction (17:00 in London is 16:00 UTC on one date and 17:00 UTC on another), and nothing
 * here adds 24 hours to anything.
 */

export interface CalendarDay {
  /** Local date in the warehouse's zone, YYYY-MM-DD. */
  readonly localDate: string;
  /** Orders placed at or before this instant still ship this day. */
  readonly cutoffAt: Date;
  /** End of the working day: what ships this day has left by then. */
  readonly closesAt: Date;
}

/** The days of a calendar on which a warehouse works. */
export interface OpenDays {
  readonly open: readonly CalendarDay[];
  /** Where the calendar ends, worked or not. */
  readonly last: CalendarDay;
}

export interface ShipByInput {
  readonly placedAt: Date;
  /** The channel's own ship-by, null where it gives none. */
  readonly channelShipBy: Date | null;
  /** From the date of `placedAt` on, or a day earlier. */
  readonly days: OpenDays;
  /** Whole working days after the day of the cut-off that the merchant promises; 0 ships the same day. */
  readonly handlingDays?: number;
}

export interface ShipBy {
  readonly shipBy: Date;
  /** `last_day`: no working day within the calendar, so the deadline is its end, where a person sees it. */
  readonly rule: 'channel' | 'calendar' | 'last_day';
  /** The local date it falls on, null for a channel's. */
  readonly localDate: string | null;
}

/** ISO weekday (1 Monday to 7 Sunday) of a local date YYYY-MM-DD. @throws RangeError when it is none. */
export function isoWeekday(localDate: string): number {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(localDate);
  const date = new Date(Date.UTC(Number(match?.[1]), Number(match?.[2]) - 1, Number(match?.[3])));
  if (!match || date.toISOString().slice(0, 10) !== localDate)
    throw new RangeError(`not a date: ${localDate}`);
  return date.getUTCDay() || 7;
}

/**
 * @param calendar consecutive local dates, oldest first; two weeks span any holidays.
 * @param workingDays ISO weekdays on which the warehouse works, 1 Monday to 7 Sunday.
 * @param closedDays local dates on which it doesn't, YYYY-MM-DD.
 * @throws RangeError when the calendar is empty or not consecutive: the caller built it wrong.
 */
export function openDays(
  calendar: readonly CalendarDay[],
  workingDays: readonly number[],
  closedDays: readonly string[],
): OpenDays {
  const last = calendar.at(-1);
  if (!last) throw new RangeError('the calendar is empty');
  assertConsecutive(calendar);
  const open = calendar.filter(
    ({ localDate }) => workingDays.includes(isoWeekday(localDate)) && !closedDays.includes(localDate),
  );
  return { open, last };
}

/** The day on which work that comes in at this instant leaves: the first one whose cut-off is not past. */
export function shipDay(at: Date, { open, last }: OpenDays): CalendarDay {
  return open.find(({ cutoffAt }) => at.getTime() <= cutoffAt.getTime()) ?? last;
}

/** The instant by which the order must have left. */
export function computeShipBy({ placedAt, channelShipBy, days, handlingDays = 0 }: ShipByInput): ShipBy {
  if (channelShipBy) return { shipBy: channelShipBy, rule: 'channel', localDate: null };
  const { open, last } = days;
  const first = open.indexOf(shipDay(placedAt, days));
  const day = first === -1 ? undefined : open[first + handlingDays];
  return day
    ? { shipBy: day.closesAt, rule: 'calendar', localDate: day.localDate }
    : { shipBy: last.closesAt, rule: 'last_day', localDate: last.localDate };
}

function assertConsecutive(calendar: readonly CalendarDay[]): void {
  for (const [index, day] of calendar.entries()) {
    const before = calendar[index - 1];
    if (before && dayNumber(day.localDate) !== dayNumber(before.localDate) + 1) {
      throw new RangeError(`the calendar goes from ${before.localDate} to ${day.localDate}`);
    }
  }
}

/** Days since 1970-01-01. */
function dayNumber(localDate: string): number {
  return Date.parse(`${localDate}T00:00:00Z`) / 86_400_000;
}
