import { test } from 'tap';
import type { DrillRow, PlanRow } from '../../src/admin/drills-control.ts';
import { formatDrills } from '../../src/cli/drills.ts';
import { formatPlan, formatPlans } from '../../src/cli/plans.ts';
import type { NameAnswer } from '../../src/zonebuilder/what-if.ts';

const NOW_MS = Date.parse('2026-10-20T12:00Z');
/** One A record of the region. */
function answer(address: string): NameAnswer {
  return {
    at: 'web.shop.f.svc.eu.example.com.',
    records: [{ type: 'A', ttlSeconds: 180, data: [address] }],
  };
}

const ROW: DrillRow = {
  name: 'weekly',
  what: 'zone us-a',
  forSeconds: 5400,
  cron: '0 10 * * 2',
  timeZone: 'America/New_York',
  blocked: [],
  nextMs: Date.parse('2026-11-03T15:00Z'),
};

test('drills are listed by the clock of their own zone', async (t) => {
  const run = {
    startedMs: 0,
    names: 3,
    services: 1,
    queries: 5,
    lowest: { service: 'web.shop.f', shards: 2 },
  };
  const cases: readonly (readonly [about: string, row: DrillRow, line: RegExp])[] = [
    [
      'one that never ran',
      ROW,
      /^weekly +zone us-a +1h30m +Tue 2026-11-03 10:00 America\/New_York +<none> +<none>$/m,
    ],
    [
      'one that would be at a blocked time',
      { ...ROW, nextBlockedBy: 'Sat - Sun' },
      /10:00 America\/New_York \(blocked: Sat - Sun\) +<none>/,
    ],
    [
      'one that runs',
      { ...ROW, running: { ...run, untilMs: 1, by: 'anna' } },
      /running, 2 shards left of web\.shop\.f/,
    ],
    [
      'one that has failed',
      {
        ...ROW,
        last: {
          drill: 'weekly',
          outcome: 'failed',
          code: 'shards',
          why: 'web.shop.f: 1 of the 2',
          by: 'calendar',
          what: 'zone us-a',
          endedMs: NOW_MS - 3_600_000,
          run,
        },
      },
      /failed +60m +web\.shop\.f: 1 of the 2$/m,
    ],
  ];
  for (const [about, row, line] of cases) t.match(formatDrills([row], 'table', NOW_MS), line, about);
  t.equal(formatDrills([], 'table', NOW_MS), 'the configuration has no drills\n');
  t.strictSame(JSON.parse(formatDrills([ROW], 'json', NOW_MS)), [ROW]);
});

test('a plan shows its steps, what the next would change, and how to go on', async (t) => {
  const plan: PlanRow = {
    name: 'leave',
    condition: 'waiting',
    startedMs: NOW_MS - 600_000,
    startedBy: 'anna',
    steps: [
      {
        text: 'drain zone eu-a',
        done: { timeMs: NOW_MS, by: 'bob', result: 'drained', drained: 'zone eu-a.eu' },
      },
      { text: 'drain region eu' },
    ],
    waiting: 2,
    next: {
      step: 2,
      forecast: {
        names: 3,
        changes: [
          {
            service: 'web.shop.f',
            name: 'web.shop.f.svc.eu.example.com.',
            before: answer('192.0.2.1'),
            after: answer('192.0.2.2'),
          },
        ],
        losses: [{ service: 'lonely.shop.f', types: ['A'] }],
      },
      refusal: 'lonely.shop.f: nothing would be left',
    },
  };
  const text = formatPlan(plan);
  for (const line of [
    /^1 +drain zone eu-a +drained \(bob\)$/m,
    /^2 +drain region eu +waits for an approval$/m,
    /^web\.shop\.f\.svc\.eu\.example\.com\. +192\.0\.2\.1 +192\.0\.2\.2$/m,
    /^and 2 names more$/m,
    /^warning: lonely\.shop\.f would have no A$/m,
    /^It cannot be done as things are: lonely\.shop\.f/m,
    /^fedns plan approve leave --step 2, or fedns plan abort leave$/m,
  ])
    t.match(text, line);
  t.match(formatPlans([plan], NOW_MS), /^leave +waiting +2\/2 +10m +drain region eu$/m);
  const idle: PlanRow = { name: 'back', condition: 'idle', steps: [{ text: 'undrain region eu' }] };
  t.match(formatPlans([idle], NOW_MS), /^back +idle +0\/1 +undrain region eu$/m);
  t.notMatch(formatPlan(idle), /approve/);
});
