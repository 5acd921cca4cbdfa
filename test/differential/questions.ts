/** The federation that the differential tests serve, and the questions they ask of it. */
import type { Federation } from '../support/federation.ts';
import { makeFederation } from '../support/federation.ts';
import type { Random } from '../support/random.ts';
import { allNames, announce, mutate, SERVICES } from '../support/random.ts';
import type { WhenNoneHealthy } from '../../src/zonebuilder/builder.ts';
import { listRecords, type RecordSet } from '../../src/zonebuilder/records.ts';
import { zoneLines } from '../../src/zonebuilder/zone-file.ts';

/** Types that every name is asked for. */
export const TYPES = ['A', 'AAAA', 'CNAME', 'SRV', 'SOA', 'NS', 'TXT', 'MX', 'DS', 'TYPE666'] as const;

/** Static records of every kind, beside, above, below and in place of Services. */
export const COMPLETE_RECORDS = [
  'www.example.com CNAME web.shop.f.svc.us.example.com',
  'zone-alias.example.com CNAME db.shop.f.svc.us1.us.example.com',
  'port-alias.example.com CNAME _http._tcp.web.shop.f.svc.eu.example.com',
  'gone.example.com CNAME nothing.example.com',
  'dangling.example.com CNAME nope.shop.f.svc.example.com',
  'out.example.com CNAME elsewhere.example.net',
  'first.example.com CNAME second.example.com',
  'second.example.com CNAME www.example.com',
  'into-sub.example.com CNAME host.sub.example.com',
  'to-wild.example.com CNAME a.wild.example.com',
  '*.wild.example.com TXT "w"',
  '*.wild.example.com A 192.0.2.70',
  'own.wild.example.com TXT "own"',
  '*.alias.example.com CNAME web.shop.f.svc.example.com',
  '*.shop.f.svc.example.com TXT "below a namespace"',
  'semi;colon.example.com TXT "a comment to a zone file"',
  '$at@(brackets).example.com TXT "directives and groups"',
  '\\000\\255\\032.example.com TXT "octets that are no text"',
  'deep.a.b.example.com A 192.0.2.77',
  'sub.example.com NS ns.sub.example.com',
  'sub.example.com NS ns1.example.com',
  'ns.sub.example.com A 192.0.2.88',
  'ns.sub.example.com AAAA 2001:db8::88',
  `sub.example.com DS 1 13 2 ${'0f'.repeat(32)}`,
  'far.b.example.com NS ns.example.net',
  'example.com ALIAS web.shop.f.svc.example.com',
  'shop.example.com ALIAS db.shop.f.svc.us1.us.example.com',
  'shop.example.com MX 10 mail.example.com',
  'api.example.com ALIAS api.blog.g.svc.eu.example.com',
  'down.example.com ALIAS down.ops.f.svc.us.example.com',
  'nobody.example.com ALIAS nobody.shop.f.svc.example.com',
  '*.flat.example.com ALIAS web.blog.f.svc.asia.example.com',
  'to-flat.example.com CNAME x.flat.example.com',
  'example.com MX 10 mail.example.com',
  'example.com TXT "v=spf1 -all" "two \\"strings\\""',
  'example.com CAA 0 issue "ca.example.net"',
  'mail.example.com A 192.0.2.25',
  'mail.example.com AAAA 2001:db8::25',
  'service.example.com HTTPS 1 . alpn=h2,h3 port=8443',
  'service.example.com TYPE666 \\# 3 010203',
  '_sip._udp.example.com SRV 1 2 5060 mail.example.com',
  ...Array.from({ length: 40 }, (_, i) => `many.example.com A 198.51.100.${i}`),
  'pinned.blog.g.svc.example.com A 192.0.2.99',
  'api.blog.g.svc.eu.example.com A 192.0.2.98',
  'note.web.shop.f.svc.example.com TXT "below a Service"',
  'note.noted.ops.f.svc.example.com TXT "below a Service that is down"',
  'note._http._tcp.noted.ops.f.svc.example.com TXT "below its port"',
  'note.db.shop.f.svc.us.example.com TXT "below a Service"',
  'note.c2.web.shop.f.svc.example.com TXT "below a cluster\'s name"',
  'web.shop.f.svc.example.com CAA 0 issue "ca.example.net"',
  'web.shop.f.svc.example.com AAAA 2001:db8::feed',
  'web.shop.f.svc.us.example.com TXT "beside a region, whether it has addresses or not"',
  'web.shop.f.svc.nova.eu.example.com HTTPS 1 . alpn=h2',
  'web.shop.f.svc.us1.example.com A 192.0.2.211',
  'db.shop.f.svc.eu.example.com A 192.0.2.212',
  'db.shop.f.svc.eu1.example.com MX 10 mail.example.com',
  '_http._tcp.db.shop.f.svc.example.com SRV 7 8 99 mail.example.com',
  '_http._tcp.db.shop.f.svc.us.example.com TXT "beside a port"',
  'c0.web.shop.f.svc.example.com TXT "beside a cluster\'s name"',
  'noted.ops.f.svc.eu.example.com TXT "beside a Service that is down"',
  'noted.ops.f.svc.example.com A 192.0.2.213',
];

