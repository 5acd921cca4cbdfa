/** Runs made-up queries through the responder and has every reply judged. For a short run in the tests and long ones beside. */
import { Counter } from '../../src/server/counters.ts';
import { createCookieMemory } from '../../src/server/policy/cookies.ts';
import { createRateLimitMemory } from '../../src/server/policy/rate-limit.ts';
import { TCP_REPLY_OCTETS, Transport, UDP_REPLY_OCTETS } from '../../src/server/responder.ts';
import { encodeName } from '../../src/zonebuilder/names.ts';
import { DEFAULT_POLICY, makeDomain, SERVICE } from '../conformance/fixture.ts';
import type { Federation } from '../support/federation.ts';
import { faultOf } from './oracle.ts';
import { QueryMaker } from './query-maker.ts';
import { seededRandom, type Random } from './random.ts';
import { decodeStrictly } from './strict-decoder.ts';

/** Names that the domain of the conformance tables has something to say about. */
const NAMES = [
  SERVICE,
  'web.shop.main.svc.r9.example.com',
  'web.shop.main.svc.z9.r9.example.com',
  'web.shop.main.svc.z9.example.com',
  'web.shop.main.svc.z1.r1.example.com',
  'web.shop.main.svc.r1.example.com',
  '_http._tcp.web.shop.main.svc.example.com',
  '_http._tcp.web.shop.main.svc.z1.example.com',
  '_tcp.web.shop.main.svc.r9.example.com',
  'shop.main.svc.example.com',
  'svc.r9.example.com',
  'z9.r9.example.com',
  'example.com',
  'ns1.example.com',
  'alias.example.com',
  'away.example.com',
  'type666.example.com',
  'x.wild.example.com',
  'wild.example.com',
  'sub.example.com',
  'ns.sub.example.com',
  'many.example.com',
  'big.example.com',
  'loop1.example.com',
  'c0.chain.example.com',
  'c99.chain.example.com',
  'version.bind',
  'id.server',
  'example.net',
  'com',
  '.',
];

const GUARD_OCTETS = 64;
const GUARD = 0xa5;
/** Room before and behind a query whose neighbours are changed to see whether they are read. */
const MARGIN_OCTETS = 32;

/** An input that was not answered as it must be. */
export interface Finding {
  readonly fault: string;
  readonly transport: Transport;
  readonly queryHex: string;
}

export interface FuzzReport {
  readonly queries: number;
  readonly replies: number;
  readonly findings: readonly Finding[];
}

export class AnswerFuzzer {
  readonly #random: Random;
  readonly #maker: QueryMaker;
  readonly #federations: readonly Federation[];
  readonly #memory = Buffer.alloc(TCP_REPLY_OCTETS + 2 * MARGIN_OCTETS);
  readonly #reply = Buffer.alloc(TCP_REPLY_OCTETS + 2 * GUARD_OCTETS, GUARD);
  readonly #client = Buffer.alloc(16);
  readonly #findings: Finding[] = [];
  #queries = 0;
  #replies = 0;

