/** The tables of clients' places: when they are made, of what, and what stays when that fails. Real files, and one real thread. */
import { rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Settings } from '../../../src/config/settings.ts';
import { compileInThread, type Compile } from '../../../src/serve/geo/compile-job.ts';
import { GeoKeeper, type GeoSettings, type Published } from '../../../src/serve/geo/geo-keeper.ts';
import { ClientPlace } from '../../../src/server/answer/client-place.ts';
import { systemTimers } from '../../../src/timers.ts';
import { parseAddress } from '../../../src/zonebuilder/ip-text.ts';
import type { ClusterState } from '../../../src/zonebuilder/facts.ts';
import type { OrderStep } from '../../../src/zonebuilder/orders.ts';
import { SETTINGS } from '../fake-parts.ts';
import { writeDatabase, type DatabaseOptions, type Value } from '../../geo/write-database.ts';
import { scratch } from '../../support/scratch.ts';

const record = (latitude: number, longitude: number): Value => ({ location: { latitude, longitude } });
const PARIS = record(48.85, 2.35);
const BOSTON = record(42.36, -71.06);
const SANTIAGO = record(-33.46, -70.65);
const networks: DatabaseOptions['networks'] = [
  [[8, 0, 0, 0], 8, BOSTON],
  [[9, 0, 0, 0], 8, PARIS],
  [[11, 0, 0, 0], 8, SANTIAGO],
];

const clusters: readonly ClusterState[] = [
  { name: 'eu', region: 'eu-central-1', zones: ['eu-central-1a'], status: 'available' },
  { name: 'us', region: 'us-east-1', zones: ['us-east-1a', 'us-east-1-scl-1a'], status: 'available' },
];

/** A keeper on a folder of the test, and what came of it. */
function open(t: Test, options: { readonly compile?: Compile; readonly clusters?: ClusterState[] } = {}) {
  const published: Published[] = [];
  const lines: string[] = [];
  const say = (fields: object, message: string): void => {
    lines.push(`${(fields as { code?: string }).code ?? ''} ${message}`.trim());
  };
  const jobs: (() => Promise<void>)[] = [];
  const state = options.clusters ?? [...clusters];
  const keeper = new GeoKeeper({
    compile: options.compile ?? compileInThread,
    clusters: () => state,
    publish: async (tables) => {
      published.push(tables);
    },
    clock: () => 1_800_000_000_000,
    timers: { now: systemTimers.now, after: (_ms, run) => systemTimers.after(0, run) },
    schedule: (_name, _cron, run) => {
      jobs.push(run);
      return { stop: async () => {} };
    },
    log: { debug: say, info: say, warn: say, error: say },
  });
  t.teardown(() => keeper.stop());
  return { keeper, published, lines, jobs, state };
}

function settingsOf(databases: readonly string[], more: Partial<Settings> = {}): GeoSettings {
  return { ...SETTINGS, clusters: [], ...(databases.length > 0 && { geoip: { databases } }), ...more };
}

/** Where a client is sent, step by step. */
function stepsFor({ memory, orders }: Published, address: string): string | undefined {
  const place = new ClientPlace(memory);
  const octets = parseAddress(address)!;
  place.locate(octets, 0, octets.length);
  if (place.version !== orders.version) return 'another version';
  return orders.rows[place.row]?.map(stepText).join(' ');
}

function stepText(step: OrderStep): string {
  if (step.kind === 'cluster') return `cluster:${step.cluster}`;
  return step.kind === 'region' ? step.region : `${step.zone}.${step.region}`;
}

async function fileOf(t: Test, name: string, options: Partial<DatabaseOptions> = {}): Promise<string> {
  const path = join(scratch(t, {}), name);
  await writeFile(path, writeDatabase({ networks, ...options }));
  return path;
}

t.test('a database is compiled in its thread; a Local Zone is a place of its own', async (t) => {
  const { keeper, published } = open(t);
  keeper.adopt(settingsOf([await fileOf(t, 'a.mmdb')]));
  await keeper.refresh();
  t.equal(stepsFor(published[0]!, '9.1.2.3'), 'eu-central-1 us-east-1 us-east-1-scl-1a.us-east-1');
  t.equal(stepsFor(published[0]!, '8.1.2.3'), 'us-east-1 eu-central-1 us-east-1-scl-1a.us-east-1');
  t.equal(
    stepsFor(published[0]!, '11.1.2.3'),
    'us-east-1-scl-1a.us-east-1 us-east-1 eu-central-1',
    'Santiago is not Virginia',
  );
  t.equal(stepsFor(published[0]!, '13.1.2.3'), undefined, 'who is in no database is unknown');
  t.match(keeper.state(), { files: [{ type: 'Test-City' }], reloads: { success: 1, failure: 0 } });
});

