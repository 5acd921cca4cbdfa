import { test, type Test } from 'tap';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { Transport } from '../../../src/server/responder.ts';
import { needCommand } from '../../support/commands.ts';
import { untapped } from '../../process/serving.ts';
import { TCP_LIMITS } from '../../../src/server/tcp-limits.ts';
import { TlsCertificate, type CertificateError } from '../../../src/server/tcp/tls-certificate.ts';
import { selfSigned } from './self-signed.ts';
import { framed, query, TcpClient } from './tcp-client.ts';
import { startFixture, until, type Fixture } from './tcp-fixture.ts';
import { scratch } from '../../support/scratch.ts';

interface TlsFixture extends Fixture {
  readonly certificate: TlsCertificate;
  readonly files: { certificate: string; key: string };
  readonly certificateFaults: CertificateError[];
  /** Subjects of those that took the place of another. */
  readonly taken: string[];
}

function writePair(files: { certificate: string; key: string }, commonName: string): void {
  const pair = selfSigned(commonName);
  writeFileSync(files.certificate, pair.certificate);
  writeFileSync(files.key, pair.key);
}

async function startTls(t: Test, limits: Partial<typeof TCP_LIMITS> = {}): Promise<TlsFixture> {
  const dir = scratch(t);
  const files = { certificate: join(dir, 'tls.crt'), key: join(dir, 'tls.key') };
  writePair(files, 'first');
  const faults: CertificateError[] = [];
  const taken: string[] = [];
  const certificate = new TlsCertificate(
    files,
    (error) => faults.push(error),
    ({ subject }) => taken.push(subject),
  );
  await certificate.start();
  t.teardown(() => certificate.stop());
  const fixture = await startFixture(t, {
    tls: { listen: [{ address: '127.0.0.1', port: 0 }], certificate },
    limits,
  });
  return { ...fixture, certificate, files, certificateFaults: faults, taken };
}

async function openTls(
  t: Test,
  { ports }: Fixture,
  options: ConnectionOptions = {},
): Promise<[TcpClient, TLSSocket]> {
  const socket = connect({ port: ports[0]!, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  t.teardown(() => socket.destroy());
  const client = new TcpClient(socket);
  await once(socket, 'secureConnect');
  return [client, socket];
}

const nameOf = (socket: TLSSocket) => socket.getPeerCertificate().subject.CN;

test('RFC 7858: queries over TLS are answered, pipelined too, and known to the responder as such', async (t) => {
  const fixture = await startTls(t);
  const [client, socket] = await openTls(t, fixture, { ALPNProtocols: ['dot'] });
  t.equal(socket.alpnProtocol, 'dot');
  client.send(Buffer.concat(Array.from({ length: 100 }, (_, i) => framed(query(i)))));
  const messages = await client.receive(100);
  t.same(
    messages.map((message) => message.readUInt16BE(0)),
    Array.from({ length: 100 }, (_, i) => i),
  );
  t.ok(fixture.asked.every((asked) => asked.transport === Transport.tls && asked.client === '127.0.0.1'));
});

test('TLS 1.2 is the oldest version spoken, and a client without ALPN is served', async (t) => {
  const fixture = await startTls(t);
  const [client, socket] = await openTls(t, fixture, { maxVersion: 'TLSv1.2' });
  t.equal(socket.getProtocol(), 'TLSv1.2');
  client.send(framed(query(1)));
  await client.receive(1);
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  await t.rejects(openTls(t, fixture, old));
  await t.rejects(openTls(t, fixture, { ALPNProtocols: ['h2'] }), 'another protocol is not DNS over TLS');
});

test('a TLS 1.2 client cannot have a second handshake on its connection', async (t) => {
  const fixture = await startTls(t);
  const [client, socket] = await openTls(t, fixture, { maxVersion: 'TLSv1.2' });
  client.send(framed(query(1)));
  await client.receive(1);
  const { promise, resolve } = Promise.withResolvers<Error | null>();
  socket.on('error', resolve);
  socket.renegotiate({ rejectUnauthorized: false }, resolve);
  t.match(await promise, /no renegotiation/i);
  const [other] = await openTls(t, fixture, { maxVersion: 'TLSv1.2' });
  other.send(framed(query(2)));
  await other.receive(1);
});

test('openssl s_client asks for renegotiation in vain, too', async (t) => {
  const { ports } = await startTls(t);
  const args = ['s_client', '-tls1_2', '-connect', `127.0.0.1:${ports[0]!}`];
  const child = spawn(...untapped(needCommand('openssl'), args), { stdio: ['pipe', 'pipe', 'pipe'] });
  t.teardown(() => child.kill());
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part: Buffer) => {
      output += part.toString();
      // The letter alone on a line asks for it, once the handshake is over.
      if (output.includes('Verify return code') && child.stdin.writable) child.stdin.write('R\n');
    });
  }
  child.stdin.on('error', () => undefined);
  await once(child, 'close');
  t.match(output, /RENEGOTIATING[^]*no renegotiation/i);
});

