/** Two fedns processes that know each other, steered from the command line and asked with dig. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { needCommand } from '../support/commands.ts';
import { config, freePort, MAIN, manifest, NGINX, serve, start } from './serving.ts';
import { scratch } from '../support/scratch.ts';

// Each command is a process of its own, and what is measured is never the time.
t.setTimeout(120_000);

interface Replica {
  readonly file: string;
  readonly port: number;
  readonly adminPort: number;
}

/** What the configuration of each has besides one cluster: another in another region, and answers that run out soon. */
const more = (
  peer: number,
): string => `  - { name: two, region: europe-west1, zones: [europe-west1-b], manifests: ./two }
ttl: 1
negativeTtl: 1
stateDir: ./state
steering: { peers: ['127.0.0.1:${peer}'] }
`;

function replicas(test: Test, ports: readonly (readonly [number, number])[]): Replica[] {
  const folder = scratch(
    test,
    Object.fromEntries(
      ports.map(([port, adminPort], i) => [
        `r${i}`,
        {
          'fedns.yaml': config(port, adminPort, more(ports[1 - i]![1])),
          cluster: { 'nginx.yaml': manifest('192.0.2.10') },
          two: { 'nginx.yaml': manifest('192.0.2.20') },
        },
      ]),
    ),
  );
  return ports.map(([port, adminPort], i) => ({
    file: join(folder, `r${i}`, 'fedns.yaml'),
    port,
    adminPort,
  }));
}

t.test('a drain is seen to come about on every replica, outlasts kill -9, and is taken back', async (t) => {
  const ports = [
    [await freePort(), await freePort()],
    [await freePort(), await freePort()],
  ] as const;
  const [one, two] = replicas(t, ports) as [Replica, Replica];
  const dig = async ({ port }: Replica, name = NGINX): Promise<string> => {
    const asked = start(t, needCommand('dig'), ['@127.0.0.1', '-p', String(port), '+short', name, 'A']);
    t.equal(await asked.ended, 0);
    return asked.output().trim().split('\n').toSorted().join(' ');
  };
  const fedns = async (args: readonly string[], { file }: Replica, code = 0): Promise<string> => {
    const command = start(t, process.execPath, [MAIN, ...args, '--config', file]);
    t.equal(await command.ended, code, `${args.join(' ')}: ${command.output()}`);
    return command.output();
  };
  const first = await serve(t, one.file);
  await serve(t, two.file);
  t.equal(await dig(one), '192.0.2.10 192.0.2.20');

  const preview = await fedns(['drain', 'cluster', 'one', '--dry-run'], one);
  t.match(preview, new RegExp(`${NGINX}\\. +192\\.0\\.2\\.10 192\\.0\\.2\\.20 +192\\.0\\.2\\.20\n`));
  t.equal(await dig(one), '192.0.2.10 192.0.2.20', 'a dry run changes nothing');

  const order = ['drain', 'region', 'us-central1', '--for', '1h', '--reason', 'new racks', '--wait'];
  const waiting = start(t, process.execPath, [MAIN, ...order, '--config', one.file]);
  await waiting.until(new RegExp(`waiting for 127\\.0\\.0\\.1:${two.adminPort} \\(behind\\)`));
  t.equal(await dig(one), '192.0.2.20');
  t.equal(await dig(two), '192.0.2.10 192.0.2.20', 'without a shared object each is steered by itself');
  await fedns(['drain', 'region', 'us-central1'], two);
  t.equal(await waiting.ended, 0);
  t.match(waiting.output(), /every replica \(2\) serves it, and the last answer from before has run out\n$/);
  t.equal(await dig(two), '192.0.2.20');
  t.match(
    await dig(one, NGINX.replace('.example', '.us-central1.example')),
    /^192\.0\.2\.20 /,
    'its names alias upwards',
  );

  const refused = await fedns(['drain', 'cluster', 'two'], one, 1);
  t.match(refused, /would leave a Service without addresses: nginx\.mynamespace\.myfederation \(A\)/);
  t.equal(await dig(one), '192.0.2.20');
  t.match(await fedns(['clusters'], one), /^one +Ready,drained .*0\/1$/m);
  t.match(
    await fedns(['explain', NGINX], one),
    /one \(us-central1 us-central1-a\): drained \(region us-central1\)/,
  );

  first.child.kill('SIGKILL');
  await first.ended;
  const next = await serve(t, one.file);
  t.match(next.output(), /drains of the last run are in force/);
  t.equal(await dig(one), '192.0.2.20', 'also after a crash');
  const list = await fedns(['drains'], one);
  t.match(list, /^region us-central1 +0% +\S+ +in \S+ +local +\S+@\S+ +new racks$/m);
  const metrics = await (await fetch(`http://127.0.0.1:${one.adminPort}/metrics`)).text();
  t.match(metrics, /^fedns_drains\{kind="region"\} 1$/m);
  t.match(metrics, /^fedns_steering_served 1$/m);
  t.match(metrics, /^fedns_drain_expiry_seconds\{drain="region us-central1",scope="local"\} 3\d\d\d/m);

  t.match(await fedns(['undrain', 'region', 'us-central1', '-o', 'json'], one), /"services": 1/);
  t.equal(await dig(one), '192.0.2.10 192.0.2.20');
  t.match(await fedns(['undrain', 'region', 'us-central1'], one, 1), /region us-central1 is not drained/);
  const kept = readFileSync(join(one.file, '..', 'state', 'drains.json'), 'utf8');
  const { drains, shared } = JSON.parse(kept) as { drains: unknown; shared: unknown };
  t.strictSame({ drains, shared }, { drains: [], shared: [] });
});

t.test('only who has the token may drain', async (t) => {
  const ports = [
    [await freePort(), await freePort()],
    [await freePort(), await freePort()],
  ] as const;
  const [one] = replicas(t, ports) as [Replica];
  await serve(t, one.file);
  const url = `http://127.0.0.1:${one.adminPort}/api/v1/drains`;
  const order = { method: 'POST', body: JSON.stringify({ kind: 'cluster', name: 'one' }) };
  const json = { 'content-type': 'application/json' };
  const token = readFileSync(join(one.file, '..', 'state', 'admin.token'), 'utf8').trim();
  const cases: readonly (readonly [string, Record<string, string>, number])[] = [
    ['nobody', json, 401],
    ['another token', { ...json, authorization: 'Bearer x' }, 401],
    ['a form of another page', { 'content-type': 'text/plain', authorization: `Bearer ${token}` }, 415],
    ['who has it', { ...json, authorization: `Bearer ${token}` }, 200],
  ];
  for (const [title, headers, status] of cases)
    t.equal((await fetch(url, { ...order, headers })).status, status, title);
});
