import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { encodeName } from '../../src/zonebuilder/names.ts';
import { selfSigned } from '../server/tcp/self-signed.ts';
import { needCommand } from '../support/commands.ts';
import { makeQuery, readMessage, type Message } from '../support/message.ts';
import { scratch } from '../support/scratch.ts';
import { DOMAIN, SECRET, startPrimary } from './primary.ts';

const run = promisify(execFile);
const folder = scratch(t);
const pair = selfSigned('ns1.example.com');
writeFileSync(join(folder, 'tls.crt'), pair.certificate);
writeFileSync(join(folder, 'tls.key'), pair.key, { mode: 0o600 });
const primary = await startPrimary(t, folder, {
  transfer: 'catalog: catalog.invalid',
  more: `tls: { listen: ['127.0.0.1:TLS_PORT'], certificate: ./tls.crt, key: ./tls.key }`,
});
for (let i = 0; i < 40; i++) primary.shard('c0', `s${i}.shop.f`, { addresses: [`192.0.2.${i}`] });
while (!primary.keeper.status!.isReady) await setTimeout(20);

function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 255);
}

interface Signature {
  readonly key?: string;
  readonly algorithm?: string;
  readonly hash?: string;
  /** Seconds beside the right time. */
  readonly off?: number;
  readonly forged?: true;
  readonly macOctets?: number;
}

/** Signs as RFC 8945 section 4.3 has it, by nothing of ours. */
function signed(query: Buffer, signature: Signature): Buffer {
  const { key = 'k1', algorithm = 'hmac-sha256', hash = 'sha256', off = 0 } = signature;
  const time = Buffer.alloc(8);
  time.writeUIntBE(Math.floor(Date.now() / 1000) + off, 0, 6);
  time.writeUInt16BE(300, 6);
  const names = [encodeName(key), encodeName(algorithm)] as const;
  const variables = Buffer.concat([
    names[0],
    Buffer.from('00ff00000000', 'hex'),
    names[1],
    time,
    Buffer.alloc(4),
  ]);
  const whole = createHmac(hash, Buffer.from(SECRET, 'base64')).update(query).update(variables).digest();
  if (signature.forged) whole[0]! ^= 1;
  const mac = whole.subarray(0, signature.macOctets ?? whole.length);
  const rdata = Buffer.concat([
    names[1],
    time,
    uint16(mac.length),
    mac,
    query.subarray(0, 2),
    Buffer.alloc(4),
  ]);
  const fixed = Buffer.concat([uint16(250), uint16(255), Buffer.alloc(4), uint16(rdata.length)]);
  const message = Buffer.concat([query, names[0], fixed, rdata]);
  message.writeUInt16BE(query.readUInt16BE(10) + 1, 10);
  return message;
}

/** Sends messages over one connection and reads so many back. */
async function exchange(messages: readonly Buffer[], replies: number): Promise<Message[]> {
  const socket = connect(primary.port, '127.0.0.1');
  for (const message of messages) socket.write(Buffer.concat([uint16(message.length), message]));
  let stream = Buffer.alloc(0);
  const read: Message[] = [];
  for await (const chunk of socket) {
    stream = Buffer.concat([stream, chunk as Buffer]);
    while (stream.length >= 2 && stream.length >= 2 + stream.readUInt16BE(0)) {
      read.push(readMessage(stream.subarray(2, 2 + stream.readUInt16BE(0))));
      stream = stream.subarray(2 + stream.readUInt16BE(0));
    }
    if (read.length >= replies) break;
  }
  socket.destroy();
  return read;
}

/** The error of the reply's TSIG record, and the octets of its MAC; undefined: it has none. */
function tsigOf({ additional }: Message): string | undefined {
  const rdata = additional.find(({ type }) => type === 'TSIG')?.rdata;
  if (rdata === undefined) return undefined;
  let at = 0;
  while (rdata[at] !== 0) at += rdata[at]! + 1;
  const macOctets = rdata.readUInt16BE(at + 9);
  return `${rdata.readUInt16BE(at + 11 + macOctets + 2)} ${macOctets}`;
}

const cases: readonly [string, Signature | undefined, string, string | undefined][] = [
  ['no key', undefined, 'REFUSED', undefined],
  ['RFC 8945 section 5.2: a good signature', {}, 'NOERROR', '0 32'],
  ['section 5.2.1: a key that is not known: BADKEY, no MAC', { key: 'k2' }, 'RCODE9', '17 0'],
  [
    'the same of a known key under another algorithm',
    { algorithm: 'hmac-sha512', hash: 'sha512' },
    'RCODE9',
    '17 0',
  ],
  ['SHA-1 is no algorithm', { algorithm: 'hmac-sha1', hash: 'sha1' }, 'RCODE9', '17 0'],
  ['section 5.2.2: another MAC: BADSIG, no MAC', { forged: true }, 'RCODE9', '16 0'],
  ['section 5.2.2.1: less than half a MAC', { macOctets: 15 }, 'FORMERR', undefined],
  ['section 5.2.4: half a MAC: BADTRUNC', { macOctets: 16 }, 'RCODE9', '22 32'],
  ['section 5.2.2: half a MAC of something else', { macOctets: 16, forged: true }, 'RCODE9', '16 0'],
  ['section 5.2.3: an hour late: BADTIME, signed', { off: -3600 }, 'RCODE9', '18 32'],
  ['section 5.2.3: an hour early', { off: 3600 }, 'RCODE9', '18 32'],
];

