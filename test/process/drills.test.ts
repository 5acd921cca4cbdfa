/** Drills and plans of a whole process: told by commands, seen by dig, and what is left after kill -9. */
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import type { DrillRow, PlanRow } from '../../src/admin/drills-control.ts';
import { needCommand } from '../support/commands.ts';
import {
  config,
  freePort,
  lookAgain,
  MAIN,
  manifest,
  NGINX,
  serve,
  untapped,
  type Process,
} from './serving.ts';
import { scratch } from '../support/scratch.ts';

const EU = 'nginx.mynamespace.myfederation.svc.eu.example.com';
const [EU_ADDRESS, US_ADDRESS] = ['192.0.2.10', '192.0.2.20'];

const STEERING = `  - { name: two, region: us, zones: [us-a], manifests: ./two }
  - { name: three, region: asia, zones: [asia-a], manifests: ./three }
drills:
  - { name: weekly, cron: 0 10 * * 2, timeZone: Europe/Berlin, what: region eu, for: 30m }
plans:
  - name: leave-eu
    steps:
      - { drain: zone eu-a, for: 2h, reason: new racks }
      - { drain: region eu }
`;

interface Site {
  readonly folder: string;
  readonly port: number;
  readonly adminPort: number;
}

async function makeSite(t: Test): Promise<Site> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const text = config(port, adminPort, STEERING).replace(
    '{ name: one, region: us-central1, zones: [us-central1-a], manifests: ./cluster }',
    '{ name: one, region: eu, zones: [eu-a], manifests: ./one }',
  );
  const folder = scratch(t, {
    'fedns.yaml': text,
    one: { 'nginx.yaml': manifest(EU_ADDRESS) },
    two: { 'nginx.yaml': manifest(US_ADDRESS) },
    three: { 'nginx.yaml': manifest('192.0.2.30') },
  });
  return { folder, port, adminPort };
}

