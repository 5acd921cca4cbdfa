import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { brokenLinks, markdownFiles } from '../docs/broken-links.ts';
import { NGINX, addressesOf, config, freePort, manifest, start, untapped } from './serving.ts';
import { scratch } from '../support/scratch.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { version: VERSION } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
};

/** Runs a command to its end. @returns its standard output */
function run(command: string, args: readonly string[], cwd = ROOT): string {
  return execFileSync(...untapped(command, args), { cwd, encoding: 'utf8' });
}

/** A copy of the tree, so that nothing that runs beside this test sees it while it is packed. */
function copyTree(folder: string): string {
  for (const name of readdirSync(ROOT)) {
    if (!LEFT_OUT.has(name)) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}
const LEFT_OUT: ReadonlySet<string> = new Set(['.git', '.tap', 'dist', 'node_modules', 'test']);

/** All files of a tree but what is built, with their content. */
function contentOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { withFileTypes: true, recursive: true });
  const kept = files.filter((file) => file.isFile() && !/\/(node_modules|dist)(\/|$)/.test(file.parentPath));
  const paths = kept.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
  return new Map(paths.map((path) => [path, readFileSync(path, 'latin1')]));
}

// Outside of this repository, whose node_modules and .gitignore count for what lies in it.
const work = mkdtempSync(join(tmpdir(), 'fedns-pack-'));
t.teardown(() => rmSync(work, { recursive: true }));
const packed = scratch(t);
const tree = copyTree(work);
const before = contentOf(tree);
const tarball = run('npm', ['pack', '--silent', '--pack-destination', packed], tree)
  .trim()
  .split('\n')
  .at(-1)!;

t.test('npm pack publishes no script, all else of package.json, and leaves the tree as it was', async (t) => {
  const folder = scratch(t, {});
  run('tar', ['-xzf', join(packed, tarball), '-C', folder]);
  const { scripts, ...rest } = manifestOf(ROOT);
  t.ok(scripts);
  t.strictSame(manifestOf(join(folder, 'package')), rest);
  t.strictSame(contentOf(tree), before);
});

function manifestOf(folder: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
}

const MANIFEST = '{\n  "name": "one",\n  "scripts": { "build": "tsc" }\n}\n';
const PUBLISHED = '{\n  "name": "one"\n}\n';

t.test('package.json comes back once, whole, however often it is put aside', async (t) => {
  const folder = scratch(t, { 'package.json': MANIFEST });
  const now = (): string => readFileSync(join(folder, 'package.json'), 'utf8');
  const say = (command: string): string =>
    run(process.execPath, [join(ROOT, 'published-manifest.ts'), command, folder]);
  say('restore');
  t.equal(now(), MANIFEST, 'it was never away');
  say('put');
  say('put');
  t.equal(now(), PUBLISHED);
  say('restore');
  say('restore');
  t.equal(now(), MANIFEST);
  t.strictSame(readdirSync(folder), ['package.json']);
});

t.test('package.json comes back when npm is killed while it packs', async (t) => {
  const folder = scratch(t, { 'package.json': MANIFEST });
  const script = `const { execFileSync } = require('node:child_process');
    execFileSync(process.execPath, [${JSON.stringify(join(ROOT, 'published-manifest.ts'))}, 'put', '.']);
    console.log('put');
    setInterval(() => {}, 1000);`;
  const npm = spawn(...untapped(process.execPath, ['-e', script]), { cwd: folder });
  t.teardown(() => npm.kill('SIGKILL'));
  await once(npm.stdout, 'data');
  const watcher = watch(folder);
  t.equal(readFileSync(join(folder, 'package.json'), 'utf8'), PUBLISHED);
  npm.kill('SIGKILL');
  while (readFileSync(join(folder, 'package.json'), 'utf8') !== MANIFEST) await once(watcher, 'change');
  watcher.close();
  t.strictSame(readdirSync(folder), ['package.json']);
});

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
  const folder = scratch(t, { cluster: { 'nginx.yaml': manifest('192.0.2.10') } });
  const main = install(folder);
  const files = readdirSync(join(folder, 'node_modules', 'fedns'), { recursive: true, encoding: 'utf8' });
  t.ok(files.includes('dist/serve/server.d.ts'), 'it carries types');
  t.notOk(
    files.some((file) => file.endsWith('.ts') && !file.endsWith('.d.ts')),
    'and no TypeScript that runs',
  );
  t.equal(run(process.execPath, [main, '--version']), `${VERSION}\n`);
  for (const transport of ['auto', 'portable']) {
    const [port, adminPort] = [await freePort(), await freePort()];
    const file = join(folder, `${transport}.yaml`);
    writeFileSync(file, config(port, adminPort, `transport: ${transport}\nstateDir: false\n`));
    const fedns = start(t, process.execPath, [main, 'serve', '--config', file]);
    await fedns.until(/"msg":"listening"/);
    t.strictSame(await addressesOf(port, NGINX), ['192.0.2.10'], transport);
    t.strictSame(await missingOfPage(`http://127.0.0.1:${adminPort}/`), [], 'the page is whole');
    fedns.child.kill('SIGTERM');
    t.equal(await fedns.ended, 0);
  }
});

function isWrong({ status, headers, url }: Response): boolean {
  if (status !== 200) return true;
  return url.endsWith('.js') && !headers.get('content-type')!.startsWith('text/javascript');
}

/** What the page names and cannot be fetched, or is no JavaScript. */
async function missingOfPage(base: string): Promise<string[]> {
  const html = await (await fetch(base, { headers: { accept: 'text/html' } })).text();
  const named = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address!);
  const bare = Object.values((JSON.parse(/\{"imports".*\}/.exec(html)![0]) as { imports: object }).imports);
  const replies = await Promise.all([...named, ...bare].map((address) => fetch(new URL(address, base))));
  return [
    ...replies.filter(isWrong).map(({ url }) => url),
    ...named.filter((address) => address.endsWith('.ts')),
    ...(named.some((address) => address.endsWith('/main.js')) ? [] : ['main.js']),
  ];
}

t.test('the documents in the npm package link to what it carries', (t) => {
  const folder = scratch(t, {});
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
    const folder = scratch(t, { cluster: { 'nginx.yaml': manifest('192.0.2.10') } });
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
