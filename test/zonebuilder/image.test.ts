/** The writer of the image, by itself: tables, arenas, limits, and what many updates leave behind. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { encodeClusters } from '../../src/zonebuilder/cluster-table.ts';
import { ImageWriter, type ImageMemory } from '../../src/zonebuilder/image.ts';
import { Awaited, Blob, BlobKind } from '../../src/zonebuilder/layout.ts';
import { encodeLocations, LocationRegistry } from '../../src/zonebuilder/locations.ts';
import { encodeName } from '../../src/zonebuilder/names.ts';
import { packStatics } from '../../src/zonebuilder/static-set.ts';
import { encodeStatics } from '../../src/zonebuilder/static-table.ts';
import { ImageView } from '../../src/server/answer/image-view.ts';
import { makeRandom } from '../support/random.ts';
import { makeFederation } from '../support/federation.ts';

const MIB = 1 << 20;

interface Image {
  readonly writer: ImageWriter;
  readonly locations: LocationRegistry;
  readonly handles: ImageMemory[];
  /** A view of what is published now. */
  view(): ImageView;
}

function makeImage(octetsMax?: number): Image {
  const locations = new LocationRegistry();
  const handles: ImageMemory[] = [];
  const writer = new ImageWriter(
    {
      encodeStatics: (seed) => encodeStatics(packStatics([], 'example.com'), seed),
      encodeLocations: (seed) => encodeLocations(locations.names(), seed),
      encodeClusters: (seed) => encodeClusters([], seed),
    },
    (memory) => handles.push(memory),
    octetsMax === undefined ? {} : { octetsMax },
  );
  return { writer, locations, handles, view: () => new ImageView(writer.memory, 0) };
}

function keyOf(name: string): Buffer {
  return encodeName(name).subarray(0, -1);
}

