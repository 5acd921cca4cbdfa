/** Kubeconfigs read by fedns and by kubectl, side by side, against sockets that note what came of them. */

import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'tap';
import { ApiClient } from '../../../src/watchers/api/api-client.ts';
import { accessLoader, Credentials } from '../../../src/watchers/credentials/credentials.ts';
import { systemTimers } from '../../../src/timers.ts';
import { issueCertificate } from '../../cluster/certificates.ts';
import { programFolder } from '../../cluster/binaries.ts';
import { openWorld, PROXY_PASSWORD, type World } from './kubeconfig-world.ts';

/** What nobody comes of. */
const REFUSED = '';

interface Case {
  readonly title: string;
  readonly kubeconfig: (world: World) => string | Buffer;
  readonly files?: (world: World) => Readonly<Record<string, string>>;
  readonly env?: (world: World, folder: string) => Readonly<Record<string, string>>;
  /** What the API server sees of kubectl. */
  readonly kubectl: string;
  /** What it sees of fedns where that is meant to be something else, and why. */
  readonly fedns?: { readonly seen: string; readonly why: string };
  /** What fedns says when nobody comes. */
  readonly says?: RegExp;
}

interface Parts {
  readonly cluster?: object;
  readonly user?: object | null;
  readonly more?: object;
}

/** A kubeconfig, as JSON, which is YAML, for the world's server with its CA. */
function config({ cluster = {}, user = { token: 't' }, more = {} }: Parts = {}): Case['kubeconfig'] {
  return (world) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'a',
      clusters: [{ name: 'c', cluster: { ...serverOf(world), ...cluster } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'a', context: { cluster: 'c', user: 'u' } }],
      ...more,
    });
}

/** The same, with parts that only the world tells. */
function made(parts: (world: World) => Parts): Case['kubeconfig'] {
  return (world) => config(parts(world))(world);
}

