/** A case of protocol behaviour: a query, what must come back, and its check, over every transport. */
import type { Test } from 'tap';
import { encodeName } from '../../src/zonebuilder/names.ts';
import { typeCode } from '../../src/zonebuilder/rr-types.ts';
import { decodeStrictly } from '../fuzz/strict-decoder.ts';
import { readMessage, type Message } from '../support/message.ts';
import type { Way } from './fixture.ts';

export interface Expectation {
  /** One of these. */
  readonly rcode: string | readonly string[];
  /** All flags that are set, besides QR; default: AA. */
  readonly flags?: readonly string[];
  /** Types of the records of a section; default: none. `answer` of undefined: not looked at. */
  readonly answer?: readonly string[] | undefined;
  readonly authority?: readonly string[];
  readonly additional?: readonly string[];
  /** Codes of the options in OPT; default: none, and no OPT where the query had none. */
  readonly options?: readonly number[];
  /** The code of an extended error. */
  readonly extendedError?: number;
  readonly opt?: boolean;
  /** Octets of the reply at most. */
  readonly octets?: number;
  readonly question?: 'echoed' | 'none';
  readonly check?: Check;
}

/** What else a reply must be. */
export type Check = (reply: Message, t: Test) => void;

export interface Case {
  /** The RFC's section first, where one decides. */
  readonly title: string;
  readonly query: Buffer;
  /** Undefined: no reply. */
  readonly expect: Expectation | undefined;
  /** Only over this transport. */
  readonly over?: 'UDP' | 'TCP';
}

const EXTENDED_ERROR = 15;
const IP_UDP_OCTETS = 28;
/** So much at most is to be had out of this server with a forged source. */
const AMPLIFICATION_MAX = 10;

/** Tries every case in every way. */
export async function tryCases(t: Test, ways: readonly Way[], cases: readonly Case[]): Promise<void> {
  for (const { title, query, expect, over } of cases) {
    for (const way of ways) {
      if (over !== undefined && over !== way.over) continue;
      await t.test(`${title}: ${way.name}`, async (tt) => {
        const reply = await way.ask(query);
        if (!expect) return void tt.equal(reply, undefined, 'no reply');
        if (!reply) return void tt.fail('a reply');
        check(tt, way, query, reply, expect);
      });
    }
  }
}

function check(t: Test, way: Way, query: Buffer, octets: Buffer, expect: Expectation): void {
  decodeStrictly(octets);
  const reply = readMessage(octets);
  const limit = way.over === 'UDP' ? (reply.opt ? 1232 : 512) : 65_535;
  t.ok(octets.length <= (expect.octets ?? limit), `${octets.length} octets`);
  if (way.over === 'UDP') t.ok(amplification(query, octets) <= AMPLIFICATION_MAX, 'no amplifier');
  t.equal(reply.id, query.readUInt16BE(0), 'id');
  t.ok([expect.rcode].flat().includes(reply.rcode), `${reply.rcode}`);
  t.same(reply.flags.toSorted(), ['QR', ...(expect.flags ?? ['AA'])].toSorted(), 'flags');
  checkQuestion(t, query, octets, expect.question ?? 'echoed');
  if (!('answer' in expect) || expect.answer)
    t.same(types(reply.answer), (expect.answer ?? []).toSorted(), 'answer');
  t.same(types(reply.authority), (expect.authority ?? []).toSorted(), 'authority');
  t.same(types(reply.additional), (expect.additional ?? []).toSorted(), 'additional');
  checkOptions(t, reply, expect);
  expect.check?.(reply, t);
}

/** How many octets go out for each that came in, headers of IPv4 and UDP included. */
function amplification(query: Buffer, reply: Buffer): number {
  return (reply.length + IP_UDP_OCTETS) / (query.length + IP_UDP_OCTETS);
}

function checkQuestion(t: Test, query: Buffer, reply: Buffer, question: 'echoed' | 'none'): void {
  if (question === 'none') return void t.equal(reply.readUInt16BE(4), 0, 'no question');
  const end = query.indexOf(0, 12) + 5;
  t.same(reply.subarray(12, end), query.subarray(12, end), 'the question, octet for octet');
}

function checkOptions(t: Test, reply: Message, expect: Expectation): void {
  const { options = [], extendedError } = expect;
  if (expect.opt !== undefined) t.equal(reply.opt !== undefined, expect.opt, 'OPT');
  const found = reply.opt?.options ?? [];
  const codes = [...options, ...(extendedError === undefined ? [] : [EXTENDED_ERROR])];
  t.same(found.map(([code]) => code).toSorted(), codes.toSorted(), 'options');
  if (extendedError === undefined) return;
  t.equal(
    found.find(([code]) => code === EXTENDED_ERROR)?.[1].readUInt16BE(0),
    extendedError,
    'extended error',
  );
}

function types(section: Message['answer']): string[] {
  return section.map(({ type }) => type).toSorted();
}

/** A header with these counts and flags, and whatever follows it. */
export function rawQuery(counts: readonly number[], flags: number, ...rest: Uint8Array[]): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(0x1234, 0);
  header.writeUInt16BE(flags, 2);
  counts.forEach((count, i) => header.writeUInt16BE(count, 4 + i * 2));
  return Buffer.concat([header, ...rest]);
}

export function questionOf(name: string | Buffer, type: string, klass = 1): Buffer {
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(typeCode(type)!, 0);
  tail.writeUInt16BE(klass, 2);
  return Buffer.concat([typeof name === 'string' ? encodeName(name) : name, tail]);
}

/** An OPT record as raw as it may be wanted. */
export function optRecord(
  rdata: Buffer = Buffer.alloc(0),
  { owner = Buffer.of(0), ttl = 0, length = rdata.length } = {},
): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(41, 0);
  fixed.writeUInt16BE(1232, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(length, 8);
  return Buffer.concat([owner, fixed, rdata]);
}