test('RFC 7858 section 3.4: a half-close after the query still brings the reply, and idle connections end', async (t) => {
  const fixture = await startTls(t);
  const [client] = await openTls(t, fixture);
  client.send(framed(query(1)));
  client.socket.end();
  await client.ended;
  t.equal(client.messages().length, 1);
  const [idle] = await openTls(t, fixture);
  await until(() => fixture.server.open === 1);
  fixture.clock.nowMs += TCP_LIMITS.idleMs;
  fixture.server.sweep();
  t.equal(await idle.ended, 'end', 'with a close_notify, not a reset');
  await until(() => fixture.server.open === 0);
});

test('a handshake that is never finished is closed at the idle limit; garbage at once', async (t) => {
  const fixture = await startTls(t);
  const silent = await TcpClient.open(fixture.ports[0]!);
  await until(() => fixture.server.open === 1);
  fixture.clock.nowMs += TCP_LIMITS.idleMs;
  fixture.server.sweep();
  await silent.ended;
  const plain = await TcpClient.open(fixture.ports[0]!);
  plain.send(framed(query(1)));
  await plain.ended;
  await until(() => fixture.server.open === 0);
  const aborted = connectPlain(fixture.ports[0]!, '127.0.0.1');
  await once(aborted, 'connect');
  aborted.resetAndDestroy();
  await until(() => fixture.server.open === 0);
  t.equal(fixture.counter('faults'), 0);
});

test('a client that never reads its replies over TLS is cut', async (t) => {
  const fixture = await startTls(t);
  const [client] = await openTls(t, fixture);
  client.socket.pause();
  const greedy = query(1);
  greedy.writeUInt16BE(60_000, 2);
  client.send(Buffer.concat(Array.from({ length: 2000 }, () => framed(greedy))));
  await until(() => fixture.server.heldOctets > TCP_LIMITS.outputOctets);
  t.ok(fixture.asked.length < 2000);
  fixture.clock.nowMs += TCP_LIMITS.stalledMs;
  fixture.server.sweep();
  await until(() => fixture.server.open === 0);
  t.equal(fixture.counter('tcpClosedSlow'), 1);
  t.equal(fixture.server.heldOctets, 0);
});

test('a renewed certificate is used by the next connection, and those that exist go on', async (t) => {
  const fixture = await startTls(t);
  const [before, first] = await openTls(t, fixture);
  t.equal(nameOf(first), 'first');
  writePair(fixture.files, 'second');
  await fixture.certificate.reload();
  await fixture.certificate.reload();
  t.same(fixture.taken, ['CN=second'], 'told once, and not of the one that it began with');
  const [, second] = await openTls(t, fixture);
  t.equal(nameOf(second), 'second');
  before.send(framed(query(1)));
  await before.receive(1);
});

test('a broken certificate is reported once and the old one stays', async (t) => {
  const fixture = await startTls(t);
  for (const content of ['no certificate', selfSigned('alien').certificate]) {
    writeFileSync(fixture.files.certificate, content);
    await fixture.certificate.reload();
    await fixture.certificate.reload();
  }
  t.equal(fixture.certificateFaults.length, 2, 'one that is none, one that does not fit the key');
  t.equal(fixture.certificateFaults[0]!.code, 'BAD_CERTIFICATE');
  t.match(fixture.certificateFaults[0]!.message, `cannot use certificate ${fixture.files.certificate}`);
  const [, socket] = await openTls(t, fixture);
  t.equal(nameOf(socket), 'first');
});

test('a pair of which one file is written first is told of as a fault and then as taken, once each', async (t) => {
  const fixture = await startTls(t);
  const pair = selfSigned('second');
  const steps: [keyof typeof pair, faults: number, taken: string[]][] = [
    ['certificate', 1, []],
    ['key', 1, ['CN=second']],
  ];
  for (const [file, faults, taken] of steps) {
    writeFileSync(fixture.files[file], pair[file]);
    for (let polls = 0; polls < 3; polls++) await fixture.certificate.reload();
    t.equal(fixture.certificateFaults.length, faults, file);
    t.same(fixture.taken, taken, file);
  }
});

test('without a usable certificate TLS does not start', async (t) => {
  const files = { certificate: join(scratch(t), 'absent.crt'), key: '/dev/null' };
  await t.rejects(new TlsCertificate(files, () => {}).start(), {
    code: 'BAD_CERTIFICATE',
    message: 'ENOENT',
  });
});
