import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import t from 'tap';
import type { Test } from 'tap';
import { freePort, serve, type Process } from '../process/serving.ts';
import { openPage, picture, startBrowser } from './browser.ts';
import { scratch } from '../support/scratch.ts';

const CONFIG = fileURLToPath(new URL('../../config/', import.meta.url));
const NGINX = 'nginx.mynamespace.myfederation';
const ZONE_NAME = `${NGINX}.svc.us-central1-a.example.com`;

/** A demonstration's fedns, and how to change what a cluster says. */
interface Demo {
  readonly base: string;
  readonly file: string;
  readonly token: string;
  readonly running: { process: Process };
  /** Makes the endpoints of a cluster ready, or not. */
  setReady(cluster: string, ready: boolean): void;
}

async function startDemo(test: Test): Promise<Demo> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const folder = scratch(test, {});
  cpSync(join(CONFIG, 'demo'), join(folder, 'demo'), { recursive: true });
  const text = readFileSync(join(CONFIG, 'demo.yaml'), 'utf8')
    .replace('127.0.0.1:1053', `127.0.0.1:${port}`)
    .replace('127.0.0.1:9153', `127.0.0.1:${adminPort}`)
    .replace('../state', './state');
  const file = join(folder, 'fedns.yaml');
  writeFileSync(file, text);
  const process = await serve(test, file);
  return {
    base: `http://127.0.0.1:${adminPort}`,
    file,
    token: readFileSync(join(folder, 'state', 'admin.token'), 'utf8').trim(),
    running: { process },
    setReady(cluster, ready) {
      const manifest = join(folder, 'demo', cluster, 'nginx.yaml');
      const before = readFileSync(manifest, 'utf8');
      writeFileSync(manifest, before.replaceAll(/ready: (true|false)/g, `ready: ${ready}`));
    },
  };
}

const demo = await startDemo(t);
const browser = await startBrowser(t);

async function untilLive(page: Page): Promise<void> {
  await page.locator('.link.live').waitFor();
}

/** Waits for a row of the table of places, whose state says so. */
async function untilRow(page: Page, place: string, state: RegExp): Promise<void> {
  await page
    .locator('tr', { has: page.locator('th', { hasText: place }) })
    .filter({ hasText: state })
    .first()
    .waitFor();
}

t.test('the page shows the federation, with nothing from elsewhere and within its policy', async (t) => {
  const { page, faults } = await openPage(browser, demo);
  await untilLive(page);
  await untilRow(page, 'europe-west1', /no healthy shard/);
  await untilRow(page, 'us-east1', /well/);
  t.equal(await page.title(), 'Overview · fedns');
  t.equal(await page.locator('tbody tr').filter({ hasText: 'gce-' }).count(), 13, 'every cluster has a row');
  t.match(await page.locator('.figures').innerText(), /13\s+of 13/);
  t.equal(await page.locator('.pin').count(), 4, 'the regions are on the map');
  await picture(page, 'overview-light');
  t.strictSame(faults, []);
});

t.test('the HTML is asked for again, and everything else is kept for good', async (t) => {
  const headers = { accept: 'text/html' };
  const html = await fetch(demo.base, { headers });
  const policy = html.headers.get('content-security-policy') ?? '';
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"])
    t.ok(policy.includes(part), part);
  t.notMatch(policy, /unsafe|https?:|\*/);
  t.equal(html.headers.get('x-content-type-options'), 'nosniff');
  t.equal(html.headers.get('referrer-policy'), 'no-referrer');
  const etag = html.headers.get('etag')!;
  const again = await fetch(demo.base, { headers: { ...headers, 'if-none-match': etag } });
  t.equal(again.status, 304);
  const text = await html.text();
  const addresses = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address!);
  t.ok(addresses.length > 10);
  for (const address of addresses) {
    const file = await fetch(new URL(address, `${demo.base}/`));
    t.equal(file.status, 200, address);
    t.match(file.headers.get('cache-control'), /immutable/);
    t.equal(file.headers.get('content-encoding'), 'gzip');
  }
  t.equal((await fetch(`${demo.base}/page/0000000000000000/main.ts`)).status, 404, 'of another version');
  t.equal((await fetch(`${demo.base}/page/../../package.json`)).status, 404);
});