  /** Names that lead somewhere, in wire form. */
  readonly names: readonly Uint8Array[] = NAMES.map(encodeName);

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#maker = new QueryMaker(this.#random, this.names);
    this.#federations = makeFederations();
  }

  get report(): FuzzReport {
    return { queries: this.#queries, replies: this.#replies, findings: this.#findings };
  }

  /** Tries so many queries more. */
  run(count: number): FuzzReport {
    for (let i = 0; i < count; i++) {
      if (this.#queries % 5000 === 4999) this.#changeHealth();
      const length = this.#maker.next();
      this.try(this.#maker.octets.subarray(0, length));
    }
    return this.report;
  }

  /** Tries one query. @returns its reply */
  try(query: Uint8Array): Buffer | undefined {
    const federation = this.#federations[this.#queries % this.#federations.length]!;
    const transport = TRANSPORTS[this.#random(TRANSPORTS.length)]!;
    const mayStaySilent = federation === this.#federations[LIMITED];
    this.#queries++;
    this.#client[this.#random(4)] = this.#random(256);
    const faultsBefore = federation.counters[Counter.faults];
    const reply = this.#ask(federation, query, transport, 0x00);
    if (reply) this.#replies++;
    if (federation.counters[Counter.faults] !== faultsBefore) this.#find('an exception', transport, query);
    if (reply || !mayStaySilent) this.#note(faultOf(query, reply, transport), transport, query);
    if (this.#queries % 8 === 0 && !mayStaySilent) this.#tryElsewhere(federation, query, transport, reply);
    return reply;
  }

  /**
   * The same query between other octets must get the same reply, or something outside of it was read; and the same when
   * the reply is written over it, or something was read after it was gone.
   */
  #tryElsewhere(
    federation: Federation,
    query: Uint8Array,
    transport: Transport,
    before: Buffer | undefined,
  ): void {
    const first = before && Buffer.from(before);
    const again = this.#ask(federation, query, transport, 0xff);
    if (gist(first) !== gist(again)) this.#find('octets around the query matter', transport, query);
    if (transport !== Transport.udp || query.length > UDP_REPLY_OCTETS) return;
    this.#reply.set(query, GUARD_OCTETS);
    const over = this.#answer(federation, this.#reply, GUARD_OCTETS, query, transport);
    if (gist(first) !== gist(over)) this.#find('a reply over its query is another', transport, query);
  }

  #ask(
    federation: Federation,
    query: Uint8Array,
    transport: Transport,
    neighbour: number,
  ): Buffer | undefined {
    const memory = this.#memory;
    memory.fill(neighbour, 0, MARGIN_OCTETS);
    memory.set(query, MARGIN_OCTETS);
    memory.fill(neighbour, MARGIN_OCTETS + query.length, query.length + 2 * MARGIN_OCTETS);
    return this.#answer(federation, memory, MARGIN_OCTETS, query, transport);
  }

  /** @param octets - holds the query at `start` */
  #answer(
    federation: Federation,
    octets: Uint8Array,
    start: number,
    query: Uint8Array,
    transport: Transport,
  ): Buffer | undefined {
    const { responder } = federation;
    const room = transport === Transport.udp ? UDP_REPLY_OCTETS : TCP_REPLY_OCTETS;
    const clientLength = this.#queries % 2 === 0 ? 4 : 16;
    if (responder.isStale)
      responder.adopt({ ...federation.settings(), reader: 0, counters: counterMemory(federation) });
    responder.enter();
    const length = responder.answer(
      octets,
      start,
      query.length,
      this.#reply,
      GUARD_OCTETS,
      transport,
      this.#client,
      0,
      clientLength,
    );
    responder.leave();
    this.#checkGuards(room, transport, query);
    return length === 0 ? undefined : this.#reply.subarray(GUARD_OCTETS, GUARD_OCTETS + length);
  }

  #checkGuards(room: number, transport: Transport, query: Uint8Array): void {
    for (let i = 0; i < GUARD_OCTETS; i++) {
      if (this.#reply[i] === GUARD && this.#reply[GUARD_OCTETS + room + i] === GUARD) continue;
      this.#find('a write outside of the reply', transport, query);
      this.#reply.fill(GUARD);
      return;
    }
    // What an earlier and larger reply left behind the room for UDP would hide a write there.
    if (transport !== Transport.udp)
      this.#reply.fill(
        GUARD,
        GUARD_OCTETS + UDP_REPLY_OCTETS,
        GUARD_OCTETS + UDP_REPLY_OCTETS + GUARD_OCTETS,
      );
  }

  #note(fault: string | undefined, transport: Transport, query: Uint8Array): void {
    if (fault !== undefined) this.#find(fault, transport, query);
  }

  #find(fault: string, transport: Transport, query: Uint8Array): void {
    this.#findings.push({ fault, transport, queryHex: Buffer.from(query).toString('hex') });
  }

  /** Shards come and go, so that every state of a level is met. */
  #changeHealth(): void {
    for (const federation of this.#federations) {
      const cluster = ['one', 'two', 'empty'][this.#random(3)]!;
      const addresses = ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'].filter(
        () => this.#random(2) === 1,
      );
      const ports = [{ name: 'http', protocol: 'tcp', port: 80 }] as const;
      federation.shard(cluster, 'web.shop.main', { addresses, ports, ready: this.#random(4) > 0 });
    }
  }
}

const TRANSPORTS = [Transport.udp, Transport.udp, Transport.tcp, Transport.tls];
/** Which of the federations limits its replies, so that silence is no fault. */
const LIMITED = 1;

/** One domain under policies that lead down different branches. */
function makeFederations(): Federation[] {
  const texts = { version: 'v'.repeat(255), id: 'ns1' };
  const rateLimit = {
    memory: createRateLimitMemory(),
    settings: { perSecond: 3, windowSeconds: 2, slip: 2, exempt: [] },
  };
  const pending = makeDomain();
  pending.cluster('late', 'r2', ['z2'], 'pending');
  return [
    makeDomain(),
    makeDomain({ policy: { ...DEFAULT_POLICY, rateLimit } }),
    makeDomain({
      policy: { ...DEFAULT_POLICY, chaos: texts, nsid: 'n'.repeat(64) },
      whenNoneHealthy: 'nxdomain',
    }),
    makeDomain({ policy: { ...DEFAULT_POLICY, cookies: { memory: createCookieMemory(), required: true } } }),
    makeDomain({
      policy: { ...DEFAULT_POLICY, access: { allow: ['0.0.0.0/1', '::/1'], deny: ['10.0.0.0/8'] } },
    }),
    pending,
  ];
}

function counterMemory(federation: Federation): SharedArrayBuffer {
  return federation.counters.buffer as SharedArrayBuffer;
}

/** What of an option's data does not change with time: of a cookie, the client's part. */
const UNDATED_OCTETS = 8;

/** What of a reply does not turn with its addresses. */
function gist(reply: Buffer | undefined): string {
  if (!reply) return '';
  const { answers, authorities, additionals, flags, rcode, opt } = decodeStrictly(reply);
  const sections = [answers, authorities, additionals].map((section) =>
    section.map((rr) => JSON.stringify(rr)).toSorted(),
  );
  const options = opt?.options.map(({ code, data }) => [code, ...data.subarray(0, UNDATED_OCTETS)]);
  return JSON.stringify([flags, rcode, sections, options, reply.length]);
}
