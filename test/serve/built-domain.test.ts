/** What of the configuration the served domain is made from, seen in its answers. */

import t from 'tap';
import { parseSettings } from '../../src/config/load.ts';
import { createResponder } from '../../src/server/answer/answer.ts';
import { COUNTER_BLOCK_OCTETS } from '../../src/server/counters.ts';
import { TCP_REPLY_OCTETS, Transport } from '../../src/server/responder.ts';
import { apexOf } from '../../src/serve/apex.ts';
import { BuiltDomain } from '../../src/serve/built-domain.ts';
import { makeShard } from '../support/federation.ts';
import { makeQuery, readMessage } from '../support/message.ts';

const CLIENT = Buffer.of(192, 0, 2, 99);
const ADDRESSES = Array.from({ length: 10 }, (_, i) => `10.0.0.${i}`);

/** Ten addresses of web.n in each federation. @returns how many A records a reply has */
function serve(more: string, federations: string, maxAddresses?: number): (federation: string) => number {
  const text = `
domain: example.com
nameservers: [{ name: ns.example.net }]
federations: ${federations}
clusters: [{ name: one, region: r, zones: [z], manifests: . }]
${more}`;
  const { settings } = parseSettings(text, { file: '/etc/fedns/fedns.yaml' });
  let serial = 1;
  const domain = new BuiltDomain(settings, {
    nextSerial: () => ++serial,
    currentSerial: () => serial,
    clock: () => 1,
    onImage: () => {},
    onChange: () => {},
    onHealth: () => {},
  });
  domain.setCluster({ name: 'one', region: 'r', zones: ['z'], status: 'available' });
  for (const { name } of settings.federations) {
    const own = maxAddresses === undefined ? {} : { maxAddresses };
    domain.upsertShard(makeShard('one', `web.n.${name}`, { addresses: ADDRESSES, ...own }));
  }
  return (federation) => countOf(domain, settings, `web.n.${federation}.svc.example.com`);
}

function countOf(domain: BuiltDomain, settings: Parameters<typeof apexOf>[0], name: string): number {
  const counters = new SharedArrayBuffer(COUNTER_BLOCK_OCTETS);
  const shared = { image: domain.image, apex: apexOf(settings), udpPayloadMax: 1232 };
  const responder = createResponder({ ...shared, reader: 0, counters });
  const query = makeQuery(name, 'A');
  const reply = Buffer.alloc(TCP_REPLY_OCTETS);
  responder.enter();
  const length = responder.answer(query, 0, query.length, reply, 0, Transport.udp, CLIENT, 0, CLIENT.length);
  responder.leave();
  return readMessage(reply.subarray(0, length)).answer.length;
}

const CASES = [
  { title: 'nothing is said: all addresses', more: '', own: '', annotated: undefined, a: 10, b: 10 },
  { title: 'the whole configuration', more: 'maxAddresses: 4', own: '', annotated: undefined, a: 4, b: 4 },
  {
    title: 'one federation, and the others have all',
    more: '',
    own: ', maxAddresses: 2',
    annotated: undefined,
    a: 2,
    b: 10,
  },
  {
    title: 'one federation says less than the configuration',
    more: 'maxAddresses: 4',
    own: ', maxAddresses: 2',
    annotated: undefined,
    a: 2,
    b: 4,
  },
  {
    title: 'one federation says more than the configuration',
    more: 'maxAddresses: 4',
    own: ', maxAddresses: 7',
    annotated: undefined,
    a: 7,
    b: 4,
  },
  {
    title: 'a Service says more than either',
    more: 'maxAddresses: 4',
    own: ', maxAddresses: 2',
    annotated: 8,
    a: 8,
    b: 8,
  },
] as const;

for (const { title, more, own, annotated, a, b } of CASES) {
  t.test(`how many addresses a reply has: ${title}`, async (t) => {
    const count = serve(more, `[{ name: a${own} }, { name: b }]`, annotated);
    t.strictSame([count('a'), count('b')], [a, b]);
  });
}
