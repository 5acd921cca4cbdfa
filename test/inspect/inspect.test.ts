/** What `fedns check` says of the files that a valid configuration names, and with `--live` of the clusters. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { loadSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { inspect } from '../../src/inspect/inspect.ts';
import { inspectLive } from '../../src/inspect/live.ts';
import { issueCertificate } from '../cluster/certificates.ts';
import { NODES, replyStatus, SLICES, testAuthority } from '../watchers/scripted-api-server.ts';
import { startServer } from '../watchers/watched-cluster.ts';

const OPTIONS = { env: { PATH: '/usr/bin' }, clock: Date.now };
const EXEC = { apiVersion: 'client.authentication.k8s.io/v1' };

/** Settings of a file in a new folder, beside other files. */
async function configured(
  t: { teardown(fn: () => Promise<void>): void },
  more: string,
  files: Readonly<Record<string, string>> = {},
): Promise<{ readonly settings: Settings; readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'fedns-inspect-'));
  t.teardown(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const file = join(folder, 'fedns.yaml');
  const head = 'domain: example.com\nnameservers: [{ name: ns.example.net }]\nfederations: [{ name: f }]\n';
  await writeFile(file, head + more);
  return { settings: loadSettings(file).settings, folder };
}

const KUBECONFIG = 'stateDir: false\nclusters: [{ name: one, kubeconfig: { path: kc } }]\n';

