/** Several servers that share their drains and have the same drill: which of them runs it, on drains and domains as they are served. */
import { test } from 'tap';
import { parseSettings } from '../../src/config/load.ts';
import { createSchedule, nextMoment } from '../../src/jobs.ts';
import { BuiltDomain } from '../../src/serve/built-domain.ts';
import { drillGround } from '../../src/serve/drill-ground.ts';
import type { Drain } from '../../src/steering/drains/drain.ts';
import { FORGETFUL } from '../../src/steering/drains/drain-file.ts';
import { Drains, type SharedDrains } from '../../src/steering/drains/drains.ts';
import { DrillKeeper } from '../../src/steering/drills/drill-keeper.ts';
import { NO_JOURNAL } from '../../src/journal/entry.ts';
import { dated } from '../support/dated.ts';
import { makeShard } from '../support/federation.ts';
import { quietLog, StillTime } from '../support/still-time.ts';

const TEXT = `
domain: example.com
nameservers: [{ name: ns.example.net }]
federations: [{ name: f }]
clusters:
  - { name: eu-1, region: eu, zones: [eu-a], manifests: . }
  - { name: us-1, region: us, zones: [us-a], manifests: . }
drills:
  - { name: weekly, cron: 0 10 * * 2, timeZone: Europe/Berlin, what: region eu, for: 30m }
`;
const { settings } = parseSettings(TEXT, { file: '/etc/fedns/fedns.yaml' });

/** One object that several servers change, each by its version, and hear of later. */
class SharedObject {
  #drains: readonly Drain[] = [];
  #version = 0;
  readonly #listeners = new Set<(drains: readonly Drain[]) => void>();
  conflicts = 0;

  get drains(): readonly Drain[] {
    return this.#drains;
  }

  /** Everybody hears of what is there. */
  tell(): void {
    for (const listener of this.#listeners) listener(this.#drains);
  }

  view(): SharedDrains {
    return {
      start: (onDrains) => void this.#listeners.add(onDrains),
      change: async (edit) => {
        for (;;) {
          const version = this.#version;
          const after = edit(this.#drains);
          await new Promise((resolve) => {
            setImmediate(resolve);
          });
          if (version === this.#version) {
            this.#version++;
            return (this.#drains = after);
          }
          this.conflicts++;
        }
      },
      status: () => ({ where: 'ConfigMap dns/drains' }),
      stop: async () => {},
    };
  }
}

function makeServer(
  time: StillTime,
  shared: SharedDrains,
): { readonly keeper: DrillKeeper; readonly drains: Drains; readonly domain: BuiltDomain } {
  let serial = 1;
  const domain = new BuiltDomain(settings, {
    nextSerial: () => ++serial,
    currentSerial: () => serial,
    clock: time.clock,
    onImage: () => {},
    onChange: () => {},
    onHealth: () => {},
  });
  for (const [i, region] of ['eu', 'us'].entries()) {
    domain.setCluster({ name: `${region}-1`, region, zones: [`${region}-a`], status: 'available' });
    domain.upsertShard(makeShard(`${region}-1`, 'web.shop.f', { addresses: [`192.0.2.${i}`] }));
  }
  const common = { clock: time.clock, timers: time, log: quietLog };
  const drains = new Drains({
    ...common,
    domain: () => domain,
    keep: FORGETFUL,
    shared,
    served: async () => {},
    journal: NO_JOURNAL,
  });
  drains.start();
  const keeper = new DrillKeeper({
    ...common,
    ground: drillGround({
      drains,
      domain: () => domain,
      dataPlane: () => undefined,
      guardHeld: () => [],
      clock: time.clock,
    }),
    ledger: { load: async () => undefined, save: async () => {} },
    schedule: createSchedule(quietLog, time),
    nextMoment,
    note: () => {},
    planUnderWay: () => undefined,
  });
  return { keeper, drains, domain };
}

test('of servers that share their drains one runs a drill, though all begin it at the same moment', async (t) => {
  const time = new StillTime(Date.parse('2026-11-24T08:59Z'));
  const object = new SharedObject();
  await dated(time.clock, async () => {
    const servers = Array.from({ length: 3 }, () => makeServer(time, object.view()));
    for (const { keeper } of servers) await keeper.adopt(settings.drills);
    // As each does by itself when the moment comes; nobody has heard of the others' drains before all have ordered theirs.
    await Promise.all(servers.map(({ keeper }) => keeper.begin('weekly', 'calendar')));
    object.tell();
    await time.advance(1000);
    t.strictSame(servers.map(({ keeper }) => keeper.running).toSorted(), ['weekly', undefined, undefined]);
    t.ok(object.conflicts > 0, 'they have met');
    t.match(object.drains, [{ kind: 'region', name: 'eu', by: 'drill weekly', scope: 'shared' }]);
    const others = servers.filter(({ keeper }) => keeper.running === undefined);
    for (const { keeper, domain } of others) {
      t.match(keeper.views()[0]!.last, { outcome: 'skipped', code: 'elsewhere' });
      t.equal(domain.countingShards('web.shop.f'), 1, 'all of them drain');
    }

    // One that does not run it stops it.
    t.match(await others[0]!.keeper.end('weekly', 'anna'), { kind: 'ended' });
    object.tell();
    await time.advance(1000);
    t.strictSame(
      servers.map(({ keeper }) => keeper.running),
      [undefined, undefined, undefined],
    );
    const reports = servers.map(({ keeper }) => keeper.views()[0]!.last?.code).toSorted();
    t.strictSame(reports, ['elsewhere', 'operator', 'undrained']);
    for (const { domain } of servers) t.equal(domain.countingShards('web.shop.f'), 2);
    for (const { keeper, drains } of servers) {
      await keeper.stop();
      await drains.stop();
    }
  });
});

test('a server whose clock is behind leaves a drill alone that another has run', async (t) => {
  const time = new StillTime(Date.parse('2026-11-24T08:59Z'));
  const object = new SharedObject();
  await dated(time.clock, async () => {
    const [one, late] = [makeServer(time, object.view()), makeServer(time, object.view())];
    await one.keeper.adopt(settings.drills);
    await time.advance(61_000);
    t.equal(one.keeper.running, 'weekly');
    await late.keeper.adopt([{ ...settings.drills[0]!, cron: '1 10 * * 2' }]);
    // As a published change has it look; its own is a second ago at most.
    await time.advance(1000);
    object.tell();
    late.keeper.lookAt([]);
    await one.keeper.end('weekly', 'anna');
    object.tell();
    await time.advance(60_000);
    t.match(late.keeper.views()[0]!.last, { outcome: 'skipped', code: 'elsewhere' });
    t.match(await late.keeper.begin('weekly', 'anna'), { kind: 'begun' }, 'by hand it can be begun');
    for (const { keeper, drains } of [one, late]) {
      await keeper.stop();
      await drains.stop();
    }
    t.strictSame(object.drains, []);
  });
});