/** What dig prints of a name: the end of its chain. */
function dig({ port }: Site, name: string): string[] {
  const args = ['@127.0.0.1', '-p', String(port), '+short', '+time=5', '+tries=3', name, 'A'];
  return spawnSync(needCommand('dig'), args, { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => /^\d/.test(line))
    .toSorted();
}

async function untilAnswered(site: Site, name: string, addresses: readonly string[]): Promise<void> {
  while (dig(site, name).join() !== addresses.join()) await lookAgain();
}

function fedns(
  { folder }: Site,
  ...args: string[]
): { readonly status: number | null; readonly text: string } {
  const [command, all] = untapped(process.execPath, [MAIN, ...args, '--config', join(folder, 'fedns.yaml')]);
  const { status, stdout, stderr } = spawnSync(command, all, { encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

/** Asks as commands do; each of them would take as long as a process takes to start. */
async function api<Reply>({ adminPort }: Site, path: string): Promise<Reply> {
  return (await (await fetch(`http://127.0.0.1:${adminPort}/api/v1/${path}`)).json()) as Reply;
}

/** Changes something. @returns the status and the text of the reply */
async function change(
  { adminPort, folder }: Site,
  path: string,
  body: object,
): Promise<{ readonly status: number; readonly text: string }> {
  const token = readFileSync(join(folder, 'state', 'admin.token'), 'utf8').trim();
  const reply = await fetch(`http://127.0.0.1:${adminPort}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: reply.status, text: await reply.text() };
}

async function drill(site: Site): Promise<DrillRow> {
  return (await api<readonly DrillRow[]>(site, 'drills'))[0]!;
}

async function plan(site: Site): Promise<PlanRow> {
  return (await api<readonly PlanRow[]>(site, 'plans'))[0]!;
}

/** A shard becomes ready or unready, as one file that takes the place of another. */
function setReady({ folder }: Site, cluster: string, address: string, ready: boolean): void {
  const file = join(folder, cluster, 'nginx.yaml');
  writeFileSync(`${file}.new`, manifest(address, ready));
  renameSync(`${file}.new`, file);
}

async function kill({ child, ended }: Process): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}

const WEEKLY = { name: 'weekly' };
const LEAVE = { name: 'leave-eu' };

test('a drill takes a region out, and gives it up when a shard elsewhere falls', async (t) => {
  const site = await makeSite(t);
  const running = await serve(t, join(site.folder, 'fedns.yaml'));
  t.strictSame(dig(site, EU), [EU_ADDRESS]);

  const shown = fedns(site, 'drill', 'run', 'weekly', '--dry-run');
  t.match(shown, { status: 0, text: new RegExp(`^${EU}\\. +${EU_ADDRESS} +.*${US_ADDRESS}`, 'm') });
  t.strictSame(dig(site, EU), [EU_ADDRESS], 'a dry run changes nothing');

  t.match(fedns(site, 'drill', 'run', 'weekly'), { status: 0, text: /^drill weekly runs until/ });
  t.strictSame(dig(site, EU), [US_ADDRESS, '192.0.2.30']);
  t.match(await drill(site), { what: 'region eu', running: { lowest: { shards: 2 }, services: 1 } });
  t.match(await change(site, 'drills/run', WEEKLY), { status: 409, text: /drill weekly is running/ });

  setReady(site, 'two', US_ADDRESS, false);
  await untilAnswered(site, EU, [EU_ADDRESS]);
  let row = await drill(site);
  while (row.running !== undefined || row.last === undefined) row = await drill(site);
  t.match(row.last, {
    outcome: 'failed',
    code: 'shards',
    run: { services: 1, lowest: { shards: 1, service: 'nginx.mynamespace.myfederation' } },
  });
  t.ok(row.last.run!.queries >= 1, 'queries were counted');
  const metrics = await (await fetch(`http://127.0.0.1:${site.adminPort}/metrics`)).text();
  t.match(metrics, /^fedns_drill_running\{drill="weekly"\} 0$/m);
  t.match(metrics, /^fedns_drill_last_timestamp_seconds\{drill="weekly",outcome="failed"\} \d/m);
  t.match(metrics, /^fedns_plan_waiting_step\{plan="leave-eu"\} 0$/m);
  t.match(await change(site, 'drills/run', WEEKLY), {
    status: 409,
    text: /two \(notReady\) is not in the answers/,
  });

  setReady(site, 'two', US_ADDRESS, true);
  await untilAnswered(site, NGINX, [EU_ADDRESS, US_ADDRESS, '192.0.2.30']);
  t.match(await change(site, 'drills/run', WEEKLY), { status: 200 });
  t.match(await change(site, 'drills/stop', WEEKLY), { status: 200, text: /"outcome":"interrupted"/ });
  t.strictSame(dig(site, EU), [EU_ADDRESS]);
  t.match(fedns(site, 'drills'), {
    status: 0,
    text: /^weekly +region eu +30m +Tue \d{4}-.* 10:00 Europe\/Berlin +interrupted/m,
  });
  const entries = await api<readonly { readonly what?: string }[]>(site, 'journal');
  t.match(
    entries.flatMap(({ what }) => (what?.startsWith('drill') === true ? [what] : [])),
    ['drillBegun', 'drillEnded', 'drillEnded', 'drillBegun', 'drillEnded'],
  );

  t.match(await change(site, 'drills/run', WEEKLY), { status: 200 });
  await kill(running);
  await serve(t, join(site.folder, 'fedns.yaml'));
  await untilAnswered(site, EU, [EU_ADDRESS]);
  while ((row = await drill(site)).last?.code !== 'restarted') await lookAgain();
  t.match(row.last, { outcome: 'interrupted' }, 'nobody had looked at it');
});

test('a plan waits for its approvals, also over kill -9, and an abort undoes it', async (t) => {
  const site = await makeSite(t);
  const running = await serve(t, join(site.folder, 'fedns.yaml'));
  t.match(await change(site, 'plans/approve', LEAVE), { status: 409, text: /is not under way/ });
  t.match(fedns(site, 'plan', 'run', 'leave-eu'), {
    status: 0,
    text: new RegExp(`^1 +drain zone eu-a for 2h +waits for an approval$[^]*^${EU}\\. +${EU_ADDRESS}`, 'm'),
  });
  t.strictSame(dig(site, EU), [EU_ADDRESS], 'nothing is done before it is approved');
  t.match(fedns(site, 'plan', 'approve', 'leave-eu', '--step', '1'), {
    status: 0,
    text: /^2 +drain region eu +waits/m,
  });
  t.strictSame(dig(site, EU), [US_ADDRESS, '192.0.2.30']);
  t.match(await change(site, 'drills/run', WEEKLY), { status: 409, text: /plan leave-eu is under way/ });

  await kill(running);
  await serve(t, join(site.folder, 'fedns.yaml'));
  t.strictSame(dig(site, EU), [US_ADDRESS, '192.0.2.30'], 'its drains outlive the process');
  t.match(await plan(site), {
    condition: 'waiting',
    waiting: 2,
    steps: [{ done: { result: 'drained' } }, {}],
  });
  const again = fedns(site, 'plan', 'approve', 'leave-eu', '--step', '1');
  t.match(again, { status: 1, text: /^fedns: step 2 waits, and not 1/ });
  t.match(await change(site, 'plans/abort', LEAVE), { status: 200, text: /"undrained":\["zone eu-a\.eu"\]/ });
  t.strictSame(dig(site, EU), [EU_ADDRESS]);
  t.match(await plan(site), { condition: 'aborted' });
  t.notMatch(readFileSync(join(site.folder, 'state', 'drains.json'), 'utf8'), /plan leave-eu/);
});
