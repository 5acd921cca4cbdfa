/** Objects of a real API server, read and written by the federation's client; each answer that is no success, as data. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Outcome } from '../../src/federation/api/failure.ts';
import { ObjectClient } from '../../src/federation/api/object-client.ts';
import type { KubeObject, ObjectRef, ResourceType } from '../../src/federation/api/object.ts';
import { systemTimers } from '../../src/timers.ts';
import { ApiClient } from '../../src/watchers/api/api-client.ts';
import { accessLoader, Credentials } from '../../src/watchers/credentials/credentials.ts';
import { Etcd, MemberCluster } from './member-cluster.ts';

// A control plane starts; the other files of this folder share two cores with it.
t.setTimeout(300_000);

const core = (plural: string, kind: string, namespaced = true): ResourceType => ({
  group: '',
  version: 'v1',
  plural,
  kind,
  namespaced,
});
const CONFIG_MAP = core('configmaps', 'ConfigMap');
const SERVICE = core('services', 'Service');
const NAMESPACE = core('namespaces', 'Namespace', false);

const ref = (name: string, namespace = 'default', type = CONFIG_MAP): ObjectRef => ({
  type,
  namespace,
  name,
});
const configMap = (name: string, data: object, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});

function valueOf<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.failure.cause}: ${outcome.failure.message}`);
  return outcome.value;
}

/** `cause`, or `done`. */
const causeOf = (outcome: Outcome<unknown>): string => (outcome.ok ? 'done' : outcome.failure.cause);

