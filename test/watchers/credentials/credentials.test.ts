import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import type { ClusterAccess, ExecSettings } from '../../../src/watchers/credentials/cluster-access.ts';
import { accessLoader, Credentials, EXEC_SPACING_MS } from '../../../src/watchers/credentials/credentials.ts';
import { EXEC_MS_MAX } from '../../../src/watchers/credentials/exec-plugin.ts';
import { issueCertificate } from '../../cluster/certificates.ts';
import { FakeTime, until } from '../fake-time.ts';

const SERVER = new URL('https://192.0.2.1:6443');

interface Setup {
  readonly folder: string;
  readonly time: FakeTime;
  credentials(access: Partial<ClusterAccess>): Credentials;
}

async function setup(t: { teardown(fn: () => Promise<void>): void }): Promise<Setup> {
  const folder = await mkdtemp(join(tmpdir(), 'fedns-credentials-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const time = new FakeTime();
  const credentials = (access: Partial<ClusterAccess>): Credentials =>
    new Credentials({
      load: async () => ({ server: SERVER, insecure: false, ...access }),
      timers: time,
      clock: time.clock,
      env: { PATH: process.env['PATH'], HOME: folder },
    });
  return { folder, time, credentials };
}

/** A plugin: a shell script in the folder. */
async function plugin(folder: string, script: string): Promise<ExecSettings> {
  const command = join(folder, 'plugin');
  await writeFile(command, `#!/bin/sh\n${script}\n`);
  await chmod(command, 0o755);
  return { apiVersion: API, command, args: ['one'], env: { GIVEN: 'yes' }, provideClusterInfo: true };
}

const API = 'client.authentication.k8s.io/v1';

function printing(status: string): string {
  return `printf '%s' '{"apiVersion":"${API}","kind":"ExecCredential","status":${status}}'`;
}

test('a token file is read again when it changes', async (t) => {
  const { folder, credentials } = await setup(t);
  const path = join(folder, 'token');
  await writeFile(path, 'first\n');
  const subject = credentials({ token: { kind: 'file', path } });
  t.equal((await subject.current()).authorization, 'Bearer first');
  await writeFile(path, 'second\n');
  t.equal((await subject.current()).authorization, 'Bearer second');
  await rm(path);
  await t.rejects(subject.current(), { code: 'FILE_UNREADABLE', message: /token: cannot be read: ENOENT/ });
});

test('other certificates mean other connections', async (t) => {
  const { folder, credentials } = await setup(t);
  const path = join(folder, 'client.pem');
  const [first, second] = ['a', 'b'].map((commonName) => issueCertificate({ commonName }).cert);
  await writeFile(path, first!);
  const subject = credentials({ clientCertificate: { kind: 'file', path }, tlsServerName: 'api' });
  const before = await subject.current();
  t.match(before.tls, { cert: first!, servername: 'api', rejectUnauthorized: true });
  t.equal((await subject.current()).tlsId, before.tlsId);
  await writeFile(path, second!);
  t.not((await subject.current()).tlsId, before.tlsId);
});

test('a kubeconfig is read again when it changes, and one that breaks leaves the last good one', async (t) => {
  const { folder } = await setup(t);
  const path = join(folder, 'kubeconfig');
  const write = (token: string): Promise<void> =>
    writeFile(
      path,
      `current-context: a
clusters: [{ name: c, cluster: { server: "https://192.0.2.1" } }]
users: [{ name: u, user: { token: ${token} } }]
contexts: [{ name: a, context: { cluster: c, user: u } }]
`,
    );
  const load = accessLoader({ kind: 'kubeconfig', path, allowInsecure: false, execAllowed: [] }, {});
  await t.rejects(load(), { code: 'KUBECONFIG_UNREADABLE' });
  await write('one');
  t.match(await load(), { token: { text: 'one' } });
  await write('two');
  t.match(await load(), { token: { text: 'two' } });
  await writeFile(path, 'clusters: [');
  t.match(await load(), { token: { text: 'two' } });
  await rm(path);
  t.match(await load(), { token: { text: 'two' } });
});

test('an exec plugin is run without a shell, and told what it is for', async (t) => {
  const { folder, credentials } = await setup(t);
  const script = `printf '%s' "$KUBERNETES_EXEC_INFO" > "$HOME/info"; printf '%s' "$GIVEN $#" > "$HOME/given"`;
  const exec = await plugin(folder, `${script}; ${printing('{"token":"abc"}')}`);
  const access = await credentials({ exec: { ...exec, args: ['$(touch pwned); one two'] } }).current();
  t.equal(access.authorization, 'Bearer abc');
  t.equal(await readFile(join(folder, 'given'), 'utf8'), 'yes 1');
  t.match(JSON.parse(await readFile(join(folder, 'info'), 'utf8')), {
    apiVersion: API,
    kind: 'ExecCredential',
    spec: { interactive: false, cluster: { server: 'https://192.0.2.1:6443' } },
  });
});

test('what a plugin gives is used until it expires or is refused', async (t) => {
  const { folder, time, credentials } = await setup(t);
  const expires = new Date(time.clock() + 600_000).toISOString();
  const count = 'n=$(cat "$HOME/n" 2>/dev/null || echo 0); n=$((n+1)); echo $n > "$HOME/n"';
  const status = `{"token":"'$n'","expirationTimestamp":"${expires}"}`;
  const subject = credentials({ exec: await plugin(folder, `${count}; ${printing(status)}`) });
  const token = async (): Promise<string | undefined> => (await subject.current()).authorization;
  t.same(await Promise.all([token(), token()]), ['Bearer 1', 'Bearer 1'], 'two at once are one run');
  await time.advance(60_000);
  t.equal(await token(), 'Bearer 1');
  subject.refused('Bearer of another time');
  t.equal(await token(), 'Bearer 1', 'refused was another one');
  subject.refused('Bearer 1');
  t.equal(await token(), 'Bearer 2');
  subject.refused('Bearer 2');
  t.equal(await token(), 'Bearer 2', 'not run again at once');
  await time.advance(EXEC_SPACING_MS);
  t.equal(await token(), 'Bearer 3');
  await time.advance(600_000);
  t.equal(await token(), 'Bearer 4', 'expired');
});

test('a plugin can give a client certificate', async (t) => {
  const { folder, credentials } = await setup(t);
  const { cert, key } = issueCertificate({ commonName: 'plugin' });
  const status = JSON.stringify({ clientCertificateData: cert, clientKeyData: key });
  const access = await credentials({ exec: await plugin(folder, printing(status)) }).current();
  t.match(access.tls, { cert, key });
  t.equal(access.authorization, undefined);
});

test('a plugin that does not deliver', async (t) => {
  const cases: { title: string; script: string; error: RegExp }[] = [
    { title: 'fails', script: 'echo no login >&2; exit 3', error: /exit code 3: no login$/ },
    { title: 'prints no JSON', script: 'echo SECRET', error: /prints no JSON$/ },
    { title: 'prints null', script: 'echo null', error: /no ExecCredential/ },
    {
      title: 'prints another version',
      script: printing('{"token":"a"}').replace('/v1', '/v2'),
      error: /no ExecCredential/,
    },
    { title: 'gives nothing', script: printing('{}'), error: /neither a token nor a certificate/ },
    {
      title: 'prints a gigabyte',
      script: 'exec head -c 1000000000 /dev/zero',
      error: /prints more than 262144 octets/,
    },
    { title: 'complains a lot', script: 'head -c 10000000 /dev/zero >&2; exit 1', error: /exit code 1/ },
  ];
  for (const { title, script, error } of cases) {
    const { folder, time, credentials } = await setup(t);
    const subject = credentials({ exec: await plugin(folder, script) });
    await t.rejects(subject.current(), error, title);
    await t.rejects(subject.current(), error, 'said again without being run again');
    t.equal(time.timers, 0);
  }
});

test('a plugin that is not there', async (t) => {
  const { folder, credentials } = await setup(t);
  const exec = await plugin(folder, '');
  await t.rejects(credentials({ exec: { ...exec, command: join(folder, 'none') } }).current(), /ENOENT/);
  await t.rejects(credentials({ exec: { ...exec, apiVersion: 'v0' } }).current(), /unknown apiVersion v0/);
});

test('a plugin that hangs is killed with all that it started', async (t) => {
  const { folder, time, credentials } = await setup(t);
  const script = 'sleep 1000 & echo $! > "$HOME/child.tmp"; mv "$HOME/child.tmp" "$HOME/child"; wait';
  const subject = credentials({ exec: await plugin(folder, script) });
  const outcome = subject.current().catch((error: unknown) => error);
  await until(() => existsSync(join(folder, 'child')));
  const child = Number(readFileSync(join(folder, 'child'), 'utf8'));
  await time.advance(EXEC_MS_MAX);
  t.match(await outcome, { code: 'EXEC_FAILED', message: /not done after 10 s/ });
  await until(() => !isRunning(child));
  t.equal(time.timers, 0);
});

test('a plugin that runs when all ends is ended too', async (t) => {
  const { folder, time, credentials } = await setup(t);
  const subject = credentials({ exec: await plugin(folder, 'exec sleep 1000') });
  const outcome = subject.current().catch((error: unknown) => error);
  await until(() => time.timers === 1);
  subject.close();
  t.match(await outcome, { message: /stopped/ });
  t.equal(time.timers, 0);
});

/** A killed process is a zombie until its new parent has looked: that is not running. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
