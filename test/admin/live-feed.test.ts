import { get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import type { Test } from 'tap';
import type { ControlPlane } from '../../src/admin/control-plane.ts';
import { CHANGED_MAX, LiveFeed, PAGES_MAX, type Tick } from '../../src/admin/live-feed.ts';
import { Metrics } from '../../src/admin/metrics.ts';
import { AdminServer } from '../../src/admin/server.ts';
import type { TopologyView } from '../../src/admin/topology.ts';
import { Counter } from '../../src/server/counters.ts';
import { blocks, fakeControlPlane } from './fake-control-plane.ts';

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** A second passes when a test says so. */
const timers = { now: () => 0, after: () => ({ cancel: () => {} }) };

function topology(more: Partial<TopologyView> = {}): TopologyView {
  const empty = { restartPending: [], regions: [], clusters: [] };
  return { domain: 'example.com', version: '1', startedMs: 0, serial: 1, services: 1, ...empty, ...more };
}

interface Running {
  readonly live: LiveFeed;
  readonly port: number;
  /** Lets a second pass. */
  second(): void;
}

async function serving(test: Test, more: Partial<ControlPlane> = {}): Promise<Running> {
  let nowMs = 1_000_000;
  const control = fakeControlPlane({ topology: () => topology(), ...more });
  const metrics = new Metrics({ control, clock: () => nowMs, version: '' });
  const live = new LiveFeed({ control, clock: () => nowMs, timers });
  const server = new AdminServer({ control, metrics, live, log, listen: { address: '127.0.0.1', port: 0 } });
  await server.start();
  test.teardown(() => server.stop());
  const second = (): void => {
    nowMs += 1000;
    live.tick();
  };
  return { live, port: server.address.port, second };
}

/** A page as the server knows it: a request that does not end. */
class FakePage {
  readonly response: IncomingMessage;
  #text = '';
  #heard = Promise.withResolvers<void>();

  constructor(response: IncomingMessage) {
    this.response = response.setEncoding('utf8');
    response.on('error', () => {});
    response.on('data', (piece: string) => {
      this.#text += piece;
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
    });
  }

  static async open(port: number): Promise<FakePage> {
    const request = get({ port, path: '/api/v1/events', agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return new FakePage(response);
  }

  /** The next event of a name. */
  async next<Value>(name: string): Promise<Value> {
    for (;;) {
      const events = this.#text.split('\n\n');
      const at = events.findIndex(
        (event, i) => event.startsWith(`event: ${name}\n`) && i < events.length - 1,
      );
      if (at !== -1) {
        this.#text = events.slice(at + 1).join('\n\n');
        return JSON.parse(events[at]!.replace(/^.*\ndata: /, '')) as Value;
      }
      await this.#heard.promise;
    }
  }

  get unread(): string {
    return this.#text;
  }
}

t.test('a page is told the whole at first, and then what is news', async (t) => {
  let picture = topology();
  const { live, port, second } = await serving(t, { topology: () => picture });
  const page = await FakePage.open(port);
  t.match(await page.next('topology'), { domain: 'example.com' });
  t.match(await page.next('tick'), { more: true, serial: 1_790_000_000 });
  live.changed(['web.shop.myfed']);
  second();
  const tick = await page.next<Tick>('tick');
  t.strictSame([tick.changed, tick.more], [['web.shop.myfed'], false]);
  picture = topology({ domain: 'example.net' });
  second();
  t.match(await page.next('topology'), { domain: 'example.net' });
  second();
  t.strictSame((await page.next<Tick>('tick')).changed, []);
  second();
  await page.next('tick');
  t.notMatch(page.unread, /topology/, 'what is as before is not told again');
});

t.test('of many changes in a second only their number of names is told', async (t) => {
  const { live, port, second } = await serving(t);
  const page = await FakePage.open(port);
  await page.next('tick');
  const cases: readonly (readonly [readonly (readonly string[])[], number, boolean])[] = [
    [[['a']], 1, false],
    [[['a'], ['a'], ['b']], 2, false],
    [[[]], 0, true],
    [[Array.from({ length: CHANGED_MAX + 1 }, (_, i) => `s${i}`)], 0, true],
  ];
  for (const [changes, names, more] of cases) {
    for (const services of changes) live.changed(services);
    second();
    const tick = await page.next<Tick>('tick');
    t.strictSame([tick.changed.length, tick.more], [names, more]);
  }
});

t.test('every page hears the same text, which is made once', async (t) => {
  let looks = 0;
  const { port, second } = await serving(t, {
    topology: () => {
      looks++;
      return topology();
    },
  });
  const pages = [await FakePage.open(port), await FakePage.open(port), await FakePage.open(port)];
  for (const page of pages) await page.next('tick');
  t.equal(looks, 1, 'those who come later get what is there');
  second();
  const ticks = [];
  for (const page of pages) ticks.push(await page.next<Tick>('tick'));
  t.equal(looks, 2);
  t.strictSame(ticks[0], ticks[2]);
});

t.test('replies a second and what changes took are kept for whoever comes', async (t) => {
  const counters = blocks();
  const { live, port, second } = await serving(t, {
    vitals: () => ({ ...fakeControlPlane().vitals(), counters }),
  });
  second();
  new Float64Array(counters[0]!)[Counter.rcode] = 30;
  new Float64Array(counters[1]!)[Counter.rcode] = 12;
  new Float64Array(counters[1]!)[Counter.rcode + 3] = 5;
  new Float64Array(counters[1]!)[Counter.rcode + 4] = 2;
  new Float64Array(counters[0]!)[Counter.droppedRateLimited] = 7;
  for (const seconds of [0.0004, 0.003, 0.003, 100]) live.propagated(seconds);
  second();
  const { samples, changesSinceStart } = (await (
    await fetch(`http://127.0.0.1:${port}/api/v1/traffic`)
  ).json()) as ReturnType<LiveFeed['traffic']>;
  t.match(samples, [
    { replies: [42, 0, 5, 0, 2], dropped: 7, changes: [1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1] },
  ]);
  t.equal(samples.length, 1);
  t.strictSame(changesSinceStart, samples[0]!.changes);
  for (let i = 0; i < 400; i++) second();
  t.equal(live.traffic().samples.length, 300, 'no more than five minutes');
});

t.test('pages have a limit of their own, beside which scrapers find room', async (t) => {
  const { live, port } = await serving(t);
  const pages: FakePage[] = [];
  for (let i = 0; i < PAGES_MAX; i++) pages.push(await FakePage.open(port));
  t.equal(live.pages, PAGES_MAX);
  const refused = await fetch(`http://127.0.0.1:${port}/api/v1/events`);
  t.equal(refused.status, 503);
  t.equal(refused.headers.get('retry-after'), '10');
  for (let i = 0; i < 50; i++) t.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
  pages[0]!.response.destroy();
  for (let tries = 0; live.pages === PAGES_MAX && tries < 1000; tries++)
    await fetch(`http://127.0.0.1:${port}/healthz`);
  t.equal((await FakePage.open(port)).response.statusCode, 200, 'where one goes another comes');
});

t.test('a page that reads nothing is passed over and let go of, and the others hear on', async (t) => {
  let turn = 0;
  const long = 'x'.repeat(300_000);
  const { live, port, second } = await serving(t, {
    topology: () => topology({ domain: `${long}${turn++}` }),
  });
  const slow = connect(port, '127.0.0.1');
  slow.pause();
  slow.on('error', () => {});
  slow.write('GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const page = await FakePage.open(port);
  await page.next('tick');
  t.equal(live.pages, 2);
  for (let seconds = 0; live.pages > 1 && seconds < 1000; seconds++) {
    second();
    await page.next('tick');
  }
  t.equal(live.pages, 1, 'it is not waited for without end');
  slow.destroy();
});
