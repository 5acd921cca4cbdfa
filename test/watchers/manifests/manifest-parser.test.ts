import tap from 'tap';
import { parseManifest, type ParsedManifest } from '../../../src/watchers/manifests/manifest-parser.ts';
import { READY, service, slice } from '../kubernetes-objects.ts';

function parse(text: string, objectOctetsMax = 1_000_000): ParsedManifest {
  return parseManifest(text, { file: 'nginx.yaml', objectOctetsMax });
}

function names(parsed: ParsedManifest): string[] {
  return parsed.objects.map(({ object }) => `${object.kind} ${object.name}`);
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
  t.equal(parsed.trouble, undefined);
  t.same(
    parsed.objects.map(({ place }) => place),
    ['nginx.yaml:2:1', 'nginx.yaml:15:1'],
  );
  t.end();
});

/** Without a word in it nobody writes a file to say nothing: what holds no object is a file in trouble, and says which. */
const IN_TROUBLE: ReadonlyArray<readonly [string, string, string, RegExp]> = [
  ['an empty file', '', 'FILE_EMPTY', /no objects at all/],
  ['a file of comments', '# nothing\n---\n# here\n', 'FILE_OF_OTHER_KINDS', /comments only/],
  ['a file of blanks', ' \n\n', 'FILE_EMPTY', /no objects at all/],
  ['a file of separators', '---\n---\n', 'FILE_EMPTY', /no objects at all/],
  ['a file of null', 'null\n', 'FILE_EMPTY', /no objects at all/],
  ['an empty mapping', '{}\n', 'OBJECT_MALFORMED', /no apiVersion/],
  ['an empty array', '[]\n', 'FILE_EMPTY', /no objects at all/],
  ['an empty list', 'apiVersion: v1\nkind: List\nitems: []\n', 'FILE_EMPTY', /no objects at all/],
  ['a list without items', 'apiVersion: v1\nkind: ServiceList\nitems: null\n', 'FILE_EMPTY', /no objects/],
  ['a list that was cut', 'apiVersion: v1\nitems:\n- kind: Service\n', 'FILE_CUT', /without kind/],
  ['JSON of a list that was cut', '{"apiVersion":"v1","items":[{}]}', 'FILE_CUT', /without kind/],
  ['an error text', 'error: You must be logged in\n', 'FILE_FOREIGN', /error message.*logged in/],
  [
    'an error of the server',
    'Error from server (Forbidden): services is forbidden: User "x" cannot list\n',
    'FILE_FOREIGN',
    /error message/,
  ],
  ['nothing found', 'No resources found in web namespace.\n', 'FILE_FOREIGN', /found no resources/],
  ['a table', 'NAME    TYPE       CLUSTER-IP\nnginx   ClusterIP  10.0.0.1\n', 'FILE_FOREIGN', /a table/],
  ['a table of all namespaces', 'NAMESPACE   NAME    TYPE\nweb   nginx   x\n', 'FILE_FOREIGN', /a table/],
  ['a page', '<!DOCTYPE html>\n<html><body>Sign in</body></html>\n', 'FILE_FOREIGN', /HTML/],
  ['a page without type', '<html>\n', 'FILE_FOREIGN', /HTML/],
  [
    'a Status',
    'apiVersion: v1\nkind: Status\nstatus: Failure\nmessage: etcd is gone\n',
    'FILE_FOREIGN',
    /a Status: "etcd is gone"/,
  ],
  ['a text', 'hello\n', 'FILE_FOREIGN', /found is "hello"/],
  ['a number', '42\n', 'FILE_FOREIGN', /found is "42"/],
  ['an array of arrays', '[[]]\n', 'FILE_FOREIGN', /a list within a list/],
  ['other kinds only', 'apiVersion: apps/v1\nkind: Deployment\n', 'FILE_OF_OTHER_KINDS', /none of a kind/],
  [
    'malformed objects only',
    'apiVersion: v1\nkind: Service\nmetadata: {name: a}\n',
    'FILE_WITHOUT_OBJECTS',
    /namespace is missing; kubectl's default is not assumed/,
  ],
];

for (const [title, text, code, message] of IN_TROUBLE) {
  tap.test(`${title}: a file in trouble`, (t) => {
    const parsed = parse(text);
    t.same(parsed.objects, []);
    t.match(parsed.trouble, { code, message, object: /^nginx\.yaml/ });
    t.end();
  });
}

tap.test('a document that is no object puts the file in trouble, and the others can be read', (t) => {
  for (const document of ['error: lost connection', 'hello', 'apiVersion: disc', '{}']) {
    const parsed = parse(`${YAML}---\n${document}\n`);
    t.same(names(parsed), ['Service nginx', 'EndpointSlice nginx-1'], document);
    t.match(parsed.trouble, { object: 'nginx.yaml:26:1' });
  }
  t.equal(
    parse(`${YAML}---\nkind: List\napiVersion: v1\nitems: []\n`).trouble,
    undefined,
    'but an empty list',
  );
  t.end();
});

