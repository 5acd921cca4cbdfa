import { once } from 'node:events';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { MAIN, NGINX, addressesOf, config, freePort, manifest, serve, start } from './serving.ts';

interface Site {
  readonly folder: string;
  readonly file: string;
  readonly port: number;
  readonly adminPort: number;
}

async function site(test: Test): Promise<Site> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const folder = test.testdir({
    'fedns.yaml': config(port, adminPort),
    cluster: { 'nginx.yaml': manifest('192.0.2.10') },
  });
  return { folder, file: join(folder, 'fedns.yaml'), port, adminPort };
}

async function metricsOf(adminPort: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
}

t.test('the process answers, and ends cleanly on SIGTERM and SIGINT', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { file, port } = await site(t);
    const fedns = await serve(t, file);
    t.strictSame(await addressesOf(port, NGINX), ['192.0.2.10']);
    fedns.child.kill(signal);
    t.equal(await fedns.ended, 0, signal);
    t.match(fedns.output(), /"msg":"stopped"/);
    t.notMatch(fedns.output(), /outlived/);
  }
});

t.test('after kill -9 the last state is served at once', async (t) => {
  const { folder, file, port, adminPort } = await site(t);
  const first = await serve(t, file);
  while (!existsSync(join(folder, 'state', 'snapshot.ndjson'))) await lookAgain();
  first.child.kill('SIGKILL');
  t.equal(await first.ended, 'SIGKILL');
  const second = await serve(t, file);
  t.match(second.output(), /"clusters":\["one"\].*serving the state of the last run/);
  t.strictSame(await addressesOf(port, NGINX), ['192.0.2.10']);
  t.equal((await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status, 200);
});

t.test('a manifest that is broken at a restart keeps its last good state until it is mended', async (t) => {
  const { folder, file, port } = await site(t);
  const manifestFile = join(folder, 'cluster', 'nginx.yaml');
  const first = await serve(t, file);
  first.child.kill('SIGTERM');
  await first.ended;
  writeFileSync(manifestFile, 'kind: [');
  const second = await serve(t, file);
  t.strictSame(await addressesOf(port, NGINX), ['192.0.2.10']);
  await second.until(/nginx\.yaml:\d+:\d+/);
  writeFileSync(manifestFile, manifest('192.0.2.11'));
  while ((await addressesOf(port, NGINX))[0] !== '192.0.2.11') await lookAgain();
  t.strictSame(await addressesOf(port, NGINX), ['192.0.2.11']);
});

t.test('what stops a start is one clear line and exit code 1', async (t) => {
  const { folder, port, adminPort } = await site(t);
  const blocker = createServer().listen(port, '127.0.0.1');
  await once(blocker, 'listening');
  t.teardown(() => blocker.close());
  writeFileSync(join(folder, 'taken.yaml'), config(port, adminPort, 'stateDir: false\n'));
  writeFileSync(join(folder, 'admin.yaml'), config(await freePort(), port, 'stateDir: false\n'));
  writeFileSync(
    join(folder, 'state.yaml'),
    config(await freePort(), adminPort, 'stateDir: ./fedns.yaml/x\n'),
  );
  const cases: readonly (readonly [string, RegExp])[] = [
    ['taken.yaml', new RegExp(`^fedns: cannot listen on TCP 127\\.0\\.0\\.1:${port}: [^\\n]*\\n$`)],
    ['admin.yaml', new RegExp(`^fedns: cannot listen on [^\\n]*${port}[^\\n]*\\n$`)],
    ['state.yaml', /^fedns: stateDir [^\n]* cannot be used: [^\n]*\n$/],
    ['none.yaml', /^[^\n]*none\.yaml: [^\n]*no such file[^\n]*\n$/],
  ];
  for (const [name, expected] of cases) {
    const fedns = start(t, process.execPath, [MAIN, 'serve', '--config', join(folder, name)]);
    t.equal(await fedns.ended, 1, name);
    t.match(withoutLog(fedns.output()), expected, name);
  }
});

t.test('every fault of a configuration is listed before anything is bound', async (t) => {
  const { file, port, adminPort } = await site(t);
  writeFileSync(file, config(port, adminPort, 'tttl: 5\nworkers2: 1\n'));
  const fedns = start(t, process.execPath, [MAIN, 'serve', '--config', file]);
  t.equal(await fedns.ended, 1);
  t.match(fedns.output(), /:9:.*tttl[^\n]*\n[^\n]*:10:.*workers2/);
});

t.test('a changed file is taken into force, a broken one is not, and SIGHUP asks for a look', async (t) => {
  const { file, port, adminPort } = await site(t);
  const fedns = await serve(t, file);
  const withRecord = (name: string): string =>
    config(port, adminPort, `records: [{ name: ${name}.example.com, type: A, data: 192.0.2.77 }]\n`);
  const replace = (text: string): void => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  replace(withRecord('www'));
  await fedns.until(/configuration reloaded/);
  t.strictSame(await addressesOf(port, 'www.example.com'), ['192.0.2.77']);
  t.strictSame(await addressesOf(port, NGINX), ['192.0.2.10'], 'the clusters are still there');

  replace('domain: [');
  await fedns.until(/configuration refused/);
  t.strictSame(await addressesOf(port, 'www.example.com'), ['192.0.2.77']);
  t.match(await metricsOf(adminPort), /^fedns_config_last_reload_successful 0$/m);

  rmSync(file);
  writeFileSync(file, withRecord('web'));
  fedns.child.kill('SIGHUP');
  await fedns.until(/configuration reloaded(.|\n)*configuration reloaded/);
  t.strictSame(await addressesOf(port, 'web.example.com'), ['192.0.2.77']);
  await t.rejects(addressesOf(port, 'www.example.com'), { code: 'ENOTFOUND' });
  t.match(await metricsOf(adminPort), /^fedns_config_last_reload_successful 1$/m);
});

t.test('a change in a manifest is in the answers', async (t) => {
  const { folder, file, port, adminPort } = await site(t);
  await serve(t, file);
  writeFileSync(join(folder, 'cluster', 'nginx.yaml'), manifest('192.0.2.99'));
  while ((await addressesOf(port, NGINX))[0] !== '192.0.2.99') await lookAgain();
  t.strictSame(await addressesOf(port, NGINX), ['192.0.2.99']);
  t.match(await metricsOf(adminPort), /^fedns_propagation_seconds_count\{cluster="one"\} [1-9]/m);
});

t.test('what nobody catches in the control plane is logged and counted, and answers go on', async (t) => {
  const { file, port, adminPort } = await site(t);
  const child = fileURLToPath(new URL('fault-child.ts', import.meta.url));
  const fedns = start(t, process.execPath, [child, file]);
  await fedns.until(/"msg":"listening"/);
  fedns.child.kill('SIGUSR2');
  await fedns.until(
    /rejected on purpose(.|\n)*thrown on purpose|thrown on purpose(.|\n)*rejected on purpose/,
  );
  t.strictSame(await addressesOf(port, NGINX), ['192.0.2.10']);
  t.match(await metricsOf(adminPort), /^fedns_control_plane_faults_total 2$/m);
  fedns.child.kill('SIGTERM');
  t.equal(await fedns.ended, 0);
});

t.test('two processes do not share a state folder', async (t) => {
  const { folder, file } = await site(t);
  await serve(t, file);
  const other = join(folder, 'other.yaml');
  writeFileSync(other, config(await freePort(), await freePort()));
  const second = start(t, process.execPath, [MAIN, 'serve', '--config', other]);
  t.equal(await second.ended, 1);
  t.match(second.output(), /^fedns: another fedns \(process \d+\) holds [^\n]*lock\n$/);
});

/** Log lines are JSON. */
function withoutLog(output: string): string {
  return output.replaceAll(/^\{.*\n/gm, '');
}

/** Another process gives no signal, so there is nothing but to look again. */
function lookAgain(): Promise<void> {
  return setTimeout(20);
}