function serverOf(world: World): { server: string; 'certificate-authority-data': string } {
  return {
    server: `https://127.0.0.1:${world.port}`,
    'certificate-authority-data': base64(world.authority.cert),
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

const NAMED = { server: 'https://api.example.test:6443' };
const LOCKED = { server: 'https://locked.example.test:6443', 'tls-server-name': 'api.example.test' };
const EXEC = {
  apiVersion: 'client.authentication.k8s.io/v1',
  command: './bin/plugin',
  interactiveMode: 'Never',
};

/** A plugin that prints a status. */
function plugin(status: string, before = ''): Record<string, string> {
  const reply = `{"apiVersion":"${EXEC.apiVersion}","kind":"ExecCredential","status":${status}}`;
  return { 'bin/plugin': `#!/bin/sh\n${before}\ncat <<END\n${reply}\nEND\n` };
}

const yaml =
  (write: (server: string, ca: string) => string): Case['kubeconfig'] =>
  (world) => {
    const { server, 'certificate-authority-data': ca } = serverOf(world);
    return write(server, ca);
  };

const PLAIN = (server: string, ca: string, more = ''): string => `apiVersion: v1
kind: Config
current-context: a
clusters:
- name: c
  cluster: { server: "${server}", certificate-authority-data: "${ca}" }
contexts:
- { name: a, context: { cluster: c, user: u } }
users:
- { name: u, user: { token: t } }
${more}`;

const DIRECT = 'direct /version';

const CASES: readonly Case[] = [
  { title: 'a token', kubeconfig: config(), kubectl: `${DIRECT} Bearer t` },
  {
    title: 'a token file beside the kubeconfig, with a line end',
    kubeconfig: config({ user: { tokenFile: 'secrets/token' } }),
    files: () => ({ 'secrets/token': 'from-file\n' }),
    kubectl: `${DIRECT} Bearer from-file`,
  },
  {
    title: 'a token file goes before a token',
    kubeconfig: config({ user: { token: 't', tokenFile: 'token' } }),
    files: () => ({ token: 'from-file' }),
    kubectl: `${DIRECT} Bearer from-file`,
  },
  {
    title: 'a token stands in for a token file that is not there',
    kubeconfig: config({ user: { token: 't', tokenFile: 'none' } }),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'a token file that is not there',
    kubeconfig: config({ user: { tokenFile: 'none' } }),
    kubectl: REFUSED,
    says: /user u, tokenFile \(.*\/none\): cannot be read: ENOENT/,
  },
  {
    title: 'a token that YAML takes for a number',
    kubeconfig: yaml((server, ca) => PLAIN(server, ca).replace('token: t', 'token: 12345')),
    kubectl: REFUSED,
    says: /kubeconfig:10: user u, token: holds a number and not a text: put it in quotes/,
  },
  {
    title: 'nothing that says who it is',
    kubeconfig: config({ user: {} }),
    kubectl: REFUSED,
    fedns: { seen: `${DIRECT} anonymous`, why: 'kubectl asks for a user name, and here is nobody to ask' },
  },
  {
    title: 'a user without any content',
    kubeconfig: config({ user: null }),
    kubectl: REFUSED,
    fedns: { seen: `${DIRECT} anonymous`, why: 'kubectl asks for a user name, and here is nobody to ask' },
  },
  {
    title: 'fields that are empty count as absent',
    kubeconfig: config({
      cluster: { 'proxy-url': '', 'certificate-authority': '', 'tls-server-name': '' },
      user: {
        token: 't',
        tokenFile: '',
        'client-certificate': '',
        'client-certificate-data': '',
        'client-key-data': '',
        username: '',
        as: '',
      },
    }),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'fields without a value count as absent',
    kubeconfig: config({
      cluster: { 'proxy-url': null, extensions: null },
      user: { token: 't', exec: null, 'auth-provider': null, 'as-groups': null },
    }),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'a client certificate',
    kubeconfig: made(({ client }) => ({
      user: { 'client-certificate-data': base64(client.cert), 'client-key-data': base64(client.key) },
    })),
    kubectl: `${DIRECT} robot`,
  },
  {
    title: 'a client certificate in files beside the kubeconfig',
    kubeconfig: config({ user: { 'client-certificate': 'pki/me.crt', 'client-key': './pki/me.key' } }),
    files: ({ client }) => ({ 'pki/me.crt': client.cert, 'pki/me.key': client.key }),
    kubectl: `${DIRECT} robot`,
  },
  {
    title: 'a client certificate and a token',
    kubeconfig: made(({ client }) => ({
      user: {
        token: 't',
        'client-certificate-data': base64(client.cert),
        'client-key-data': base64(client.key),
      },
    })),
    kubectl: `${DIRECT} robot Bearer t`,
  },
  {
    title: 'a client certificate without its key',
    kubeconfig: made(({ client }) => ({ user: { 'client-certificate-data': base64(client.cert) } })),
    kubectl: REFUSED,
    says: /user u, client-key: is missing/,
  },
  {
    title: 'a client certificate as data and as a file',
    kubeconfig: made(({ client }) => ({
      user: {
        'client-certificate': 'me.crt',
        'client-certificate-data': base64(client.cert),
        'client-key-data': base64(client.key),
      },
    })),
    files: ({ client }) => ({ 'me.crt': client.cert }),
    kubectl: REFUSED,
    says: /client-certificate-data: stands beside client-certificate/,
  },
  {
    title: 'the key of another certificate',
    kubeconfig: made(({ client, authority }) => ({
      user: { 'client-certificate-data': base64(client.cert), 'client-key-data': base64(authority.key) },
    })),
    kubectl: REFUSED,
    says: /user u, client-certificate-data: does not belong to its key/,
  },
  {
    title: 'a CA file beside the kubeconfig',
    kubeconfig: config({ cluster: { 'certificate-authority-data': '', 'certificate-authority': 'ca.crt' } }),
    files: ({ authority }) => ({ 'ca.crt': authority.cert }),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'a CA file that is not there',
    kubeconfig: config({ cluster: { 'certificate-authority-data': '', 'certificate-authority': 'ca.crt' } }),
    kubectl: REFUSED,
    says: /cluster c, certificate-authority \(.*\/ca\.crt\): cannot be read: ENOENT/,
  },
  {
    title: 'a CA as data and as a file',
    kubeconfig: config({ cluster: { 'certificate-authority': 'ca.crt' } }),
    files: ({ authority }) => ({ 'ca.crt': authority.cert }),
    kubectl: REFUSED,
    says: /certificate-authority-data: stands beside certificate-authority/,
  },
  {
    title: 'CA data that kubectl config view has left out',
    kubeconfig: config({ cluster: { 'certificate-authority-data': 'DATA+OMITTED' } }),
    kubectl: REFUSED,
    says: /kubeconfig:1: cluster c, certificate-authority-data: is DATA\+OMITTED, .*--raw/,
  },
  {
    title: 'CA data that is PEM as it is',
    kubeconfig: made(({ authority }) => ({ cluster: { 'certificate-authority-data': authority.cert } })),
    kubectl: REFUSED,
    says: /certificate-authority-data: is PEM as it is/,
  },
  {
    title: 'CA data encoded twice',
    kubeconfig: made(({ authority }) => ({
      cluster: { 'certificate-authority-data': base64(base64(authority.cert)) },
    })),
    kubectl: REFUSED,
    says: /certificate-authority-data: is encoded as base64 twice/,
  },
  {
    title: 'CA data that is cut off',
    kubeconfig: made(({ authority }) => ({
      cluster: { 'certificate-authority-data': base64(authority.cert).slice(0, 400) },
    })),
    kubectl: REFUSED,
    says: /certificate-authority-data: is cut off in the middle of a certificate/,
  },
  {
    title: 'CA data that is a key',
    kubeconfig: made(({ authority }) => ({
      cluster: { 'certificate-authority-data': base64(authority.key) },
    })),
    kubectl: REFUSED,
    says: /certificate-authority-data: holds a private key and no certificate/,
  },
  {
    title: 'CA data with comments and a second certificate that is cut off',
    kubeconfig: made(({ authority }) => ({
      cluster: {
        'certificate-authority-data': base64(
          `# ours\n${authority.cert}\n# theirs\n${authority.cert.slice(0, 200)}`,
        ),
      },
    })),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'CA data folded over several lines',
    kubeconfig: made(({ authority }) => ({
      cluster: {
        'certificate-authority-data': base64(authority.cert).replaceAll(/.{64}/g, '$&\n'),
      },
    })),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'the CA of another cluster',
    kubeconfig: made(() => ({
      cluster: { 'certificate-authority-data': base64(issueCertificate({ commonName: 'other' }).cert) },
    })),
    kubectl: REFUSED,
    says: /certificate/,
  },
  {
    title: 'no CA, and the machine does not know it either',
    kubeconfig: config({ cluster: { 'certificate-authority-data': '' } }),
    kubectl: REFUSED,
    says: /certificate/,
  },
  {
    title: 'no CA, and the machine knows it',
    kubeconfig: config({ cluster: { 'certificate-authority-data': '' } }),
    files: ({ authority }) => ({ 'roots.pem': authority.cert }),
    env: (_world, folder) => ({ SSL_CERT_FILE: join(folder, 'roots.pem') }),
    kubectl: `${DIRECT} Bearer t`,
    fedns: { seen: REFUSED, why: 'this process has read what its machine trusts when it started' },
  },
  {
    title: 'unchecked TLS',
    kubeconfig: config({
      cluster: { 'certificate-authority-data': '', 'insecure-skip-tls-verify': true },
    }),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'unchecked TLS in the words of YAML 1.1',
    kubeconfig: yaml((server) =>
      PLAIN(server, '').replace('certificate-authority-data: ""', 'insecure-skip-tls-verify: yes'),
    ),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'unchecked TLS beside a CA',
    kubeconfig: config({ cluster: { 'insecure-skip-tls-verify': true } }),
    kubectl: REFUSED,
    says: /insecure-skip-tls-verify: is set beside certificate-authority/,
  },
  {
    title: 'a name in place of that of the server',
    kubeconfig: config({ cluster: { 'tls-server-name': 'api.example.test' } }),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'a name that is not that of the server',
    kubeconfig: config({ cluster: { 'tls-server-name': 'other.example.test' } }),
    kubectl: REFUSED,
    says: /other\.example\.test/,
  },
  {
    title: 'a server below a path, with a slash at its end',
    kubeconfig: made(({ port }) => ({ cluster: { server: `https://127.0.0.1:${port}/k8s/clusters/c1/` } })),
    kubectl: 'direct /k8s/clusters/c1/version Bearer t',
  },
  {
    title: 'a server without a scheme',
    kubeconfig: made(({ port }) => ({ cluster: { server: `127.0.0.1:${port}` } })),
    kubectl: REFUSED,
    fedns: {
      seen: `${DIRECT} Bearer t`,
      why: 'kubectl takes it for http; a token is never sent in the clear by mistake',
    },
  },
  {
    title: 'entries that the context does not use',
    kubeconfig: made((world) => ({
      more: {
        clusters: [
          { name: 'broken', cluster: {} },
          { name: 'c', cluster: serverOf(world) },
          { name: 'away', cluster: { server: 'https://[', 'certificate-authority': '/none' } },
        ],
        users: [
          { name: 'old', user: { 'auth-provider': { name: 'gcp' }, tokenFile: '/none' } },
          { name: 'u', user: { token: 't' } },
        ],
        contexts: [
          { name: 'dangling', context: { cluster: 'none', user: 'none' } },
          { name: 'a', context: { cluster: 'c', user: 'u' } },
        ],
      },
    })),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'data of an unused entry that is no base64',
    kubeconfig: made((world) => ({
      more: {
        clusters: [
          { name: 'c', cluster: serverOf(world) },
          { name: 'other', cluster: { server: 'https://a', 'certificate-authority-data': '***' } },
        ],
      },
    })),
    kubectl: REFUSED,
    fedns: { seen: `${DIRECT} Bearer t`, why: 'an entry that is not used is not looked at' },
  },
  {
    title: 'anchors and merge keys',
    kubeconfig: yaml((server, ca) =>
      PLAIN(server, ca)
        .replace('clusters:', `x-common: &common { certificate-authority-data: "${ca}" }\nclusters:`)
        .replace(`certificate-authority-data: "${ca}" }\ncontexts`, '<<: *common }\ncontexts')
        .replace('{ token: t }', '&user { token: t }'),
    ),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'a key that appears twice',
    kubeconfig: yaml((server, ca) => PLAIN(server, ca).replace('token: t', 'token: first, token: second')),
    kubectl: `${DIRECT} Bearer second`,
  },
  {
    title: 'a second YAML document',
    kubeconfig: yaml((server, ca) => PLAIN(server, ca, '---\nusers: []\n')),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'a mark of UTF-8 and line ends of Windows',
    kubeconfig: yaml((server, ca) => `\uFEFF${PLAIN(server, ca).replaceAll('\n', '\r\n')}`),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'UTF-16, as a Windows shell writes it',
    kubeconfig: (world) => {
      const { server, 'certificate-authority-data': ca } = serverOf(world);
      return Buffer.from(`\uFEFF${PLAIN(server, ca)}`, 'utf16le');
    },
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'neither apiVersion nor kind',
    kubeconfig: config({ more: { apiVersion: undefined, kind: undefined } }),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'another apiVersion',
    kubeconfig: config({ more: { apiVersion: 'v2' } }),
    kubectl: REFUSED,
    says: /kubeconfig:1: apiVersion is v2, a kubeconfig has v1/,
  },
  {
    title: 'another kind of object',
    kubeconfig: config({ more: { kind: 'Secret' } }),
    kubectl: REFUSED,
    says: /kind is Secret, a kubeconfig has Config/,
  },
  {
    title: 'a current context that is not in it',
    kubeconfig: config({ more: { 'current-context': 'nope' } }),
    kubectl: REFUSED,
    says: /kubeconfig:1: there is no context nope; it has a$/,
  },
  {
    title: 'a context without a user',
    kubeconfig: config({ more: { contexts: [{ name: 'a', context: { cluster: 'c' } }] } }),
    kubectl: REFUSED,
    says: /context a names no user/,
  },
  {
    title: 'a context whose user is not in it',
    kubeconfig: config({ more: { users: [] } }),
    kubectl: REFUSED,
    says: /context a names user u, which is not in the file/,
  },
  {
    title: 'a cluster without a server',
    kubeconfig: config({ cluster: { server: '' } }),
    kubectl: REFUSED,
    says: /cluster c, server: no server is given/,
  },
  {
    title: 'text that is no YAML',
    kubeconfig: () => 'a: [',
    kubectl: REFUSED,
    says: /kubeconfig:1: no YAML/,
  },
  {
    title: 'a user name and a password',
    kubeconfig: config({ user: { username: 'me', password: 'pw' } }),
    kubectl: `${DIRECT} Basic ${base64('me:pw')}`,
  },
  {
    title: 'a password beside a token',
    kubeconfig: config({ user: { username: 'me', password: 'pw', token: 't' } }),
    kubectl: REFUSED,
    says: /user u, username: stands beside a token/,
  },
  {
    title: 'acting as another user',
    kubeconfig: config({
      user: {
        token: 't',
        as: 'viewer',
        'as-uid': '7',
        'as-groups': ['one', 'two'],
        'as-user-extra': { 'example.test/why': ['dns'] },
      },
    }),
    kubectl: `${DIRECT} Bearer t as extra-example.test%2fwhy=dns group=one, two uid=7 user=viewer`,
  },
  {
    title: 'groups to act in without a user',
    kubeconfig: config({ user: { token: 't', 'as-groups': ['one'] } }),
    kubectl: REFUSED,
    says: /user u, as: is missing/,
  },
  {
    title: 'a provider that kubectl no longer has',
    kubeconfig: config({ user: { 'auth-provider': { name: 'gcp' } } }),
    kubectl: REFUSED,
    says: /user u, auth-provider: gcp is not supported: use an exec plugin such as gke-gcloud-auth-plugin/,
  },
  {
    title: 'a plugin beside the kubeconfig',
    kubeconfig: config({ user: { exec: EXEC } }),
    files: () => plugin('{"token":"made"}'),
    kubectl: `${DIRECT} Bearer made`,
  },
  {
    title: 'a plugin on the path, with arguments and environment',
    kubeconfig: config({
      user: { exec: { ...EXEC, command: 'plugin', args: ['x', 'y z'], env: [{ name: 'E', value: 'e' }] } },
    }),
    files: () => plugin('{"token":"$1-$E-$#"}'),
    env: (_world, folder) => ({ PATH: `${folder}/bin:${process.env['PATH']}` }),
    kubectl: `${DIRECT} Bearer x-e-2`,
  },
  {
    title: 'a plugin that is told of its cluster',
    kubeconfig: config({
      cluster: {
        extensions: [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'dns' } }],
      },
      user: { exec: { ...EXEC, provideClusterInfo: true } },
    }),
    files: () =>
      plugin(
        '{"token":"$told"}',
        'told=$(printf %s "$KUBERNETES_EXEC_INFO" | sed -E \'s/.*"server":"https:[^:]*:[0-9]+".*/server/\')\n' +
          'case "$KUBERNETES_EXEC_INFO" in *certificate-authority-data*) told=$told-ca;; esac\n' +
          'case "$KUBERNETES_EXEC_INFO" in *\'"config":{"audience":"dns"}\'*) told=$told-config;; esac',
      ),
    kubectl: `${DIRECT} Bearer server-ca-config`,
  },
  {
    title: 'a plugin that gives a certificate',
    kubeconfig: config({ user: { exec: EXEC } }),
    files: ({ client }) =>
      plugin(JSON.stringify({ clientCertificateData: client.cert, clientKeyData: client.key })),
    kubectl: `${DIRECT} robot`,
  },
  {
    title: 'a plugin of version v1beta1',
    kubeconfig: config({
      user: { exec: { apiVersion: 'client.authentication.k8s.io/v1beta1', command: './bin/plugin' } },
    }),
    files: () => ({
      'bin/plugin': plugin('{"token":"made"}')['bin/plugin']!.replace('k8s.io/v1', 'k8s.io/v1beta1'),
    }),
    kubectl: `${DIRECT} Bearer made`,
  },
  {
    title: 'a plugin of a version that is no more',
    kubeconfig: config({ user: { exec: { ...EXEC, apiVersion: 'client.authentication.k8s.io/v1alpha1' } } }),
    files: () => plugin('{"token":"made"}'),
    kubectl: REFUSED,
    says: /unknown apiVersion client\.authentication\.k8s\.io\/v1alpha1/,
  },
  {
    title: 'a plugin without interactiveMode',
    kubeconfig: config({ user: { exec: { ...EXEC, interactiveMode: undefined } } }),
    files: () => plugin('{"token":"made"}'),
    kubectl: REFUSED,
    fedns: { seen: `${DIRECT} Bearer made`, why: 'there is no terminal that could be meant' },
  },
  {
    title: 'a plugin without apiVersion',
    kubeconfig: config({ user: { exec: { ...EXEC, apiVersion: '' } } }),
    kubectl: REFUSED,
    says: /user u, exec\.apiVersion: is missing/,
  },
  {
    title: 'a plugin that fails, with all that it says',
    kubeconfig: config({ user: { exec: EXEC } }),
    files: () => ({ 'bin/plugin': '#!/bin/sh\nprintf "your login\nhas ended (\n)\n" >&2\nexit 3\n' }),
    kubectl: REFUSED,
    says: /bin\/plugin: exit code 3: your login has ended \( \)$/,
  },
  {
    title: 'a plugin that is not installed, with the hint',
    kubeconfig: config({
      user: { exec: { ...EXEC, command: 'plugin-of-theirs', installHint: 'get it\nfrom our site' } },
    }),
    kubectl: REFUSED,
    says: /plugin-of-theirs: there is no such program on the path .*; get it from our site$/,
  },
  {
    title: 'an http proxy',
    kubeconfig: made(({ httpProxy }) => ({
      cluster: { ...NAMED, 'proxy-url': `http://127.0.0.1:${httpProxy}` },
    })),
    kubectl: 'http /version Bearer t',
  },
  {
    title: 'an https proxy',
    kubeconfig: made(({ httpsProxy }) => ({
      cluster: { ...NAMED, 'proxy-url': `https://localhost:${httpsProxy}` },
    })),
    kubectl: 'https /version Bearer t',
  },
  {
    title: 'a SOCKS proxy',
    kubeconfig: made(({ socksProxy }) => ({
      cluster: { ...NAMED, 'proxy-url': `socks5://127.0.0.1:${socksProxy}` },
    })),
    kubectl: 'socks5 /version Bearer t',
  },
  {
    title: 'a proxy that wants a password and gets it',
    kubeconfig: made(({ httpProxy }) => ({
      cluster: { ...LOCKED, 'proxy-url': `http://${PROXY_PASSWORD}@127.0.0.1:${httpProxy}` },
    })),
    kubectl: 'http /version Bearer t',
  },
  {
    title: 'a proxy that wants a password',
    kubeconfig: made(({ httpProxy }) => ({
      cluster: { ...LOCKED, 'proxy-url': `http://127.0.0.1:${httpProxy}` },
    })),
    kubectl: REFUSED,
    says: /the proxy http:\/\/127\.0\.0\.1:\d+ answers 407 to CONNECT: it wants a user name and password/,
  },
  {
    title: 'a proxy of another kind',
    kubeconfig: config({ cluster: { ...NAMED, 'proxy-url': 'ftp://127.0.0.1:1' } }),
    kubectl: REFUSED,
    says: /cluster c, proxy-url: is no URL of a proxy/,
  },
  {
    title: 'a proxy without a scheme',
    kubeconfig: config({ cluster: { ...NAMED, 'proxy-url': '127.0.0.1:8080' } }),
    kubectl: REFUSED,
    says: /cluster c, proxy-url: is no URL of a proxy/,
  },
  ...(['HTTPS_PROXY', 'https_proxy'] as const).map((variable) => ({
    title: `${variable} of the environment, without a scheme`,
    kubeconfig: config({ cluster: NAMED }),
    env: ({ httpProxy }: World) => ({ [variable]: `127.0.0.1:${httpProxy}` }),
    kubectl: 'http /version Bearer t',
  })),
  {
    title: 'a SOCKS proxy in the environment',
    kubeconfig: config({ cluster: NAMED }),
    env: ({ socksProxy }) => ({ HTTPS_PROXY: `socks5://127.0.0.1:${socksProxy}` }),
    kubectl: 'socks5 /version Bearer t',
  },
  {
    title: 'NO_PROXY that names other hosts',
    kubeconfig: config({ cluster: NAMED }),
    env: ({ httpProxy }) => ({
      HTTPS_PROXY: `127.0.0.1:${httpProxy}`,
      NO_PROXY: 'test.example, 10.0.0.0/8,xapi.example.test,api.example.test:443,ample.test',
    }),
    kubectl: 'http /version Bearer t',
  },
  ...[
    'api.example.test',
    'example.test',
    '.example.test',
    '*.example.test',
    'other, *',
    'EXAMPLE.test:6443',
  ].map((noProxy) => ({
    title: `NO_PROXY=${noProxy} exempts the server`,
    kubeconfig: config({ cluster: NAMED }),
    env: ({ httpProxy }: World) => ({ HTTPS_PROXY: `127.0.0.1:${httpProxy}`, NO_PROXY: noProxy }),
    kubectl: REFUSED,
    says: /api\.example\.test/,
  })),
  {
    title: 'proxies of the environment are not for this machine',
    kubeconfig: config(),
    env: ({ httpProxy }) => ({ HTTPS_PROXY: `127.0.0.1:${httpProxy}` }),
    kubectl: `${DIRECT} Bearer t`,
  },
  {
    title: 'proxy-url goes before the environment',
    kubeconfig: made(({ httpProxy }) => ({
      cluster: { ...NAMED, 'proxy-url': `http://127.0.0.1:${httpProxy}` },
    })),
    env: () => ({ HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: '*' }),
    kubectl: 'http /version Bearer t',
  },
];

