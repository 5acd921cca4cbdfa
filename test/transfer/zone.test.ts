import { createHash } from 'node:crypto';
import { test } from 'tap';
import { condense, DifferenceJournal, type Step } from '../../src/transfer/journal.ts';
import { ZoneFeed } from '../../src/transfer/feed.ts';
import { RecordDigest } from '../../src/transfer/digest.ts';
import { walkWire } from '../../src/transfer/listing.ts';
import { packRecord, toWire, unpackRecords } from '../../src/transfer/wire-record.ts';
import { Zone } from '../../src/transfer/zone.ts';
import { listRecords, PLACEHOLDER_TYPE, soaRecord } from '../../src/zonebuilder/records.ts';
import { packStatics } from '../../src/zonebuilder/static-set.ts';
import { apexOf } from '../support/apex.ts';
import { type Federation, makeFederation, toRecord } from '../support/federation.ts';
import { announce, makeRandom, mutate, type Random, SERVICES } from '../support/random.ts';

const DOMAIN = 'example.com';
const WHEN = ['nodata', 'nxdomain', 'lastKnown'] as const;

/** Records that stand beside Services, take names from them, or stand for them. */
const RECORDS = [
  'web.shop.f.svc.us.example.com TXT "beside a level"',
  'web.shop.f.svc.eu1.example.com A 203.0.113.1',
  'db.shop.f.svc.us.example.com CNAME elsewhere.example.net',
  '_http._tcp.web.blog.f.svc.example.com SRV 1 2 80 www.example.com',
  'www.example.com ALIAS web.shop.f.svc.us2.example.com',
  'api.example.com ALIAS api.blog.g.svc.example.com',
  '*.wild.example.com A 203.0.113.2',
  'shop.f.svc.example.com TXT "a namespace"',
  'sub.example.com NS ns.sub.example.com',
  'ns.sub.example.com A 203.0.113.3',
] as const;

interface World {
  readonly federation: Federation;
  readonly feed: ZoneFeed;
  readonly zone: Zone;
  readonly whenNoneHealthy: (typeof WHEN)[number];
  /** What secondaries would have, who got every difference. */
  secondary: Set<string>;
}

function makeWorld(random: Random): World {
  const whenNoneHealthy = random.pick(WHEN);
  const records = RECORDS.filter(() => !random.oneIn(3));
  let feed: ZoneFeed | undefined;
  const federation = makeFederation({
    whenNoneHealthy,
    records,
    flatten: random.oneIn(2),
    recorder: {
      service: (before, after) => feed?.service(before, after),
      places: (read) => feed?.places(read),
      clusters: (read) => feed?.clusters(read),
      statics: (before, after) => feed?.statics(before, after),
      discard: () => feed?.discard(),
      publish: (publication) => feed?.publish(publication),
    },
  });
  feed = new ZoneFeed({
    start: {
      domain: DOMAIN,
      whenNoneHealthy,
      primary: 'ns1.example.com',
      hostmaster: 'hostmaster.example.com',
      ttlSeconds: 21600,
      nodataTtlSeconds: 180,
    },
    statics: federation.builder.statics,
    onWaiting: () => {},
  });
  announce(federation);
  federation.builder.beginServing();
  const zone = new Zone(1_000_000);
  for (let i = 0; i < 5; i++) mutate(random, federation);
  const { builder } = federation;
  const blobs = [...builder.serviceNames()].map((name) => [name, builder.blobOf(name)!] as const);
  zone.update(feed.everything(blobs, 1));
  return { federation, feed, zone, whenNoneHealthy, secondary: recordsOf(zone) };
}

/** One or several changes, at times of the static records, and the version after them. */
function change(random: Random, { federation, feed, zone }: World): void {
  for (let left = 1 + random.below(3); left > 0; left--) mutate(random, federation);
  if (random.oneIn(6)) {
    const records = RECORDS.filter(() => !random.oneIn(3)).map(toRecord);
    federation.builder.replaceStatics(
      packStatics([...records, toRecord('example.com NS ns1.example.com')], DOMAIN),
    );
  }
  const update = feed.take();
  if (update !== undefined) zone.update(update);
}

function recordsOf(zone: Zone): Set<string> {
  const records = [...walkWire(zone.freeze().view)].flat();
  return new Set(records.map((record) => packRecord(record).toString('latin1')));
}

/** What `fedns records` lists, without the SOA. */
function listed({ federation, whenNoneHealthy }: World): Set<string> {
  const soa = soaRecord({ domain: DOMAIN, primary: 'a', hostmaster: 'b', serial: 1, apex: apexOf(DOMAIN) });
  const sets = [...listRecords(federation.builder, soa)].slice(1);
  const namespaces = new Set(
    SERVICES.map((service) => `${service.replace(/^[^.]*\./, '')}.svc.example.com.`),
  );
  // How a namespace without any name below it is kept in existence is the zone's own business; see listing.ts.
  const isMark = ({ name, type }: { name: string; type: string }): boolean =>
    whenNoneHealthy === 'nxdomain' && type === PLACEHOLDER_TYPE && namespaces.has(name);
  const records = sets.filter((set) => !isMark(set)).flatMap((set) => [...toWire(set)]);
  return new Set(records.map((record) => packRecord(record).toString('latin1')));
}

