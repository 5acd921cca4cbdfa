import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { brokenLinks, markdownFiles } from '../docs/broken-links.ts';
import { NGINX, addressesOf, config, freePort, manifest, start, untapped } from './serving.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { version: VERSION } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
};

/** Runs a command to its end. @returns its standard output */
function run(command: string, args: readonly string[], cwd = ROOT): string {
  return execFileSync(...untapped(command, args), { cwd, encoding: 'utf8' });
}

const packed = t.testdir();
const tarball = run('npm', ['pack', '--silent', '--pack-destination', packed]).trim().split('\n').at(-1)!;

/** Unpacks fedns as npm would, beside the dependencies that are here already. @returns its entry */
function install(folder: string): string {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  run('tar', ['-xzf', join(packed, tarball), '-C', modules]);
  renameSync(join(modules, 'package'), join(modules, 'fedns'));
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  return join(modules, 'fedns', 'dist', 'main.js');
}

t.test('the npm package serves when it is installed elsewhere', async (t) => {
  const folder = t.testdir({ cluster: { 'nginx.yaml': manifest('192.0.2.10') } });
  const main = install(folder);
  const files = readdirSync(join(folder, 'node_modules', 'fedns'), { recursive: true, encoding: 'utf8' });
  t.ok(files.includes('dist/serve/server.d.ts'), 'it carries types');
  t.notOk(
    files.some((file) => file.endsWith('.ts') && !file.endsWith('.d.ts')),
    'and no TypeScript that runs',
  );
  t.equal(run(process.execPath, [main, '--version']), `${VERSION}\n`);
  for (const transport of ['auto', 'portable']) {
    const port = await freePort();
    const file = join(folder, `${transport}.yaml`);
    writeFileSync(file, config(port, await freePort(), `transport: ${transport}\nstateDir: false\n`));
    const fedns = start(t, process.execPath, [main, 'serve', '--config', file]);
    await fedns.until(/"msg":"listening"/);
    t.strictSame(await addressesOf(port, NGINX), ['192.0.2.10'], transport);
    fedns.child.kill('SIGTERM');
    t.equal(await fedns.ended, 0);
  }
});

t.test('the documents in the npm package link to what it carries', (t) => {
  const folder = t.testdir({});
  run('tar', ['-xzf', join(packed, tarball), '-C', folder]);
  const root = join(folder, 'package');
  for (const file of ['README.md', 'SECURITY.md', 'docs/guide.md']) {
    t.ok(markdownFiles(root).includes(file), file);
  }
  t.strictSame(brokenLinks(root), []);
  t.end();
});

const OLD_NODE = ['/usr/bin/node', '/usr/local/bin/node'].find(
  (path) => existsSync(path) && majorOf(path) < 24,
);

t.test(
  'an older Node runs the package with the Node that npm installed beside it',
  { skip: OLD_NODE === undefined && 'this machine has no older Node' },
  async (t) => {
    const folder = t.testdir({ cluster: { 'nginx.yaml': manifest('192.0.2.10') } });
    const main = install(folder);
    t.equal(run(OLD_NODE!, [main, '--version']), `${VERSION}\n`);
    const port = await freePort();
    const file = join(folder, 'fedns.yaml');
    writeFileSync(file, config(port, await freePort(), 'stateDir: false\n'));
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const fedns = start(t, OLD_NODE!, [main, 'serve', '--config', file]);
      await fedns.until(/"msg":"listening"/);
      t.strictSame(await addressesOf(port, NGINX), ['192.0.2.10']);
      fedns.child.kill(signal);
      t.equal(await fedns.ended, signal === 'SIGTERM' ? 0 : 'SIGKILL', signal);
      t.match(fedns.output(), /"msg":"stopped"/, 'the inner process ends too');
    }
  },
);

t.test(
  'an older Node without another beside it says in one line what is missing',
  { skip: OLD_NODE === undefined && 'this machine has no older Node' },
  async (t) => {
    // Outside of this repository, whose node_modules Node would find on its way up.
    const folder = mkdtempSync(join(tmpdir(), 'fedns-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const main = install(folder);
    for (const name of readdirSync(join(folder, 'node_modules'))) {
      if (name.startsWith('node-')) unlinkSync(join(folder, 'node_modules', name));
    }
    const fedns = start(t, OLD_NODE!, [main, '--version']);
    t.equal(await fedns.ended, 1);
    t.match(fedns.output(), /^fedns needs Node 24 or newer; this is v\d+\.\d+\.\d+\n$/);
  },
);

function majorOf(node: string): number {
  return Number(run(node, ['-p', 'process.versions.node.split(".")[0]']));
}
