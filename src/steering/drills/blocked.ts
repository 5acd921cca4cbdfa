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
  const localTime = localTimeOf(timeZone);
  const endMs = fromMs + seconds * 1000;
  // Minute by minute: where the clock is put back or forward, nothing else is sure to be right.
  for (let ms = fromMs; ms < endMs; ms += MINUTE_MS) {
    const moment = localTime(ms);
    const found = windows.find((window) => isWithin(window, moment));
    if (found !== undefined) return found;
  }
  return undefined;
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
