import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import {
  MAIN,
  NGINX,
  addressesOf,
  config,
  freePort,
  lookAgain,
  manifest,
  serve,
  site,
  start,
} from './serving.ts';

async function metricsOf(adminPort: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
}

/** Every test is one start of a process at least, and what is measured is never the time. */
t.setTimeout(120_000);

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

t.test('SIGTERM to npm ends the fedns that it runs', async (t) => {
  const { file } = await site(t);
  const npm = start(t, 'npm', ['run', '-s', 'fedns', '--', 'serve', '--config', file]);
  await npm.until(/"msg":"listening"/);
  npm.child.kill('SIGTERM');
  await npm.ended;
  t.match(npm.output(), /"msg":"stopped"/);
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
  writeFileSync(join(folder, 'proc.yaml'), config(await freePort(), adminPort, 'stateDir: /proc/fedns\n'));
  writeFileSync(
    join(folder, 'gone.yaml'),
    config(await freePort(), adminPort).replace('./cluster', './nowhere'),
  );
  const cases: readonly (readonly [string, RegExp])[] = [
    ['taken.yaml', new RegExp(`^fedns: cannot listen on TCP 127\\.0\\.0\\.1:${port}: [^\\n]*\\n$`)],
    ['admin.yaml', new RegExp(`^fedns: admin: cannot listen on TCP [^\\n]*${port}[^\\n]*\\n$`)],
    ['state.yaml', /^fedns: stateDir [^\n]* cannot be used: [^\n]*\n$/],
    ['proc.yaml', /^fedns: stateDir \/proc\/fedns cannot be used: [^\n]*\n$/],
    ['gone.yaml', /^[^\n]*gone\.yaml:8:\d+: [^\n]*nowhere is no file or folder that can be read\n$/],
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

t.test('the line of the start shows the CPU that a pinned worker keeps to', async (t) => {
  const { file, port, adminPort } = await site(t);
  writeFileSync(file, config(port, adminPort, 'pinWorkers: true\n'));
  const fedns = await serve(t, file);
  t.match(fedns.output(), process.platform === 'linux' ? /"cpus":\[\d+\]/ : /pinWorkers has no effect/);
  t.strictSame(await addressesOf(port, NGINX), ['192.0.2.10']);
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

t.test(
  'a long list of records is taken into force while clusters change, and a fault in it is not',
  async (t) => {
    const { folder, file, port, adminPort } = await site(t);
    const fedns = await serve(t, file);
    const entries = Array.from(
      { length: 5000 },
      (_, i) => `  - { name: n${i}.example.com, type: A, data: 192.0.2.77 }\n`,
    );
    const replace = (more: string): void => {
      writeFileSync(`${file}.new`, config(port, adminPort, `records:\n${entries.join('')}${more}`));
      renameSync(`${file}.new`, file);
    };
    replace(`  - { name: ${NGINX}, type: TXT, data: beside }\n`);
    writeFileSync(join(folder, 'cluster', 'nginx.yaml'), manifest('192.0.2.99'));
    await fedns.until(/configuration reloaded/);
    t.strictSame(await addressesOf(port, 'n4999.example.com'), ['192.0.2.77']);
    while ((await addressesOf(port, NGINX))[0] !== '192.0.2.99') await lookAgain();

    replace('  - { name: n0.example.com, type: CNAME, data: n1.example.com }\n');
    await fedns.until(/records\[5000\][^\n]*configuration refused/);
    t.strictSame(await addressesOf(port, 'n0.example.com'), ['192.0.2.77']);
    t.match(await metricsOf(adminPort), /^fedns_config_last_reload_successful 0$/m);
  },
);

t.test('a change in a manifest is in the answers', async (t) => {
  const { folder, file, port, adminPort } = await site(t);
  await serve(t, file);
  writeFileSync(join(folder, 'cluster', 'nginx.yaml'), manifest('192.0.2.99'));
  while ((await addressesOf(port, NGINX))[0] !== '192.0.2.99') await lookAgain();
  t.strictSame(await addressesOf(port, NGINX), ['192.0.2.99']);
  t.match(await metricsOf(adminPort), /^fedns_propagation_seconds_count\{cluster="one"\} [1-9]/m);
});

t.test(
  'why a name is not served, and that a shard has changed health, is told by the running process',
  async (t) => {
    const { folder, file, adminPort } = await site(t);
    const server = await serve(t, file);
    const explained = async (name: string): Promise<string> => {
      const url = `http://127.0.0.1:${adminPort}/api/v1/explain?name=${name}`;
      return (await fetch(url)).text();
    };
    t.match(await explained(NGINX.replace('nginx', 'ngnix')), `did you mean ${NGINX}?`);
    t.notMatch(await explained(NGINX), /reason/);
    writeFileSync(join(folder, 'cluster', 'nginx.yaml'), manifest('192.0.2.99', false));
    await server.until(/a shard is not healthy any more/);
    t.match(await explained(NGINX), 'one: none of its endpoints is ready');
  },
);

t.test('what nobody catches in the control plane is logged and counted, and answers go on', async (t) => {
  const { file, port, adminPort } = await site(t);
  const child = fileURLToPath(new URL('fault-child.ts', import.meta.url));
  const fedns = start(t, process.execPath, [child, file]);
  await fedns.until(/"msg":"listening"/);
  fedns.child.kill('SIGWINCH');
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
  t.match(
    second.output(),
    /^fedns: another fedns \(process \d+\) holds [^\n]*lock: give each a stateDir of its own\n$/,
  );
});

/** Log lines are JSON. */
function withoutLog(output: string): string {
  return output.replaceAll(/^\{.*\n/gm, '');
}
