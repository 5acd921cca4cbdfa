import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tap, { type Test } from 'tap';
import {
  HostnameResolver,
  type HostnameResolverOptions,
} from '../../../src/watchers/hostnames/hostname-resolver.ts';
import {
  parseResolvConf,
  parseResolver,
  systemResolvers,
} from '../../../src/watchers/hostnames/resolv-conf.ts';
import { replyTo, ScriptedDnsServer, zone } from './scripted-dns-server.ts';
import { scratch } from '../../support/scratch.ts';

const silent = (): void => {};

/** A resolver with one scripted server, a clock and a ticker in the test's hands. */
class Bench {
  readonly servers: readonly ScriptedDnsServer[];
  readonly resolver: HostnameResolver;
  readonly warnings: string[] = [];
  nowMs = 1_000_000;
  /** What the wall clock is ahead of the monotonic one. */
  wallOffsetMs = 0;
  ticking = false;
  #tick: () => void = silent;

  constructor(servers: readonly ScriptedDnsServer[], options: Partial<HostnameResolverOptions>) {
    this.servers = servers;
    this.resolver = new HostnameResolver({
      domain: 'example.com',
      resolvers: servers.map((server) => server.address),
      clock: () => this.nowMs + this.wallOffsetMs,
      nowMs: () => this.nowMs,
      log: {
        debug: silent,
        info: silent,
        warn: (_fields, message) => this.warnings.push(message),
        error: (_fields, message) => this.warnings.push(message),
      },
      timeoutMs: 40,
      ticker: (tick) => {
        this.#tick = tick;
        this.ticking = true;
        return () => {
          this.ticking = false;
        };
      },
      ...options,
    });
  }

  static async make(
    t: Test,
    options: Partial<HostnameResolverOptions> & { servers?: number } = {},
  ): Promise<Bench> {
    const { servers = 1, ...rest } = options;
    const started = await Promise.all(Array.from({ length: servers }, () => new ScriptedDnsServer().start()));
    const bench = new Bench(started, rest);
    bench.resolver.start();
    t.teardown(async () => {
      await bench.resolver.stop();
      await Promise.all(started.map((server) => server.stop()));
    });
    return bench;
  }

  get server(): ScriptedDnsServer {
    return this.servers[0]!;
  }

  /** Lets time pass, sweeps, and waits for what the sweep started. */
  async pass(seconds: number): Promise<void> {
    this.nowMs += seconds * 1000;
    this.#tick();
    await this.resolver.idle();
  }
}

const DUAL = { 'lb.example.net': [{ a: '192.0.2.1' }, { aaaa: '2001:db8::1' }] };

tap.test('a hostname is resolved in both families as soon as it is followed', async (t) => {
  const bench = await Bench.make(t);
  bench.server.script = zone(DUAL);
  let changes = 0;
  const followed = bench.resolver.follow('lb.example.net', () => changes++)!;
  t.same(followed.addresses, [], 'nothing is known at once');
  await bench.resolver.idle();
  t.same(followed.addresses, ['192.0.2.1', '2001:db8::1']);
  t.equal(changes, 1);
  t.same(bench.server.take(), ['A lb.example.net', 'AAAA lb.example.net']);
  t.match(bench.resolver.report(), [
    { hostname: 'lb.example.net', resolvedMs: 1_000_000, lastError: undefined },
  ]);
});

for (const [ttl, refresh, title] of [
  [0, 30, 'a TTL of 0 is asked for again after 30 s'],
  [5, 30, 'a short TTL is asked for again after 30 s'],
  [60, 60, 'a TTL within the bounds is honoured'],
  [86_400, 300, 'a long TTL is asked for again after 300 s'],
] as const) {
  tap.test(title, async (t) => {
    const bench = await Bench.make(t);
    bench.server.script = zone({
      'lb.example.net': [
        { a: '192.0.2.1', ttl },
        { aaaa: '2001:db8::1', ttl: 90_000 },
      ],
    });
    bench.resolver.follow('lb.example.net', silent);
    await bench.resolver.idle();
    bench.server.take();
    await bench.pass(refresh - 1);
    t.same(bench.server.take(), [], 'not before');
    await bench.pass(1);
    t.equal(bench.server.take().length, 2);
  });
}

