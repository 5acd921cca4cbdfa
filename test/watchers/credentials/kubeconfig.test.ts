import { test } from 'tap';
import { issueCertificate } from '../../cluster/certificates.ts';
import {
  CredentialError,
  inClusterAccess,
  SECRET_RULES,
  type AccessRules,
} from '../../../src/watchers/credentials/cluster-access.ts';
import { readKubeconfig } from '../../../src/watchers/credentials/kubeconfig.ts';

const { cert } = issueCertificate({ commonName: 'me' });

const FILE_RULES: AccessRules = { directory: '/etc/fedns', allowInsecure: false, exec: { allowed: ['aws'] } };

interface Parts {
  readonly cluster?: object;
  readonly user?: object;
  readonly more?: object;
}

function kubeconfig({ cluster = {}, user = {}, more = {} }: Parts = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'a',
    clusters: [{ name: 'c', cluster: { server: 'https://192.0.2.1:6443', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [
      { name: 'a', context: { cluster: 'c', user: 'u' } },
      { name: 'dangling', context: { cluster: 'none', user: 'u' } },
    ],
    ...more,
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

test('what a kubeconfig says is taken', async (t) => {
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/token', args: ['-x'] };
  const cases: { title: string; parts: Parts; want: object }[] = [
    { title: 'a token', parts: { user: { token: 't' } }, want: { token: { kind: 'text', text: 't' } } },
    {
      title: 'a token file, relative to the kubeconfig, before a token',
      parts: { user: { token: 't', tokenFile: 'token' } },
      want: { token: { kind: 'file', path: '/etc/fedns/token' } },
    },
    {
      title: 'certificates',
      parts: {
        cluster: { 'certificate-authority-data': base64(cert), 'tls-server-name': 'api' },
        user: { 'client-certificate-data': base64(cert), 'client-key': 'key.pem' },
      },
      want: {
        ca: { kind: 'text', text: cert },
        tlsServerName: 'api',
        clientCertificate: { kind: 'text', text: cert },
        clientKey: { kind: 'file', path: '/etc/fedns/key.pem' },
      },
    },
    {
      title: 'an exec plugin with an absolute path',
      parts: { user: { exec: { ...exec, env: [{ name: 'A', value: 'b' }] } } },
      want: { exec: { ...exec, env: { A: 'b' }, provideClusterInfo: false } },
    },
    {
      title: 'an exec plugin that is allowed by name',
      parts: { user: { exec: { ...exec, command: 'aws' } } },
      want: { exec: { command: 'aws' } },
    },
  ];
  for (const { title, parts, want } of cases) {
    const access = await readKubeconfig(kubeconfig(parts), undefined, FILE_RULES);
    t.match(access, { ...want, insecure: false }, title);
    t.equal(access.server.href, 'https://192.0.2.1:6443/');
  }
});

test('a token without quotes that overflows as a number is the text that kubectl wrote', async (t) => {
  const text = kubeconfig({ user: { token: 'TOKEN' } }).replace(/"?TOKEN"?/, '1234567e890');
  const access = await readKubeconfig(text, undefined, FILE_RULES);
  t.match(access, { token: { kind: 'text', text: '1234567e890' } });
});

test('what a kubeconfig may not say is refused', async (t) => {
  const insecure = { cluster: { 'insecure-skip-tls-verify': true } };
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh' };
  const cases: { title: string; text: string; context?: string; rules?: AccessRules; code: string }[] = [
    { title: 'no YAML', text: 'a: [', code: 'KUBECONFIG_MALFORMED' },
    { title: 'no mapping', text: '[1]', code: 'KUBECONFIG_MALFORMED' },
    { title: 'aliases upon aliases', text: aliases(), code: 'KUBECONFIG_MALFORMED' },
    {
      title: 'a cluster without a server',
      text: kubeconfig({ cluster: { server: null } }),
      code: 'KUBECONFIG_MALFORMED',
    },
    { title: 'an unknown context', text: kubeconfig(), context: 'b', code: 'CONTEXT_UNKNOWN' },
    {
      title: 'a context without its cluster',
      text: kubeconfig(),
      context: 'dangling',
      code: 'CONTEXT_UNKNOWN',
    },
    {
      title: 'no context at all',
      text: kubeconfig({ more: { 'current-context': '' } }),
      code: 'CONTEXT_UNKNOWN',
    },
    {
      title: 'a server that is no URL',
      text: kubeconfig({ cluster: { server: 'no where' } }),
      code: 'SERVER_MALFORMED',
    },
    {
      title: 'a server that is a file',
      text: kubeconfig({ cluster: { server: 'file:///etc' } }),
      code: 'SERVER_MALFORMED',
    },
    {
      title: 'a server with a password',
      text: kubeconfig({ cluster: { server: 'https://a:b@c' } }),
      code: 'SERVER_MALFORMED',
    },
    {
      title: 'plain http',
      text: kubeconfig({ cluster: { server: 'http://c' } }),
      code: 'INSECURE_NOT_ALLOWED',
    },
    { title: 'unchecked TLS', text: kubeconfig(insecure), code: 'INSECURE_NOT_ALLOWED' },
    {
      title: 'a proxy of another kind',
      text: kubeconfig({ cluster: { 'proxy-url': 'ftp://p' } }),
      code: 'NOT_SUPPORTED',
    },
    {
      title: 'an auth provider',
      text: kubeconfig({ user: { 'auth-provider': { name: 'gcp' } } }),
      code: 'NOT_SUPPORTED',
    },
    { title: 'a plugin by name', text: kubeconfig({ user: { exec } }), code: 'EXEC_NOT_ALLOWED' },
    {
      title: 'a plugin by relative path',
      text: kubeconfig({ user: { exec: { ...exec, command: './aws' } } }),
      code: 'EXEC_NOT_ALLOWED',
    },
    {
      title: 'a plugin that wants a terminal',
      text: kubeconfig({ user: { exec: { ...exec, command: '/bin/a', interactiveMode: 'Always' } } }),
      code: 'EXEC_NOT_ALLOWED',
    },
    {
      title: 'any plugin, from a Secret',
      text: kubeconfig({ user: { exec: { ...exec, command: '/bin/a' } } }),
      rules: SECRET_RULES,
      code: 'EXEC_NOT_ALLOWED',
    },
    ...['tokenFile', 'client-certificate', 'client-key'].map((field) => ({
      title: `${field}, from a Secret`,
      text: kubeconfig({ user: { [field]: '/etc/shadow' } }),
      rules: SECRET_RULES,
      code: 'FILE_NOT_ALLOWED',
    })),
    {
      title: 'certificate-authority, from a Secret',
      text: kubeconfig({ cluster: { 'certificate-authority': '/etc/shadow' } }),
      rules: SECRET_RULES,
      code: 'FILE_NOT_ALLOWED',
    },
  ];
  for (const { title, text, context, rules, code } of cases) {
    await t.rejects(
      readKubeconfig(text, context, rules ?? FILE_RULES),
      { name: 'CredentialError', code },
      title,
    );
  }
});

test('a field that kubectl does not know opens no file', async (t) => {
  const text = kubeconfig({ user: { 'token-file': '/etc/shadow' } });
  const access = await readKubeconfig(text, undefined, SECRET_RULES);
  t.same(Object.keys(access).toSorted(), ['insecure', 'server']);
});

test('the line of a YAML error is named and not quoted', async (t) => {
  const error = await readKubeconfig('a: b\nkey: "SECRET\n', undefined, FILE_RULES).catch((e: unknown) => e);
  t.type(error, CredentialError);
  t.notMatch((error as Error).message, /SECRET/);
});

test('unchecked TLS and plain http are taken by explicit setting', async (t) => {
  const rules: AccessRules = { ...FILE_RULES, allowInsecure: true };
  const skipped = kubeconfig({ cluster: { 'insecure-skip-tls-verify': true } });
  t.equal((await readKubeconfig(skipped, undefined, rules)).insecure, true);
  const plain = kubeconfig({ cluster: { server: 'http://127.0.0.1:8001' } });
  t.equal((await readKubeconfig(plain, undefined, rules)).server.protocol, 'http:');
});

test('the service account of a Pod', (t) => {
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  const access = inClusterAccess(env, '/account');
  t.equal(access.server.href, 'https://[fd00::1]/');
  t.same(access.token, { kind: 'file', path: '/account/token' });
  t.same(access.ca, { kind: 'file', path: '/account/ca.crt' });
  t.throws(() => inClusterAccess({}), { code: 'NOT_IN_CLUSTER' });
  t.end();
});

/** A document that would be a billion nodes. */
function aliases(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 10; i++)
    lines.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`);
  return lines.join('\n');
}
