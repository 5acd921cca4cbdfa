import t from 'tap';
import { encodeName } from '../../../src/zonebuilder/names.ts';
import { makeGuide } from '../../support/guide.ts';
import { makeQuery } from '../../support/message.ts';

const guide = makeGuide();
const HEADER_OCTETS = 12;

interface TsigParts {
  readonly key?: Buffer;
  readonly class?: number;
  readonly ttl?: number;
  readonly macSize?: number;
  readonly mac?: Buffer;
  readonly other?: Buffer;
  readonly otherSize?: number;
}

const TIME = Buffer.from('00006913abcd', 'hex');
const ALGORITHM = encodeName('hmac-sha256');

/** RFC 8945 section 4.2. */
function tsig(parts: TsigParts = {}): Buffer {
  const mac = parts.mac ?? Buffer.alloc(32, 7);
  const other = parts.other ?? Buffer.alloc(0);
  const rdata = Buffer.concat([
    ALGORITHM,
    TIME,
    uint16(300),
    uint16(parts.macSize ?? mac.length),
    mac,
    uint16(0x1234),
    uint16(0),
    uint16(parts.otherSize ?? other.length),
    other,
  ]);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(250, 0);
  fixed.writeUInt16BE(parts.class ?? 255, 2);
  fixed.writeUInt32BE(parts.ttl ?? 0, 4);
  fixed.writeUInt16BE(rdata.length, 8);
  return Buffer.concat([parts.key ?? encodeName('Some-Key'), fixed, rdata]);
}

function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 255);
}

/** A query with records behind its own. */
function withRecords(query: Buffer, ...records: Buffer[]): Buffer {
  const message = Buffer.concat([query, ...records]);
  message.writeUInt16BE(query.readUInt16BE(10) + records.length, 10);
  return message;
}

const query = makeQuery('example.com', 'SOA');
const edns = makeQuery('example.com', 'SOA', { payloadMax: 1232 });
const hinfo = Buffer.from('00000d00010000000000020000', 'hex');

for (const [title, asked] of [
  ['a key that is not known', query],
  ['with EDNS before it', edns],
] as const) {
  t.test(`RFC 8945 5.2.1: NOTAUTH and BADKEY without a MAC: ${title}`, (t) => {
    const reply = guide.askRaw(withRecords(asked, tsig()))!;
    t.equal(reply.readUInt16BE(2) & 15, 9, 'NOTAUTH');
    t.equal(reply.readUInt16BE(6), 0, 'no answer');
    const expected = Buffer.concat([ALGORITHM, TIME, Buffer.from('012c0000123400110000', 'hex')]);
    const record = reply.subarray(reply.length - expected.length);
    t.ok(record.equals(expected), 'time and fudge copied, no MAC, original ID, error 17, no other data');
    const key = encodeName('Some-Key');
    const owner = reply.subarray(record.byteOffset - reply.byteOffset - 10 - key.length);
    t.ok(owner.subarray(0, key.length).equals(key), 'the name of the key, octet for octet');
    t.equal(reply.readUInt16BE(10), asked === edns ? 2 : 1, 'last of the additional section');
    t.end();
  });
}

const MALFORMED: readonly (readonly [string, Buffer])[] = [
  ['not the last record (RFC 8945 5.1)', withRecords(query, tsig(), hinfo)],
  ['two of them', withRecords(query, tsig(), tsig())],
  ['another class than ANY', withRecords(query, tsig({ class: 1 }))],
  ['a TTL', withRecords(query, tsig({ ttl: 1 }))],
  ['a MAC that passes the end', withRecords(query, tsig({ macSize: 0xffff }))],
  ['a MAC size one too large', withRecords(query, tsig({ macSize: 33 }))],
  ['other data that passes the end', withRecords(query, tsig({ otherSize: 6 }))],
  ['octets behind the other data', withRecords(query, tsig({ other: Buffer.alloc(3), otherSize: 2 }))],
  ['a compressed key name', withRecords(query, tsig({ key: Buffer.of(0xc0, HEADER_OCTETS) }))],
];

for (const [title, message] of MALFORMED) {
  t.test(`TSIG is FORMERR: ${title}`, (t) => {
    const reply = guide.askRaw(message)!;
    t.equal(reply.readUInt16BE(2) & 15, 1);
    t.equal(reply.readUInt16BE(10), 0, 'and no TSIG in the reply');
    t.end();
  });
}

t.test('every cut of a signed query is answered or dropped', (t) => {
  const whole = withRecords(query, tsig());
  for (let length = 0; length < whole.length; length++) {
    const reply = guide.askRaw(Buffer.from(whole.subarray(0, length)));
    if (length < HEADER_OCTETS) t.equal(reply, undefined);
    else t.equal(reply!.readUInt16BE(2) & 15, 1, `${length} octets`);
  }
  t.end();
});