t.test('objects of a real API server', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fedns-objects-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const etcd = await Etcd.start(folder);
  t.teardown(() => etcd.stop());
  const cluster = await MemberCluster.start('host', folder, etcd, { granted: false, controllers: false });
  t.teardown(() => cluster.stop());
  const origin = {
    kind: 'kubeconfig',
    path: cluster.kubeconfig,
    allowInsecure: false,
    execAllowed: [],
  } as const;
  const credentials = new Credentials({
    load: accessLoader(origin, {}),
    timers: systemTimers,
    clock: Date.now,
    env: {},
  });
  const client = new ApiClient({ credentials, timers: systemTimers, userAgent: 'fedns' });
  const stopped = new AbortController();
  t.teardown(() => {
    stopped.abort();
    client.close();
  });
  const objects = new ObjectClient({ client, signal: stopped.signal });

  await t.test('the same applied again writes nothing, and a field that is left out goes', async (t) => {
    const first = valueOf(await objects.apply(ref('same'), configMap('same', { a: '1', b: '2' })));
    const again = valueOf(await objects.apply(ref('same'), configMap('same', { a: '1', b: '2' })));
    t.equal(again.metadata.resourceVersion, first.metadata.resourceVersion);
    t.same(valueOf(await objects.apply(ref('same'), configMap('same', { a: '1' })))['data'], { a: '1' });
  });

  await t.test('a dry run says what would be and leaves what is', async (t) => {
    const dry = valueOf(await objects.apply(ref('dry'), configMap('dry', { a: '1' }), { dryRun: true }));
    t.same(dry['data'], { a: '1' });
    t.equal(causeOf(await objects.get(ref('dry'))), 'absent');
  });

  await t.test('fields of others stay theirs, unless they are taken by force', async (t) => {
    const fields = ref('owned');
    await objects.apply(fields, configMap('owned', { a: 'theirs' }), { fieldManager: 'kubectl' });
    const outcome = await objects.apply(fields, configMap('owned', { a: 'ours' }));
    t.equal(causeOf(outcome), 'fieldConflict');
    t.same(outcome.ok ? [] : outcome.failure.causes.map(({ reason, field }) => [reason, field]), [
      ['FieldManagerConflict', '.data.a'],
    ]);
    const taken = await objects.apply(fields, configMap('owned', { a: 'ours' }), { force: true });
    t.same(valueOf(taken)['data'], { a: 'ours' });
  });

  await t.test('lists come whole, page after page, and say what each object is', async (t) => {
    const names = Array.from({ length: 501 }, (_, i) => `many-${i}`);
    const labels = { many: 'yes' };
    for (let i = 0; i < names.length; i += 50)
      await Promise.all(
        names
          .slice(i, i + 50)
          .map((name) =>
            objects.create(CONFIG_MAP, configMap(name, {}, { labels }), { namespace: 'default' }),
          ),
      );
    const { items } = valueOf(
      await objects.list(CONFIG_MAP, { namespace: 'default', labelSelector: 'many=yes' }),
    );
    t.equal(items.length, 501);
    t.ok(items.every(({ apiVersion, kind }) => apiVersion === 'v1' && kind === 'ConfigMap'));
  });

  await t.test('patches, the status and the deletion of just that object', async (t) => {
    const service = ref('web', 'default', SERVICE);
    const spec = {
      type: 'LoadBalancer',
      ports: [
        { name: 'http', port: 80 },
        { name: 'old', port: 81 },
      ],
    };
    const made = valueOf(
      await objects.create(SERVICE, { metadata: { name: 'web' }, spec }, { namespace: 'default' }),
    );
    const ports = [
      { op: 'test', path: '/spec/ports/1/name', value: 'old' },
      { op: 'remove', path: '/spec/ports/1' },
    ];
    const patched = valueOf(await objects.jsonPatch(service, ports as never)) as KubeObject & {
      spec: { ports: [] };
    };
    t.equal(patched.spec.ports.length, 1);
    t.equal(
      causeOf(await objects.jsonPatch(service, ports as never)),
      'invalid',
      'the test in the patch fails',
    );
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };
    t.match(valueOf(await objects.merge(service, { status }, { subresource: 'status' })), { status });
    t.equal(causeOf(await objects.remove(service, { uid: 'another' })), 'changed');
    t.equal(causeOf(await objects.remove(service, { uid: made.metadata.uid! })), 'done');
    t.equal(causeOf(await objects.remove(service)), 'absent');
  });

  await t.test('each refusal of a real server has a cause of its own', async (t) => {
    await objects.create(NAMESPACE, {
      metadata: { name: 'ending', finalizers: ['fedns.io/test'] },
      spec: { finalizers: ['fedns.io/test'] },
    });
    await objects.remove({ type: NAMESPACE, name: 'ending' });
    const absentKind: ResourceType = {
      ...CONFIG_MAP,
      group: 'nobody.example.com',
      plural: 'things',
      kind: 'Thing',
    };
    const create = (name: string, namespace: string): Promise<Outcome<KubeObject>> =>
      objects.create(CONFIG_MAP, configMap(name, {}), { namespace });
    const cases: readonly (readonly [cause: string, title: string, ask: () => Promise<Outcome<unknown>>])[] =
      [
        ['absent', 'an object that is not there', () => objects.get(ref('nothing'))],
        ['absent', 'a namespace itself', () => objects.get({ type: NAMESPACE, name: 'nowhere' })],
        ['namespaceAbsent', 'a namespace that is not there', () => create('a', 'nowhere')],
        ['namespaceTerminating', 'a namespace that is on its way out', () => create('a', 'ending')],
        ['kindAbsent', 'a group that is not served', () => objects.list(absentKind)],
        ['kindAbsent', 'an object of such a group', () => objects.get(ref('a', 'default', absentKind))],
        ['exists', 'a name that is taken', () => create('same', 'default')],
        [
          'changed',
          'a version that is not the newest',
          () => objects.replace(ref('same'), configMap('same', {}, { resourceVersion: '1' })),
        ],
        [
          'changed',
          'a uid of another by the name',
          () =>
            objects.apply(
              ref('same'),
              configMap('same', {}, { uid: '00000000-0000-4000-8000-000000000000' }),
            ),
        ],
        [
          'changed',
          'a uid of one that is gone',
          () =>
            objects.apply(
              ref('gone'),
              configMap('gone', {}, { uid: '00000000-0000-4000-8000-000000000000' }),
            ),
        ],
        [
          'invalid',
          'a field that fits no schema',
          () => objects.apply(ref('typed'), { ...configMap('typed', {}), data: [1] }),
        ],
        [
          'invalid',
          'a name that is none',
          () => objects.create(CONFIG_MAP, configMap('No Name', {}), { namespace: 'default' }),
        ],
      ];
    for (const [cause, title, ask] of cases) t.equal(causeOf(await ask()), cause, title);
  });

  await t.test('a server that is stopped is unreachable, which says nothing of the object', async (t) => {
    await cluster.stopApiServer();
    t.equal(causeOf(await objects.get(ref('same'))), 'unreachable');
    stopped.abort();
    t.equal(causeOf(await objects.get(ref('same'))), 'unreachable', 'and so is one after the end');
  });
});
