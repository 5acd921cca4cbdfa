/** What real readers of dnstap make of fedns' messages, beside what the client saw that caused them. */

import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import {
  config,
  freePort,
  lookAgain,
  manifest,
  NGINX,
  start,
  untapped,
  MAIN,
  type Process,
} from '../process/serving.ts';
import { needCommand } from '../support/commands.ts';
import { selfSigned } from '../server/tcp/self-signed.ts';
import { until } from '../watchers/fake-time.ts';
import { scratch } from '../support/scratch.ts';

t.setTimeout(120_000);

const run = promisify(execFile);

async function output(command: string, args: readonly string[]): Promise<string> {
  return (await run(...untapped(needCommand(command), args))).stdout;
}

interface Site {
  readonly folder: string;
  readonly file: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly adminPort: number;
  configure(more: string): void;
}

async function makeSite(t: Test, more: string): Promise<Site> {
  const [port, tlsPort, adminPort] = [await freePort(), await freePort(), await freePort()];
  const { certificate, key } = selfSigned('fedns');
  const folder = scratch(t, {
    cluster: { 'nginx.yaml': manifest('192.0.2.10') },
    'tls.crt': certificate,
    'tls.key': key,
  });
  const file = join(folder, 'fedns.yaml');
  const tls = `tls: { listen: ['127.0.0.1:${tlsPort}'], certificate: ./tls.crt, key: ./tls.key }\n`;
  const configure = (text: string): void => writeFileSync(file, config(port, adminPort, tls + text));
  configure(more);
  return { folder, file, port, tlsPort, adminPort, configure };
}

async function serve(t: Test, { file }: Site): Promise<Process> {
  const fedns = start(t, process.execPath, [MAIN, 'serve', '--config', file]);
  await fedns.until(/"msg":"listening"/);
  return fedns;
}

/** Paths of sockets must be short, and those of tap's folders need not be. */
function socketPath(t: Test): string {
  const path = join('/tmp', `fedns-${process.pid}-${Math.random().toString(36).slice(2)}.sock`);
  t.teardown(() => rmSync(path, { force: true }));
  return path;
}

/** fstrm_capture on a Unix socket. @returns ends it, once what was sent to it is in the file */
async function capture(t: Test, socket: string, file: string): Promise<() => Promise<void>> {
  const reader = start(t, needCommand('fstrm_capture'), [
    '-t',
    'protobuf:dnstap.Dnstap',
    '-u',
    socket,
    '-w',
    file,
  ]);
  await until(() => existsSync(socket));
  return async () => {
    reader.child.kill('SIGTERM');
    await reader.ended;
  };
}

/** What a client saw of a query of its own. */
interface Seen {
  readonly protocol: string;
  readonly port: number;
  readonly serverPort: number;
  readonly name: string;
  readonly type: string;
  readonly id: string;
  /** Undefined: the client does not tell. */
  readonly queryOctets: number | undefined;
  readonly replyOctets: number;
  readonly status: string;
  readonly flags: string;
  readonly answers: readonly string[];
}

async function digs(site: Site, protocol: 'UDP' | 'TCP', name: string, type: string): Promise<Seen> {
  const port = await freePort();
  const text = await output('dig', [
    '-b',
    `127.0.0.1#${port}`,
    '@127.0.0.1',
    '-p',
    String(site.port),
    '+qr',
    '+tries=1',
    '+time=20',
    protocol === 'TCP' ? '+tcp' : '+notcp',
    name,
    type,
  ]);
  const replyAt = text.indexOf('Got answer');
  const reply = text.slice(replyAt);
  return {
    protocol,
    port,
    serverPort: site.port,
    name,
    type,
    id: found(text, /id: (\d+)/),
    queryOctets: Number(found(text, /QUERY SIZE: (\d+)/)),
    replyOctets: Number(found(text, /MSG SIZE {2}rcvd: (\d+)/)),
    status: found(reply, /status: (\w+)/),
    flags: found(reply, /flags: ([a-z ]+);/),
    answers: records(reply),
  };
}