/** With some that leave SRV targets without addresses, which zone checkers find fault with, or that lead in circles. */
export const RECORDS = [
  ...COMPLETE_RECORDS,
  'api.blog.g.svc.us.example.com TXT "no address here"',
  'round.example.com CNAME trip.example.com',
  'trip.example.com CNAME round.example.com',
  'down.ops.f.svc.example.com CNAME down.ops.f.svc.us.example.com',
  '_dns._udp.db.shop.f.svc.us1.us.example.com SRV 0 100 53 db.shop.f.svc.us.example.com',
  'web.blog.f.svc.example.com CNAME www.example.com',
  'c3.web.blog.f.svc.example.com CNAME www.example.com',
  'web.blog.f.svc.us.us.example.com CNAME www.example.com',
  'web.blog.f.svc.asia.example.com CNAME mail.example.com',
];

/** Without a healthy shard: with a static record at the name, below it, beside a wildcard, and nothing of that. */
const DOWN_SERVICES = ['down.ops.f', 'noted.ops.f', 'down.shop.f', 'down.only.f'] as const;

/** A federation some random changes away from empty, at times with Services that have no healthy shard. */
export function makeRandomFederation(
  random: Random,
  whenNoneHealthy: WhenNoneHealthy,
  statics: readonly string[],
  flatten = false,
): Federation {
  const federation = makeFederation({ whenNoneHealthy, records: statics, flatten });
  announce(federation);
  for (let i = 0; i < 60; i++) mutate(random, federation);
  for (const service of DOWN_SERVICES) {
    federation.shard('c2', service, {
      ready: false,
      addresses: ['192.0.2.200'],
      ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
    });
  }
  return federation;
}

/** The whole zone as it is served now. */
export function zoneText(federation: Federation): string {
  const soa = federation.ask('example.com', 'SOA').answer[0]!;
  const set: RecordSet = { name: 'example.com.', type: 'SOA', ttlSeconds: soa.ttl, data: [soa.data] };
  return [...zoneLines(listRecords(federation.builder, set))].join('');
}

export interface Question {
  readonly name: string;
  readonly type: string;
}

/** Every name with every type, then `count` neighbours of names with a random type each. */
export function questions(random: Random, count: number): Question[] {
  const names = [...new Set([...allNames(), ...RECORDS.map((line) => line.split(' ')[0]!), ...EXTRA_NAMES])];
  const asked = names.flatMap((name) => TYPES.map((type) => ({ name, type })));
  for (let i = 0; i < count; i++)
    asked.push({ name: neighbour(random, random.pick(names)), type: random.pick(TYPES) });
  return asked;
}

const EXTRA_NAMES = [
  ...DOWN_SERVICES.flatMap((service) =>
    ['', '.us', '.eu1.eu'].flatMap((location) =>
      ['', '_http._tcp.', '_tcp.', 'x.'].map((port) => `${port}${service}.svc${location}.example.com`),
    ),
  ),
  ...['ops', 'only'].flatMap((namespace) => [
    `${namespace}.f.svc.example.com`,
    `${namespace}.f.svc.us.example.com`,
  ]),
  'x.wild.example.com',
  'wild.example.com',
  'y.x.wild.example.com',
  'x.own.wild.example.com',
  'x.alias.example.com',
  'other.shop.f.svc.example.com',
  'b.example.com',
  'a.b.example.com',
  'x.sub.example.com',
  'x.far.b.example.com',
  'nothing.example.com',
  'com',
  'example.net',
  'example.com.example.com',
];

const LABELS = [...new Set(SERVICES.flatMap((name) => name.split('.')))].concat(
  ['svc', 'us', 'eu', 'us1', 'nova', 'asia', 'wild', '*', '_http', '_tcp', 'sub', 'x', 'example', 'com'],
  ['\\000', 'x'.repeat(63)],
);

/** A name some labels away from another: dropped, added, swapped, replaced, written in another case. */
function neighbour(random: Random, name: string): string {
  const labels = name.split('.');
  for (let changes = 1 + random.below(2); changes > 0; changes--) change(random, labels);
  const text = labels.join('.');
  return random.oneIn(3) ? mixCase(random, text) : text;
}

function change(random: Random, labels: string[]): void {
  // The domain's own labels are spared most of the time, so that the questions stay inside it.
  const at = random.below(Math.max(1, labels.length - (random.oneIn(20) ? 0 : 2)));
  switch (random.below(4)) {
    case 0:
      labels.splice(at, 1);
      break;
    case 1:
      labels.splice(at, 0, random.pick(LABELS));
      break;
    case 2:
      labels.splice(at, 1, random.pick(LABELS));
      break;
    default:
      labels.splice(at, 2, ...labels.slice(at, at + 2).toReversed());
  }
}

function mixCase(random: Random, text: string): string {
  return text.replaceAll(/[a-z]/g, (letter) => (random.oneIn(2) ? letter.toUpperCase() : letter));
}
