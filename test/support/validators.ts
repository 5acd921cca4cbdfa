/**
 * A small internet on loopback for validators that are not ours: a signed root zone, served by NSD, that delegates one domain,
 * and resolvers of Debian that know the root's key and nothing else. The domain's server is the test's: at port 53 of an
 * address of its own in 127.0.0.0/8, since a delegation names no port.
 */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Test } from 'tap';
import { freePort, lookAgain, start, untapped, type Process } from '../process/serving.ts';
import { needCommand } from './commands.ts';
import { makeQuery, readMessage, type Message } from './message.ts';

/** A resolver that validates. */
export interface Validator {
  readonly name: ValidatorName;
  readonly port: number;
  /** Asks it, over UDP and where the reply is truncated over TCP. A resolver that keeps silent is asked again. */
  resolve(
    name: string,
    type: string,
    flags?: { readonly do?: boolean; readonly cd?: boolean },
  ): Promise<Message>;
  /** What it has written so far. */
  output(): string;
}

export interface LabOptions {
  /** The domain that the root zone delegates, of one label or more. */
  readonly domain: string;
  /** TTL of the root zone's records in seconds. Default: 3600. */
  readonly ttlSeconds?: number;
}

export interface Lab {
  readonly domain: string;
  /** Where the domain's server has to listen, UDP and TCP: port 53 of this address. */
  readonly address: string;
  /** Exchanges the parent's DS records, `TAG ALGORITHM TYPE DIGEST` each; resolves once the parent serves them. */
  setDs(lines: readonly string[]): Promise<void>;
  /** Starts a validator with an empty cache; it ends with the test. */
  validator(test: Test, name: ValidatorName): Promise<Validator>;
}

/** What a validator is told. */
interface Place {
  readonly folder: string;
  readonly port: number;
  readonly domain: string;
  /** Where the root zone is served. */
  readonly root: string;
  /** `. IN DS …` of the root's key. */
  readonly anchor: string;
}

export const VALIDATOR_NAMES = ['unbound', 'bind', 'knot-resolver', 'pdns-recursor'] as const;
export type ValidatorName = (typeof VALIDATOR_NAMES)[number];

const VALIDATORS: Readonly<
  Record<ValidatorName, (place: Place) => readonly [command: string, args: readonly string[]]>
> = {
  unbound: startUnbound,
  bind: startBind,
  'knot-resolver': startKnotResolver,
  'pdns-recursor': startPdnsRecursor,
};

/** Time for one question until it is asked again, in milliseconds: a bound on waiting, and no measure. */
const REPLY_MS_MAX = 5000;
const ATTEMPTS_MAX = 12;

/** Starts the root zone. */
export async function startLab(test: Test, { domain, ttlSeconds = 3600 }: LabOptions): Promise<Lab> {
  const [root, address] = [await freeAddress(), await freeAddress()];
  const folder = ownFolder(test);
  const anchor = makeRootKey(folder);
  const sign = (ds: readonly string[]): void =>
    signRoot(folder, rootZone({ domain, ttlSeconds, root, address, ds }));
  sign([]);
  const nsd = await startNsd(test, folder, { address: root, domain: '.' });
  return {
    domain,
    address,
    setDs: async (lines) => {
      sign(lines);
      nsd.child.kill('SIGHUP');
      await until(async () => sameSet(await dsAt(root, domain), lines));
    },
    validator: (t, name) => startValidator(t, name, { folder: ownFolder(t), domain, root, anchor }),
  };
}

/** An address of 127.0.0.0/8 whose port 53 nobody has, over UDP. */
export async function freeAddress(): Promise<string> {
  for (;;) {
    const address = `127.${randomPart()}.${randomPart()}.${randomPart()}`;
    const socket = createSocket('udp4');
    try {
      await once(socket.bind(53, address), 'listening');
      return address;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    } finally {
      socket.close();
    }
  }
}

function randomPart(): number {
  return 1 + Math.floor(Math.random() * 254);
}

/** Asks a server until it answers. */
export async function ask(
  address: string,
  port: number,
  name: string,
  type: string,
  { flags = 0, ednsFlags = 0 }: { readonly flags?: number; readonly ednsFlags?: number } = {},
): Promise<Message> {
  const query = makeQuery(name, type, {
    id: Math.floor(Math.random() * 65536),
    flags,
    payloadMax: 1232,
    ednsFlags,
  });
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const reply = await askUdp(address, port, query);
    if (reply === undefined) continue;
    return readMessage((reply[2]! & 0x02) === 0 ? reply : await askTcp(address, port, query));
  }
  throw new Error(`${address}:${port} says nothing of ${name} ${type}`);
}