t.test('a shard that fails, and comes back, is seen on a page that is open', async (t) => {
  const { page, faults } = await openPage(browser, { ...demo, hash: `/service/${NGINX}` });
  await untilLive(page);
  await untilRow(page, 'us-central1-a', /answers itself/);
  demo.setReady('gce-us-central1-a', false);
  await untilRow(page, 'us-central1-a', /from above\s+→ us-central1/);
  await untilRow(page, 'gce-us-central1-a', /no endpoint is ready/);
  await page.getByRole('link', { name: 'Overview' }).click();
  await untilRow(page, 'us-central1-a', /none healthy/);
  await page
    .locator('.entries li', { hasText: 'us-central1-a' })
    .filter({ hasText: 'as us-central1' })
    .first()
    .waitFor();
  demo.setReady('gce-us-central1-a', true);
  await untilRow(page, 'us-central1-a', /Ready/);
  t.strictSame(faults, []);
});

t.test('the keyboard alone leads from the first key to why a zone answers what it does', async (t) => {
  const { page, faults } = await openPage(browser, demo);
  await untilLive(page);
  const press = (key: string): Promise<void> => page.keyboard.press(key);
  const focused = (): Promise<string> => page.evaluate('document.activeElement.textContent');
  const tabTo = async (text: string): Promise<void> => {
    for (let keys = 0; keys < 40 && (await focused()) !== text; keys++) await press('Tab');
    t.equal(await focused(), text, `reached ${text}`);
  };
  await press('Tab');
  t.equal(await focused(), 'To the content', 'the first is the way past the head');
  await press('Enter');
  t.equal(await page.evaluate('document.activeElement.id'), 'main');
  await tabTo('asia-east1');
  await press('Enter');
  await page.locator('.tree').getByText('gce-asia-east1-a').waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Services' }).focus();
  await press('Enter');
  await page.getByRole('option').first().waitFor();
  await page.getByRole('combobox').focus();
  await page.keyboard.type('mynamespace ngi');
  await page.getByText('1 of 1 Service', { exact: true }).waitFor();
  await press('ArrowDown');
  await page.locator('[role=combobox][aria-activedescendant=service-0]').waitFor();
  await press('Enter');
  await untilRow(page, 'us-central1-f', /from above/);
  await page.locator('main:focus').waitFor();
  t.pass('the new view has the focus');
  await tabTo('us-central1-f');
  await press('Enter');
  await page.getByText('no healthy shard, so it aliases to').first().waitFor();
  t.strictSame(faults, []);
});

t.test('a name is explained on the page as the API explains it', async (t) => {
  const { page, faults } = await openPage(browser, { ...demo, hash: '/explain' });
  await untilLive(page);
  await page.getByLabel('Name').fill(ZONE_NAME);
  await page.getByLabel('Client').fill('192.0.2.99');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.locator('.steps li').first().waitFor();
  const told = (await (
    await fetch(`${demo.base}/api/v1/explain?name=${ZONE_NAME}&client=192.0.2.99`)
  ).json()) as { rcode: string; steps: { text: string }[]; answer: { data: string[] }[] };
  t.strictSame(
    await page.locator('.steps .text').allInnerTexts(),
    told.steps.map(({ text }) => text),
  );
  t.equal(await page.locator('.rcode').innerText(), told.rcode);
  t.ok((await page.locator('.records').innerText()).includes(told.answer[0]!.data[0]!));
  await page.getByLabel('Client').fill('nobody');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByRole('alert').filter({ hasText: 'client: an IP address is needed' }).waitFor();
  t.strictSame(
    faults.filter((fault) => !fault.includes('400 (Bad Request)')),
    [],
  );
});

