/** Owns how a moment is typed: a time, or how long ago. */

import { CommandError } from './environment.ts';

const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A time as RFC 3339 has it, or without seconds, or a day; without an offset it is in UTC, as all that fedns prints. */
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?\s*(Z|[+-]\d\d:\d\d)?)?$/i;

/**
 * Milliseconds since the epoch of a moment: `2026-11-28T02:00:00Z`, `2026-11-28 02:00`, or so long ago as `90s`, `30m`, `1h`,
 * `2d`, `1w`, also several: `1h30m`.
 *
 * @param option - for the message
 * @throws CommandError when it is none
 */
export function parseMoment(text: string, nowMs: number, option: string): number {
  if (/^(?:\d+[smhdw])+$/.test(text)) return nowMs - durationOf(text);
  const [match, day, minutes = '00:00', seconds = ':00', zone = 'Z'] = TIME.exec(text) ?? [];
  const ms =
    match === undefined ? Number.NaN : Date.parse(`${day}T${minutes}${seconds}${zone.toUpperCase()}`);
  if (Number.isNaN(ms))
    throw new CommandError(`${option} ${text}: neither a time such as 2026-11-28T02:00:00Z, nor 30m, 1h, 2d`);
  return ms;
}

function durationOf(text: string): number {
  const parts = text.matchAll(/(\d+)([smhdw])/g);
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!, 0);
}
