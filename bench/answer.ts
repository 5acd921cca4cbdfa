/**
 * What composing an answer costs without sockets: nanoseconds per query, on this thread, with replies in the place of
 * their queries as in the batch transport.
 *
 *   node [--cpu-prof] bench/answer.ts [SERVICES] [SECONDS] [MIX]
 *
 * `nearest` and `nearest+ecs` ask for global names as clients everywhere; without and with a client subnet. `global, all` and
 * `global, all, ecs` are the same queries to Services whose policy looks at no client. All mixes are timed in turn, over and over,
 * by one thread: code that has seen all of them, and a busy neighbour slows all alike. MIX: that one alone.
 */

import { setFlagsFromString } from 'node:v8';
import { createResponder } from '../src/server/answer/answer.ts';
import { createCounterBlock } from '../src/server/counters-sum.ts';
import { INLINING } from '../src/server/workers/worker-protocol.ts';
import { loadMemoryAdvice } from '../src/server/workers/udp-transport.ts';
import { EMPTY_POLICY, type GeoPolicy } from '../src/server/policy/policy.ts';
import { type Responder, Transport, UDP_REPLY_OCTETS } from '../src/server/responder.ts';
import type { ZoneBuilder } from '../src/zonebuilder/builder.ts';
import { POLICY_ALL } from '../src/zonebuilder/policy.ts';
import { listRecords, soaRecord } from '../src/zonebuilder/records.ts';
import { APEX, DOMAIN, makeBuilder } from './domain.ts';
import { makeOrders, makeTables, withSubnet } from './clients.ts';
import { fillFederation, seeded } from './federation.ts';
import { median } from './measure.ts';
import { encodeQuery, MIXES, pickNames } from './drivers/queries.ts';

const SLOTS = 64;
const SLOT_OCTETS = 4096 + 192;
const ROUNDS = 7;
/** `S.N.F.svc.D`, without a cluster in front. */
const GLOBAL_NAME = new RegExp(`^([^.]+\\.){3}svc\\.${DOMAIN}\\.$`);

/** Whom a query comes from, by its number. */
type ClientOf = (i: number) => Uint8Array;

interface Timed {
  readonly mix: string;
  readonly packets: readonly Buffer[];
  readonly of: Responder;
  readonly from: ClientOf;
  readonly roundsNs: number[];
}

const [services = '1000', seconds = '1', only] = process.argv.slice(2);
setFlagsFromString(INLINING);
const advice = await loadMemoryAdvice();
const shape = { services: Number(services), clusters: 13, seed: 1 };
const builder = makeBuilder(undefined, advice);
fillFederation(builder, shape);
const names = { hits: [] as string[], chains: [] as string[] };
const soa = soaRecord({
  domain: DOMAIN,
  primary: `ns1.${DOMAIN}`,
  hostmaster: `h.${DOMAIN}`,
  serial: 1,
  apex: APEX,
});
for (const { name, type } of listRecords(builder, soa)) {
  if (type === 'A') names.hits.push(name);
  else if (type === 'CNAME') names.chains.push(name);
}
const responder = respond(builder);
const client = Uint8Array.of(127, 0, 0, 1);
const memory = new Uint8Array(new ArrayBuffer(SLOTS * SLOT_OCTETS));

const timed = [...plainMixes(), ...nearestMixes()].filter(({ mix }) => only === undefined || mix === only);
for (let round = 0; round <= ROUNDS; round++) {
  for (const { packets, of, from, roundsNs } of timed) {
    const ns = measure(packets, Number(seconds) / ROUNDS, of, from);
    // The first round is for caches and compilers.
    if (round > 0) roundsNs.push(ns);
  }
}
const bases = timed.filter(({ mix }) => mix.startsWith('global'));
for (const { mix, roundsNs } of timed) {
  const ns = median(roundsNs);
  const ratios = bases
    .map((base) => `, ${(ns / median(base.roundsNs)).toFixed(2)} of "${base.mix}"`)
    .join('');
  console.log(`${mix}: ${ns.toFixed(0)} ns${ratios} (${roundsNs.map((each) => each.toFixed(0)).join(' ')})`);
}

function plainMixes(): Timed[] {
  return MIXES.map((mix) => {
    const packets = pickNames(mix, names, 1).map((name) => encodeQuery(1, name, 1, mix === 'edns'));
    return { mix, packets, of: responder, from: () => client, roundsNs: [] };
  });
}

function respond(of: ZoneBuilder, geo?: GeoPolicy): Responder {
  return createResponder({
    image: of.memory,
    reader: 0,
    counters: createCounterBlock(),
    apex: APEX,
    udpPayloadMax: 1232,
    ...(geo && { policy: { ...EMPTY_POLICY, geo } }),
  });
}

/** The same federation, whose global names answer with what is nearest. */
function nearestMixes(): Timed[] {
  const near = makeBuilder(undefined, advice, { ...POLICY_ALL, policy: 'nearest' });
  fillFederation(near, shape);
  const orders = makeOrders();
  near.setOrders(orders);
  const geo = { memory: makeTables(orders), trust: ['127.0.0.0/8'] };
  const nearest = respond(near, geo);
  const random = seeded(3);
  const clients = Array.from({ length: 4096 }, () =>
    Uint8Array.from({ length: 4 }, () => 1 + random() * 220),
  );
  const globals = { hits: names.hits.filter((name) => GLOBAL_NAME.test(name)), chains: [] };
  const asked = pickNames('hit', globals, 1);
  const plain = asked.map((name) => encodeQuery(1, name, 1, false));
  const subnets = asked.map((name) => withSubnet(encodeQuery(1, name, 1, true), random));
  return [
    { mix: 'global, all', packets: plain, of: responder, from: () => client, roundsNs: [] },
    { mix: 'global, all, ecs', packets: subnets, of: responder, from: () => client, roundsNs: [] },
    { mix: 'nearest', packets: plain, of: nearest, from: (i) => clients[i & 4095]!, roundsNs: [] },
    { mix: 'nearest+ecs', packets: subnets, of: nearest, from: () => client, roundsNs: [] },
  ];
}

/** Fills batches as the kernel would, and times only their answers: the median, which other load does not move. */
function measure(packets: readonly Buffer[], limitSeconds: number, of: Responder, from: ClientOf): number {
  const spent: number[] = [];
  const end = performance.now() + limitSeconds * 1000;
  for (let at = 0; performance.now() < end; at = (at + SLOTS) % (packets.length - SLOTS)) {
    for (let i = 0; i < SLOTS; i++) memory.set(packets[at + i]!, i * SLOT_OCTETS);
    const start = process.hrtime.bigint();
    answerBatch(packets, at, of, from);
    spent.push(Number(process.hrtime.bigint() - start) / SLOTS);
  }
  return median(spent);
}

function answerBatch(packets: readonly Buffer[], at: number, of: Responder, from: ClientOf): void {
  of.enter();
  for (let i = 0; i < SLOTS; i++) {
    const start = i * SLOT_OCTETS;
    of.answer(memory, start, packets[at + i]!.length, memory, start, Transport.udp, from(at + i), 0, 4);
  }
  of.leave();
}

console.log(`replies of up to ${UDP_REPLY_OCTETS} octets, slots of ${SLOT_OCTETS}`);
