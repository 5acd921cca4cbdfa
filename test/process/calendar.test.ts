import { test } from 'tap';
import { createSchedule, cronFault, isTimeZone, nextMoment } from '../../src/jobs.ts';
import { dated } from '../support/dated.ts';
import { quietLog, StillTime } from '../support/still-time.ts';

const HOUR_MS = 3_600_000;

test('a cron expression is looked at before anything is scheduled by it', async (t) => {
  const cases: readonly (readonly [string, RegExp | undefined])[] = [
    ['0 10 * * 2', undefined],
    ['0 0 10 * * Tue', undefined],
    ['30 2 * * *', undefined],
    ['whenever', /fields/],
    ['0 25 * * *', /hour/],
    ['0 0 31 2 *', /impossible day/],
    ['', /./],
  ];
  for (const [cron, fault] of cases) {
    if (fault === undefined) t.equal(cronFault(cron), undefined, cron);
    else t.match(cronFault(cron), fault, `"${cron}"`);
  }
});

test('a time zone is a name of the IANA database, and no offset', async (t) => {
  for (const zone of ['Europe/Berlin', 'America/New_York', 'UTC', 'Asia/Kolkata'])
    t.ok(isTimeZone(zone), zone);
  for (const zone of ['Mars/Base', '+02:00', '-05:00', '', 'Europe']) t.notOk(isTimeZone(zone), `"${zone}"`);
});

test('moments keep to the local time of their zone when summer time begins and ends', async (t) => {
  const cases: readonly {
    readonly about: string;
    readonly cron: string;
    readonly zone: string;
    readonly from: string;
    readonly moments: readonly string[];
  }[] = [
    {
      about: 'ten in the morning is an hour later in UTC once summer time has ended',
      cron: '0 10 * * 2',
      zone: 'America/New_York',
      from: '2026-10-25T00:00Z',
      moments: ['2026-10-27T14:00Z', '2026-11-03T15:00Z', '2026-11-10T15:00Z'],
    },
    {
      about: 'a moment that the beginning of summer time skips is left out',
      cron: '30 2 * * *',
      zone: 'Europe/Berlin',
      from: '2026-03-27T12:00Z',
      moments: ['2026-03-28T01:30Z', '2026-03-30T00:30Z', '2026-03-31T00:30Z'],
    },
    {
      about: 'a moment that its end repeats comes once',
      cron: '30 2 * * *',
      zone: 'Europe/Berlin',
      from: '2026-10-23T12:00Z',
      moments: ['2026-10-24T00:30Z', '2026-10-25T01:30Z', '2026-10-26T01:30Z'],
    },
    {
      about: 'UTC knows no summer time',
      cron: '30 2 * * *',
      zone: 'UTC',
      from: '2026-10-23T12:00Z',
      moments: ['2026-10-24T02:30Z', '2026-10-25T02:30Z', '2026-10-26T02:30Z'],
    },
  ];
  for (const { about, cron, zone, from, moments } of cases) {
    const time = new StillTime(Date.parse(from));
    const found: string[] = [];
    await dated(time.clock, async () => {
      for (const _ of moments) {
        await time.advance(nextMoment(cron, zone) - time.clock());
        found.push(`${new Date(time.clock()).toISOString().slice(0, 16)}Z`);
      }
    });
    t.strictSame(found, moments, about);
  }
});

test('a job runs by the calendar of its zone, once for each moment', async (t) => {
  const time = new StillTime(Date.parse('2026-10-23T12:00Z'));
  const runs: string[] = [];
  await dated(time.clock, async () => {
    const schedule = createSchedule(quietLog, time);
    const job = schedule(
      'test',
      '30 2 * * *',
      async () => void runs.push(new Date(time.clock()).toISOString()),
      'Europe/Berlin',
    );
    await time.advance(72 * HOUR_MS);
    await job.stop();
    t.equal(time.timers, 0, 'no timer is left');
  });
  t.strictSame(runs, ['2026-10-24T00:30:00.000Z', '2026-10-25T01:30:00.000Z', '2026-10-26T01:30:00.000Z']);
});
