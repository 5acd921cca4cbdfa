import tap from 'tap';
import { parseManifest, type ParsedManifest } from '../../../src/watchers/manifests/manifest-parser.ts';
import { READY, service, slice } from '../kubernetes-objects.ts';

function parse(text: string, objectOctetsMax = 1_000_000): ParsedManifest {
  return parseManifest(text, { file: 'nginx.yaml', objectOctetsMax });
}

function names(parsed: ParsedManifest): string[] {
  return parsed.ok ? parsed.objects.map(({ object }) => `${object.kind} ${object.name}`) : ['broken'];
}

const YAML = `# the federation's nginx
apiVersion: v1
kind: Service
metadata:
  name: nginx
  namespace: web
  labels: {fedns.io/federation: main}
spec:
  type: LoadBalancer
  ports:
  - name: http
    port: 80
---
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: nginx-1
  namespace: web
  labels:
    kubernetes.io/service-name: nginx
endpoints: null
---
# nothing more
`;

tap.test('a file may hold several documents, empty ones among them', (t) => {
  const parsed = parse(YAML);
  t.same(names(parsed), ['Service nginx', 'EndpointSlice nginx-1']);
  t.ok(parsed.ok);
  if (parsed.ok)
    t.same(
      parsed.objects.map(({ place }) => place),
      ['nginx.yaml:2:1', 'nginx.yaml:15:1'],
    );
  t.end();
});

for (const [title, text] of [
  ['an empty file', ''],
  ['a file of comments', '# nothing\n# here\n'],
  ['a file of separators', '---\n---\n'],
  ['a file of null', 'null\n'],
  ['an empty list', 'apiVersion: v1\nkind: List\nitems: []\n'],
  ['a list without items, as kubectl prints none', 'apiVersion: v1\nkind: List\nitems: []\nmetadata: {}\n'],
] as const) {
  tap.test(`${title} means no objects`, (t) => {
    t.same(parse(text), { ok: true, objects: [], refusals: [] });
    t.end();
  });
}

tap.test('a list as kubectl prints it is taken apart, with the place of each item', (t) => {
  const text = ['apiVersion: v1', 'kind: List', 'items:', ...indent(YAML.split('---\n---\n')[0]!)].join('\n');
  const parsed = parse(text);
  t.same(names(parsed), ['Service nginx']);
  t.match(parsed, { objects: [{ place: 'nginx.yaml:5:3' }] });
  t.end();
});

function indent(text: string): string[] {
  const lines = text.split('\n').slice(1);
  return ['# item', ...lines.map((line, i) => (i === 0 ? `- ${line}` : `  ${line}`))];
}

tap.test('JSON is taken, also lists and byte for byte what an API server returns', (t) => {
  const list = {
    kind: 'ServiceList',
    apiVersion: 'v1',
    items: [{ ...service(), kind: undefined, apiVersion: undefined }],
  };
  t.same(names(parse(JSON.stringify(service()))), ['Service nginx']);
  t.same(names(parse(JSON.stringify(list))), ['Service nginx']);
  t.same(
    names(
      parse(JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [service(), slice([READY])] }, null, 2)),
    ),
    ['Service nginx', 'EndpointSlice nginx-abcde'],
  );
  t.end();
});

const BROKEN: ReadonlyArray<readonly [string, string, string]> = [
  ['a tab in the indentation', 'kind: Service\nmetadata:\n\tname: a\n', 'nginx.yaml:3:1'],
  ['an open bracket', 'kind: [Service\n', 'nginx.yaml:2:1'],
  ['a key twice', 'kind: Service\nkind: Node\n', 'nginx.yaml:2:1'],
  ['JSON that ends early', '{"kind": "Service",\n "metadata": {', 'nginx.yaml:2:15'],
  ['an alias that nothing anchors', 'kind: *nothing\n', 'nginx.yaml:1:1'],
];

for (const [title, text, place] of BROKEN) {
  tap.test(`${title} breaks the file, at a line and column`, (t) => {
    const parsed = parse(text);
    t.match(parsed, { ok: false, refusal: { code: 'FILE_MALFORMED', object: place } });
    t.end();
  });
}

tap.test('a later document that is broken breaks the file as a whole', (t) => {
  t.match(parse(`${YAML}---\nkind: [`), { ok: false });
  t.end();
});

tap.test('aliases that unfold without bound break the file', (t) => {
  const levels = Array.from({ length: 9 }, (_, i) => {
    const entry = i === 0 ? '"x"' : `*a${i - 1}`;
    return `a${i}: &a${i} [${Array.from({ length: 10 }, () => entry).join(', ')}]`;
  });
  t.match(parse(levels.join('\n')), { ok: false, refusal: { code: 'FILE_MALFORMED' } });
  t.end();
});

const REFUSED: ReadonlyArray<readonly [string, string, string, RegExp]> = [
  ['a field of the wrong type', 'port: 80', 'port: "80"', /Service web\/nginx: spec\.ports\[0\]\.port/],
  ['a missing namespace', '  namespace: web\n  labels: {', '  labels: {', /namespace is missing/],
  ['a missing kind', 'kind: Service', 'kinds: Service', /no kind/],
];

for (const [title, from, to, message] of REFUSED) {
  tap.test(`${title} costs that object alone and is reported with line and column`, (t) => {
    const parsed = parse(YAML.replace(from, to));
    t.same(names(parsed), ['EndpointSlice nginx-1']);
    t.match(parsed, { refusals: [{ code: 'OBJECT_MALFORMED', object: /^nginx\.yaml:\d+:\d+$/, message }] });
    t.end();
  });
}

tap.test('the line and column of a refusal are those of the field', (t) => {
  t.match(parse(YAML.replace('port: 80', 'port: "80"')), { refusals: [{ object: 'nginx.yaml:12:11' }] });
  t.end();
});

tap.test('a document that is no object is refused', (t) => {
  t.match(parse('hello\n'), { refusals: [{ code: 'OBJECT_MALFORMED', object: 'nginx.yaml:1:1' }] });
  t.end();
});

tap.test('an object that is too large is refused, the others are taken', (t) => {
  const large = service({ name: 'large', annotations: { big: 'x'.repeat(5000) } });
  const list = { kind: 'List', apiVersion: 'v1', items: [large, service()] };
  const parsed = parse(JSON.stringify(list), 4000);
  t.same(names(parsed), ['Service nginx']);
  t.match(parsed, { refusals: [{ code: 'OBJECT_TOO_LARGE', object: /^nginx\.yaml:1:/ }] });
  t.same(names(parse(JSON.stringify(list), 6000)), ['Service large', 'Service nginx']);
  t.end();
});

tap.test('objects of other kinds are skipped', (t) => {
  t.same(parse('apiVersion: apps/v1\nkind: Deployment\n'), { ok: true, objects: [], refusals: [] });
  t.end();
});
