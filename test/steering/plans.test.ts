import { test } from 'tap';
import type { PlanSettings, PlanStepSettings } from '../../src/config/settings.ts';
import { parseDuration } from '../../src/config/steering-text.ts';
import { durationText, stepText } from '../../src/steering/drills/plan.ts';
import { keepPlans, makeWorld, type World } from './drill-world.ts';

const drain = (
  kind: 'region' | 'zone' | 'cluster' | 'service',
  name: string,
  more = {},
): PlanStepSettings => ({
  verb: 'drain',
  what: { kind, name },
  force: false,
  ...more,
});
const undrain = (kind: 'region' | 'zone', name: string): PlanStepSettings => ({
  verb: 'undrain',
  what: { kind, name },
});

const LEAVE: PlanSettings = {
  name: 'leave-eu',
  steps: [
    drain('zone', 'eu-a', { forSeconds: 7200 }),
    drain('region', 'eu', { reason: 'move' }),
    undrain('zone', 'eu-a'),
  ],
};

const START = '2026-10-23T18:00Z';
const NAME = 'web.shop.f.svc.eu.example.com.';

function drained(world: World): string[] {
  return [...world.drains.keys()].toSorted();
}

test('a plan goes on by one step with each approval, and shows the next', async (t) => {
  const world = makeWorld(START);
  const keeper = await keepPlans(world, [LEAVE]);
  t.match(await keeper.approve('leave-eu', 'ann'), { kind: 'refused', code: 'NOT_UNDER_WAY' });
  const first = await keeper.run('leave-eu', 'ann');
  t.match(first, { kind: 'waiting', next: { step: 1, refusal: undefined } });
  t.ok(
    first.kind === 'waiting' && first.next.forecast.changes.some(({ name }) => name === NAME),
    'what it would change',
  );
  t.strictSame(drained(world), [], 'nothing is done before it is approved');
  t.equal(keeper.underWay, 'leave-eu');

  t.match(await keeper.approve('leave-eu', 'bob', 1), { kind: 'waiting', next: { step: 2 } });
  t.strictSame(drained(world), ['zone eu-a.eu']);
  t.match(world.drains.get('zone eu-a.eu'), { by: 'plan leave-eu', untilMs: world.time.clock() + 7_200_000 });
  t.match(
    await keeper.approve('leave-eu', 'bob', 1),
    { kind: 'refused', code: 'OTHER_STEP' },
    'two approvals of one step',
  );
  t.strictSame(drained(world), ['zone eu-a.eu']);

  t.match(await keeper.approve('leave-eu', 'bob'), {
    kind: 'waiting',
    next: { step: 3, forecast: { names: 0 } },
  });
  t.strictSame(drained(world), ['region eu', 'zone eu-a.eu']);
  t.match(await keeper.approve('leave-eu', 'cid'), { kind: 'completed' });
  t.strictSame(drained(world), ['region eu'], 'the last step undrained');
  t.equal(keeper.underWay, undefined);
  t.match(keeper.views(), [
    {
      run: {
        condition: 'completed',
        startedBy: 'ann',
        done: [
          { by: 'bob', result: 'drained' },
          { by: 'bob', result: 'drained' },
          { by: 'cid', result: 'undrained' },
        ],
      },
    },
  ]);
  t.match(
    world.events.map(({ what, by }) => `${what} ${by}`),
    ['planStep ann', 'planStep bob', 'planStep bob', 'planEnded cid'],
  );
  t.match(
    await keeper.abort('leave-eu', 'ann'),
    { kind: 'refused', code: 'NOT_UNDER_WAY' },
    'it is there to stay',
  );
});