/** Of DNS over TLS only kdig asks; it does not tell the size of its query, which is padded (RFC 8467). */
async function kdigs(site: Site, name: string, type: string): Promise<Seen> {
  const port = await freePort();
  const args = [
    '-b',
    `127.0.0.1@${port}`,
    '@127.0.0.1',
    '-p',
    String(site.tlsPort),
    '+tls',
    '+retry=0',
    '+time=20',
  ];
  const text = await output('kdig', [...args, name, type]);
  return {
    protocol: 'DOT',
    port,
    serverPort: site.tlsPort,
    name,
    type,
    id: found(text, /id: (\d+)/),
    queryOctets: undefined,
    replyOctets: Number(found(text, /Received (\d+) B/)),
    status: found(text, /status: (\w+)/),
    flags: found(text, /Flags: ([a-z ]+);/),
    answers: records(text),
  };
}

function found(text: string, pattern: RegExp): string {
  const match = pattern.exec(text);
  if (match === null) throw new Error(`no ${String(pattern)} in ${text}`);
  return match[1]!;
}

/** Records of the answer section as `name ttl class type data`. */
function records(text: string): string[] {
  const section = /;; ANSWER SECTION:\n((?:[^\n]+\n)*)/.exec(text)?.[1] ?? '';
  return section
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .toSorted();
}

/** A message as golang-dnstap tells it. */
interface Told {
  readonly identity: string;
  readonly version: string;
  readonly message: Readonly<Record<string, string | number>>;
}

async function tell(file: string): Promise<Told[]> {
  const lines = (await output('dnstap', ['-r', file, '-j'])).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Told);
}

function of(told: readonly Told[], type: string, port: number): Told['message'] {
  const messages = told
    .map(({ message }) => message)
    .filter((each) => each['type'] === type && each['query_port'] === port);
  if (messages.length !== 1) throw new Error(`${messages.length} messages of ${type} from port ${port}`);
  return messages[0]!;
}

const KINDS = ['AUTH_QUERY', 'AUTH_RESPONSE'] as const;

/** Everything that a message says, against what the client saw. */
function agree(t: Test, told: readonly Told[], seen: Seen, isOurs: boolean): void {
  const [query, response] = KINDS.map((kind) => of(told, kind, seen.port));
  for (const message of [query!, response!]) {
    t.match(message, {
      socket_family: 'INET',
      socket_protocol: seen.protocol,
      query_address: '127.0.0.1',
      response_address: '127.0.0.1',
      query_port: seen.port,
      response_port: seen.serverPort,
    });
  }
  const question = `;${seen.name}.\tIN\t ${seen.type}\n`;
  t.ok(
    String(query!['query_message']).includes(question) &&
      String(query!['query_message']).includes(`id: ${seen.id}`),
  );
  const reply = String(response!['response_message']);
  t.ok(reply.includes(question), 'the question');
  t.match(reply, new RegExp(`status: ${seen.status}, id: ${seen.id}\n`));
  t.equal(found(reply, /flags: ([a-z ]+);/), seen.flags);
  t.strictSame(records(reply), seen.answers);
  t.equal(response!['query_zone'], isOurs ? 'example.com.' : undefined);
  t.equal(response!['query_time'], query!['query_time'], 'both times stand in the response');
  const [asked, answered] = ['query_time', 'response_time'].map((key) => Date.parse(String(response![key])));
  t.ok(answered! >= asked! && answered! <= Date.now() + 5);
}

t.test('dig and three readers of dnstap agree about queries over UDP, TCP and TLS', async (t) => {
  const socket = socketPath(t);
  const site = await makeSite(t, `dnstap: { socket: ${socket}, identity: here, version: v1 }\n`);
  const tap = join(site.folder, 'x.tap');
  const endCapture = await capture(t, socket, tap);
  const fedns = await serve(t, site);
  await fedns.until(/a reader takes dnstap messages/);
  const cases: [Seen, isOurs: boolean][] = [
    [await digs(site, 'UDP', NGINX, 'A'), true],
    [await digs(site, 'TCP', NGINX, 'AAAA'), true],
    [await digs(site, 'UDP', `nope.${NGINX}`, 'A'), true],
    [await digs(site, 'UDP', 'example.org', 'A'), false],
    [await kdigs(site, NGINX, 'A'), true],
  ];
  fedns.child.kill('SIGTERM');
  t.equal(await fedns.ended, 0);
  await endCapture();

  const told = await tell(tap);
  t.equal(told.length, 2 * cases.length);
  t.ok(told.every(({ identity, version }) => identity === 'here' && version === 'v1'));
  for (const [seen, isOurs] of cases) agree(t, told, seen, isOurs);

  const lines = await output('dnstap-read', [tap]);
  const sent = await output('kdig', ['-G', tap]);
  for (const [{ protocol, port, serverPort, name, type, queryOctets, replyOctets }] of cases) {
    // BIND's reader takes DNS over TLS for UDP.
    const over = protocol === 'DOT' ? '[A-Z]+' : protocol;
    const line = (way: string, octets: number | string): RegExp =>
      new RegExp(
        `127\\.0\\.0\\.1:${port} ${way} 127\\.0\\.0\\.1:${serverPort} ${over} ${octets}b ${name}/IN/${type}\n`,
      );
    t.match(lines, line('->', queryOctets ?? '\\d+'));
    t.match(lines, line('<-', replyOctets));
    t.match(sent, new RegExp(`Sent ${replyOctets} B\n[^\n]*\n;; To 127\\.0\\.0\\.1@${port}\\(`));
  }
});

