/** Whatever the order of events, the facts are those of the objects that are left. Seeded, so that it repeats. */

import tap from 'tap';
import { ClusterObjects } from '../../../src/watchers/objects/cluster-objects.ts';
import {
  OBJECT_KINDS,
  slimObject,
  type ObjectKind,
  type SlimResult,
} from '../../../src/watchers/objects/objects.ts';
import { parseManifest } from '../../../src/watchers/manifests/manifest-parser.ts';
import { clusterSettings, node, service, serviceExport, slice } from '../kubernetes-objects.ts';
import { RecordingSink } from '../recording-sink.ts';

/** A small generator of the xorshift kind: numbers from 0 to `below` - 1. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const NAMES = ['a', 'b', 'c'];
const ZONES = ['z1', 'z2', 'z3', undefined];

function randomObject(random: (below: number) => number): unknown {
  const name = NAMES[random(NAMES.length)]!;
  switch (random(6)) {
    case 0:
    case 1:
      return service({
        name,
        labels: random(3) === 0 ? {} : { 'fedns.io/federation': ['main', 'second', 'other'][random(3)] },
        annotations: random(4) === 0 ? { 'fedns.io/ttl': String(random(3)) } : {},
        spec: {
          type: ['LoadBalancer', 'ClusterIP'][random(2)],
          publishNotReadyAddresses: random(4) === 0,
          ...(random(12) === 0 ? { ports: 'broken' } : {}),
        },
        ingress: random(3) === 0 ? [] : [{ ip: `192.0.2.${random(3) + 1}` }],
      });
    case 2:
    case 3: {
      const endpoints = Array.from({ length: random(3) }, () => ({
        addresses: ['10.0.0.1'],
        conditions: { ready: random(2) === 0 },
        zone: ZONES[random(4)],
      }));
      return slice(endpoints, { name: `slice-${random(4)}`, service: name });
    }
    case 4:
      return serviceExport(name);
    default: {
      const zone = ZONES[random(4)];
      const labels = {
        'topology.kubernetes.io/region': ['r1', 'r2'][random(2)],
        ...(zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone }),
      };
      return node(`n${random(3)}`, labels);
    }
  }
}

const CAUSE = { object: 'test', timeMs: 1 };

/** A Node that stays: where the last one has gone, a cluster remembers where it was, which one that sees less cannot. */
const ANCHOR = slimObject(
  node('anchor', { 'topology.kubernetes.io/region': 'r1', 'topology.kubernetes.io/zone': 'z1' }),
);

/** @param region - where the cluster was when last heard of */
function made(region?: string): { objects: ClusterObjects; sink: RecordingSink } {
  const sink = new RecordingSink();
  const objects = new ClusterObjects({
    settings: clusterSettings(),
    federations: [
      { name: 'main', select: 'label', policy: 'all' },
      { name: 'second', select: 'export', policy: 'all' },
    ],
    domain: 'example.com',
    sink,
    clock: () => 1,
    earlier: { zones: [], ...(region === undefined ? {} : { region }) },
  });
  objects.apply(ANCHOR, CAUSE);
  return { objects, sink };
}

/** The facts without what led to them. */
function facts(sink: RecordingSink): object {
  const shards = [...sink.shards].map(([key, { cause: _cause, ...shard }]) => [key, shard] as const);
  return {
    shards: Object.fromEntries(shards.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    clusters: [...sink.clusters],
  };
}

class World {
  readonly live = made();
  readonly current = new Map<string, SlimResult>();
  /** Batches begun and not ended. */
  open = 0;
  readonly random: (below: number) => number;

  constructor(seed: number) {
    this.random = generator(seed);
    if (this.random(2) === 0) this.live.objects.commitInitial(CAUSE);
  }

  step(): void {
    const { objects } = this.live;
    switch (this.random(12)) {
      case 0:
        return this.relist(OBJECT_KINDS[this.random(4)]!);
      case 1:
        this.open++;
        return objects.begin();
      case 2:
      case 3:
        return this.removeOne();
      default:
        return this.applyOne();
    }
  }

  /** Ends open batches and compares with a cluster that sees only what is left. */
  compare(t: Tap, title: string): void {
    for (; this.open > 0; this.open--) this.live.objects.commit();
    this.live.objects.commitInitial(CAUSE);
    const fresh = made(this.live.objects.report().region);
    for (const object of this.current.values()) fresh.objects.apply(object, CAUSE);
    fresh.objects.commitInitial(CAUSE);
    t.same(facts(this.live.sink), facts(fresh.sink), title);
    t.same(codes(this.live.objects), codes(fresh.objects), `${title}: refusals`);
  }

  applyOne(): void {
    const object = slimObject(randomObject(this.random));
    this.current.set(keyOf(object), object);
    this.live.objects.apply(object, CAUSE);
  }

  removeOne(): void {
    const keys = [...this.current.keys()];
    const key = keys[this.random(keys.length || 1)];
    if (key === undefined) return;
    this.current.delete(key);
    const [kind, namespace, name] = key.split(' ');
    this.live.objects.remove(kind as ObjectKind, namespace!, name!, CAUSE);
  }

  relist(kind: ObjectKind): void {
    for (const key of this.current.keys()) {
      if (key.startsWith(`${kind} `) && this.random(3) === 0) this.current.delete(key);
    }
    const left = [...this.current].filter(([key]) => key.startsWith(`${kind} `)).map(([, object]) => object);
    if (kind === 'Node') left.push(ANCHOR);
    this.live.objects.replaceAll(kind, left, CAUSE);
  }
}

function codes(objects: ClusterObjects): string[] {
  const { refusals } = objects.report();
  return refusals.map(({ object, code }) => `${object} ${code}`).toSorted();
}

type Tap = Pick<typeof tap, 'same'>;

function keyOf(object: SlimResult): string {
  if (object.kind === 'Other') throw new Error('no kind of ours');
  const kind = object.kind === 'Fault' ? object.of : object.kind;
  return `${kind} ${object.namespace} ${object.name}`;
}

tap.test('any order of events leads to the facts of the objects that are left', (t) => {
  for (let seed = 1; seed <= 150; seed++) {
    const world = new World(seed * 7919);
    for (let i = 0; i < 40; i++) {
      world.step();
      if (world.open > 0 && world.random(3) === 0) {
        world.open--;
        world.live.objects.commit();
      }
    }
    world.compare(t, `seed ${seed}`);
  }
  t.end();
});

tap.test('no manifest makes the parser throw', (t) => {
  const texts = [
    JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [service(), slice([{ zone: 'a' }]), node('n')] }),
    `apiVersion: v1\nkind: Service\nmetadata: {name: &n a, namespace: web, labels: {fedns.io/federation: main}}\nspec:\n  ports: [{name: http, port: 80}]\n---\nkind: Node\napiVersion: v1\nmetadata: {name: *n}\n`,
  ];
  let objects = 0;
  for (let seed = 1; seed <= 1500; seed++) {
    const random = generator(seed * 104_729);
    const octets = Buffer.from(texts[seed % 2]!);
    for (let i = random(6); i >= 0; i--)
      octets[random(octets.length)] = random(3) === 0 ? random(256) : octets[random(octets.length)]!;
    const parsed = parseManifest(octets.toString(), { file: 'f', objectOctetsMax: 10_000 });
    objects += parsed.objects.length;
  }
  t.ok(objects > 0, `${objects} objects survived`);
  t.end();
});
