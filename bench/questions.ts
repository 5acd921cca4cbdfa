/**
 * Counts what resolvers of others ask fedns: for one look-up with nothing in their caches, for the next name once those have filled, and
 * for many names over a while. Prints tables.
 *
 *   node bench/questions.ts [SECONDS] [NAMES] [INTERVAL]
 *
 * A root server (NSD) on loopback delegates three domains with the same Services: one as fedns answered before `nodataTtl`, one as it answers
 * now, one with `flatten`. Each resolver asks all three from an address of its own, by which its queries are told apart. The answers
 * are made by fedns' own responder in this process, and counted by its own counters. Needs root, for port 53 of 127.0.0.0/8.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { createResponder } from '../src/server/answer/answer.ts';
import { Counter, COUNTER_BLOCK_OCTETS } from '../src/server/counters.ts';
import { Transport, UDP_REPLY_OCTETS, type Responder } from '../src/server/responder.ts';
import { makeApex } from '../src/zonebuilder/apex.ts';
import { ZoneBuilder } from '../src/zonebuilder/builder.ts';
import { parseRdata } from '../src/zonebuilder/rr-types.ts';
import { packStatics, type StaticRecord } from '../src/zonebuilder/static-set.ts';
import { freePort } from '../test/process/serving.ts';
import { freeAddress } from '../test/support/validators.ts';
import { makeQuery, readMessage, type Message } from '../test/support/message.ts';
import { RESOLVERS, type Resolver } from './peers/resolvers.ts';
import { findProgram } from './peers/peers.ts';
import { startPinned, stopProcess } from './process.ts';

const [seconds = '600', names = '1000', interval = '30'] = process.argv.slice(2);
const SECONDS = Number(seconds);
const NAMES = Number(names);
/** How often each name is asked of a resolver, for A and for AAAA. */
const INTERVAL_MS = Number(interval) * 1000;
/** After this long the first look-up's denials of 15 s have run out. */
const APART_MS = 20_000;
const READY_MS_MAX = 60_000;
/** How long a question waits for its reply. */
const WAIT_MS = 10_000;
const NAMESPACES = 20;
const TTL_SECONDS = 180;
const RD = 0x0100;

interface Variant {
  readonly title: string;
  readonly domain: string;
  readonly nodataTtlSeconds: number;
  readonly flatten: boolean;
}

const VARIANTS: readonly Variant[] = [
  { title: 'before', domain: 'before.com', nodataTtlSeconds: 15, flatten: false },
  { title: 'now', domain: 'now.com', nodataTtlSeconds: TTL_SECONDS, flatten: false },
  { title: 'flatten', domain: 'flat.com', nodataTtlSeconds: TTL_SECONDS, flatten: true },
];

/** What one resolver has asked for one domain. */
interface Tally {
  readonly responder: Responder;
  readonly counters: Float64Array;
  /** Of those, for names that only lie above others. */
  structure: number;
}

/** One domain, served. */
interface Served extends Variant {
  readonly address: string;
  readonly socket: Socket;
  /** By the address that asks. */
  readonly tallies: Map<string, Tally>;
  readonly tallyOf: (source: string) => Tally;
}

const US = { region: 'us-central1', zones: ['a', 'b', 'c', 'f'].map((letter) => `us-central1-${letter}`) };
const EU = { region: 'europe-west1', zones: ['europe-west1-b'] };

/** Three kinds of names: of a zone that is up, of one that is down, and of one whose region is down too. */
const KINDS = [
  { title: 'no alias', location: 'us-central1-a.us-central1' },
  { title: 'one alias', location: 'us-central1-f.us-central1' },
  { title: 'two aliases', location: 'europe-west1-b.europe-west1' },
] as const;

function nameOf(kind: number, i: number, domain: string): string {
  return `s${i}.n${i % NAMESPACES}.f.svc.${KINDS[kind]!.location}.${domain}`;
}

function record(name: string, type: string, data: string): StaticRecord {
  return { name, ttlSeconds: 21600, ...parseRdata(type, data) };
}

