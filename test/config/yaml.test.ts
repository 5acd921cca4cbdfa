import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { ConfigError, formatFault } from '../../src/config/fault.ts';
import { loadSettings } from '../../src/config/load.ts';
import { codesOf, example, outcomeOf, printed } from './example.ts';
import { scratch } from '../support/scratch.ts';

test('text that is not YAML is refused with its place', async (t) => {
  t.same(codesOf(example({ bad: 'listen: ["127.0.0.1:53"' })), ['YAML_SYNTAX']);
  t.equal(outcomeOf('domain: example.com\nttl: @5').faults[0]!.line, 2);
  t.same(codesOf('domain: "\\q"'), ['YAML_SYNTAX']);
  t.same(codesOf('domain: !secret x'), ['YAML_SYNTAX'], 'an unknown tag is no value');
});

test('an empty configuration', async (t) => {
  for (const text of ['', '\n', '# nothing\n', '---\n', '~'])
    t.same(codesOf(text), ['EMPTY_FILE'], JSON.stringify(text));
  t.same(codesOf('- a'), ['WRONG_TYPE']);
  t.same(codesOf('text'), ['WRONG_TYPE']);
});

test('a key that appears twice', async (t) => {
  const text = example({ more: 'ttl: 5\nttl: 6' });
  t.same(printed(text), ['9:1: this key appears twice (remove one of the two)']);
});

test('several documents', async (t) => {
  t.same(codesOf(`${example()}\n---\n${example()}`), ['YAML_DOCUMENTS']);
  t.same(codesOf(`---\n${example()}\n`), [], 'one document may be marked as such');
});

test('aliases that unfold without end are refused at once', async (t) => {
  const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 12; i++) {
    const before = `*${String.fromCharCode(96 + i)}`;
    lines.push(
      `${String.fromCharCode(97 + i)}: &${String.fromCharCode(97 + i)} [${Array(10).fill(before).join(', ')}]`,
    );
  }
  t.same(codesOf(lines.join('\n')), ['YAML_ALIAS']);
  t.same(codesOf('a: *b'), ['YAML_ALIAS'], 'an alias without anchor');
  t.same(codesOf('clusters: &a [{ name: x, clients: *a }]'), ['YAML_ALIAS'], 'an alias that contains itself');
  t.same(codesOf('<<: 3'), ['YAML_ALIAS'], 'a merge key without mapping');
});

test('nesting without end is refused', async (t) => {
  for (const text of [`a: ${'['.repeat(10_000)}`, `a: ${'['.repeat(10_000)}${']'.repeat(10_000)}`]) {
    t.match(codesOf(text), ['YAML_SYNTAX']);
  }
});

test('a fault behind an alias is reported where the alias stands', async (t) => {
  const text = example({
    federations: 'federations:\n  - name: &name svc',
    clusters: 'clusters:\n  - name: *name\n    region: *name\n    inCluster: true',
  });
  t.same(
    outcomeOf(text).faults.map(({ line, column, path }) => [line, column, path]),
    [
      [5, 17, 'federations[0].name'],
      [8, 13, 'clusters[0].region'],
    ],
  );
});

function faultsOf(file: string): string[] {
  try {
    loadSettings(file);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map((fault) => formatFault(fault));
  }
}

test('files', async (t) => {
  const dir = scratch(t, {
    'good.yaml': example(),
    'one.yaml': '',
    'latin1.yaml': Buffer.from('domain: ex\xe4mple.com', 'latin1'),
    'missing.yaml': example({
      clusters:
        'clusters:\n  - { name: a, manifests: ./nowhere }\n  - { name: b, kubeconfig: { path: folder } }\n' +
        '  - { name: c, kubeconfig: { path: absent } }\n  - { name: d, manifests: folder }',
      geoip: 'geoip: { database: ./city.mmdb }',
    }),
  });
  mkdirSync(join(dir, 'folder'));
  t.same(faultsOf(join(dir, 'good.yaml')), []);
  t.same(loadSettings(join(dir, 'good.yaml')).settings.clusters[0]!.origin, {
    kind: 'manifests',
    path: join(dir, 'one.yaml'),
  });
  t.same(faultsOf(join(dir, 'absent.yaml')), [`${dir}/absent.yaml: there is no such file`]);
  t.same(faultsOf(dir), [`${dir}: this is not a file`]);
  t.same(faultsOf(join(dir, 'latin1.yaml')), [`${dir}/latin1.yaml: the file is not UTF-8 text`]);
  const missing = join(dir, 'missing.yaml');
  t.same(faultsOf(missing), [
    `${missing}:7:27: clusters[0].manifests: ./nowhere is no file or folder that can be read`,
    `${missing}:8:36: clusters[1].kubeconfig.path: folder is a folder, a file is expected`,
    `${missing}:9:36: clusters[2].kubeconfig.path: absent is no file that can be read`,
    `${missing}:11:20: geoip.database: ./city.mmdb is no file that can be read`,
  ]);
});

test('a file with a byte order mark loads', async (t) => {
  const dir = scratch(t, { 'one.yaml': '' });
  writeFileSync(join(dir, 'bom.yaml'), `\ufeff${example()}`);
  t.same(faultsOf(join(dir, 'bom.yaml')), []);
});

/** Numbers from 0 to below `limit`, the same in every run. */
function seededNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

test('whatever the text, it is loaded or refused with faults that lie inside it', async (t) => {
  const text = example({
    records: 'records:\n  - { name: a.example.com, type: TXT, data: "x" }',
    s: 'ttl: 5\nlog: {}',
  });
  const next = seededNumbers(1);
  const pieces = [
    '',
    '\n',
    ' ',
    '  - ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '"',
    '&a ',
    '*a',
    '<<: ',
    '0',
    '-1',
    '\u0000',
    'svc',
    '~',
  ];
  for (let i = 0; i < 2000; i++) {
    const at = next(text.length);
    const mutated = text.slice(0, at) + pieces[next(pieces.length)]! + text.slice(at + next(8));
    const { loaded, faults } = outcomeOf(mutated);
    const lines = mutated.split('\n').length;
    const sound = faults.every(({ line, column }) => line >= 1 && line <= lines && column >= 1);
    if (!sound || (loaded === undefined) === (faults.length === 0)) t.fail(mutated);
  }
  t.pass('2000 texts');
});