async function askUdp(address: string, port: number, query: Buffer): Promise<Buffer | undefined> {
  const socket = createSocket('udp4');
  try {
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    socket.on('message', (message) => resolve(message));
    socket.on('error', () => resolve(undefined));
    socket.send(query, port, address);
    const timer = setTimeout(() => resolve(undefined), REPLY_MS_MAX);
    const reply = await promise;
    clearTimeout(timer);
    return reply;
  } finally {
    socket.close();
  }
}

async function askTcp(address: string, port: number, query: Buffer): Promise<Buffer> {
  const socket = connect(port, address);
  const length = Buffer.of(query.length >> 8, query.length & 0xff);
  socket.write(Buffer.concat([length, query]));
  let octets = Buffer.alloc(0);
  for await (const part of socket) {
    octets = Buffer.concat([octets, part as Buffer]);
    if (octets.length >= 2 && octets.length >= 2 + octets.readUInt16BE(0)) break;
  }
  return octets.subarray(2, 2 + octets.readUInt16BE(0));
}

const RD = 0x0100;
const CD = 0x0010;
const DO = 0x8000;

async function startValidator(test: Test, name: ValidatorName, lab: Omit<Place, 'port'>): Promise<Validator> {
  const place = { ...lab, port: await freePort() };
  const [command, args] = VALIDATORS[name](place);
  const running = start(test, needCommand(command), args);
  await until(() => isUp(place.port, running));
  return {
    name,
    port: place.port,
    output: () => running.output(),
    resolve: (owner, type, flags = {}) =>
      ask('127.0.0.1', place.port, owner, type, {
        flags: RD | (flags.cd === true ? CD : 0),
        ednsFlags: flags.do === false ? 0 : DO,
      }),
  };
}

/** A question that needs nobody else: each knows the name of loopback or refuses it at once. */
async function isUp(port: number, { output, child }: Process): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`it has ended: ${output()}`);
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function startUnbound({ folder, port, domain, root, anchor }: Place): readonly [string, readonly string[]] {
  const top = domain.split('.').at(-1)!;
  write(folder, 'root.hints', hints(root));
  write(folder, 'root.key', `${anchor}\n`);
  const file = write(
    folder,
    'unbound.conf',
    `server:
  interface: 127.0.0.1
  port: ${port}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  verbosity: 1
  val-log-level: 2
  num-threads: 1
  do-ip6: no
  do-not-query-localhost: no
  root-hints: "${folder}/root.hints"
  trust-anchor-file: "${folder}/root.key"
  trust-anchor-signaling: no
  harden-algo-downgrade: yes
  harden-below-nxdomain: yes
  aggressive-nsec: yes
  local-zone: "${top}." nodefault
  module-config: "validator iterator"
remote-control:
  control-enable: no
`,
  );
  return ['unbound', ['-d', '-c', file]];
}

function startBind({ folder, port, root, anchor }: Place): readonly [string, readonly string[]] {
  write(folder, 'root.hints', hints(root));
  const [, , , tag, algorithm, type, digest] = anchor.split(/\s+/);
  const file = write(
    folder,
    'named.conf',
    `options {
  directory "${folder}";
  pid-file none;
  session-keyfile none;
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion yes;
  dnssec-validation yes;
  empty-zones-enable no;
  lock-file none;
};
controls { };
trust-anchors { . static-ds ${tag} ${algorithm} ${type} "${digest}"; };
zone "." { type hint; file "root.hints"; };
`,
  );
  return ['named', ['-g', '-n', '1', '-c', file]];
}

function startKnotResolver({
  folder,
  port,
  domain,
  root,
  anchor,
}: Place): readonly [string, readonly string[]] {
  write(folder, 'root.hints', hints(root));
  write(folder, 'root.key', `${anchor}\n`);
  const file = write(
    folder,
    'kresd.conf',
    `net.listen('127.0.0.1', ${port}, { kind = 'dns' })
net.ipv6 = false
cache.open(10 * MB, 'lmdb://${folder}')
modules.unload('ta_signal_query')
modules.unload('ta_update')
modules.unload('priming')
modules.load('hints')
hints.root_file('${folder}/root.hints')
trust_anchors.remove('.')
trust_anchors.add_file('${folder}/root.key', true)
policy.add(policy.all(policy.FLAGS('ALLOW_LOCAL')))
policy.add(policy.suffix(policy.PASS, { todname('${domain}.') }))
log_level('info')
`,
  );
  return ['kresd', ['-n', '-c', file, folder]];
}