t.test(
  'the configuration goes before what fedns knows: places, countries, and what is near by cost',
  async (t) => {
    const { keeper, published } = open(t);
    const regions: Settings['regions'] = [
      {
        name: 'us-east-1',
        countries: [],
        near: ['eu-central-1'],
        zones: [{ name: 'us-east-1a', place: [-33, -70] }],
      },
      { name: 'eu-central-1', place: [48, 2], countries: ['JP'], near: [], zones: [] },
    ];
    const path = await fileOf(t, 'a.mmdb', {
      networks: [...networks, [[12, 0, 0, 0], 8, { country: { iso_code: 'JP' } }]],
    });
    keeper.adopt(settingsOf([path], { regions }));
    await keeper.refresh();
    t.match(stepsFor(published[0]!, '12.1.2.3'), /^eu-central-1 /, 'a country that belongs to a region');
    t.match(stepsFor(published[0]!, '8.1.2.3'), /^us-east-1 eu-central-1 /, 'the list before distance');
    t.match(stepsFor(published[0]!, '11.1.2.3'), /^us-east-1(a|-scl-1a)\.us-east-1 us-east-1 eu-central-1 /);
    const froms = new Map(keeper.state().places.map(({ location, pointFrom }) => [location, pointFrom]));
    t.equal(froms.get('eu-central-1'), 'configuration');
    t.equal(froms.get('us-east-1'), 'AWS: Ashburn');
  },
);

t.test(
  'of regions that share a country the first in the configuration has those of whom no more is known',
  async (t) => {
    const { keeper, published } = open(t);
    const path = await fileOf(t, 'a.mmdb', {
      networks: [...networks, [[12, 0, 0, 0], 8, { country: { iso_code: 'JP' } }]],
    });
    const [us, eu] = ['us-east-1', 'eu-central-1'].map((name) => ({
      name,
      countries: ['JP'],
      near: [],
      zones: [],
    }));
    keeper.adopt(settingsOf([path], { regions: [us!, eu!] }));
    await keeper.refresh();
    t.match(stepsFor(published[0]!, '12.1.2.3'), /^us-east-1 /);
    keeper.adopt(settingsOf([path], { regions: [eu!, us!] }));
    await keeper.refresh();
    t.match(stepsFor(published[1]!, '12.1.2.3'), /^eu-central-1 /);
  },
);

t.test('clients of a cluster get its own shard first, with and without a database', async (t) => {
  const { keeper, published, state } = open(t);
  keeper.adopt(
    settingsOf([], { clusters: [{ ...SETTINGS.clusters[0]!, name: 'eu', clients: ['10.4.0.0/14'] }] }),
  );
  await keeper.refresh();
  t.equal(
    stepsFor(published[0]!, '10.5.1.1'),
    'cluster:eu eu-central-1a.eu-central-1 eu-central-1 us-east-1 us-east-1-scl-1a.us-east-1',
  );
  t.equal(stepsFor(published[0]!, '10.9.1.1'), undefined);
  state[1] = { ...state[1]!, networks: ['10.9.0.0/24', '10.5.0.0/24'] };
  keeper.touch();
  await keeper.refresh();
  t.match(stepsFor(published[1]!, '10.9.0.1'), /^cluster:us us-east-1a\.us-east-1 /, 'what Nodes say');
  t.match(
    stepsFor(published[1]!, '10.5.0.1'),
    /^cluster:eu /,
    'but not of what the configuration gives another cluster',
  );
});

