/** Drills and plans: what they drain, when, and for how long. */
import { test } from 'tap';
import { parseBlocked, parseDuration } from '../../src/config/steering-text.ts';
import { codesOf, example, outcomeOf } from './example.ts';

const CLUSTERS = `clusters:
  - { name: a, region: eu-west-1, zones: [eu-west-1a], manifests: ./a }
  - { name: b, region: us-east-1, zones: [us-east-1a, us-east-1b], manifests: ./b }`;

const CALENDAR = 'cron: 0 10 * * 2, timeZone: Europe/Berlin';

function withDrill(keys: string, clusters = CLUSTERS): string {
  return example({ clusters, drills: `drills:\n  - { name: weekly, ${keys} }` });
}

function withPlan(steps: string, clusters = CLUSTERS): string {
  return example({ clusters, plans: `plans:\n  - { name: leave, steps: [${steps}] }` });
}

const cases: readonly (readonly [title: string, text: string, codes: readonly string[]])[] = [
  ['a drill of a zone', withDrill(`${CALENDAR}, what: zone eu-west-1a, for: 30m`), []],
  [
    'a drill of a zone with its region',
    withDrill(`${CALENDAR}, what: zone us-east-1a.us-east-1, for: 90s`),
    [],
  ],
  ['a drill of a region', withDrill(`${CALENDAR}, what: region us-east-1, for: 1h30m`), []],
  [
    'a drill with times that it keeps out of',
    withDrill(`${CALENDAR}, what: cluster b, for: 24h, blocked: [Sat - Sun, "22:00 - 06:00", 2026-12-24]`),
    [],
  ],
  [
    'a drill without a time zone',
    withDrill('cron: 0 10 * * 2, what: zone eu-west-1a, for: 30m'),
    ['MISSING_KEY drills[0].timeZone'],
  ],
  [
    'a time zone that there is not',
    withDrill('cron: 0 10 * * 2, timeZone: Europe/Bonn, what: zone eu-west-1a, for: 30m'),
    ['BAD_TIME_ZONE drills[0].timeZone'],
  ],
  [
    'an offset, which knows no summer time',
    withDrill('cron: 0 10 * * 2, timeZone: "+02:00", what: zone eu-west-1a, for: 30m'),
    ['BAD_TIME_ZONE drills[0].timeZone'],
  ],
  [
    'a cron expression that never matches',
    withDrill('cron: 0 10 31 2 *, timeZone: UTC, what: zone eu-west-1a, for: 30m'),
    ['BAD_CRON drills[0].cron'],
  ],
  [
    'a day and a minute',
    withDrill(`${CALENDAR}, what: cluster b, for: 24h1m`),
    ['WRONG_VALUE drills[0].for'],
  ],
  ['no time at all', withDrill(`${CALENDAR}, what: cluster b, for: 0m`), ['BAD_DURATION drills[0].for']],
  [
    'a number without a unit',
    withDrill(`${CALENDAR}, what: cluster b, for: "30"`),
    ['BAD_DURATION drills[0].for'],
  ],
  [
    'a drill of a Service',
    withDrill(`${CALENDAR}, what: service nginx.mynamespace.fed, for: 30m`),
    ['BAD_TARGET drills[0].what'],
  ],
  [
    'a drill of something else',
    withDrill(`${CALENDAR}, what: node n1, for: 30m`),
    ['BAD_TARGET drills[0].what'],
  ],
  [
    'a drill of a zone where no cluster is',
    withDrill(`${CALENDAR}, what: zone eu-west-1b, for: 30m`),
    ['DRAIN_PLACE_UNKNOWN drills[0].what'],
  ],
  [
    'a zone that a cluster may be in which says so itself',
    withDrill(
      `${CALENDAR}, what: zone eu-west-1b, for: 30m`,
      `${CLUSTERS}\n  - { name: c, region: eu-west-1, manifests: ./c }`,
    ),
    [],
  ],
  [
    'a window that is none',
    withDrill(`${CALENDAR}, what: cluster b, for: 30m, blocked: [weekends]`),
    ['BAD_WINDOW drills[0].blocked[0]'],
  ],
  [
    'two drills of one name',
    example({
      clusters: CLUSTERS,
      drills: `drills:\n  - { name: d, ${CALENDAR}, what: cluster a, for: 1m }\n  - { name: d, ${CALENDAR}, what: cluster b, for: 1m }`,
    }),
    ['DUPLICATE_DRILL drills[1].name'],
  ],
  [
    'a plan',
    withPlan(
      '{ drain: zone us-east-1a, for: 2h }, { drain: region us-east-1, force: true, reason: move }, { undrain: zone us-east-1a }',
    ),
    [],
  ],
  ['a plan of a Service', withPlan('{ drain: service nginx.mynamespace.fed }'), []],
  [
    'a Service without its namespace',
    withPlan('{ drain: service nginx }'),
    ['BAD_TARGET plans[0].steps[0].drain'],
  ],
  ['a plan without steps', withPlan(''), ['OUT_OF_RANGE plans[0].steps']],
  ['a step that says nothing', withPlan('{ for: 2h }'), ['PLAN_STEP plans[0].steps[0]']],
  [
    'a step that says two things',
    withPlan('{ drain: cluster a, undrain: cluster b }'),
    ['PLAN_STEP plans[0].steps[0]'],
  ],
  [
    'an undrain for a while',
    withPlan('{ undrain: cluster a, for: 2h }'),
    ['PLAN_STEP plans[0].steps[0].for'],
  ],
  [
    'a step about a cluster that there is not',
    withPlan('{ drain: cluster c }'),
    ['DRAIN_PLACE_UNKNOWN plans[0].steps[0].drain'],
  ],
];