tap.test('changed addresses are reported, unchanged ones are not', async (t) => {
  const bench = await Bench.make(t);
  bench.server.script = zone(DUAL);
  let changes = 0;
  const followed = bench.resolver.follow('lb.example.net', () => changes++)!;
  await bench.resolver.idle();
  await bench.pass(60);
  t.equal(changes, 1);
  bench.server.script = zone({ 'lb.example.net': [{ a: '192.0.2.2' }, { aaaa: '2001:db8::1' }] });
  await bench.pass(60);
  t.equal(changes, 2);
  t.same(followed.addresses, ['192.0.2.2', '2001:db8::1']);
});

tap.test('the last addresses stand for as long as resolution fails', async (t) => {
  const bench = await Bench.make(t);
  bench.server.script = zone(DUAL);
  const followed = bench.resolver.follow('lb.example.net', silent)!;
  await bench.resolver.idle();
  bench.server.script = ({ query }) => replyTo(query, [], 2);
  for (let i = 0; i < 6; i++) await bench.pass(300);
  t.same(followed.addresses, ['192.0.2.1', '2001:db8::1']);
  t.match(bench.resolver.report(), [{ resolvedMs: 1_000_000, lastError: /RCODE 2/ }]);
  t.equal(bench.warnings.length, 1, 'the log says it once');
  bench.server.take();
  await bench.pass(30);
  t.ok(bench.server.take().length > 0, 'and it is asked for every 30 s');
  bench.server.script = zone(DUAL);
  await bench.pass(30);
  t.match(bench.resolver.report(), [{ lastError: undefined }]);
});

tap.test('a family that fails keeps its addresses while the other changes', async (t) => {
  const bench = await Bench.make(t);
  bench.server.script = zone(DUAL);
  const followed = bench.resolver.follow('lb.example.net', silent)!;
  await bench.resolver.idle();
  bench.server.script = ({ type, query }) =>
    type === 'A' ? replyTo(query, [{ a: '192.0.2.9' }]) : replyTo(query, [], 2);
  await bench.pass(60);
  t.same(followed.addresses, ['192.0.2.9', '2001:db8::1']);
});

tap.test('a family without records beside one with records is empty at once', async (t) => {
  const bench = await Bench.make(t);
  bench.server.script = zone(DUAL);
  const followed = bench.resolver.follow('lb.example.net', silent)!;
  await bench.resolver.idle();
  bench.server.script = zone({ 'lb.example.net': [{ a: '192.0.2.1' }] });
  await bench.pass(60);
  t.same(followed.addresses, ['192.0.2.1']);
});

for (const [title, names] of [
  ['NXDOMAIN', {}],
  ['NODATA', { 'lb.example.net': [] }],
] as const) {
  tap.test(`${title} is believed the third time in a row`, async (t) => {
    const bench = await Bench.make(t);
    bench.server.script = zone(DUAL);
    const followed = bench.resolver.follow('lb.example.net', silent)!;
    await bench.resolver.idle();
    bench.server.script = zone(names);
    await bench.pass(60);
    await bench.pass(30);
    t.equal(followed.addresses.length, 2);
    bench.server.script = zone(DUAL);
    await bench.pass(30);
    bench.server.script = zone(names);
    await bench.pass(60);
    await bench.pass(30);
    t.equal(followed.addresses.length, 2, 'an answer between starts the count afresh');
    await bench.pass(30);
    t.equal(followed.addresses.length, 0);
  });
}

tap.test('a hostname that does not exist yet is asked for every 10 s at first', async (t) => {
  const bench = await Bench.make(t);
  bench.server.script = zone({});
  const followed = bench.resolver.follow('lb.example.net', silent)!;
  await bench.resolver.idle();
  bench.server.script = zone(DUAL);
  await bench.pass(9);
  t.equal(followed.addresses.length, 0);
  await bench.pass(1);
  t.equal(followed.addresses.length, 2);
});

tap.test('a resolver that fails or is silent is followed by the next', async (t) => {
  const bench = await Bench.make(t, { servers: 3 });
  bench.servers[0]!.script = ({ query }) => replyTo(query, [], 2);
  bench.servers[1]!.script = () => undefined;
  bench.servers[2]!.script = zone(DUAL);
  const followed = bench.resolver.follow('lb.example.net', silent)!;
  await bench.resolver.idle();
  t.equal(followed.addresses.length, 2);
  t.same(
    bench.servers.map((server) => server.take().length),
    [2, 2, 2],
  );
});

