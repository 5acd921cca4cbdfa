import { test } from 'tap';
import { parseBlocked } from '../../src/config/steering-text.ts';
import { blockedBy } from '../../src/steering/drills/blocked.ts';

const MINUTES = 60;

/** In Berlin, where summer time of 2026 ends on Sunday, October 25, at 3:00, which is 2:00 again, or 01:00Z. */
const cases: readonly (readonly [
  about: string,
  window: string,
  from: string,
  minutes: number,
  isBlocked: boolean,
])[] = [
  ['a day that is blocked', '2026-12-24', '2026-12-24T09:00Z', 30, true],
  ['the day before, local time', '2026-12-24', '2026-12-23T22:00Z', 30, false],
  ['a drill that would reach into the day', '2026-12-24', '2026-12-23T22:45Z', 30, true],
  ['the last day of several', '2026-12-18 - 2027-01-06', '2027-01-06T22:30Z', 20, true],
  ['the day after', '2026-12-18 - 2027-01-06', '2027-01-06T23:00Z', 20, false],
  ['a weekend that goes into Monday', 'Fri 16:00 - Mon 08:00', '2026-12-07T06:30Z', 20, true],
  ['Monday morning after it', 'Fri 16:00 - Mon 08:00', '2026-12-07T07:00Z', 20, false],
  ['Friday before it', 'Fri 16:00 - Mon 08:00', '2026-12-04T14:30Z', 30, false],
  ['Friday, one minute too long', 'Fri 16:00 - Mon 08:00', '2026-12-04T14:30Z', 31, true],
  ['a night that passes midnight', '22:00 - 06:00', '2026-12-02T23:30Z', 10, true],
  ['the evening before it', '22:00 - 06:00', '2026-12-02T20:00Z', 60, false],
  ['a whole day of the week', 'Wed', '2026-12-02T10:00Z', 10, true],
  ['the next day', 'Wed', '2026-12-03T10:00Z', 10, false],
  ['a Sunday that ends the week', 'Sat - Sun', '2026-12-06T22:50Z', 9, true],
  ['a short window within a long drill', 'Wed 12:00 - 12:01', '2026-12-02T09:00Z', 180, true],
  ['nine o’clock in summer time', '09:00 - 10:00', '2026-10-24T07:30Z', 10, true],
  ['the same moment of UTC once it has ended', '09:00 - 10:00', '2026-10-25T07:30Z', 10, false],
  ['the hour that comes twice, first', 'Sun 02:00 - 03:00', '2026-10-25T00:10Z', 10, true],
  ['the hour that comes twice, again', 'Sun 02:00 - 03:00', '2026-10-25T01:10Z', 10, true],
  ['a day and a night, and the day after', '2026-12-25', '2026-12-24T10:00Z', 1440, true],
  ['not the one after that', '2026-12-26', '2026-12-24T10:00Z', 1440, false],
  ['a minute of the night after', '04:10 - 04:11', '2026-12-24T10:00Z', 1440, true],
  ['a time of day that a summer night lacks', 'Sun 02:30 - 02:31', '2026-03-28T12:00Z', 1440, false],
  ['the one before it', 'Sun 01:59 - 02:00', '2026-03-28T12:00Z', 1440, true],
  ['the hour after', 'Sun 02:00 - 03:00', '2026-10-25T02:00Z', 10, false],
];

test('a drill keeps out of blocked times by the clock of its zone', async (t) => {
  for (const [about, window, from, minutes, isBlocked] of cases) {
    const windows = [parseBlocked('2020-01-01'), parseBlocked(window)];
    const found = blockedBy(windows, 'Europe/Berlin', Date.parse(from), minutes * MINUTES);
    t.equal(found?.text, isBlocked ? window : undefined, about);
  }
});