t.test(
  'a reader that comes late gets what waits; a reload has messages go to a file, and fewer kinds of them',
  async (t) => {
    const socket = socketPath(t);
    const site = await makeSite(t, `dnstap: { socket: ${socket} }\n`);
    const fedns = await serve(t, site);
    await fedns.until(/no reader takes dnstap messages/);
    const early = await digs(site, 'UDP', NGINX, 'A');
    const endCapture = await capture(t, socket, join(site.folder, 'x.tap'));
    await fedns.until(/a reader takes dnstap messages/);
    await untilMetrics(site, /fedns_dnstap_messages_total 2/);
    site.configure(`dnstap: { file: ./y.tap, messages: [auth-response] }\n`);
    await fedns.until(/configuration reloaded/);
    await fedns.until(/dnstap messages go to a new file/);
    const late = await digs(site, 'TCP', NGINX, 'A');
    fedns.child.kill('SIGTERM');
    await fedns.ended;
    await endCapture();
    const told = await tell(join(site.folder, 'x.tap'));
    agree(t, told, early, true);
    t.equal(told.length, 2);
    t.match(told[0], { version: /^fedns \d/, identity: /./ });
    const later = await tell(join(site.folder, 'y.tap'));
    t.strictSame(
      later.map(({ message }) => [message['type'], message['query_port']]),
      [['AUTH_RESPONSE', late.port]],
    );
  },
);

async function untilMetrics(site: Site, pattern: RegExp): Promise<void> {
  while (!pattern.test(await metrics(site))) await lookAgain();
}

async function metrics({ adminPort }: Site): Promise<string> {
  return (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
}

t.test(
  'the query log has a line for each query, of all workers, and log.level has no say in it',
  async (t) => {
    const site = await makeSite(t, 'log: { queries: 1, level: info }\n');
    const fedns = await serve(t, site);
    const seen = [
      await digs(site, 'UDP', NGINX, 'A'),
      await digs(site, 'TCP', NGINX, 'A'),
      await kdigs(site, NGINX, 'A'),
    ];
    await fedns.until(/"msg":"query"[^]*"msg":"query"[^]*"msg":"query"/);
    const lines = fedns
      .output()
      .split('\n')
      .filter((line) => line.includes('"msg":"query"'));
    const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const [i, { port, replyOctets, status }] of seen.entries()) {
      const line = told.find((each) => each['port'] === port);
      const transport = ['udp', 'tcp', 'tls'][i];
      t.match(line, {
        name: NGINX,
        type: 'A',
        transport,
        rcode: status,
        octets: replyOctets,
        client: '127.0.0.1',
      });
    }
    t.match(await metrics(site), /fedns_query_log_lines_total 3\n/);
    site.configure('log: { queries: 1, level: error, format: text }\n');
    await untilMetrics(site, /fedns_config_reloads_total\{result="success"\} 1/);
    const { port } = await digs(site, 'UDP', NGINX, 'A');
    await fedns.until(new RegExp(`QUERY ${NGINX} IN A NOERROR {2}client=127\\.0\\.0\\.1#${port} over=udp`));
    fedns.child.kill('SIGTERM');
    t.equal(await fedns.ended, 0);
    t.notMatch(readFileSync(site.file, 'utf8'), /dnstap/);
  },
);