tap.test('a lost datagram is asked for again', async (t) => {
  const bench = await Bench.make(t);
  let lost = 0;
  bench.server.script = (question) => (lost++ < 2 ? undefined : zone(DUAL)(question));
  const followed = bench.resolver.follow('lb.example.net', silent)!;
  await bench.resolver.idle();
  t.equal(followed.addresses.length, 2);
});

tap.test('a hostname that hangs delays no other', async (t) => {
  const bench = await Bench.make(t, { timeoutMs: 2000 });
  let asked = 0;
  const stuck: (() => void)[] = [];
  bench.server.script = (question) => {
    const { name, query, peer } = question;
    if (name !== 'slow.example.net') return zone(DUAL)(question);
    asked++;
    stuck.push(() => bench.server.udp.send(replyTo(query, []).toBuffer(), peer!.port, peer!.address));
    return undefined;
  };
  bench.resolver.follow('slow.example.net', silent);
  await new Promise<void>((resolve) => bench.resolver.follow('lb.example.net', resolve));
  t.equal(asked, 2, 'the slow one is still waiting');
  for (const release of stuck) release();
  await bench.resolver.idle();
});

tap.test('at most 16 hostnames are looked up at a time, and all get their turn', async (t) => {
  const bench = await Bench.make(t, { timeoutMs: 2000 });
  const waiting: (() => void)[] = [];
  const done = Promise.withResolvers<void>();
  let most = 0;
  let answered = 0;
  const flush = (): void => {
    most = Math.max(most, waiting.length);
    for (const answer of waiting.splice(0)) answer();
  };
  bench.server.script = ({ query, peer }) => {
    waiting.push(() => {
      answered++;
      bench.server.udp.send(replyTo(query, []).toBuffer(), peer!.port, peer!.address);
      if (answered === 80) done.resolve();
    });
    if (waiting.length === 32 || answered + waiting.length === 80) setImmediate(flush);
    return undefined;
  };
  for (let i = 0; i < 40; i++) bench.resolver.follow(`lb${i}.example.net`, silent);
  await done.promise;
  await bench.resolver.idle();
  t.equal(most, 32, 'two questions each');
});

tap.test('clusters share the look-ups of a hostname', async (t) => {
  const bench = await Bench.make(t);
  bench.server.script = zone(DUAL);
  let changes = 0;
  const first = bench.resolver.follow('lb.example.net', () => changes++)!;
  const second = bench.resolver.follow('lb.example.net', () => changes++)!;
  await bench.resolver.idle();
  t.equal(bench.server.take().length, 2);
  t.equal(changes, 2, 'both are told');
  first.stop();
  await bench.pass(60);
  t.equal(bench.server.take().length, 2, 'still followed by one');
  second.stop();
  second.stop();
  await bench.pass(60);
  t.same(bench.server.take(), [], 'followed by none');
});

tap.test('a hostname that is followed anew has its last addresses at once', async (t) => {
  const bench = await Bench.make(t);
  bench.server.script = zone(DUAL);
  bench.resolver.follow('lb.example.net', silent)!.stop();
  await bench.resolver.idle();
  const again = bench.resolver.follow('lb.example.net', silent)!;
  await bench.resolver.idle();
  again.stop();
  t.same(bench.resolver.follow('lb.example.net', silent)!.addresses, ['192.0.2.1', '2001:db8::1']);
});

tap.test('a restart while resolution fails loses no address', async (t) => {
  const before = await Bench.make(t);
  before.server.script = zone(DUAL);
  before.resolver.follow('lb.example.net', silent);
  before.resolver.follow('unknown.example.net', silent);
  await before.resolver.idle();
  const snapshot = JSON.stringify(before.resolver.remembered());
  t.notMatch(snapshot, 'unknown');

  const after = await Bench.make(t);
  after.server.script = ({ query }) => replyTo(query, [], 2);
  after.resolver.remember(JSON.parse(snapshot));
  t.equal(JSON.stringify(after.resolver.remembered()), snapshot, 'also while nobody follows it');
  const followed = after.resolver.follow('lb.example.net', () => t.fail('nothing changes'))!;
  t.same(followed.addresses, ['192.0.2.1', '2001:db8::1'], 'known at once');
  await after.resolver.idle();
  t.equal(followed.addresses.length, 2);
});

tap.test('a follower that throws does not keep the others from knowing', async (t) => {
  const bench = await Bench.make(t);
  bench.server.script = zone(DUAL);
  let told = false;
  bench.resolver.follow('lb.example.net', () => {
    throw new Error('broken');
  });
  bench.resolver.follow('lb.example.net', () => {
    told = true;
  });
  await bench.resolver.idle();
  t.ok(told);
  t.match(bench.warnings, ['a follower failed']);
});