/** One text, for sets of thousands are compared in no time at all so. */
function textOf(records: Iterable<string>): string {
  return createHash('sha256')
    .update([...records].toSorted().join('\n'), 'latin1')
    .digest('hex');
}

function apply(
  records: ReadonlySet<string>,
  { removed, added }: Pick<Step, 'removed' | 'added'>,
): Set<string> {
  const after = new Set(records);
  for (const record of unpackRecords(removed)) {
    const key = packRecord(record).toString('latin1');
    if (!after.delete(key)) throw new Error('a record goes that was not there');
  }
  for (const record of unpackRecords(added)) {
    const key = packRecord(record).toString('latin1');
    if (after.has(key)) throw new Error('a record comes that is there');
    after.add(key);
  }
  return after;
}

test('a transferred zone is what records lists, and differences lead from each version to the next', async (t) => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = makeRandom(seed);
    const world = makeWorld(random);
    const { zone } = world;
    let from = zone.cut().serial;
    const first = { serial: from, records: world.secondary };
    for (let i = 0; i < 12; i++) {
      change(random, world);
      const { serial } = zone.cut();
      const steps = zone.journal.since(from) ?? [];
      t.equal(steps.length, serial === from ? 0 : 1, `seed ${seed}: one step from each version to the next`);
      for (const step of steps) world.secondary = apply(world.secondary, step);
      t.equal(
        textOf(world.secondary),
        textOf(recordsOf(zone)),
        `seed ${seed}: what a secondary has is the zone`,
      );
      from = serial;
    }
    const all = listed(world);
    const marks = [...recordsOf(zone)].filter((record) => !all.has(record));
    t.ok(
      world.whenNoneHealthy === 'nxdomain' || marks.length === 0,
      `seed ${seed}: nothing is there that is not listed`,
    );
    t.equal(
      textOf([...recordsOf(zone)].filter((record) => !marks.includes(record))),
      textOf(listed(world)),
      `seed ${seed}: all that is listed is there`,
    );
    const leap = zone.journal.since(first.serial) ?? [];
    t.equal(
      textOf(leap.reduce(apply, first.records)),
      textOf(world.secondary),
      `seed ${seed}: the first version leads to the last`,
    );
    t.ok(leap.length <= 1, `seed ${seed}: many steps are condensed`);
    if (!t.passing()) return;
  }
});

test('the digest follows the differences, and is that of the listing', async (t) => {
  for (let seed = 1; seed <= 4; seed++) {
    const random = makeRandom(seed);
    const world = makeWorld(random);
    const { zone } = world;
    zone.cut();
    zone.wantDigest();
    // It is worked out while the zone changes.
    for (let i = 0; i < 12; i++) {
      zone.workDigest(2);
      change(random, world);
      zone.cut();
    }
    while (zone.workDigest(100));
    const whole = new RecordDigest();
    for (const records of walkWire(zone.freeze().view)) for (const record of records) whole.add(record);
    t.equal(zone.digest!.text, whole.text, `seed ${seed}`);
    t.equal(zone.digest!.records, whole.records, `seed ${seed}`);
    const before = whole.text;
    for (const record of [...walkWire(zone.freeze().view)].flat().slice(0, 1)) whole.remove(record);
    t.not(whole.text, before, 'a record less is another digest');
  }
});

test('the journal keeps what fits, and knows no version before it', async (t) => {
  const journal = new DifferenceJournal(2000);
  const octets = Buffer.alloc(300);
  for (let from = 1; from <= 10; from++)
    journal.add({ from, to: from + 1, removed: octets, added: Buffer.alloc(0) });
  t.ok(journal.octets <= 2000);
  t.equal(journal.since(1), undefined);
  t.equal(journal.since(11), undefined, 'the newest has nothing behind it');
  t.equal(journal.steps, 3);
  journal.add({ from: 11, to: 12, removed: Buffer.alloc(5000), added: Buffer.alloc(0) });
  t.equal(journal.steps, 0, 'a step that does not fit leaves nothing that leads over it');
});

test('RFC 1995 section 5: a record that came and went is in no condensed step', async (t) => {
  const [a, b] = ['a.example. A 192.0.2.1', 'b.example. A 192.0.2.2'].map((line) => {
    const [name = '', type = '', data = ''] = line.split(' ');
    return packRecord([...toWire({ name, type, ttlSeconds: 1, data: [data] })][0]!);
  }) as [Buffer, Buffer];
  const none = Buffer.alloc(0);
  const step = condense([
    { from: 1, to: 2, removed: none, added: a },
    { from: 2, to: 3, removed: Buffer.concat([a, b]), added: none },
    { from: 3, to: 4, removed: none, added: b },
  ]);
  t.strictSame(step, { from: 1, to: 4, removed: none, added: none });
});
