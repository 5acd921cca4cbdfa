import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { stringify } from 'yaml';
import type { Settings } from '../../src/config/settings.ts';
import { inspectClusters, type Inspection } from '../../src/serve/inspect-clusters.ts';
import { parseRdata } from '../../src/zonebuilder/rr-types.ts';
import { packStatics } from '../../src/zonebuilder/static-set.ts';
import { clusterSettings, READY, service, slice } from '../watchers/kubernetes-objects.ts';
import { scratch } from '../support/scratch.ts';

const json = (...objects: readonly unknown[]): string =>
  objects.map((object) => JSON.stringify(object)).join('\n');
const GOOD = json(service(), slice([READY]));
const UNLABELLED = service({ metadata: { labels: {} } });
const ENDPOINTS = { apiVersion: 'v1', kind: 'Endpoints', metadata: { namespace: 'web', name: 'nginx' } };
const LONELY = JSON.stringify(service({ metadata: { namespace: undefined } }));

/** Records that stand where a Service has names, and where none has. */
const RECORDS = [
  ['hidden.web.main.svc.example.com', 'CNAME', 'a.example.net.'],
  ['hidden.web.main.svc.r.example.com', 'CNAME', 'a.example.net.'],
  ['beside.web.main.svc.example.com', 'A', '192.0.2.5'],
  ['www.example.com', 'CNAME', 'nginx.web.main.svc.example.com.'],
].map(([name, type, data]) => ({ name: name!, ttlSeconds: 60, ...parseRdata(type!, data!) }));

async function inspect(folder: string, files: Readonly<Record<string, string>>): Promise<Inspection> {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const cluster = clusterSettings({ origin: { kind: 'manifests', path: folder } });
  const federations = [{ name: 'main', select: 'label', policy: 'all' }] as const;
  const domain = 'example.com';
  const statics = packStatics(RECORDS, domain);
  return inspectClusters({ domain, federations, clusters: [cluster], statics } as unknown as Settings);
}

const CASES: ReadonlyArray<
  readonly [
    title: string,
    files: Record<string, string>,
    faults: readonly RegExp[],
    warnings: readonly RegExp[],
  ]
> = [
  ['manifests in order', { 'a.json': GOOD }, [], []],
  [
    'a tab',
    { 'a.yaml': 'kind: Service\nmetadata:\n\tname: x\n' },
    [/^cluster one: a\.yaml:3:1: .*\(FILE_MALFORMED\)$/],
    [],
  ],
  ['an empty file beside a good one', { 'a.json': GOOD, 'b.yaml': '' }, [/b\.yaml: .*FILE_EMPTY/], []],
  [
    'a cluster that is a comment',
    { 'a.yaml': '# nothing is here yet\n' },
    [],
    [/a\.yaml: without an object/],
  ],
  ['a table', { 'a.yaml': 'NAME    TYPE\nnginx   ClusterIP\n' }, [/a table for people/], []],
  [
    'objects without namespace',
    { 'a.json': LONELY },
    [/^cluster one: a\.json: no object of the file/, /kubectl's default is not assumed/],
    [],
  ],
  ['one of two without namespace', { 'a.json': `${GOOD}\n${LONELY}` }, [/OBJECT_MALFORMED/], []],
  [
    'a folder without manifests',
    { 'a.txt': GOOD },
    [],
    [/no \.yaml, \.yml or \.json file/, /^cluster one: .*a\.txt: not read/],
  ],
  ['an object twice', { 'a.json': GOOD, 'b.json': GOOD }, [], [/taken from a\.json/, /taken from a\.json/]],
  [
    'an address that is none, in a file of YAML',
    {
      'a.yaml': `# of us\n---\n${stringify(service({ ingress: [{ ip: '192.0.2.999' }] }))}`,
      'b.json': json(slice([READY])),
    },
    [],
    [/^cluster one: a\.yaml:3:1: Service web\/nginx: "192\.0\.2\.999" is no IP address/],
  ],
  [
    'a host name of a load balancer',
    { 'a.json': json(service({ ingress: [{ hostname: 'lb.example.net' }] }), slice([READY])) },
    [],
    [],
  ],
  [
    'a Service that CNAMEs of the configuration hide, and one beside records',
    {
      'a.yaml': [service({ name: 'hidden' }), service({ name: 'beside' })]
        .map((o) => stringify(o))
        .join('---\n'),
      'b.json': json(slice([READY])),
    },
    [],
    [
      /^cluster one: a\.yaml:1:1: Service web\/hidden: a CNAME .* hides its name hidden\.web\.main\.svc\.example\.com \(SERVICE_HIDDEN\)$/,
      /hides its name hidden\.web\.main\.svc\.r\.example\.com/,
    ],
  ],
  [
    'Services none of which has the label',
    { 'a.json': json(UNLABELLED, slice([READY])) },
    [],
    [
      /^cluster one: .*\/one: none of its 1 Services is published: kubectl -n NAMESPACE label service NAME fedns\.io\/federation=main \(NOTHING_SERVED\)$/,
    ],
  ],
  [
    'one Service of two has the label',
    { 'a.json': json(UNLABELLED, service({ name: 'other' }), slice([READY])) },
    [],
    [],
  ],
  [
    'EndpointSlices without a Service',
    { 'a.json': json(slice([READY])) },
    [],
    [/one: no Service was found in it/],
  ],
  [
    'Services without any EndpointSlice',
    { 'a.json': json(service()) },
    [],
    [
      /^cluster one: .*\/one: it has no EndpointSlice, .*: kubectl get services,endpointslices,nodes -A -o yaml/,
    ],
  ],
  [
    'Endpoints in place of EndpointSlices',
    { 'a.json': json(service(), ENDPOINTS) },
    [],
    [/Endpoints objects are not read/, /it has no EndpointSlice/],
  ],
];

for (const [title, files, faults, warnings] of CASES) {
  test(`a check of the configuration reads the manifests: ${title}`, async (t) => {
    const found = await inspect(join(scratch(t, {}), 'one'), files);
    t.equal(found.faults.length, faults.length, found.faults.join('\n'));
    t.equal(found.warnings.length, warnings.length, found.warnings.join('\n'));
    t.match(found, { faults, warnings });
  });
}
