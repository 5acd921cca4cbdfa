/** Owns whether a drill would run into a time at which it is not wanted. How such times are written: config/steering-text.ts. */

import type { BlockedWindow } from '../../config/settings.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
const WEEK_MINUTES = 7 * DAY_MINUTES;

/** A moment by the clock of a time zone. */
interface LocalMoment {
  /** `YYYY-MM-DD`. */
  readonly date: string;
  /** Since Monday 00:00. */
  readonly weekMinute: number;
}

/**
 * The first of the windows that a drill would be in at some minute between its begin and its end.
 *
 * @param fromMs - when it would begin, in milliseconds since the epoch
 * @param seconds - how long it would last
 */
export function blockedBy(
  windows: readonly BlockedWindow[],
  timeZone: string,
  fromMs: number,
  seconds: number,
): BlockedWindow | undefined {
  if (windows.length === 0) return undefined;
  for (const moment of momentsOf(localTimeOf(timeZone), fromMs, Math.ceil(seconds / 60))) {
    const found = windows.find((window) => isWithin(window, moment));
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Each minute of at most a day. Where no clock is put forward or back meanwhile, the local time of the first and the last tells
 * all; otherwise each is asked for.
 */
function* momentsOf(
  localTime: (ms: number) => LocalMoment,
  fromMs: number,
  minutes: number,
): Generator<LocalMoment> {
  const first = localTime(fromMs);
  const last = localTime(fromMs + (minutes - 1) * MINUTE_MS);
  const passed = (last.weekMinute - first.weekMinute + WEEK_MINUTES) % WEEK_MINUTES;
  const dayMinute = first.weekMinute % DAY_MINUTES;
  for (let minute = 0; minute < minutes; minute++) {
    if (passed !== minutes - 1) yield localTime(fromMs + minute * MINUTE_MS);
    else
      yield {
        date: dayMinute + minute < DAY_MINUTES ? first.date : last.date,
        weekMinute: (first.weekMinute + minute) % WEEK_MINUTES,
      };
  }
}

function isWithin(window: BlockedWindow, { date, weekMinute }: LocalMoment): boolean {
  switch (window.kind) {
    case 'days':
      return window.from <= date && date <= window.to;
    case 'week':
      return isBetween(weekMinute, window.fromMinute, window.toMinute % WEEK_MINUTES);
    case 'daily':
      return isBetween(weekMinute % DAY_MINUTES, window.fromMinute, window.toMinute % DAY_MINUTES);
  }
}

/** Past the end of the week or day where `to` is the earlier one; the same minute means all of it. */
function isBetween(minute: number, from: number, to: number): boolean {
  return from < to ? from <= minute && minute < to : minute >= from || minute < to;
}

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function localTimeOf(timeZone: string): (ms: number) => LocalMoment {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  return (ms) => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const { weekday = '', year, month, day, hour, minute } = parts;
    const dayMinute = Number(hour) * 60 + Number(minute);
    return {
      date: `${year}-${month}-${day}`,
      weekMinute: WEEKDAYS.indexOf(weekday) * DAY_MINUTES + dayMinute,
    };
  };
}