function startPdnsRecursor({ folder, port, root, anchor }: Place): readonly [string, readonly string[]] {
  write(folder, 'root.hints', hints(root));
  const [, , , ...ds] = anchor.split(/\s+/);
  write(folder, 'anchors.lua', `clearTA('.')\naddTA('.', "${ds.join(' ')}")\n`);
  const args = {
    'config-dir': folder,
    'socket-dir': folder,
    'local-address': '127.0.0.1',
    'local-port': port,
    'hint-file': join(folder, 'root.hints'),
    'lua-config-file': join(folder, 'anchors.lua'),
    'dont-query': '',
    dnssec: 'validate',
    daemon: 'no',
    'write-pid': 'no',
    threads: 1,
    'security-poll-suffix': '',
    'query-local-address': '127.0.0.1',
  };
  return ['pdns_recursor', Object.entries(args).map(([key, value]) => `--${key}=${value}`)];
}

/**
 * One key for all, made by BIND's tools: the parent owes nothing to our signer.
 *
 * @returns `. IN DS TAG ALGORITHM TYPE DIGEST`
 */
function makeRootKey(folder: string): string {
  const name = run('dnssec-keygen', ['-q', '-K', folder, '-a', 'ECDSAP256SHA256', '-f', 'KSK', '.']).trim();
  return run('dnssec-dsfromkey', ['-2', join(folder, name)]).trim();
}

function signRoot(folder: string, text: string): void {
  const unsigned = write(folder, 'root.zone', text);
  run('dnssec-signzone', [
    '-qzPS',
    '-K',
    folder,
    '-d',
    folder,
    '-o',
    '.',
    '-f',
    join(folder, 'zone'),
    unsigned,
  ]);
}

/** Serials only have to differ. */
let serial = 0;

function rootZone(zone: {
  readonly domain: string;
  readonly ttlSeconds: number;
  readonly root: string;
  readonly address: string;
  readonly ds: readonly string[];
}): string {
  const { domain, ttlSeconds, root, address, ds } = zone;
  return [
    `$TTL ${ttlSeconds}`,
    `. SOA a.root. nobody.root. ${++serial} 300 60 604800 ${ttlSeconds}`,
    '. NS a.root.',
    `a.root. A ${root}`,
    `${domain}. NS ns1.${domain}.`,
    `ns1.${domain}. A ${address}`,
    ...ds.map((line) => `${domain}. DS ${line}`),
    '',
  ].join('\n');
}

/** A zone in a server that is not ours. */
export interface ServedZone {
  /** Exchanges its text; resolves once it is served. */
  replace(text: string): Promise<void>;
}

/** Serves a zone file with NSD, at port 53 of an address. Each text must have another serial. */
export async function serveZone(
  test: Test,
  { address, domain, text }: { readonly address: string; readonly domain: string; readonly text: string },
): Promise<ServedZone> {
  const folder = ownFolder(test);
  write(folder, 'zone', text);
  const running = await startNsd(test, folder, { address, domain });
  return {
    replace: async (next) => {
      write(folder, 'zone', next);
      running.child.kill('SIGHUP');
      const wanted = serialOf(next);
      await until(async () => (await serialAt(address, domain)) === wanted);
    },
  };
}

function serialOf(text: string): string {
  return /SOA\s+\S+\s+\S+\s+(\d+)/.exec(text)![1]!;
}

async function serialAt(address: string, domain: string): Promise<string | undefined> {
  const { answer } = await ask(address, 53, domain, 'SOA');
  return answer[0]?.data.split(' ')[2];
}

async function startNsd(
  test: Test,
  folder: string,
  { address, domain }: { readonly address: string; readonly domain: string },
): Promise<Process> {
  const file = write(
    folder,
    'nsd.conf',
    `server:
  ip-address: ${address}
  username: ""
  chroot: ""
  zonesdir: "${folder}"
  zonelistfile: "${folder}/zone.list"
  xfrdfile: ""
  xfrdir: "${folder}"
  database: ""
  pidfile: ""
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: "${domain}"
  zonefile: "zone"
`,
  );
  const running = start(test, needCommand('nsd'), ['-d', '-c', file]);
  await until(async () => {
    if (running.child.exitCode !== null) throw new Error(`NSD has ended: ${running.output()}`);
    return (await askUdp(address, 53, makeQuery(domain, 'SOA'))) !== undefined;
  });
  return running;
}

async function dsAt(root: string, domain: string): Promise<readonly string[]> {
  const { answer } = await ask(root, 53, domain, 'DS');
  return answer.filter(({ type }) => type === 'DS').map(({ data }) => data);
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return setText(one) === setText(other);
}

function setText(lines: readonly string[]): string {
  return lines
    .map((line) => line.toUpperCase())
    .toSorted()
    .join('\n');
}

function hints(root: string): string {
  return `. 3600000 NS a.root.\na.root. 3600000 A ${root}\n`;
}

/** Beside the test's own folder, which is emptied for whoever asks for it next. */
function ownFolder(test: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'fedns-lab-'));
  test.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function write(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(...untapped(needCommand(command), args), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`);
  return stdout;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await lookAgain();
}
