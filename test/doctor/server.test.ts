/** What the doctor makes of a running fedns, its clusters and Services; and the world in which all is well. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runProgram } from '../../src/cli/program.ts';
import { loadConfig } from '../../src/cli/load.ts';
import { diagnose } from '../../src/doctor/diagnose.ts';
import { asker } from '../../src/doctor/dns/ask.ts';
import { STEPS, type StepId, type StepReport } from '../../src/doctor/report.ts';
import { systemTimers, type Timers } from '../../src/timers.ts';
import { freePort, MAIN, manifest, serve, start } from '../process/serving.ts';
import { scratch } from '../support/scratch.ts';
import { AT, PATIENCE_MS, startWorld } from './dns-world.ts';

t.setTimeout(180_000);

const port = await startWorld(t);
const adminPort = await freePort();
const NGINX = 'nginx.mynamespace.myfederation';

/** Pauses between attempts are no part of what is asked. */
const timers: Timers = { ...systemTimers, after: (ms, run) => systemTimers.after(ms < 10_000 ? 0 : ms, run) };

/** A configuration of served.net, which the parent delegates to two addresses of this one fedns. */
function configOf(
  more: { readonly domain?: string; readonly listen?: string; readonly clusters?: string } = {},
): string {
  const { domain = 'served.net', listen = AT.fedns, clusters = 'good: 192.0.2.10' } = more;
  const names = clusters.split(',').map((one) => one.trim().split(':')[0]!);
  return `domain: ${domain}
nameservers:
  - { name: ns1.${domain}, addresses: [${AT.fedns}] }
  - { name: ns2.${domain}, addresses: [${AT.alsoFedns}] }
listen: ['${listen}:${port}', '${AT.alsoFedns}:${port}']
admin: 127.0.0.1:${adminPort}
workers: 1
stateDir: false
federations: [{ name: myfederation }]
clusters:
${names.map((name, i) => `  - { name: ${name}, region: r${i}, zones: [r${i}-a], manifests: ./${name} }\n`).join('')}`;
}

const folder = scratch(t, {
  'fedns.yaml': configOf(),
  'other.yaml': configOf({ domain: 'other.net' }),
  // NSD answers there, for other domains.
  'elsewhere.yaml': configOf({ listen: AT.one }),
  'faulty.yaml': 'domain: served.net\nclusters: nonsense\n',
  'lost.yaml': configOf().replaceAll(String(adminPort), '1'),
  good: { 'nginx.yaml': manifest('192.0.2.10') },
});
const SERVED = join(folder, 'fedns.yaml');
await serve(t, SERVED);

interface Examined {
  readonly code: number;
  readonly steps: readonly StepReport[];
  readonly text: string;
}

/** Runs the command as it is, with the port of this world for that of DNS. */
async function examine(args: readonly string[], form = 'json'): Promise<Examined> {
  let text = '';
  const code = await runProgram(['doctor', ...args, '-o', form], {
    out: (part) => void (text += part),
    err: () => {},
    clock: Date.now,
    version: '0.0.0',
    load: loadConfig,
    serve: async () => 1,
    doctor: (complaint) =>
      diagnose(
        {
          ...complaint,
          ask: asker(PATIENCE_MS),
          resolvers: [{ address: AT.resolver, port }],
          dnsPort: port,
          env: {},
          clock: Date.now,
          timers,
        },
        complaint.steps,
      ),
  });
  return { code, text, steps: form === 'json' ? (JSON.parse(text) as { steps: StepReport[] }).steps : [] };
}

t.test('where all is well, every step says so and the exit code is 0', async (tt) => {
  const { code, steps } = await examine(['--config', SERVED]);
  tt.strictSame(
    steps.map(({ id }) => id),
    STEPS.map(({ id }) => id),
  );
  for (const { id, outcome, findings } of steps)
    tt.ok(
      outcome === 'well' || outcome === 'none',
      `${id}: ${outcome}: ${findings.map(({ found }) => found).join('; ')}`,
    );
  const tried = steps.filter(({ outcome }) => outcome === 'well').map(({ id }) => id);
  tt.match(tried, [
    'configuration',
    'server',
    'clusters',
    'shards',
    'answers',
    'delegation',
    'nameservers',
    'agreement',
  ]);
  tt.equal(code, 0);
  const table = await examine(['--config', SERVED, NGINX], 'table');
  tt.match(table.text, /^STEP +STATUS +FOUND\nconfiguration +well +no faults\n/);
  tt.match(table.text, /\nshards +well +1 of 1 shards answer\n/);
  tt.equal(table.code, 0);
});