function makeBuilder({ domain, flatten }: Variant, address: string): ZoneBuilder {
  const statics = [
    record(domain, 'NS', `ns1.${domain}.`),
    record(`ns1.${domain}`, 'A', address),
    record(`www.${domain}`, 'ALIAS', `${nameOf(2, 0, domain)}.`),
  ];
  const builder = new ZoneBuilder({
    domain,
    ttlSeconds: TTL_SECONDS,
    whenNoneHealthy: 'nodata',
    flattens: () => flatten,
    statics: packStatics(statics, domain),
    nextSerial: () => 1,
    clock: Date.now,
  });
  const cause = { object: 'bench', timeMs: 0 };
  builder.batch(cause, () => {
    for (const { region, zones } of [US, EU]) {
      for (const zone of zones) {
        builder.setCluster({ name: zone, region, zones: [zone], status: 'available' });
        // The first zone alone is up.
        const ready = zone === US.zones[0];
        for (let i = 0; i < NAMES; i++)
          builder.upsertShard({
            cluster: zone,
            service: `s${i}`,
            namespace: `n${i % NAMESPACES}`,
            federation: 'f',
            addresses: [`192.0.${i >> 8}.${i & 255}`],
            ready,
            readyZones: ready ? 'every' : [],
            ports: [],
            cause,
          });
      }
    }
  });
  return builder;
}

async function serve(variant: Variant): Promise<Served> {
  const { domain, nodataTtlSeconds } = variant;
  const address = await freeAddress();
  const builder = makeBuilder(variant, address);
  const apex = makeApex({
    domain,
    primary: `ns1.${domain}`,
    hostmaster: `hostmaster.${domain}`,
    ttlSeconds: 21600,
    negativeTtlSeconds: 15,
    nodataTtlSeconds,
    nxdomainWhenNoneHealthy: false,
  });
  const tallies = new Map<string, Tally>();
  const tallyOf = (source: string): Tally => {
    const known = tallies.get(source);
    if (known !== undefined) return known;
    const counters = new SharedArrayBuffer(COUNTER_BLOCK_OCTETS);
    const settings = { image: builder.memory, apex, udpPayloadMax: 1232, reader: tallies.size, counters };
    const tally = {
      responder: createResponder(settings),
      counters: new Float64Array(counters),
      structure: 0,
    };
    tallies.set(source, tally);
    return tally;
  };
  const socket = createSocket('udp4');
  const reply = Buffer.alloc(UDP_REPLY_OCTETS);
  socket.on('message', (query, { address: from, port }) => {
    const tally = tallyOf(from);
    tally.responder.enter();
    const length = tally.responder.answer(
      query,
      0,
      query.length,
      reply,
      0,
      Transport.udp,
      Buffer.from(from.split('.').map(Number)),
      0,
      4,
    );
    tally.responder.leave();
    if (!/^s\d+\.|^www\./i.test(readMessage(query).question?.name ?? '')) tally.structure++;
    socket.send(Buffer.from(reply.subarray(0, length)), port, from);
  });
  await once(socket.bind(53, address), 'listening');
  return { ...variant, address, socket, tallies, tallyOf };
}

