import t from 'tap';
import type { Federation } from '../support/federation.ts';
import { makeFederation } from '../support/federation.ts';
import type { Message } from '../support/message.ts';
import { lines } from '../support/message.ts';
import { makeGuide, NGINX } from '../support/guide.ts';
import { allNames, announce, makeRandom, mutate } from '../support/random.ts';
import type { Explanation } from '../../src/zonebuilder/explain.ts';
import { explain } from '../../src/zonebuilder/explain.ts';
import { PLACEHOLDER_TYPE } from '../../src/zonebuilder/records.ts';

const RECORDS = [
  'www.example.com CNAME web.shop.f.svc.us.example.com',
  'out.example.com CNAME elsewhere.example.net',
  'loop1.example.com CNAME loop2.example.com',
  'loop2.example.com CNAME loop1.example.com',
  '*.wild.example.com TXT "w"',
  '*.shop.f.svc.example.com TXT "below a namespace"',
  'deep.a.b.example.com A 192.0.2.77',
  'example.com ALIAS web.shop.f.svc.example.com',
  'shop.example.com ALIAS db.shop.f.svc.us1.us.example.com',
  'shop.example.com TXT "beside it"',
  'nobody.example.com ALIAS nobody.shop.f.svc.example.com',
  '*.flat.example.com ALIAS web.blog.f.svc.asia.example.com',
  'sub.example.com NS ns.sub.example.com',
  'ns.sub.example.com A 192.0.2.88',
  `sub.example.com DS 1 13 2 ${'0f'.repeat(32)}`,
  'pinned.blog.g.svc.example.com A 192.0.2.99',
  'api.blog.g.svc.eu.example.com A 192.0.2.98',
];

const EXTRA_NAMES = [
  ...RECORDS.map((line) => line.split(' ')[0]!),
  'x.wild.example.com',
  'x.flat.example.com',
  'wild.example.com',
  'y.x.wild.example.com',
  'other.shop.f.svc.example.com',
  'b.example.com',
  'a.b.example.com',
  'x.sub.example.com',
  'nothing.example.com',
  'example.net',
];

function explainNow(f: Federation, name: string, type: string): Explanation {
  const soa = f.ask('example.com', 'SOA').answer[0]!;
  const set = { name: 'example.com.', type: 'SOA', ttlSeconds: soa.ttl, data: [soa.data] };
  return explain(f.builder, { name, type }, set);
}

function explained({ rcode, answer }: Explanation): string {
  const records = answer.flatMap(({ name, type, data }) =>
    data.map((item) => `${name.slice(0, -1)} ${type} ${item}`),
  );
  return [rcode, ...records.toSorted()].join(' | ');
}

function served(reply: Message): string {
  return [reply.rcode, ...lines(reply.answer)].join(' | ');
}

for (const whenNoneHealthy of ['nodata', 'nxdomain', 'lastKnown'] as const) {
  t.test(`what is explained is what is served: ${whenNoneHealthy}`, (t) => {
    const seed = 20261121;
    const random = makeRandom(seed);
    const f = makeFederation({ whenNoneHealthy, records: RECORDS });
    announce(f);
    const names = [...allNames(), ...EXTRA_NAMES];
    let compared = 0;
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 8; i++) mutate(random, f);
      for (const name of names) {
        const type = random.pick(['A', 'AAAA', 'CNAME', 'SRV', 'NS', 'SOA', 'TXT', 'DS']);
        const actual = served(f.ask(name, type));
        const expected = explained(explainNow(f, name, type));
        if (actual !== expected) t.equal(actual, expected, `${name} ${type} in round ${round}, seed ${seed}`);
        compared++;
      }
    }
    t.ok(compared > 3000, `${compared} answers compared`);
    t.end();
  });
}

t.test('of Pods in one zone each, the zones are told', (t) => {
  const f = makeFederation();
  f.cluster('c1', 'us', ['us1', 'us2']);
  f.shard('c1', 'web.n.f', {
    addresses: ['10.1.0.1', '10.1.0.2', '10.1.0.3'],
    readyZones: ['us1', 'us2'],
    addressZones: ['us2', 'us1', ''],
  });
  const { steps } = explainNow(f, 'web.n.f.svc.us1.example.com', 'A');
  const texts = steps.map(({ text }) => text);
  t.ok(
    texts.includes('c1 (us us1 us2): healthy; addresses 10.1.0.1 (us2) 10.1.0.2 (us1) 10.1.0.3 (no zone)'),
    texts.join('\n'),
  );
  t.ok(
    texts.some((text) => text.endsWith('answers with 10.1.0.2')),
    texts.join('\n'),
  );
  t.end();
});

t.test('the steps say why', (t) => {
  const { steps } = explainNow(makeGuide(), `${NGINX}.svc.us-central1-f.example.com`, 'A');
  const text = steps.map((step) => `${step.rule}: ${step.text}`).join('\n');
  for (const part of [
    'service: Service nginx of namespace mynamespace, federation myfederation',
    'gce-us-central1-f (us-central1 us-central1-f): unhealthy, no endpoint is ready; addresses 104.197.246.190',
    `no healthy shard, so it aliases to ${NGINX}.svc.us-central1.example.com.`,
    'answers with 104.197.247.191',
  ]) {
    t.match(text, part);
  }
  t.notMatch(text, PLACEHOLDER_TYPE);
  t.end();
});
