/**
 * The texts that drills and plans are written in: what is drained, for how long, and when a drill does not run. Each
 * function takes what the operator wrote, or throws a BadValue that says what to write instead.
 */
import { cronFault, isTimeZone } from '../jobs.ts';
import { DRAIN_KINDS, type DrainKind } from '../zonebuilder/drains.ts';
import type { BlockedWindow, TargetSettings } from './settings.ts';
import { BadValue, parseLabel } from './values.ts';

/** A cron expression. */
export function parseCron(text: string): string {
  const fault = cronFault(text);
  if (fault === undefined) return text;
  throw new BadValue(
    'BAD_CRON',
    `${JSON.stringify(text)}: ${fault}`,
    'for example 0 10 * * 2, ten in the morning on Tuesdays',
  );
}

/** A time zone. */
export function parseTimeZone(text: string): string {
  if (isTimeZone(text)) return text;
  throw new BadValue(
    'BAD_TIME_ZONE',
    `${JSON.stringify(text)} is no time zone of the IANA database`,
    'for example Europe/Berlin, or UTC',
  );
}

/** Labels of a name, at least and at most. */
const LABELS: Readonly<Record<DrainKind, readonly [least: number, most: number]>> = {
  cluster: [1, 1],
  region: [1, 1],
  zone: [1, 2],
  service: [3, 3],
};

/** `zone us-central1-a`: the words of `fedns drain`. */
export function parseTarget(text: string): TargetSettings {
  const [word = '', name = '', ...more] = text.trim().split(/ +/);
  const kind = DRAIN_KINDS.find((known) => known === word);
  const labels = name.split('.');
  const [least, most] = kind === undefined ? [0, 0] : LABELS[kind];
  if (kind === undefined || more.length > 0 || labels.length < least || labels.length > most)
    throw new BadValue('BAD_TARGET', `${JSON.stringify(text)} says nothing that can be drained`, TARGET_HINT);
  return { kind, name: labels.map((label) => parseLabel(label)).join('.') };
}

const TARGET_HINT =
  'write cluster NAME, region NAME, zone NAME or zone NAME.REGION, or service NAME.NAMESPACE.FEDERATION';

/** Seconds of the units that a duration is written in. */
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90s`, `30m`, `1h30m`, `2d` in seconds; at least one. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d{1,7})([smhd])/g)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === text;
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_SECONDS[unit!]!, 0);
  if (!isWhole || seconds === 0)
    throw new BadValue('BAD_DURATION', `${JSON.stringify(text)} is no duration`, 'for example 30m or 1h30m');
  return seconds;
}

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export const DAY_MINUTES = 1440;
export const WEEK_MINUTES = 7 * DAY_MINUTES;

const DAY = `(${WEEKDAYS.join('|')})`;
const TIME = String.raw`(\d\d):(\d\d)`;
const DATE = String.raw`(\d{4}-\d\d-\d\d)`;
const DATES = new RegExp(`^${DATE}(?: - ${DATE})?$`);
const WEEKLY = new RegExp(`^${DAY}(?: ${TIME})? - ${DAY}(?: ${TIME})?$`);
const ONE_DAY = new RegExp(`^${DAY}(?: ${TIME} - ${TIME})?$`);
const DAILY = new RegExp(`^${TIME} - ${TIME}$`);

/**
 * `2026-12-18 - 2027-01-06`, `2026-12-24`; `Fri 16:00 - Mon 08:00`, `Sat - Sun`, `Wed 12:00 - 14:00`, `Wed`; `22:00 - 06:00`.
 */
export function parseBlocked(text: string): BlockedWindow {
  const plain = text.trim().toLowerCase();
  const found =
    readDates(plain, text) ?? readWeekly(plain, text) ?? readOneDay(plain, text) ?? readDaily(plain, text);
  if (found !== undefined) return found;
  const fix = 'for example Fri 16:00 - Mon 08:00, Sat - Sun, 22:00 - 06:00, or 2026-12-18 - 2027-01-06';
  throw new BadValue(
    'BAD_WINDOW',
    `${JSON.stringify(text)} is no time at which a drill could be blocked`,
    fix,
  );
}

function readDates(plain: string, text: string): BlockedWindow | undefined {
  const [, from, to = from] = DATES.exec(plain) ?? [];
  if (from === undefined || to === undefined || !isDate(from) || !isDate(to) || to < from) return undefined;
  return { kind: 'days', from, to, text };
}

/** Without times both days count as a whole. */
function readWeekly(plain: string, text: string): BlockedWindow | undefined {
  const [, first, hour, minute, last, lastHour, lastMinute] = WEEKLY.exec(plain) ?? [];
  if (first === undefined || last === undefined) return undefined;
  const from = dayMinute(hour ?? '00', minute ?? '00');
  const to = lastHour === undefined ? DAY_MINUTES : dayMinute(lastHour, lastMinute!);
  if (from === undefined || to === undefined) return undefined;
  return week(weekday(first) + from, weekday(last) + to, text);
}

function readOneDay(plain: string, text: string): BlockedWindow | undefined {
  const [, day, hour = '00', minute = '00', lastHour = '24', lastMinute = '00'] = ONE_DAY.exec(plain) ?? [];
  const from = dayMinute(hour, minute);
  const to = dayMinute(lastHour, lastMinute);
  if (day === undefined || from === undefined || to === undefined || to <= from) return undefined;
  return week(weekday(day) + from, weekday(day) + to, text);
}

function readDaily(plain: string, text: string): BlockedWindow | undefined {
  const [, hour = '', minute = '', lastHour = '', lastMinute = ''] = DAILY.exec(plain) ?? [];
  const fromMinute = dayMinute(hour, minute);
  const toMinute = dayMinute(lastHour, lastMinute);
  if (fromMinute === undefined || toMinute === undefined || fromMinute === toMinute) return undefined;
  return { kind: 'daily', fromMinute, toMinute, text };
}

function week(fromMinute: number, toMinute: number, text: string): BlockedWindow | undefined {
  if (fromMinute === toMinute) return undefined;
  return { kind: 'week', fromMinute, toMinute, text };
}

/** The first minute of a day of the week. */
function weekday(name: string): number {
  return WEEKDAYS.findIndex((known) => known === name) * DAY_MINUTES;
}

/** The minute of a day, 0 to 1440 for 24:00. */
function dayMinute(hour: string, minute: string): number | undefined {
  const minutes = Number(hour) * 60 + Number(minute);
  return /^\d\d$/.test(hour) && Number(minute) < 60 && minutes <= DAY_MINUTES ? minutes : undefined;
}

function isDate(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
