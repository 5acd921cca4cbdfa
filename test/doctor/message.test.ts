/** DNS messages as the doctor reads them: what dns2 writes, and what nobody should. */

import { Packet } from 'dns2';
import t from 'tap';
import { decodeReply, encodeQuestion, MessageFault } from '../../src/doctor/dns/message.ts';
import { seededRandom } from '../fuzz/random.ts';

const SEED = 20261128;
const RANDOM_MESSAGES = 20_000;

/** A record of class IN. */
const record = (fields: object) => Object.assign(new Packet.Resource(), { class: 1, ttl: 60, ...fields });

t.test('a question is what dns2 reads as such, with OPT and NSID', (tt) => {
  const octets = encodeQuestion({ name: 'WWW.example.com.', type: 28, isRecursive: true }, 0xbeef);
  const packet = Packet.parse(octets);
  tt.strictSame(packet.errors, []);
  tt.match(packet.header, { id: 0xbeef, rd: 1, qr: 0, qdcount: 1, arcount: 1 });
  tt.match(packet.questions, [{ name: 'WWW.example.com', type: 28, class: 1 }]);
  tt.match(packet.additionals, [{ type: 41, class: 1232 }]);
  tt.match(octets.subarray(-4), Buffer.from([0, 3, 0, 0]), 'an empty NSID option');
  tt.end();
});

t.test('records of all sections come with names lowered and uncompressed', (tt) => {
  const packet = new Packet();
  packet.header.qr = 1;
  packet.header.aa = 1;
  packet.questions.push(new Packet.Question('Example.COM', Packet.TYPE.SOA, Packet.CLASS.IN));
  const soa = {
    primary: 'NS1.example.com',
    admin: 'h.example.com',
    serial: 5,
    refresh: 1,
    retry: 2,
    expiration: 3,
    minimum: 4,
  };
  packet.answers.push(record({ name: 'Example.COM', type: Packet.TYPE.SOA, ...soa }));
  packet.authorities.push(record({ name: 'example.com', type: Packet.TYPE.NS, ns: 'NS1.example.com' }));
  packet.additionals.push(record({ name: 'ns1.example.com', type: Packet.TYPE.A, address: '192.0.2.1' }));
  const reply = decodeReply(packet.toBuffer());
  tt.match(reply, { rcode: 0, isAuthoritative: true, isTruncated: false });
  tt.match(reply.answers, [
    { name: 'example.com', type: 6, data: 'ns1.example.com. h.example.com. 5 1 2 3 4' },
  ]);
  tt.match(reply.authorities, [{ name: 'example.com', type: 2, data: 'ns1.example.com.' }]);
  tt.match(reply.additionals, [{ name: 'ns1.example.com', ttlSeconds: 60, data: '192.0.2.1' }]);
  tt.end();
});

const HEADER = Buffer.from('000084000000000100000000', 'hex');
/** One record, its name as given. */
const answer = (name: string) => {
  const head = Buffer.from(HEADER);
  head.writeUInt16BE(0, 4);
  head.writeUInt16BE(1, 6);
  return Buffer.concat([head, Buffer.from(name, 'hex'), Buffer.from('000100010000003c0004c0000201', 'hex')]);
};

const BROKEN: readonly (readonly [title: string, octets: Buffer])[] = [
  ['a name that points to itself', answer('c00c')],
  ['a name that points forward', answer('c00e')],
  ['RFC 6891 5: a label of the kind 01', answer('4101')],
  ['a record that reaches past the end', answer('00').subarray(0, -1)],
  ['a header that announces more than there is', Buffer.from('0000840000000005000000', 'hex')],
  ['more records than any reply has', Buffer.from('00008400000003e803e803e8', 'hex')],
  ['nothing', Buffer.alloc(0)],
];

for (const [title, octets] of BROKEN) {
  t.test(`${title} is a malformed reply`, (tt) => {
    tt.throws(() => decodeReply(octets), { message: /^the reply is malformed: / });
    tt.end();
  });
}

t.test('a record whose name is well-formed is read, beside the broken ones', (tt) => {
  tt.match(decodeReply(answer('0161016200')).answers, [{ name: 'a.b', data: '192.0.2.1' }]);
  tt.end();
});

t.test('any octets are a reply or a fault', (tt) => {
  const random = seededRandom(SEED);
  for (let i = 0; i < RANDOM_MESSAGES; i++) {
    const octets = Buffer.from(Array.from({ length: random(64) }, () => random(256)));
    // Few records, so that their names are read at all.
    if (octets.length > 12) octets.writeBigUInt64BE(0x0001_0001_0001_0001n, 4);
    try {
      decodeReply(octets);
    } catch (error) {
      if (!(error instanceof MessageFault)) throw error;
    }
  }
  tt.end();
});