for (const [title, text, codes] of cases) {
  test(title, async (t) => {
    t.same(
      codesOf(text).filter((code) => /drills|plans/.test(code)),
      codes,
    );
  });
}

test('durations are counted in seconds', async (t) => {
  for (const [text, seconds] of [
    ['90s', 90],
    ['30m', 1800],
    ['1h30m', 5400],
    ['2d', 172_800],
  ] as const)
    t.equal(parseDuration(text), seconds, text);
  for (const text of ['', '30', 'm', '-5m', '1.5h', '5 m', '0s', '5m extra'])
    t.throws(() => parseDuration(text), text);
});

test('windows are of days, of weeks, or daily', async (t) => {
  const [thursday, friday] = [3 * 1440, 4 * 1440];
  for (const [text, window] of [
    ['2026-12-18 - 2027-01-06', { kind: 'days', from: '2026-12-18', to: '2027-01-06' }],
    ['2026-12-24', { kind: 'days', from: '2026-12-24', to: '2026-12-24' }],
    ['Fri 16:00 - Mon 08:00', { kind: 'week', fromMinute: friday + 960, toMinute: 480 }],
    ['Thu - Fri', { kind: 'week', fromMinute: thursday, toMinute: friday + 1440 }],
    ['thu 12:00 - 14:00', { kind: 'week', fromMinute: thursday + 720, toMinute: thursday + 840 }],
    ['Thu', { kind: 'week', fromMinute: thursday, toMinute: friday }],
    ['22:00 - 06:00', { kind: 'daily', fromMinute: 1320, toMinute: 360 }],
  ] as const)
    t.strictSame(parseBlocked(text), { ...window, text }, text);
  for (const text of [
    '',
    '2026-02-30',
    '2027-01-06 - 2026-12-18',
    '25:00 - 26:00',
    'Fri 16:00',
    'Thu 14:00 - 12:00',
    '06:00 - 06:00',
  ])
    t.throws(() => parseBlocked(text), text);
});

test('settings have what the file says', async (t) => {
  const drills = outcomeOf(withDrill(`${CALENDAR}, what: zone EU-west-1a, for: 30m`)).loaded?.settings.drills;
  t.match(drills, [
    { name: 'weekly', what: { kind: 'zone', name: 'eu-west-1a' }, forSeconds: 1800, blocked: [] },
  ]);
  const plan = withPlan('{ drain: cluster a, for: 2h }, { undrain: cluster a }');
  t.strictSame(outcomeOf(plan).loaded?.settings.plans, [
    {
      name: 'leave',
      steps: [
        { verb: 'drain', what: { kind: 'cluster', name: 'a' }, force: false, forSeconds: 7200 },
        { verb: 'undrain', what: { kind: 'cluster', name: 'a' } },
      ],
    },
  ]);
});
