/**
 * What composing an answer costs without sockets: nanoseconds per query, on this thread, with replies in the place of
 * their queries as in the batch transport.
 *
 *   node [--cpu-prof] bench/answer.ts [SERVICES] [SECONDS] [MIX]
 */

import { setFlagsFromString } from 'node:v8';
import { createResponder } from '../src/server/answer/answer.ts';
import { createCounterBlock } from '../src/server/counters-sum.ts';
import { INLINING } from '../src/server/workers/worker-protocol.ts';
import { loadMemoryAdvice } from '../src/server/workers/udp-transport.ts';
import { Transport, UDP_REPLY_OCTETS } from '../src/server/responder.ts';
import { listRecords, soaRecord } from '../src/zonebuilder/records.ts';
import { APEX, DOMAIN, makeBuilder } from './domain.ts';
import { fillFederation } from './federation.ts';
import { median } from './measure.ts';
import { encodeQuery, MIXES, pickNames } from './drivers/queries.ts';

const SLOTS = 64;
const SLOT_OCTETS = 4096 + 192;
const ROUNDS = 5;

const [services = '1000', seconds = '1', only] = process.argv.slice(2);
setFlagsFromString(INLINING);
const builder = makeBuilder(undefined, await loadMemoryAdvice());
fillFederation(builder, { services: Number(services), clusters: 13, seed: 1 });
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
const responder = createResponder({
  image: builder.memory,
  reader: 0,
  counters: createCounterBlock(),
  apex: APEX,
  udpPayloadMax: 1232,
});
const client = Uint8Array.of(127, 0, 0, 1);
const memory = new Uint8Array(new ArrayBuffer(SLOTS * SLOT_OCTETS));

for (const mix of MIXES.filter((each) => only === undefined || each === only)) {
  const packets = pickNames(mix, names, 1).map((name) => encodeQuery(1, name, 1, mix === 'edns'));
  const rounds = Array.from({ length: ROUNDS }, () => measure(packets, Number(seconds)));
  console.log(mix, rounds.map((ns) => ns.toFixed(0)).join(' '), 'ns per query');
}

/** Fills batches as the kernel would, and times only their answers: the median, which other load does not move. */
function measure(packets: readonly Buffer[], limit: number): number {
  const spent: number[] = [];
  const end = performance.now() + (limit * 1000) / ROUNDS;
  for (let at = 0; performance.now() < end; at = (at + SLOTS) % (packets.length - SLOTS)) {
    for (let i = 0; i < SLOTS; i++) memory.set(packets[at + i]!, i * SLOT_OCTETS);
    const start = process.hrtime.bigint();
    answerBatch(packets, at);
    spent.push(Number(process.hrtime.bigint() - start) / SLOTS);
  }
  return median(spent);
}

function answerBatch(packets: readonly Buffer[], at: number): void {
  responder.enter();
  for (let i = 0; i < SLOTS; i++) {
    const start = i * SLOT_OCTETS;
    responder.answer(memory, start, packets[at + i]!.length, memory, start, Transport.udp, client, 0, 4);
  }
  responder.leave();
}

console.log(`replies of up to ${UDP_REPLY_OCTETS} octets, slots of ${SLOT_OCTETS}`);