tap.test('Endpoints are not read, and said so where there is no EndpointSlice', (t) => {
  const endpoints = 'apiVersion: v1\nkind: Endpoints\nmetadata: {name: nginx, namespace: web}\n';
  t.match(parse(`${JSON.stringify(service())}\n---\n${endpoints}`), {
    objects: [{ object: { kind: 'Service' } }],
    refusals: [{ code: 'ENDPOINTS_NOT_READ', object: 'nginx.yaml:3:1' }],
  });
  t.same(parse(`${YAML}---\n${endpoints}`).refusals, [], 'beside slices they say nothing new');
  t.end();
});

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

tap.test('a name without quotes that overflows as a number is the text that kubectl printed', (t) => {
  const { objects } = parse(YAML.replaceAll('namespace: web', 'namespace: 54e7123'));
  t.same(
    objects.map(({ object }) => object.namespace),
    ['54e7123', '54e7123'],
  );
  t.match(
    parse(YAML.replaceAll('namespace: web', 'namespace: 54e71')).refusals,
    [{ code: 'OBJECT_MALFORMED' }, { code: 'OBJECT_MALFORMED' }],
    'kubectl puts quotes around what is a number',
  );
  t.end();
});

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

const STREAMS: ReadonlyArray<readonly [string, (objects: readonly string[]) => string]> = [
  ['one after the other', (objects) => objects.join('')],
  ['a line each', (objects) => objects.join('\n') + '\n'],
  ['with --- between', (objects) => objects.join('\n---\n')],
  ['as a sequence of RFC 7464', (objects) => objects.map((object) => `\u001e${object}\n`).join('')],
  ['as an array', (objects) => `[${objects.join(', ')}]`],
  ['as a YAML sequence', (objects) => objects.map((object) => `- ${object}\n`).join('')],
];

for (const [title, write] of STREAMS) {
  tap.test(`several JSON values in a file are taken: ${title}`, (t) => {
    const texts = [service({ annotations: { odd: '}{][" \\' } }), slice([READY])].map((object) =>
      JSON.stringify(object),
    );
    t.same(names(parse(write(texts))), ['Service nginx', 'EndpointSlice nginx-abcde']);
    t.match(
      parse(write([...texts, '{"apiVersion":'])).trouble,
      { code: 'FILE_MALFORMED' },
      'unless one is cut',
    );
    t.match(parse(write([...texts, '{}'])).trouble, { code: 'OBJECT_MALFORMED' }, 'or is no object');
    t.end();
  });
}

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
    t.match(parsed, { objects: [], trouble: { code: 'FILE_MALFORMED', object: place } });
    t.end();
  });
}

tap.test('a later document that is broken breaks the file as a whole', (t) => {
  t.match(parse(`${YAML}---\nkind: [`), { objects: [], trouble: { code: 'FILE_MALFORMED' } });
  t.end();
});

tap.test('aliases that unfold without bound break the file', (t) => {
  const levels = Array.from({ length: 9 }, (_, i) => {
    const entry = i === 0 ? '"x"' : `*a${i - 1}`;
    return `a${i}: &a${i} [${Array.from({ length: 10 }, () => entry).join(', ')}]`;
  });
  t.match(parse(levels.join('\n')), { objects: [], trouble: { code: 'FILE_MALFORMED' } });
  t.end();
});

const REFUSED: ReadonlyArray<readonly [string, string, string, RegExp]> = [
  ['a field of the wrong type', 'port: 80', 'port: "80"', /Service web\/nginx: spec\.ports\[0\]\.port/],
  ['a missing namespace', '  namespace: web\n  labels: {', '  labels: {', /namespace is missing/],
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

tap.test('an object that is too large is refused, the others are taken', (t) => {
  const large = service({ name: 'large', annotations: { big: 'x'.repeat(5000) } });
  const list = { kind: 'List', apiVersion: 'v1', items: [large, service()] };
  const parsed = parse(JSON.stringify(list), 4000);
  t.same(names(parsed), ['Service nginx']);
  t.match(parsed, { refusals: [{ code: 'OBJECT_TOO_LARGE', object: /^nginx\.yaml:1:/ }] });
  t.same(names(parse(JSON.stringify(list), 6000)), ['Service large', 'Service nginx']);
  t.end();
});

tap.test('objects of other kinds are skipped beside one that is read', (t) => {
  const parsed = parse(`${YAML}---\napiVersion: apps/v1\nkind: Deployment\n`);
  t.same(names(parsed), ['Service nginx', 'EndpointSlice nginx-1']);
  t.same(parsed.refusals, []);
  t.equal(parsed.trouble, undefined);
  t.end();
});