test('an abort undoes what the plan drained, the last first, and nothing else', async (t) => {
  const world = makeWorld(START);
  const target = { kind: 'cluster', name: 'us-1' } as const;
  world.drains.set('cluster us-1', { target, percent: 0, by: 'admin token', sinceMs: 0 });
  world.drained();
  const steps = [
    drain('cluster', 'us-1'),
    drain('zone', 'eu-a'),
    undrain('region', 'asia'),
    drain('region', 'eu'),
  ];
  const keeper = await keepPlans(world, [{ name: 'p', steps }]);
  await keeper.run('p', 'ann');
  t.match(await keeper.approve('p', 'ann'), { run: { done: [{ result: 'already' }] } });
  await keeper.approve('p', 'ann');
  t.match(await keeper.approve('p', 'ann'), { run: { done: [{}, {}, { result: 'already' }] } });
  t.match(await keeper.abort('p', 'bob'), { kind: 'aborted', undrained: ['zone eu-a.eu'] });
  t.strictSame(drained(world), ['cluster us-1'], 'what was drained before stays');
  t.match(world.events.at(-1), {
    what: 'planEnded',
    by: 'bob',
    text: /aborted after 3 of 4 steps: undrained zone eu-a\.eu/,
  });
  t.match(await keeper.run('p', 'ann'), { kind: 'waiting', next: { step: 1 } }, 'it can be run again');
});

test('an abort leaves a drain that somebody has ordered anew meanwhile', async (t) => {
  const world = makeWorld(START);
  const keeper = await keepPlans(world, [LEAVE]);
  await keeper.run('leave-eu', 'ann');
  await keeper.approve('leave-eu', 'ann');
  world.drains.set('zone eu-a.eu', { ...world.drains.get('zone eu-a.eu')!, by: 'admin token' });
  t.match(await keeper.abort('leave-eu', 'ann'), { kind: 'aborted', undrained: [] });
  t.strictSame(drained(world), ['zone eu-a.eu']);
});

test('a step that would empty a name is refused, unless the plan says otherwise', async (t) => {
  for (const force of [false, true]) {
    const world = makeWorld(START);
    world.f.shard('eu-1', 'lonely.shop.f', { addresses: ['192.0.2.99'] });
    const keeper = await keepPlans(world, [
      { name: 'p', steps: [drain('region', 'eu', { force }), drain('zone', 'us-a')] },
    ]);
    const shown = await keeper.run('p', 'ann');
    t.match(shown, { next: { forecast: { losses: [{ service: 'lonely.shop.f' }] } } }, 'it is shown');
    t.equal(
      shown.kind === 'waiting' && shown.next.refusal !== undefined,
      !force,
      'and said whether it can be done',
    );
    const approved = await keeper.approve('p', 'ann', 1);
    if (force) t.match(approved, { kind: 'waiting', next: { step: 2 } });
    else t.match(approved, { kind: 'refused', code: 'STEP', text: /step 1: lonely\.shop\.f/ });
    t.strictSame(drained(world), force ? ['region eu'] : []);
    if (force) continue;
    world.f.shard('us-1', 'lonely.shop.f', { addresses: ['192.0.2.98'] });
    t.match(
      await keeper.approve('p', 'ann', 1),
      { kind: 'waiting', next: { step: 2 } },
      'later it can be done',
    );
  }
});

test('a step whose place there is not, or that cannot be kept, waits on', async (t) => {
  const world = makeWorld(START);
  const keeper = await keepPlans(world, [{ name: 'p', steps: [drain('region', 'mars')] }, LEAVE]);
  t.match(await keeper.run('p', 'ann'), { next: { refusal: /there is no region mars/ } });
  t.match(await keeper.approve('p', 'ann'), { kind: 'refused', code: 'STEP', text: /no region mars/ });
  t.match(await keeper.run('leave-eu', 'ann'), { kind: 'refused', code: 'ANOTHER_PLAN' }, 'one at a time');
  await keeper.abort('p', 'ann');
  await keeper.run('leave-eu', 'ann');
  world.refusal = 'the disk is full';
  t.match(await keeper.approve('leave-eu', 'ann'), { kind: 'refused', text: /the disk is full/ });
  t.match(keeper.views()[1]!.run, { condition: 'waiting', done: [] });
  world.refusal = undefined;
  await keeper.approve('leave-eu', 'ann');
  world.refusal = 'the disk is full';
  t.match(await keeper.abort('leave-eu', 'ann'), { kind: 'refused', text: /the disk is full/ });
  t.equal(keeper.underWay, 'leave-eu', 'an abort that did not work can be told again');
  world.refusal = undefined;
  t.match(await keeper.abort('leave-eu', 'ann'), { kind: 'aborted', undrained: ['zone eu-a.eu'] });
});

