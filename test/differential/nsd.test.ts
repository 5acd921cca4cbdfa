/** Every answer held against a name server that others wrote, which serves the same data as a zone file. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Federation } from '../support/federation.ts';
import type { Message, Rr } from '../support/message.ts';
import { makeQuery, readMessage } from '../support/message.ts';
import { makeRandom } from '../support/random.ts';
import { needCommand } from '../support/commands.ts';
import { Nsd } from './nsd.ts';
import {
  COMPLETE_RECORDS,
  makeRandomFederation,
  type Question,
  questions,
  RECORDS,
  zoneText,
} from './questions.ts';
import { scratch } from '../support/scratch.ts';

const SEED = 20261121;
const NEIGHBOURS = 10_000;
/** Differences that are shown; the first is enough to start with. */
const SHOWN_MAX = 3;

const nsdCommand = needCommand('nsd');
const compileCommand = needCommand('named-compilezone');

/** What two servers must agree on, in one text: names and order do not count, case neither. */
function essence({ rcode, flags, answer, authority }: Message): string {
  const isTruncated = flags.includes('TC');
  return [
    rcode,
    flags.includes('AA') ? 'AA' : '-',
    isTruncated ? 'TC' : '-',
    // RFC 2181 section 9: a truncated reply is asked for again, and what it holds is not used.
    ...(isTruncated
      ? []
      : ['ANSWER', ...records(answer), 'AUTHORITY', ...records(authority.map(withoutDenialTtl))]),
  ].join('\n  ');
}

/** A zone file knows one TTL for all denials, the SOA's MINIMUM; fedns says of each how long it lasts, and never longer. */
function withoutDenialTtl(rr: Rr): Rr {
  const minimum = Number(rr.data.split(' ').at(-1));
  return rr.type === 'SOA' && rr.ttl <= minimum ? { ...rr, ttl: minimum } : rr;
}

function records(section: readonly Rr[]): string[] {
  return section
    .map(({ name, type, ttl, data }) => `${name} ${ttl} ${type} ${data}`.toLowerCase())
    .toSorted();
}

const WORLDS = [
  { whenNoneHealthy: 'nodata' },
  { whenNoneHealthy: 'nxdomain' },
  { whenNoneHealthy: 'lastKnown' },
  { whenNoneHealthy: 'nxdomain', flatten: true },
] as const;

for (const world of WORLDS) {
  const { whenNoneHealthy } = world;
  const flatten = 'flatten' in world;
  t.test(`NSD answers alike: ${whenNoneHealthy}${flatten ? ', flat' : ''}`, async (t) => {
    const random = makeRandom(SEED);
    const federation = makeRandomFederation(random, whenNoneHealthy, RECORDS, flatten);
    const nsd = await Nsd.start(nsdCommand, scratch(t), 'example.com', zoneText(federation));
    t.teardown(() => nsd.stop());
    await compare(t, federation, nsd, questions(random, NEIGHBOURS));
    t.notMatch(nsd.log, /error|warning/i, 'NSD loads the zone without complaint');
  });
}

/** The name that a reply is about in the end: the last alias's target, or the name asked for. */
function endOf({ question, answer }: Message): string {
  const last = answer.at(-1);
  return (last?.type === 'CNAME' ? last.data.slice(0, -1) : question!.name).toLowerCase();
}

/**
 * The one difference on purpose: with `whenNoneHealthy: nxdomain` a Service without a healthy shard is NXDOMAIN, also
 * where a wildcard lies beside it. In a zone file the Service has no name then, so that RFC 4592 section 3.3.1 lets the
 * wildcard take its place; but the name is still the Service's, and being sent elsewhere is no failover.
 */
function isDownBesideWildcard(federation: Federation, reply: Message): boolean {
  const service = /(?:^|\.)([^.]+)\.shop\.f\.svc\.example\.com$/.exec(endOf(reply))?.[1];
  const view = service === undefined ? undefined : federation.builder.service('f', 'shop', service);
  return (
    federation.builder.whenNoneHealthy === 'nxdomain' &&
    view !== undefined &&
    view.v4.pool.length + view.v6.pool.length === 0 &&
    reply.rcode === 'NXDOMAIN'
  );
}

async function compare(t: Test, federation: Federation, nsd: Nsd, asked: readonly Question[]): Promise<void> {
  // Half of them with EDNS, so that what is truncated for one half is whole for the other.
  const queries = asked.map(({ name, type }, i) =>
    makeQuery(name, type, i % 2 === 0 ? {} : { payloadMax: 1232 }),
  );
  const replies = await nsd.ask(queries);
  let shown = 0;
  for (const [i, { name, type }] of asked.entries()) {
    const expected = essence(readMessage(replies[i]!));
    const reply = readMessage(federation.askRaw(queries[i]!)!);
    const actual = essence(reply);
    if (actual === expected || isDownBesideWildcard(federation, reply) || ++shown > SHOWN_MAX) continue;
    t.equal(actual, expected, `${name} ${type}, seed ${SEED}`);
  }
  t.equal(shown, 0, `${asked.length} answers compared`);
  const kinds = new Set(replies.map((reply) => kindOf(readMessage(reply))));
  t.strictSame([...kinds].toSorted(), KINDS, 'answers of every kind are among them');
}

const KINDS = ['REFUSED', 'alias to NXDOMAIN', 'alias to nothing', 'alias', 'alias to referral', 'answer']
  .concat(['NODATA', 'NXDOMAIN', 'referral', 'truncated'])
  .toSorted();

/** What a reply amounts to (RFC 2308 section 2 has the cases). */
function kindOf({ rcode, flags, answer, authority }: Message): string {
  if (flags.includes('TC')) return 'truncated';
  const isReferral = authority.some((rr) => rr.type === 'NS');
  if (answer.at(-1)?.type === 'CNAME') {
    if (rcode !== 'NOERROR') return `alias to ${rcode}`;
    return isReferral ? 'alias to referral' : authority.length > 0 ? 'alias to nothing' : 'alias';
  }
  if (rcode !== 'NOERROR') return rcode;
  if (isReferral) return 'referral';
  return answer.length > 0 ? 'answer' : 'NODATA';
}

t.test('a zone file loads into BIND', (t) => {
  for (const whenNoneHealthy of ['nodata', 'nxdomain', 'lastKnown'] as const) {
    const file = join(scratch(t), 'zone');
    const federation = makeRandomFederation(makeRandom(SEED), whenNoneHealthy, COMPLETE_RECORDS);
    writeFileSync(file, zoneText(federation));
    // Without `-i local` it would ask the resolver of this machine for the name servers of delegations.
    const args = ['-i', 'local', '-k', 'fail', '-o', '/dev/null', 'example.com', file];
    const { status, stdout, stderr } = spawnSync(compileCommand, args, { encoding: 'utf8' });
    t.equal(status, 0, `${whenNoneHealthy}: it is taken`);
    const said = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
    t.strictSame(said.slice(1), ['dump zone to /dev/null...done', 'OK'], 'and nothing is said against it');
    t.match(said[0], /^zone example.com\/IN: loaded serial \d+$/);
  }
  t.end();
});
