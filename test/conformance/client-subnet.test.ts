import { test } from 'tap';
import { ClientSubnet, readSubnet, writeSubnet } from '../../src/server/answer/client-subnet.ts';
import { makeQuery } from '../support/message.ts';
import { tryCases, type Case, type Check, type Expectation } from './case.ts';
import { makeDomain, SERVICE, waysTo } from './fixture.ts';

const SUBNET = 8;

function subnetQuery(data: string, name = SERVICE, type = 'A'): Buffer {
  return makeQuery(name, type, { options: [[SUBNET, Buffer.from(data, 'hex')]] });
}

/** The option comes back with its scope set to 0: the answer does not vary. */
const echoes =
  (data: string): Check =>
  (reply, t) =>
    t.equal(reply.opt!.options[0]![1].toString('hex'), data);
const answered = (data: string): Expectation => ({
  rcode: 'NOERROR',
  answer: ['A', 'A'],
  options: [SUBNET],
  check: echoes(data),
});
const FORMERR: Expectation = { rcode: 'FORMERR', flags: [], opt: true };

const good = ['00011800c00002', '00012000c0000201', '00011900c0000280', '00010000', '00020000', '00000000'];
const bad: readonly [string, string][] = [
  ['section 6: a scope in a query', '00011818c00002'],
  ['section 6: bits behind the prefix', '00011700c00003'],
  ['section 6: an address longer than the prefix', '00011000c00002'],
  ['section 6: an address shorter than the prefix', '00011800c000'],
  ['section 6: 33 bits of IPv4', '00012100c000020100'],
  ['section 6: 129 bits of IPv6', `00028100${'20'.repeat(17)}`],
  ['section 7.1.2: a family that nobody knows', '00091800c00002'],
  ['family 0 with an address', '00001800c00002'],
  ['section 6: less than the fixed part', '0001'],
  ['section 6: nothing at all', ''],
  ['section 6: no address', '00011800'],
];

const cases: readonly Case[] = [
  ...good.map((data) => ({
    title: `RFC 7871 section 7.2.1: ${data} is echoed`,
    query: subnetQuery(data),
    expect: answered(data),
  })),
  {
    title: 'RFC 7871 section 7.2.1: an IPv6 prefix',
    query: subnetQuery('0002380020010db8000001', SERVICE, 'AAAA'),
    expect: {
      rcode: 'NOERROR',
      answer: ['AAAA'],
      options: [SUBNET],
      check: echoes('0002380020010db8000001'),
    },
  },
  {
    title: 'RFC 7871 section 7.2.1: an answer that does not vary, the SOA',
    query: subnetQuery('00011800c00002', 'example.com', 'SOA'),
    expect: { rcode: 'NOERROR', answer: ['SOA'], options: [SUBNET], check: echoes('00011800c00002') },
  },
  {
    title: 'RFC 7871 section 7.2.1: a negative answer',
    query: subnetQuery('00011800c00002', 'nope.example.com'),
    expect: { rcode: 'NXDOMAIN', authority: ['SOA'], options: [SUBNET], check: echoes('00011800c00002') },
  },
  {
    title: 'RFC 7871: none asked, none told',
    query: makeQuery(SERVICE, 'A', { payloadMax: 1232 }),
    expect: { rcode: 'NOERROR', answer: ['A', 'A'] },
  },
  ...bad.map(([title, data]) => ({
    title: `RFC 7871 ${title} is malformed`,
    query: subnetQuery(data),
    expect: FORMERR,
  })),
];

test('client subnet', async (t) => {
  await tryCases(t, await waysTo(t, makeDomain()), cases);
});

test('RFC 7871 section 6: for every family and prefix length exactly one address length and zero padding are taken', async (t) => {
  const wrong: string[] = [];
  for (let family = 0; family < 4; family++) {
    for (let source = 0; source < 256; source++) {
      for (let octets = 0; octets < 20; octets++) {
        const option = Buffer.concat([Buffer.of(0, family, source, 0), Buffer.alloc(octets, 0xff)]);
        const max = [0, 32, 128][family] ?? -1;
        // An address of ones has bits behind the prefix unless the prefix ends with an octet.
        const expected = source <= max && octets === Math.ceil(source / 8) && source % 8 === 0;
        if (isTaken(option) !== expected) wrong.push(option.toString('hex'));
        if (octets === 0 || source > max || octets !== Math.ceil(source / 8)) continue;
        option[option.length - 1] = source % 8 === 0 ? 0xff : (0xff << (8 - (source % 8))) & 0xff;
        if (!isTaken(option)) wrong.push(option.toString('hex'));
      }
    }
  }
  t.same(wrong, []);
});

/** Whether the option is taken; what is taken must be echoed octet for octet. */
function isTaken(option: Buffer): boolean {
  const query = Buffer.concat([Buffer.of(0, 8, 0, option.length), option]);
  const subnet = new ClientSubnet();
  if (!readSubnet(subnet, viewOf(query), 4, option.length)) return false;
  const echo = Buffer.alloc(query.length + 8, 0xee);
  const end = writeSubnet(viewOf(echo), 4, subnet, 0);
  return echo.toString('hex') === `eeeeeeee${query.toString('hex')}eeeeeeee` && end === 4 + query.length;
}

function viewOf(octets: Buffer): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.length);
}