interface Case {
  readonly title: string;
  readonly args: readonly string[];
  readonly step: StepId;
  readonly outcome: StepReport['outcome'];
  readonly says: RegExp;
}

const CASES: readonly Case[] = [
  {
    title: 'a file with faults is told with each fault',
    args: ['--config', join(folder, 'faulty.yaml')],
    step: 'configuration',
    outcome: 'wrong',
    says: /clusters/,
  },
  {
    title: 'what a file with faults names cannot be tried',
    args: ['--config', join(folder, 'faulty.yaml')],
    step: 'delegation',
    outcome: 'untried',
    says: /not known while the step configuration is not well -> mend configuration first/,
  },
  {
    title: 'a server that does not run is told with how to start it',
    args: ['--config', join(folder, 'lost.yaml')],
    step: 'server',
    outcome: 'wrong',
    says: /no fedns answers at 127\.0\.0\.1:1 .* -> start it with fedns serve/,
  },
  {
    title: 'what only the server knows is untried without it',
    args: ['--config', join(folder, 'lost.yaml')],
    step: 'shards',
    outcome: 'untried',
    says: /not known while the step server is not well/,
  },
  {
    title: 'a server with another domain is not the one of this file',
    args: ['--config', join(folder, 'other.yaml')],
    step: 'server',
    outcome: 'wrong',
    says: /it serves served\.net, and the file says other\.net/,
  },
  {
    title: 'an address at which something else answers is found out over both transports',
    args: ['--config', join(folder, 'elsewhere.yaml')],
    step: 'answers',
    outcome: 'wrong',
    says: new RegExp(`served\\.net SOA at ${AT.one}:.*UDP: REFUSED.*; TCP: REFUSED`),
  },
  {
    title: 'a Service that no cluster has is told with what the server knows of it',
    args: ['--config', SERVED, `lost.mynamespace.myfederation.svc.served.net`],
    step: 'shards',
    outcome: 'wrong',
    says: /lost\.mynamespace\.myfederation.*does not exist.* -> fedns explain lost/,
  },
];

for (const { title, args, step, outcome, says } of CASES) {
  t.test(`${step}: ${title}`, async (tt) => {
    const { code, steps } = await examine([...args, '--step', step]);
    const [report] = steps;
    tt.equal(report?.outcome, outcome);
    const lines = report!.findings.map(({ about, found, next }) => `${about}: ${found} -> ${next}`);
    tt.ok(
      lines.some((line) => says.test(line)),
      lines.join('\n'),
    );
    tt.equal(code, 1);
  });
}

/** Until the running server says so: it reads its files by itself. */
async function until(step: StepId, says: RegExp): Promise<Examined> {
  for (;;) {
    const examined = await examine(['--config', SERVED, '--step', step]);
    if (examined.steps[0]!.findings.some(({ found }) => says.test(found))) return examined;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

t.test('shards: one without a ready endpoint is named with the condition that fails', async (tt) => {
  writeFileSync(join(folder, 'good/nginx.yaml'), manifest('192.0.2.10', false));
  const { code, steps } = await until('shards', /^notReady: /);
  tt.match(steps[0]!.findings, [
    { outcome: 'wrong', about: `${NGINX} in good`, next: /kubectl --context good -n mynamespace/ },
  ]);
  tt.equal(code, 1);
});

t.test('shards: one without an address is told apart from it', async (tt) => {
  writeFileSync(
    join(folder, 'good/nginx.yaml'),
    manifest('192.0.2.10').replace('ingress: [{ ip: 192.0.2.10 }]', 'ingress: []'),
  );
  const { steps } = await until('shards', /^noAddress: /);
  tt.match(steps[0]!.findings, [
    { outcome: 'wrong', next: /describe service nginx: its load balancer has no address/ },
  ]);
});

t.test('clusters: one whose objects are refused is named with object and reason', async (tt) => {
  writeFileSync(join(folder, 'good/nginx.yaml'), manifest('not-an-address'));
  const { steps } = await until('clusters', /^not taken: Service mynamespace\/nginx: /);
  tt.match(steps[0]!.findings, [{ outcome: 'wrong', about: 'good' }]);
});

t.test('the command itself ends with 1 and tells what it could not try', async (tt) => {
  const args = [MAIN, 'doctor', '--config', join(folder, 'lost.yaml'), '--step', 'server', 'shards'];
  const run = start(tt, process.execPath, args);
  tt.equal(await run.ended, 1);
  tt.match(run.output(), /server +WRONG +no fedns answers at 127\.0\.0\.1:1/);
  const bad = start(tt, process.execPath, [...args, '--resolver', 'nonsense']);
  tt.equal(await bad.ended, 1);
  tt.match(bad.output(), /fedns: --resolver nonsense: not an address/);
});