t.test(
  'a zone is drained with the token after its dry run, is seen everywhere, and the drain is ended',
  async (t) => {
    const { page, faults } = await openPage(browser, demo);
    await untilLive(page);
    await page.getByRole('link', { name: 'Drain zone us-central1-b' }).click();
    t.equal(await page.getByLabel('Name').inputValue(), 'us-central1-b.us-central1');
    await page.getByLabel('Reason').fill('new racks');
    await page.getByRole('button', { name: 'What would change?' }).click();
    await page.getByRole('heading', { name: /names would be answered otherwise/ }).waitFor();
    const preview = page.locator('.preview');
    t.match(
      await preview.innerText(),
      /svc\.us-central1-b\.us-central1\.example\.com\.\s+104\.197\.244\.180/,
    );
    await page.getByLabel('Admin token').fill('wrong');
    await page.getByRole('button', { name: 'Drain zone us-central1-b.us-central1' }).click();
    await page
      .getByRole('alert')
      .filter({ hasText: 'what was sent is not the admin token of this server' })
      .waitFor();
    t.strictSame(await drainsOf(), [], 'nothing without the token');
    await page.getByLabel('Admin token').fill(demo.token);
    await page.getByRole('button', { name: 'Drain zone us-central1-b.us-central1' }).click();
    await page.getByRole('status').filter({ hasText: 'is drained' }).waitFor();
    await page.locator('.drains li', { hasText: 'new racks' }).waitFor();
    t.strictSame(await drainsOf(), ['zone us-central1-b.us-central1 new racks']);
    await picture(page, 'steer-light');
    await page.getByRole('link', { name: 'Overview' }).click();
    await untilRow(page, 'us-central1-b', /drained/);
    await page.getByRole('link', { name: 'End the drain of zone us-central1-b.us-central1' }).click();
    await page.getByRole('button', { name: 'What would change?' }).click();
    await page.getByRole('button', { name: 'End the drain of zone us-central1-b.us-central1' }).click();
    await page.getByRole('status').filter({ hasText: 'The drain has ended' }).waitFor();
    await page.getByText('Nothing is drained.').waitFor();
    t.strictSame(await drainsOf(), []);
    t.strictSame(
      faults.filter((fault) => !fault.includes('401 (Unauthorized)')),
      [],
    );
  },
);

/** Kind, name and reason of each drain, as the API has it. */
async function drainsOf(): Promise<string[]> {
  const reply = await fetch(`${demo.base}/api/v1/drains`);
  const { drains } = (await reply.json()) as { drains: { kind: string; name: string; reason?: string }[] };
  return drains.map(({ kind, name, reason }) => `${kind} ${name} ${reason}`);
}

const VIEWS = [
  ['overview', '/', '.tree'],
  ['services', '/services', '[role=option]'],
  ['service', `/service/${NGINX}`, '.places'],
  ['explain', `/explain?name=${ZONE_NAME}`, '.steps li'],
  ['steer', '/steer', '.drains'],
  ['service-unknown', '/service/nothing.at.all', '[role=alert]'],
] as const;

t.test('every view is fit for assistive software, light and dark, wide and narrow', async (t) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 320]) {
      const { page } = await openPage(browser, { ...demo, colorScheme, width, bypassCSP: true });
      await untilLive(page);
      await page.evaluate(axe.source);
      for (const [view, hash, shown] of VIEWS) {
        await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
        await page.locator(shown).first().waitFor();
        const what = `${view}, ${colorScheme}, ${width} pixels`;
        t.strictSame(await complaints(page), [], what);
        t.ok(
          ((await page.evaluate('document.documentElement.scrollWidth')) as number) <= width,
          `${what}: no sideways scrolling`,
        );
        await picture(page, `${view}-${colorScheme}-${width}`);
      }
      await page.context().close();
    }
  }
});

/** What axe-core finds that is serious or worse. */
async function complaints(page: Page): Promise<string[]> {
  const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`));
}

t.test('a page that loses fedns says since when it is stale, and is live again by itself', async (t) => {
  const { page } = await openPage(browser, demo);
  await untilLive(page);
  await untilRow(page, 'us-east1', /well/);
  demo.running.process.child.kill('SIGTERM');
  await page.getByRole('alert').filter({ hasText: 'Stale since' }).waitFor();
  await untilRow(page, 'us-east1', /well/);
  await picture(page, 'stale');
  await demo.running.process.ended;
  demo.running.process = await serve(t, demo.file);
  await untilLive(page);
  await page.getByRole('alert').waitFor({ state: 'detached' });
  t.pass('it is live again');
});