test('a run goes on after a restart, with the steps that it began with', async (t) => {
  const world = makeWorld(START);
  const before = await keepPlans(world, [LEAVE]);
  await before.run('leave-eu', 'ann');
  await before.approve('leave-eu', 'ann');
  const keeper = await keepPlans(world, [{ name: 'leave-eu', steps: [drain('cluster', 'us-1')] }]);
  t.match(await keeper.outlook('leave-eu'), { step: 2 });
  t.match(await keeper.approve('leave-eu', 'bob', 2), { kind: 'waiting', next: { step: 3 } });
  t.strictSame(drained(world), ['region eu', 'zone eu-a.eu']);
  const removed = await keepPlans(world, []);
  t.match(
    removed.views(),
    [{ plan: { name: 'leave-eu' }, run: { condition: 'waiting' } }],
    'also out of the configuration',
  );
  t.match(await removed.abort('leave-eu', 'bob'), { undrained: ['region eu', 'zone eu-a.eu'] });
  t.strictSame(drained(world), []);
  removed.adopt([]);
  t.strictSame(removed.views(), [], 'then it is gone');
});

test('a step that was done when fedns was killed is known as the plan’s own', async (t) => {
  const world = makeWorld(START);
  const before = await keepPlans(world, [LEAVE]);
  await before.run('leave-eu', 'ann');
  const kept = structuredClone(world.kept.plans);
  await before.approve('leave-eu', 'ann');
  world.kept.plans = kept;
  const keeper = await keepPlans(world, [LEAVE]);
  t.match(await keeper.approve('leave-eu', 'ann', 1), { run: { done: [{ result: 'already' }] } });
  t.match(await keeper.abort('leave-eu', 'ann'), { undrained: ['zone eu-a.eu'] });
});

test('a dry run shows the first step and begins nothing; what runs already is in the way', async (t) => {
  const world = makeWorld(START);
  let drill: string | undefined = 'nightly';
  const keeper = await keepPlans(world, [LEAVE], () => drill);
  t.match(await keeper.run('leave-eu', 'ann'), { kind: 'refused', code: 'DRILL' });
  t.match(await keeper.run('none', 'ann'), { kind: 'refused', code: 'UNKNOWN_PLAN' });
  drill = undefined;
  const shown = await keeper.run('leave-eu', 'ann', true);
  t.match(shown, { kind: 'would', next: { step: 1 } });
  t.ok(shown.kind === 'would' && shown.next.forecast.names > 0);
  t.equal(keeper.underWay, undefined);
  t.strictSame([drained(world), world.events, world.kept.plans], [[], [], undefined]);
  await keeper.run('leave-eu', 'ann');
  t.match(await keeper.run('leave-eu', 'ann'), { kind: 'refused', code: 'UNDER_WAY' });
});

test('steps read as the configuration has them', async (t) => {
  t.strictSame(LEAVE.steps.map(stepText), ['drain zone eu-a for 2h', 'drain region eu', 'undrain zone eu-a']);
  t.equal(stepText(drain('cluster', 'a', { force: true })), 'drain cluster a, whatever is emptied');
  for (const text of ['90s', '30m', '1h30m', '2d', '1d1h1m1s'])
    t.equal(durationText(parseDuration(text)), text.replace('90s', '1m30s'));
});