async function startRoot(
  folder: string,
  served: readonly Served[],
): Promise<readonly [string, ChildProcess]> {
  const address = await freeAddress();
  const delegations = served.map(
    ({ domain, address: at }) => `${domain}. NS ns1.${domain}.\nns1.${domain}. A ${at}\n`,
  );
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'zone'),
    `$TTL 86400\n. SOA a.root. h.root. 1 300 60 604800 86400\n. NS a.root.\na.root. A ${address}\n${delegations.join('')}`,
  );
  const file = join(folder, 'nsd.conf');
  writeFileSync(
    file,
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
  name: "."
  zonefile: "zone"
`,
  );
  const nsd = startPinned([findProgram('nsd')!, '-d', '-c', file], {
    cores: '0-1',
    logFile: join(folder, 'log'),
  });
  return [address, nsd];
}

/** Asks a resolver, one socket for all questions. */
class Client {
  readonly #socket = createSocket('udp4');
  readonly #waiting = new Map<number, (reply: Message | undefined) => void>();
  readonly #port: number;
  #id = 0;

  constructor(port: number) {
    this.#socket.on('error', () => {});
    this.#socket.on('message', (message) => {
      const resolve = this.#waiting.get(message.readUInt16BE(0));
      this.#waiting.delete(message.readUInt16BE(0));
      resolve?.(readMessage(message));
    });
    this.#port = port;
  }

  async open(): Promise<this> {
    this.#socket.connect(this.#port, '127.0.0.1');
    await once(this.#socket, 'connect');
    return this;
  }

  /** @returns undefined after 10 s without a reply */
  ask(name: string, type: string, waitMs = WAIT_MS): Promise<Message | undefined> {
    const id = (this.#id = (this.#id + 1) & 0xffff);
    const { promise, resolve } = Promise.withResolvers<Message | undefined>();
    const timer = setTimeout(() => resolve(undefined), waitMs);
    this.#waiting.set(id, resolve);
    this.#socket.send(makeQuery(name, type, { id, flags: RD, payloadMax: 1232 }));
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(id);
    });
  }

  close(): void {
    this.#socket.close();
  }
}

interface Running {
  readonly resolver: Resolver;
  readonly source: string;
  readonly child: ChildProcess;
  readonly client: Client;
}

async function startResolver(
  resolver: Resolver,
  place: { readonly folder: string; readonly root: string; readonly served: readonly Served[] },
): Promise<Running> {
  const port = await freePort();
  const source = resolver.name === 'CoreDNS' ? '127.0.0.1' : await freeAddress();
  const folder = join(place.folder, resolver.name.replace(' ', '-'));
  const domains = place.served.map(({ domain, address }) => [domain, address] as const);
  const args = resolver.prepare({ folder, port, source, root: place.root, domains });
  const child = startPinned([resolver.program!, ...args], { cores: '0-1', logFile: join(folder, 'log') });
  return { resolver, source, child, client: await new Client(port).open() };
}

/** Until it resolves something: the domain's own SOA, which leaves nothing of Services in its cache. */
async function untilReady({ client, resolver }: Running, domains: readonly string[]): Promise<void> {
  for (const domain of domains) {
    const until = Date.now() + READY_MS_MAX;
    while (((await client.ask(domain, 'NS', 1000))?.answer.length ?? 0) === 0)
      if (Date.now() > until) throw new Error(`${resolver.name} does not answer for ${domain}`);
  }
}

/** What a resolver has asked of a domain, and how much of it for names that only lie above others. */
function countOf(
  { tallyOf }: Served,
  { source }: Running,
): { readonly all: number; readonly structure: number } {
  const { counters, structure } = tallyOf(source);
  return { all: counters[Counter.queriesUdp]! + counters[Counter.queriesTcp]!, structure };
}

/** What looking up one name costs. @throws where the answer is not the Service's address */
async function costOf(served: Served, running: Running, name: string): Promise<string> {
  const before = countOf(served, running);
  const reply = await running.client.ask(name, 'A');
  if (reply?.answer.at(-1)?.type !== 'A')
    throw new Error(`${running.resolver.name}: ${name} is answered with ${JSON.stringify(reply)}`);
  // What it asks on the side, for its own ends, comes at once or after the reply.
  await pause(500);
  const after = countOf(served, running);
  return `${after.all - before.all} (${after.structure - before.structure})`;
}

async function everyVariant(
  served: readonly Served[],
  cost: (one: Served) => Promise<string>,
): Promise<string[]> {
  const row: string[] = [];
  for (const one of served) row.push(await cost(one));
  return row;
}

async function lookUps(served: readonly Served[], running: readonly Running[]): Promise<void> {
  const rows = await Promise.all(
    running.map(async (one) => {
      const cold = await everyVariant(served, (each) => costOf(each, one, nameOf(2, 0, each.domain)));
      await pause(APART_MS);
      const next = await everyVariant(served, (each) =>
        costOf(each, one, nameOf(2, NAMESPACES, each.domain)),
      );
      const other = await everyVariant(served, (each) => costOf(each, one, nameOf(2, 1, each.domain)));
      const alias = await everyVariant(served, (each) => costOf(each, one, `www.${each.domain}`));
      return [one.resolver.name, ...cold, ...next, ...other, alias[1]!];
    }),
  );
  const columns = ['cold', 'next name of the namespace', 'first of another namespace'].flatMap((what) =>
    served.map(({ title }) => `${what}, ${title}`),
  );
  print(['resolver', ...columns, 'ALIAS one label below, cold'], rows);
}

/** Asks each name for A and AAAA over and over, spread over the interval. */
/** @returns the share of questions that were answered as they are to be */
async function keepAsking(served: readonly Served[], { client }: Running): Promise<number> {
  let [asked, answered] = [0, 0];
  const endMs = Date.now() + SECONDS * 1000;
  const questions = Array.from({ length: NAMES }, (_, i) =>
    served.flatMap(({ domain }) =>
      (['A', 'AAAA'] as const).map((type) => [nameOf(i % KINDS.length, i, domain), type] as const),
    ),
  );
  let round = Date.now();
  for (let i = 0; Date.now() < endMs; i++) {
    const due = round + ((i % NAMES) * INTERVAL_MS) / NAMES;
    const waitMs = due - Date.now();
    if (waitMs > 0) await pause(waitMs);
    for (const [name, type] of questions[i % NAMES]!) {
      asked++;
      void client.ask(name, type).then((reply) => {
        if (reply?.rcode === 'NOERROR' && (type === 'AAAA' || reply.answer.at(-1)?.type === 'A')) answered++;
      });
    }
    if (i % NAMES === NAMES - 1) round += INTERVAL_MS;
  }
  await pause(WAIT_MS);
  return answered / asked;
}

async function steadyState(served: readonly Served[], running: readonly Running[]): Promise<void> {
  const before = running.map((one) => served.map((each) => countOf(each, one)));
  const shares = await Promise.all(running.map((one) => keepAsking(served, one)));
  const rows = running.map((one, i) => {
    const counts = served.map((each, k) => countOf(each, one).all - before[i]![k]!.all);
    const structure = served.map((each, k) => countOf(each, one).structure - before[i]![k]!.structure);
    const cells = counts.map((count, k) => `${count} (${structure[k]})`);
    const ratios = counts.slice(1).map((count) => (count / counts[0]!).toFixed(2));
    return [one.resolver.name, ...cells, ...ratios, `${(shares[i]! * 100).toFixed(2)} %`];
  });
  const ratios = served.slice(1).map(({ title }) => `${title} ÷ before`);
  print(['resolver', ...served.map(({ title }) => title), ...ratios, 'answered'], rows);
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function print(head: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log([line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n'));
}

const folder = mkdtempSync(join(tmpdir(), 'fedns-questions-'));
const served: Served[] = [];
const children: ChildProcess[] = [];
const clients: Client[] = [];
try {
  for (const variant of VARIANTS) served.push(await serve(variant));
  const [root, nsd] = await startRoot(join(folder, 'root'), served);
  children.push(nsd);
  const running: Running[] = [];
  for (const resolver of RESOLVERS) {
    if (resolver.program === undefined) continue;
    const one = await startResolver(resolver, { folder, root, served });
    running.push(one);
    children.push(one.child);
    clients.push(one.client);
  }
  for (const one of running)
    await untilReady(
      one,
      served.map(({ domain }) => domain),
    );
  console.log('Queries to fedns, those for names that only lie above others in brackets.\n');
  await lookUps(served, running);
  if (SECONDS > 0) {
    console.log(
      `${NAMES} names, each asked for A and AAAA every ${INTERVAL_MS / 1000} s, over ${SECONDS} s:\n`,
    );
    await steadyState(served, running);
  }
} finally {
  for (const client of clients) client.close();
  await Promise.all(children.map((child) => stopProcess(child)));
  for (const { socket } of served) socket.close();
  rmSync(folder, { recursive: true, force: true });
}
