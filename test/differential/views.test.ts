/** What is answered, what `explain` says and what is listed are one truth, whatever state clusters are in and whatever stands beside Services. */
import t, { type Test } from 'tap';
import { Transport } from '../../src/server/responder.ts';
import { explain } from '../../src/zonebuilder/explain.ts';
import { listRecords, type RecordSet } from '../../src/zonebuilder/records.ts';
import { makeQuery, readMessage } from '../support/message.ts';
import { makeWorld, NAMES, type World } from './random-world.ts';

const SEED = 20261128;
const WORLDS = 8;
/** One in so many questions is asked of each world. */
const SAMPLE = 100;
const TYPES = ['A', 'AAAA', 'CNAME', 'SRV', 'TXT', 'CAA', 'NS', 'SOA', 'DS'];

function line(name: string, type: string, ttlSeconds: number, data: string): string {
  return `${name.toLowerCase().replace(/\.$/, '')} ${ttlSeconds} ${type} ${data.toLowerCase()}`;
}

function answered({ federation }: World, name: string, type: string): string[] {
  const reply = readMessage(federation.askRaw(makeQuery(name, type), Transport.tcp)!);
  return [reply.rcode, ...reply.answer.map((rr) => line(rr.name, rr.type, rr.ttl, rr.data)).toSorted()];
}

function explained({ federation }: World, name: string, type: string, soa: RecordSet): string[] {
  const { rcode, answer } = explain(federation.builder, { name, type }, soa);
  const lines = answer.flatMap((set) =>
    set.data.map((data) => line(set.name, set.type, set.ttlSeconds, data)),
  );
  return [rcode, ...lines.toSorted()];
}

/** The same, or with fewer addresses of the type where a reply may not have all. */
function agree(reply: readonly string[], said: readonly string[], type: string): boolean {
  const left = said.filter((each) => !reply.includes(each));
  const hasSome = reply.some((each) => each.split(' ')[2] === type);
  const isFewer = hasSome && left.every((each) => /^\S+ \d+ (?:A|AAAA) /.test(each));
  return reply.every((each) => said.includes(each)) && (left.length === 0 || isFewer);
}

function soaOf({ federation }: World): RecordSet {
  const soa = federation.ask('example.com', 'SOA').answer[0]!;
  return { name: 'example.com.', type: 'SOA', ttlSeconds: soa.ttl, data: [soa.data] };
}

function compareReplies(t: Test, world: World, seed: number): number {
  const owners = world.records.map((text) => text.split(' ')[0]!.replace('*', 'q'));
  const names = [...new Set([...NAMES, ...owners, ...owners.map((name) => `y.${name}`)])];
  const soa = soaOf(world);
  let compared = 0;
  for (const name of names) {
    for (const type of TYPES) {
      if (!world.random.oneIn(SAMPLE)) continue;
      const reply = answered(world, name, type);
      const said = explained(world, name, type, soa);
      compared++;
      if (!agree(reply, said, type)) t.strictSame(said, reply, `${name} ${type}, seed ${seed}`);
    }
  }
  return compared;
}

/** RFC 2181 section 5 and RFC 1034 section 3.6.2, for all that is listed. */
function checkListing(t: Test, world: World, seed: number): void {
  const sets = [...listRecords(world.federation.builder, soaOf(world))];
  const byName = Map.groupBy(sets, ({ name }) => name);
  for (const [name, own] of byName) {
    const types = own.map(({ type }) => type);
    if (new Set(types).size !== types.length) t.fail(`${name} has an RRset twice, seed ${seed}`);
    if (types.includes('CNAME') && types.length > 1) t.fail(`${name} has more than its CNAME, seed ${seed}`);
    for (const { type, data } of own)
      if (new Set(data).size !== data.length) t.fail(`${name} ${type} has a record twice, seed ${seed}`);
  }
}

t.test('the explanation and the listing say what is answered', (t) => {
  let compared = 0;
  for (let seed = SEED; seed < SEED + WORLDS; seed++) {
    const world = makeWorld(seed);
    checkListing(t, world, seed);
    compared += compareReplies(t, world, seed);
    t.equal(world.federation.counters[7], 0, 'no query met a fault');
  }
  t.ok(compared > 500, `${compared} replies compared`);
  t.end();
});