tap.test('a wall clock that steps neither stops the refreshes nor brings them forward', async (t) => {
  const bench = await Bench.make(t);
  bench.server.script = zone(DUAL);
  bench.resolver.follow('lb.example.net', silent);
  await bench.resolver.idle();
  const dayMs = 86_400_000;
  for (const days of [1, 365, 56 * 365, -1, -365, -56 * 365]) {
    bench.server.take();
    bench.wallOffsetMs += days * dayMs;
    await bench.pass(1);
    t.equal(bench.server.take().length, 0, `${days} days: not due yet`);
    await bench.pass(300);
    t.equal(bench.server.take().length, 2, `${days} days: due`);
  }
});

tap.test('stop ends ticker and look-ups', async (t) => {
  const bench = await Bench.make(t);
  bench.resolver.follow('lb.example.net', () => t.fail('told after the end'));
  t.ok(bench.ticking);
  await bench.resolver.stop();
  t.notOk(bench.ticking);
  bench.server.script = zone(DUAL);
  await bench.pass(1000);
});

tap.test('without configured resolvers those of the system are asked', async (t) => {
  const folder = scratch(t, {});
  const bench = await Bench.make(t, { resolvers: [], resolvConf: join(folder, 'resolv.conf') });
  writeFileSync(join(folder, 'resolv.conf'), '# none\nnameserver 127.0.0.1\nnameserver ::1\n');
  t.same(await systemResolvers(join(folder, 'resolv.conf')), [
    { address: '127.0.0.1', port: 53 },
    { address: '::1', port: 53 },
  ]);
  t.same(await systemResolvers(join(folder, 'missing')), [{ address: '127.0.0.1', port: 53 }]);
  t.ok(bench.resolver);
});

for (const [text, expected] of [
  ['192.0.2.53', { address: '192.0.2.53', port: 53 }],
  ['192.0.2.53:5353', { address: '192.0.2.53', port: 5353 }],
  ['2001:db8::53', { address: '2001:db8::53', port: 53 }],
  ['[2001:db8::53]:5353', { address: '2001:db8::53', port: 5353 }],
  ['dns.example.net', undefined],
  ['192.0.2.53:0', undefined],
  ['192.0.2.53:65536', undefined],
  ['', undefined],
] as const) {
  tap.test(
    `the resolver ${JSON.stringify(text)} is ${expected === undefined ? 'refused' : 'understood'}`,
    (t) => {
      t.same(parseResolver(text), expected);
      t.end();
    },
  );
}

tap.test('resolv.conf(5): the first three nameservers count', (t) => {
  const text = [
    '; comment',
    'search example.net',
    'nameserver\t192.0.2.1',
    'nameserver 192.0.2.2 # two',
    '  nameserver 192.0.2.99',
    'nameserver dns.example.net',
    'nameserver 2001:db8::3',
    'nameserver 192.0.2.4',
  ].join('\n');
  t.same(
    parseResolvConf(text).map(({ address }) => address),
    ['192.0.2.1', '192.0.2.2', '2001:db8::3'],
  );
  t.end();
});

tap.test(
  'a name is known with the least TTL of its answers, and followers are told of another',
  async (t) => {
    const bench = await Bench.make(t);
    bench.server.script = zone({
      'lb.example.net': [
        { a: '192.0.2.1', ttl: 60 },
        { aaaa: '2001:db8::1', ttl: 10 },
      ],
    });
    let changes = 0;
    const followed = bench.resolver.follow('lb.example.net', () => changes++)!;
    t.equal(followed.ttlSeconds, undefined, 'before the first answer');
    await bench.resolver.idle();
    t.equal(followed.ttlSeconds, 10);
    await bench.pass(60);
    t.equal(changes, 1, 'the same again is no change');
    bench.server.script = zone({
      'lb.example.net': [
        { a: '192.0.2.1', ttl: 20 },
        { aaaa: '2001:db8::1', ttl: 20 },
      ],
    });
    await bench.pass(60);
    t.strictSame([followed.ttlSeconds, changes], [20, 2]);
    bench.server.script = zone({});
    await bench.pass(60);
    t.equal(followed.ttlSeconds, 20, 'what stands while nothing is found keeps its TTL');
  },
);