t.test('transfers and other queries are judged by their signature alike', async (tt) => {
  for (const [title, signature, rcode, tsig] of cases) {
    for (const type of ['AXFR', 'SOA']) {
      const query = makeQuery(DOMAIN, type);
      const [reply] = await exchange([signature === undefined ? query : signed(query, signature)], 1);
      const isPlain = signature === undefined && type === 'SOA';
      tt.equal(reply!.rcode, isPlain ? 'NOERROR' : rcode, `${title}, ${type}`);
      tt.equal(tsigOf(reply!), tsig, `${title}, ${type}: what its TSIG record says`);
    }
  }
});

t.test('RFC 5936 section 2.2.5: a query behind a transfer is answered behind it', async (tt) => {
  const soa = makeQuery(DOMAIN, 'SOA');
  soa.writeUInt16BE(0x7777, 0);
  const replies = await exchange([signed(makeQuery(DOMAIN, 'AXFR'), {}), soa], 2);
  tt.equal(replies.at(-1)!.id, 0x7777);
  const records = replies.slice(0, -1).flatMap(({ answer }) => answer.map(({ type }) => type));
  tt.strictSame(
    [records[0], records.at(-1)],
    ['SOA', 'SOA'],
    'RFC 5936 section 2.2: the SOA is first and last',
  );
  tt.equal(records.filter((type) => type === 'SOA').length, 2);
});

t.test('what is no request for our zone', async (tt) => {
  const other = await exchange([signed(makeQuery('example.net', 'AXFR'), {})], 1);
  tt.equal(other[0]!.rcode, 'RCODE9', 'RFC 5936 section 2.2.1: a zone that is not here');
  const below = await exchange([signed(makeQuery(`www.${DOMAIN}`, 'AXFR'), {})], 1);
  tt.equal(below[0]!.rcode, 'RCODE9', 'a name that is no apex');
  const [later] = await exchange([signed(makeQuery(DOMAIN, 'AXFR', { ednsVersion: 1 }), {})], 1);
  tt.equal(later!.rcode, 'BADVERS', 'RFC 6891 section 6.1.3: a later version of EDNS');
  tt.equal(later!.answer.length, 0);
  const ixfr = await exchange([signed(makeQuery(DOMAIN, 'IXFR'), {})], 1);
  tt.equal(ixfr[0]!.rcode, 'FORMERR', 'RFC 1995 section 3: an IXFR that does not say what the client has');
});

const dig = needCommand('dig');
const asDig = async (...args: string[]): Promise<string> => {
  const to = args.includes('+tls') ? primary.tlsPort : primary.port;
  const port = ['-p', String(to), '-y', `hmac-sha256:k1:${SECRET}`];
  return (await run(dig, ['@127.0.0.1', ...port, '+onesoa', '+nocomments', ...args])).stdout;
};

t.test('dig takes the zone, checks the signatures, and gets differences and EXPIRE', async (tt) => {
  const zone = await asDig(DOMAIN, 'AXFR');
  for (let i = 0; i < 40; i++) tt.match(zone, `s${i}.shop.f.svc.us.example.com.`);
  tt.notMatch(zone, /Couldn't verify signature/);
  const ahead = await asDig(DOMAIN, `IXFR=${primary.serial() + 5}`);
  tt.equal(ahead.match(/\tSOA\t/g)?.length, 1, 'RFC 1982: a client that is ahead gets the SOA alone');
  tt.equal(
    (await asDig(DOMAIN, `IXFR=${primary.serial()}`)).match(/\tSOA\t/g)?.length,
    1,
    'and one that has it',
  );
  const before = primary.serial();
  primary.shard('c0', 's1.shop.f', { addresses: ['198.51.100.1'] });
  const difference = await asDig(DOMAIN, `IXFR=${before}`);
  tt.match(difference, /s1\.shop\.f\.svc\.us1\.us\.example\.com\.\s+180\s+IN\s+A\s+192\.0\.2\.1\n/);
  tt.match(difference, /s1\.shop\.f\.svc\.us1\.us\.example\.com\.\s+180\s+IN\s+A\s+198\.51\.100\.1\n/);
  tt.notMatch(difference, 's2.shop.f');
  tt.match(await asDig(DOMAIN, 'SOA', '+expire', '+comments'), 'EXPIRE: 604800');
});

t.test('RFC 9103: the zone over TLS is the zone over TCP, and so are differences', async (tt) => {
  const before = primary.serial();
  primary.shard('c0', 's2.shop.f', { addresses: ['198.51.100.2'] });
  for (const question of ['AXFR', `IXFR=${before}`]) {
    const [plain, tls] = [await asDig(DOMAIN, question), await asDig('+tls', DOMAIN, question)].map((text) =>
      text.split('\n').filter((line) => line !== '' && !line.startsWith(';') && !line.includes('TSIG')),
    );
    tt.strictSame(tls, plain, question);
    tt.match(tls!.join('\n'), '198.51.100.2');
  }
});

t.test('RFC 9432: the catalog has the domain as its one member', async (tt) => {
  const catalog = await asDig('catalog.invalid', 'AXFR');
  tt.match(catalog, /version\.catalog\.invalid\.\s+0\s+IN\s+TXT\s+"2"/);
  tt.match(catalog, /[0-9a-f]{16}\.zones\.catalog\.invalid\.\s+0\s+IN\s+PTR\s+example\.com\./);
  tt.match(catalog, /catalog\.invalid\.\s+0\s+IN\s+NS\s+invalid\./);
  const soa = /catalog\.invalid\.\s+0\s+IN\s+SOA\s+[^\n]*/.exec(catalog)![0];
  for (const transport of ['+notcp', '+tcp'])
    tt.match(await asDig('catalog.invalid', 'SOA', transport), soa, `what secondaries poll, ${transport}`);
  const [unsigned] = await exchange([makeQuery('catalog.invalid', 'SOA')], 1);
  tt.equal(unsigned!.rcode, 'REFUSED', 'and nobody else is told of it');
});