test('what a kubeconfig leads to is what kubectl makes of it', async (t) => {
  const world = await openWorld();
  t.teardown(() => world.stop());
  const program = kubectlProgram();
  if (program === undefined) t.comment('without kubectl, what it did when this was written is taken for it');
  for (const { title, kubeconfig, files, env, kubectl, fedns, says } of CASES) {
    const folder = await lay({ kubeconfig: kubeconfig(world), ...files?.(world) });
    const environment = { PATH: process.env['PATH']!, HOME: folder, ...env?.(world, folder) };
    const path = join(folder, 'kubeconfig');
    if (program !== undefined) {
      const said = await runKubectl(program, path, environment);
      t.equal(world.seen(), kubectl, `kubectl: ${title} (${said})`);
    }
    const error = await runFedns(path, environment);
    t.equal(world.seen(), fedns?.seen ?? kubectl, `fedns: ${title} (${error})`);
    if (says !== undefined) t.match(error, says, title);
    await rm(folder, { recursive: true });
  }
});

function kubectlProgram(): string | undefined {
  try {
    return join(programFolder(), 'kubectl');
  } catch {
    return undefined;
  }
}

/** Files of a new folder; those in `bin` are programs. */
async function lay(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fedns-kubectl-'));
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    if (name.startsWith('bin/')) await chmod(path, 0o755);
  }
  return folder;
}

/** Started from another folder, so that nothing is relative to that by chance. @returns what it says */
async function runKubectl(program: string, path: string, env: NodeJS.ProcessEnv): Promise<string> {
  const args = [`--kubeconfig=${path}`, '--request-timeout=10s', 'get', '--raw', '/version'];
  const child = spawn(program, args, { env, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  await new Promise((resolve) => child.on('close', resolve));
  return said.trim().slice(0, 200);
}

/** @returns what it says when it does not get there */
async function runFedns(path: string, env: NodeJS.ProcessEnv): Promise<string> {
  const execAllowed = ['./bin/plugin', 'plugin', 'plugin-of-theirs'];
  const load = accessLoader({ kind: 'kubeconfig', path, allowInsecure: true, execAllowed }, env);
  const credentials = new Credentials({ load, timers: systemTimers, clock: Date.now, env });
  const client = new ApiClient({ credentials, timers: systemTimers, userAgent: 'fedns' });
  const limits = { headersMs: 10_000, idleMs: 10_000 };
  try {
    await client.getText('/version', 'application/json', limits, new AbortController().signal, 4096);
    return '';
  } catch (error) {
    return (error as Error).message;
  } finally {
    client.close();
    credentials.close();
  }
}