t.test('what two clusters say of themselves is nobody’s where it is the same', async (t) => {
  const state: ClusterState[] = [
    { ...clusters[0]!, networks: ['10.244.0.0/16', '10.1.0.0/24'] },
    { ...clusters[1]!, networks: ['10.244.1.0/24', '10.2.0.0/24'] },
  ];
  const { keeper, published, lines } = open(t, { clusters: state });
  keeper.adopt(settingsOf([]));
  await keeper.refresh();
  const [tables] = published;
  t.equal(stepsFor(tables!, '10.244.1.1'), undefined, 'claimed by both');
  t.match(
    stepsFor(tables!, '10.244.2.1'),
    /^cluster:eu /,
    'a cluster takes from another only what both name',
  );
  t.match(stepsFor(tables!, '10.1.0.1'), /^cluster:eu /);
  t.match(stepsFor(tables!, '10.2.0.1'), /^cluster:us /);
  t.same(
    lines.filter((line) => line.startsWith('clusters claim')),
    ['clusters claim the same networks: these are nobody’s'],
  );
});

const broken = [
  ['cut', writeDatabase({ networks }).subarray(0, 300), 'GEOIP_MALFORMED'],
  ['without places', writeDatabase({ networks: [[[8, 0, 0, 0], 8, { asn: 1 }]] }), 'GEOIP_NO_PLACES'],
  ['empty', writeDatabase({ networks: [] }), 'GEOIP_NO_PLACES'],
  ['built before the one in use', writeDatabase({ networks, builtSeconds: 1_600_000_000 }), 'GEOIP_OLDER'],
  ['gone', undefined, 'ENOENT'],
] as const;

for (const [title, octets, code] of broken) {
  t.test(`a database that is ${title} changes nothing, and is told once`, async (t) => {
    const { keeper, published, lines, jobs } = open(t);
    const path = await fileOf(t, 'a.mmdb');
    keeper.adopt(settingsOf([path]));
    await keeper.refresh();
    if (octets === undefined) await rm(path);
    else await writeFile(path, octets);
    await jobs[0]!();
    await jobs[0]!();
    t.equal(published.length, 1);
    t.match(stepsFor(published[0]!, '9.1.2.3'), /^eu-central-1 /);
    t.match(keeper.state(), {
      trouble: { code },
      files: [{ builtMs: 1_700_000_000_000 }],
      reloads: { failure: 1 },
    });
    t.match(lines.at(-1), /the databases before stay in use/);
    // A later one that is whole takes its place.
    const next = writeDatabase({ networks: [[[8, 0, 0, 0], 8, PARIS]], builtSeconds: 1_700_000_001 });
    await writeFile(`${path}.new`, next);
    await utimes(`${path}.new`, 1, 1);
    await rename(`${path}.new`, path);
    await jobs[0]!();
    t.match(stepsFor(published[1]!, '8.1.2.3'), /^eu-central-1 /);
    t.equal(keeper.state().trouble, undefined);
  });
}

t.test('a database that cannot be used from the start: clients’ networks count all the same', async (t) => {
  const state: ClusterState[] = [{ ...clusters[0]!, networks: ['10.1.0.0/24'] }];
  const { keeper, published, lines } = open(t, { clusters: state });
  const path = join(scratch(t, {}), 'a.mmdb');
  await writeFile(path, 'no database');
  keeper.adopt(settingsOf([path]));
  await keeper.refresh();
  t.match(stepsFor(published[0]!, '10.1.0.1'), /^cluster:eu /);
  t.match(lines[0], /no client is found by a database/);
});

t.test('nothing is compiled where no client could be known, nor twice of the same', async (t) => {
  let compiled = 0;
  const compile: Compile = (order, signal) => {
    compiled++;
    return compileInThread(order, signal);
  };
  const { keeper, published, state, jobs } = open(t, { compile });
  keeper.adopt(settingsOf([]));
  await keeper.refresh();
  t.equal(compiled, 0, 'no database, no networks');
  const path = await fileOf(t, 'a.mmdb');
  keeper.adopt(settingsOf([path]));
  await keeper.refresh();
  await jobs[0]!();
  state[0] = { ...state[0]!, status: 'held' };
  keeper.refresh();
  state[0] = { ...state[0]!, networks: ['10.1.0.0/24'] };
  keeper.refresh();
  await keeper.refresh();
  t.equal(compiled, 1, 'networks of clients need no database');
  state[0] = { ...state[0]!, region: 'eu-west-3' };
  keeper.refresh();
  await keeper.refresh();
  t.equal(compiled, 2, 'another region does');
  t.match(stepsFor(published[2]!, '9.1.2.3'), /^eu-west-3 /);
});