function kubeconfig(user: object, cluster: object = {}, current = 'a'): string {
  return JSON.stringify({
    'current-context': current,
    clusters: [{ name: 'c', cluster: { server: 'https://192.0.2.1:6443', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'a', context: { cluster: 'c', user: 'u' } }],
  });
}

function jwt(endsMs: number): string {
  const claims = Buffer.from(JSON.stringify({ exp: Math.floor(endsMs / 1000) })).toString('base64url');
  return `e30.${claims}.c2ln`;
}

test('kubeconfigs that could never work are faults, with file, line and field', async (t) => {
  const cases: { title: string; text: string; says: RegExp | undefined }[] = [
    { title: 'a token', text: kubeconfig({ token: 't' }), says: undefined },
    {
      title: 'a context that is not there',
      text: kubeconfig({ token: 't' }, {}, 'nope'),
      says: /^fault .*\/kc:1: there is no context nope; it has a \(cluster one\)$/,
    },
    { title: 'no YAML', text: 'a: [', says: /^fault .*\/kc:1: no YAML \(cluster one\)$/ },
    {
      title: 'a plugin that is not allowed',
      text: kubeconfig({ exec: { ...EXEC, command: 'aws' } }),
      says: /^fault .*\/kc:1: user u, exec\.command: aws is no absolute path and not in execAllowed/,
    },
    {
      title: 'a plugin that is not installed',
      text: kubeconfig({ exec: { ...EXEC, command: '/none/aws', installHint: 'get it\nthere' } }),
      says: /^fault .*\/kc: exec plugin \/none\/aws: there is no such program .*: get it there/,
    },
    {
      title: 'a plugin that is there is not run',
      text: kubeconfig({ exec: { ...EXEC, command: '/bin/false' } }),
      says: undefined,
    },
    {
      title: 'a provider that is not supported',
      text: kubeconfig({ 'auth-provider': { name: 'gcp' } }),
      says: /^fault .*auth-provider: gcp is not supported/,
    },
    {
      title: 'a certificate file that is not there',
      text: kubeconfig({ token: 't' }, { 'certificate-authority': 'ca.crt' }),
      says: /^fault .*\/kc: cluster c, certificate-authority \(.*\/ca\.crt\): cannot be read: ENOENT/,
    },
    {
      title: 'a token that has ended',
      text: kubeconfig({ token: jwt(Date.now() - 60_000) }),
      says: /^fault .*\/kc: its token has ended at .*: replace it/,
    },
    {
      title: 'a token that ends within the hour',
      text: kubeconfig({ token: jwt(Date.now() + 3_600_000) }),
      says: /^warning .*\/kc: its token ends at .*: replace it/,
    },
    {
      title: 'nothing that says who it is',
      text: kubeconfig({}),
      says: /^warning .*\/kc: says nothing of who fedns is/,
    },
  ];
  for (const { title, text, says } of cases) {
    const { settings } = await configured(t, KUBECONFIG, { kc: text });
    const lines = (await inspect(settings, OPTIONS)).map((one) => `${one.severity} ${one.text}`);
    if (says === undefined) t.same(lines, [], title);
    else t.match(lines, [says], title);
    t.equal(lines.length, says === undefined ? 0 : 1, title);
  }
});

test('what else the configuration names is looked at', async (t) => {
  const { cert, key } = issueCertificate({ commonName: 'dns.example.com' });
  const other = issueCertificate({ commonName: 'other' });
  const manifests = 'clusters: [{ name: one, manifests: . }]\n';
  const tls = 'tls: { certificate: tls.crt, key: tls.key }\nstateDir: false\n';
  const cases: { title: string; more: string; files?: Record<string, string>; says: RegExp | undefined }[] = [
    {
      title: 'a certificate and its key',
      more: tls,
      files: { 'tls.crt': cert, 'tls.key': key },
      says: undefined,
    },
    {
      title: 'a key of another certificate',
      more: tls,
      files: { 'tls.crt': cert, 'tls.key': other.key },
      says: /^tls: cannot use certificate .*tls\.crt with key .*tls\.key: .*mismatch/,
    },
    { title: 'a state folder to be made', more: 'stateDir: new/state\n', says: undefined },
    {
      title: 'a state folder that is a file',
      more: 'stateDir: taken\n',
      files: { taken: '' },
      says: /^stateDir: stateDir .*\/taken cannot be used: /,
    },
    {
      title: 'a cookie secret that is none',
      more: 'stateDir: false\ncookies: { secretFile: secret }\n',
      files: { secret: 'hello' },
      says: /^cookies\.secretFile: cannot use the cookie secret/,
    },
    {
      title: 'a file for dnstap messages to be made',
      more: 'stateDir: false\ndnstap: { file: x.tap }\n',
      says: undefined,
    },
    {
      title: 'one in a folder that is not there',
      more: 'stateDir: false\ndnstap: { file: nowhere/x.tap }\n',
      says: /^dnstap\.file: no file can be made: ENOENT.*nowhere'/,
    },
    {
      title: 'a reader of dnstap that is not there',
      more: 'stateDir: false\ndnstap: { socket: tap.sock }\n',
      says: /^dnstap\.socket: no reader is there yet: ENOENT/,
    },
    {
      title: 'one over TCP',
      more: 'stateDir: false\ndnstap: { tcp: "127.0.0.1:6000" }\n',
      says: undefined,
    },
    {
      title: 'Secrets of the cluster that fedns does not run in',
      more: 'stateDir: false\nclusterSecrets: { namespace: fedns }\n',
      says: /^inCluster: KUBERNETES_SERVICE_HOST and _PORT are not set \(clusterSecrets\)/,
    },
    {
      title: 'Secrets of a host that a kubeconfig names, by a context that it does not have',
      more: 'stateDir: false\nclusterSecrets: { namespace: fedns, kubeconfig: { path: host.yaml, context: b } }\n',
      files: { 'host.yaml': JSON.stringify({ contexts: [{ name: 'a', context: {} }] }) },
      says: /host\.yaml:1: there is no context b; .* \(clusterSecrets\)$/,
    },
  ];
  for (const { title, more, files, says } of cases) {
    const { settings } = await configured(t, manifests + more, files);
    const lines = (await inspect(settings, OPTIONS)).map(({ text }) => text);
    if (says === undefined) t.same(lines, [], title);
    else t.match(lines, [says], title);
  }
});

test('live, each API server says what it lets fedns do', async (t) => {
  const server = await startServer();
  const ca = Buffer.from(testAuthority().cert).toString('base64');
  const text = kubeconfig({ token: 't' }, { server: server.url, 'certificate-authority-data': ca });
  const { settings } = await configured(t, KUBECONFIG, { kc: text });
  t.match(await inspectLive(settings, OPTIONS), [{ cluster: 'one', version: 'v1.36.3', findings: [] }]);

  const twice =
    'clusters:\n  - { name: one, kubeconfig: { path: kc } }\n  - { name: two, kubeconfig: { path: kc2 } }\n';
  const both = await configured(t, twice, { kc: text, kc2: text });
  t.match(
    await inspectLive(both.settings, OPTIONS),
    [
      { cluster: 'one', findings: [] },
      {
        cluster: 'two',
        findings: [{ severity: 'warning', text: /^cluster two: its API server is that of cluster one/ }],
      },
    ],
    'one cluster under two names',
  );

  server.scripts.push(({ path, watch, response }) => {
    if (path !== NODES && !(path === SLICES && watch)) return false;
    replyStatus(response, 403, 'forbidden');
    return true;
  });
  const [result] = await inspectLive(settings, OPTIONS);
  const said = result!.findings.map((one) => one.text).toSorted();
  t.match(said, [
    /^cluster one: list Node: 403: forbidden \(its role lacks list: add the rule \{apiGroups: \[""\], resources: \[nodes\]/,
    /^cluster one: watch EndpointSlice: 403: forbidden \(its role lacks watch: .*discovery\.k8s\.io.*endpointslices/,
    /^cluster one: watch Node: 403/,
  ]);
  t.equal(said.length, 3);

  await server.stop();
  const [away] = await inspectLive(settings, OPTIONS);
  t.match(away, { cluster: 'one', findings: [{ severity: 'fault', text: /^cluster one: .*ECONNREFUSED/ }] });
});