/** What is on the heap and reachable. */
function heapOctets(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

function dataOf(key: Buffer): DataView {
  return new DataView(key.buffer, key.byteOffset, key.length);
}

/** A blob of `octets` that says `ttl`, filled with its lowest octet. */
function blobOf(key: Buffer, ttl: number, octets = Blob.key + key.length): Buffer {
  const blob = Buffer.alloc(octets, ttl & 255);
  blob.writeUInt32LE(ttl, Blob.ttl);
  blob.writeUInt32LE(octets, Blob.octets);
  blob[Blob.kind] = BlobKind.service;
  blob[Blob.keyOctets] = key.length;
  key.copy(blob, Blob.key);
  return blob;
}

function put({ writer }: Image, name: string, ttl: number, octets?: number): void {
  const key = keyOf(name);
  writer.put(key, blobOf(key, ttl, octets));
}

/** The TTL under a name, as a reader finds it; undefined when there is none. */
function read(view: ImageView, name: string): number | undefined {
  const key = keyOf(name);
  const blob = view.findBlob(dataOf(key), 0, key.length);
  return blob === 0 ? undefined : view.ttlSeconds(blob);
}

t.test('random updates against a plain map', (t) => {
  const random = makeRandom(11);
  const image = makeImage();
  const model = new Map<string, number>();
  for (let i = 0; i < 60_000; i++) {
    const name = `s${random.below(3000)}.n.f`;
    if (random.oneIn(3)) {
      image.writer.delete(keyOf(name));
      model.delete(name);
    } else {
      put(image, name, i, 64 + random.below(400));
      model.set(name, i);
    }
    if (i % 5000 !== 0) continue;
    const view = image.view();
    const wrong = Array.from({ length: 3000 }, (_, n) => `s${n}.n.f`).filter(
      (key) => read(view, key) !== model.get(key),
    );
    t.strictSame(wrong, [], `after ${i} updates`);
    t.equal(image.writer.size.entries, model.size, 'entries are counted');
  }
  t.ok(image.handles.length > 2, 'the table and the arena grew on the way');
  t.end();
});

t.test('content is the same in a new arena', (t) => {
  const image = makeImage();
  const key = keyOf('kept.n.f');
  const blob = blobOf(key, 7, 1000);
  image.writer.put(key, blob);
  image.writer.setSerial(0xfffffff0);
  image.writer.setAwaited(Awaited.shards | Awaited.names, 15);
  const before = image.writer.memory;
  const old = image.view();
  for (let i = 0; i < 2000; i++) put(image, `s${i}.n.f`, i, 1000);
  t.not(image.writer.memory.arena, before.arena, 'it is other memory');
  t.ok(image.writer.memory.generation > before.generation);
  t.ok(old.isStale, 'readers can tell');
  t.equal(read(old, 'kept.n.f'), 7, 'what they read meanwhile is still there');
  t.ok(image.writer.get(key)?.equals(blob), 'octet for octet');
  t.equal(image.view().serial, 0xfffffff0 | 0);
  const now = image.view();
  now.enter();
  t.ok(now.isPending);
  t.equal(now.awaited, Awaited.shards | Awaited.names);
  now.leave();
  t.end();
});

t.test('locations that are published while the arena is full are found in the new one', (t) => {
  const image = makeImage();
  image.locations.enter('us', false);
  const { generation } = image.writer.memory;
  // The table fills the arena by itself in the end, since every publication needs room beside the last one.
  for (let i = 0; image.writer.memory.generation === generation; i++) {
    image.locations.enter(`region-${i}`, false);
    image.writer.putLocations();
    if (i > 2000) break;
  }
  t.not(image.writer.memory.generation, generation, 'the arena was replaced');
  const view = image.view();
  const missing = image.locations.names().filter(({ text }) => {
    const key = keyOf(text);
    return view.findLocation(dataOf(key), 0, key.length) === 0;
  });
  t.strictSame(missing, []);
  t.end();
});

t.test('a blob that does not fit leaves the image as it was', (t) => {
  const image = makeImage(3 * MIB);
  put(image, 'small.n.f', 1);
  put(image, 'large.n.f', 2, MIB / 2);
  const { memory } = image.writer;
  const view = image.view();
  t.throws(() => put(image, 'small.n.f', 3, 4 * MIB), { code: 'IMAGE_FULL' });
  t.throws(() => put(image, 'new.n.f', 3, 4 * MIB), { code: 'IMAGE_FULL' });
  t.strictSame(image.writer.memory, memory, 'the same memory');
  t.notOk(view.isStale);
  t.equal(read(view, 'small.n.f'), 1, 'the old blob');
  t.equal(read(view, 'new.n.f'), undefined);
  put(image, 'small.n.f', 4);
  t.equal(read(image.view(), 'small.n.f'), 4, 'what fits is still taken');
  t.equal(read(image.view(), 'large.n.f'), 2);
  t.end();
});

t.test('a full image takes new names again once others have gone', (t) => {
  const image = makeImage(4 * MIB);
  let count = 0;
  t.throws(
    () => {
      for (; ; count++) put(image, `s${count}.n.f`, count, 4096);
    },
    { code: 'IMAGE_FULL' },
  );
  const view = image.view();
  const lost = Array.from({ length: count }, (_, i) => i).filter((i) => read(view, `s${i}.n.f`) !== i);
  t.strictSame(lost, [], `all of ${count} are served`);
  for (let i = 0; i < count; i += 2) image.writer.delete(keyOf(`s${i}.n.f`));
  t.doesNotThrow(() => put(image, 'new.n.f', 1, 4096));
  t.end();
});

t.test('a million updates leave nothing behind', (t) => {
  const image = makeImage();
  const random = makeRandom(3);
  const names = Array.from({ length: 1000 }, (_, i) => keyOf(`s${i}.n.f`));
  let capacity = 0;
  let retired = 0;
  for (let i = 0; i < 1_000_000; i++) {
    const key = names[random.below(names.length)]!;
    if (random.oneIn(4)) image.writer.delete(key);
    else image.writer.put(key, blobOf(key, i, 64 + random.below(12) * 32));
    const { size } = image.writer;
    capacity = Math.max(capacity, size.capacity);
    retired = Math.max(retired, size.retired);
  }
  t.ok(capacity < 2 * MIB, `the arena had ${capacity} octets at most`);
  t.ok(retired <= 64, `${retired} retired blobs at most`);
  t.ok(image.writer.size.used < capacity);
  t.end();
});

t.test('a reader that stays where it is costs memory that is given back with it', (t) => {
  const image = makeImage();
  const view = image.view();
  put(image, 'held.n.f', 1, 512);
  view.enter();
  const key = keyOf('held.n.f');
  const blob = view.findBlob(dataOf(key), 0, key.length);
  for (let i = 2; i < 20_000; i++) put(image, 'held.n.f', i, 512);
  t.equal(view.ttlSeconds(blob), 1, 'it still sees what it found');
  t.ok(image.writer.size.capacity < 2 * MIB, 'the image did not grow');
  view.leave();
  for (let i = 0; i < 100; i++) put(image, 'held.n.f', i, 512);
  t.ok(image.writer.size.retired <= 64, 'all of it is free');
  t.end();
});

t.test('a hundred thousand changes of facts leave nothing behind', (t) => {
  const f = makeFederation();
  const random = makeRandom(4);
  f.cluster('c1', 'us', ['us1', 'us2']);
  f.cluster('c2', 'eu', ['eu1']);
  const change = (): void => {
    const shard = {
      cluster: random.pick(['c1', 'c2']),
      service: `s${random.below(50)}`,
      namespace: 'n',
      federation: 'f',
    };
    const cause = { object: 'test', timeMs: random.below(1e6) };
    if (random.oneIn(4)) f.builder.removeShard(shard, cause);
    else {
      const addresses = Array.from({ length: random.below(8) }, (_, i) => `192.0.2.${i}`);
      f.builder.upsertShard({
        ...shard,
        addresses,
        ready: !random.oneIn(3),
        readyZones: 'every',
        ports: [],
        cause,
      });
    }
    f.changes.length = 0;
    f.health.length = 0;
  };
  for (let i = 0; i < 20_000; i++) change();
  const before = heapOctets();
  for (let i = 0; i < 80_000; i++) change();
  const grown = heapOctets() - before;
  t.ok(grown < 2 * MIB, `the heap grew by ${grown} octets`);
  t.ok(f.builder.size.capacity < 2 * MIB, `the image has ${f.builder.size.capacity} octets`);
  t.ok(f.builder.size.entries <= 53, 'and no more names than there are Services and what is above them');
  t.end();
});
