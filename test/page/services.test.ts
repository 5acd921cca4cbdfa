import type { Page } from 'playwright-core';
import t from 'tap';
import { LiveFeed } from '../../src/admin/live-feed.ts';
import { Metrics } from '../../src/admin/metrics.ts';
import { AdminServer } from '../../src/admin/server.ts';
import type { GuardControl, GuardStopView } from '../../src/admin/guard-control.ts';
import type { ServicesControl } from '../../src/admin/services.ts';
import type { TopologyView } from '../../src/admin/topology.ts';
import { systemTimers } from '../../src/timers.ts';
import { fakeControlPlane } from '../admin/fake-control-plane.ts';
import { openPage, picture, startBrowser } from './browser.ts';

/** Services of the long list; every tenth lacks a shard, and every hundredth all. */
const COUNT = 20_000;
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const names = Array.from({ length: COUNT }, (_, i) => `service-${i}.team-${i % 40}.myfederation`);

const services: ServicesControl = {
  names: () => names,
  row: (name) => {
    const i = Number(/^service-(\d+)/.exec(name)![1]);
    return { name, shards: 3, healthyShards: i % 100 === 0 ? 0 : i % 10 === 0 ? 2 : 3 };
  },
  report: () => undefined,
};

const TOPOLOGY: TopologyView = {
  domain: 'example.com',
  version: '1.2.3',
  startedMs: Date.now(),
  serial: 1,
  services: COUNT,
  restartPending: [],
  regions: [],
  clusters: [],
};

const TOKEN = 'x'.repeat(43);

/** What the guard holds; let go of stop by stop. */
const held = new Map<string, GuardStopView>(
  ['g1', 'g2'].map((id) => [
    id,
    {
      id,
      cluster: `gce-${id}`,
      rule: 'empty',
      why: 'the name would be without addresses',
      missing: 'EndpointSlice shop/web-1 is gone',
      cause: 'EndpointSlice shop/web-1',
      sinceMs: Date.now(),
      shards: 3,
      services: ['web.shop.myfederation'],
      isRunning: true,
      leftSeconds: 100,
    },
  ]),
);

const guard: GuardControl = {
  status: () => ({
    enabled: true,
    stops: [...held.values()],
    shards: held.size * 3,
    withheld: {},
    released: {},
  }),
  release: (id) => (id !== undefined && held.delete(id) ? 3 : undefined),
};

async function startServer(): Promise<string> {
  const control = fakeControlPlane({ services, guard, topology: () => TOPOLOGY });
  const metrics = new Metrics({ control, clock: Date.now, version: '1.2.3' });
  const live = new LiveFeed({ control, clock: Date.now, timers: systemTimers });
  const server = new AdminServer({
    token: TOKEN,
    control,
    metrics,
    live,
    log,
    listen: { address: '127.0.0.1', port: 0 },
  });
  await server.start();
  live.start();
  t.teardown(async () => {
    live.stop();
    await server.stop();
  });
  return `http://127.0.0.1:${server.address.port}`;
}

const base = await startServer();
const browser = await startBrowser(t);

/** Rows that are in the document, by their place in the list. */
async function drawn(page: Page): Promise<number[]> {
  const places = await page
    .getByRole('option')
    .evaluateAll((rows) => rows.map((row) => (row as { ariaPosInSet?: string }).ariaPosInSet));
  return places.map(Number);
}

t.test('of twenty thousand Services those in sight are drawn, from the first to the last', async (t) => {
  const { page, faults } = await openPage(browser, { base, hash: '/services' });
  await page.getByText('20,000 Services').waitFor();
  await page.getByText('service-0.team-0').waitFor();
  t.ok((await drawn(page)).length < 100, 'the document stays small');
  t.equal(await page.getByRole('option').first().getAttribute('aria-setsize'), String(COUNT));
  await page.locator('.rows').evaluate((box) => ((box as { scrollTop: number }).scrollTop = 1e9));
  await page.getByText(`service-${COUNT - 1}.team-39`).waitFor();
  t.ok((await drawn(page)).length < 100);
  await picture(page, 'services-long');
  t.strictSame(faults, []);
});

t.test(
  'Services are found by parts of their names while they are typed, and walked with the keys',
  async (t) => {
    const { page, faults } = await openPage(browser, { base, hash: '/services' });
    const field = page.getByRole('combobox', { name: 'Find a Service' });
    await field.pressSequentially('team-7. service-1');
    await page.getByText('277 of 20,000 Services').waitFor();
    await page.getByText('service-127.team-7').waitFor();
    t.equal(277, names.filter((name) => name.includes('team-7.') && name.includes('service-1')).length);
    for (let keys = 0; keys < 60; keys++) await field.press('ArrowDown');
    const active = page.locator('[aria-selected=true][aria-posinset="60"]');
    await active.waitFor();
    t.pass('the list follows the keys');
    const name = (await active.locator('.name').innerText()).trim();
    await field.press('Enter');
    await page
      .getByRole('alert')
      .filter({ hasText: `no Service ${name} is known` })
      .waitFor();
    t.strictSame(
      faults.filter((fault) => !fault.includes('404 (Not Found)')),
      [],
    );
  },
);

t.test('Services without a healthy shard are told from those that lack one', async (t) => {
  const { page } = await openPage(browser, { base, hash: '/services' });
  const cases = [
    ['not whole', '2,000 of 20,000 Services'],
    ['down', '200 of 20,000 Services'],
    ['all', '20,000 Services'],
  ] as const;
  for (const [choice, found] of cases) {
    await page.getByRole('group', { name: 'Which Services' }).getByText(choice, { exact: true }).click();
    await page.getByText(found, { exact: true }).waitFor();
    t.pass(`${choice}: ${found}`);
  }
  await page.getByRole('combobox').fill('no such thing');
  await page.getByText('No Service is like that.').waitFor();
});

t.test(
  'what the guard holds is shown with the time that it has left, and released with the token',
  async (t) => {
    const { page, faults } = await openPage(browser, { base });
    await page.locator('.guard li', { hasText: 'gce-g1' }).getByText('believed in 100 s').waitFor();
    await page.getByRole('link', { name: 'Release stop g1 of gce-g1' }).click();
    await page.getByLabel('Stop').selectOption('g1');
    await page.getByLabel('Admin token').fill('wrong');
    await page.getByRole('button', { name: 'Release what is held' }).click();
    await page
      .getByRole('alert')
      .filter({ hasText: 'what was sent is not the admin token of this server' })
      .waitFor();
    t.equal(held.size, 2, 'nothing without the token');
    await page.getByLabel('Admin token').fill(TOKEN);
    await page.getByRole('button', { name: 'Release what is held' }).click();
    await page.locator('.guard li', { hasText: 'gce-g1' }).waitFor({ state: 'detached' });
    t.strictSame([...held.keys()], ['g2'], 'the other is held on');
    t.strictSame(
      faults.filter((fault) => !fault.includes('401 (Unauthorized)')),
      [],
    );
  },
);
