import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import {
  formatRdata,
  parseRdata,
  RdataError,
  targetOffset,
  typeCode,
  typeText,
  WRITABLE_TYPES,
} from '../../src/zonebuilder/rr-types.ts';
import { scratch } from '../support/scratch.ts';

const FOO = '03666f6f076578616d706c6503636f6d00';
const ED25519 = 'A87F1B687AC0E57D2A081A2F282672334D90ED316D2B818CA9580EA384D92401';
const FOO_ORG = '03666f6f076578616d706c65036f726700';

interface Good {
  readonly title: string;
  readonly type: string;
  readonly data: string;
  readonly wire: string;
  /** Presentation form, where it differs from `data`. */
  readonly text?: string;
}

const GOOD: readonly Good[] = [
  { title: 'A is four octets', type: 'A', data: '192.0.2.1', wire: 'c0000201' },
  {
    title: 'RFC 5952: AAAA is printed canonically',
    type: 'aaaa',
    data: '2001:DB8:0:0:1:0:0:1',
    wire: '20010db8000000000001000000000001',
    text: '2001:db8::1:0:0:1',
  },
  {
    title: 'RFC 5952: an IPv4-mapped AAAA is printed in mixed notation',
    type: 'AAAA',
    data: '::ffff:c000:201',
    wire: '00000000000000000000ffffc0000201',
    text: '::ffff:192.0.2.1',
  },
  {
    title: 'RFC 5952 4.2.2: one zero group is not shortened',
    type: 'AAAA',
    data: '2001:db8::1:1:1:1:1',
    wire: '20010db8000000010001000100010001',
    text: '2001:db8:0:1:1:1:1:1',
  },
  { title: 'a CNAME keeps its case', type: 'CNAME', data: 'wWw.a', wire: '03775777016100', text: 'wWw.a.' },
  { title: 'a name may escape a dot', type: 'NS', data: 'a\\.b.', wire: '03612e6200' },
  { title: 'a trailing dot changes nothing', type: 'PTR', data: 'foo.example.com.', wire: FOO },
  { title: 'RFC 7505: a null MX is allowed', type: 'MX', data: '0 .', wire: '000000' },
  {
    title: 'MX fields may be parted by tabs',
    type: 'MX',
    data: ' 10\tfoo.example.com ',
    wire: `000a${FOO}`,
    text: '10 foo.example.com.',
  },
  { title: 'SRV has three numbers', type: 'SRV', data: '1 2 443 a.', wire: '0001000201bb016100' },
  {
    title: 'TXT words are strings of their own',
    type: 'TXT',
    data: 'a "b c" ""',
    wire: '01610362206300',
    text: '"a" "b c" ""',
  },
  {
    title: 'RFC 1035 5.1: TXT escapes are undone once',
    type: 'TXT',
    data: '"q\\" b\\\\ d\\009 s\\;" ü',
    wire: '0b712220625c20640920733b02c3bc',
    text: '"q\\" b\\\\ d\\009 s;" "\\195\\188"',
  },
  {
    title: 'a TXT string of 255 octets fits',
    type: 'TXT',
    data: `"${'a'.repeat(255)}"`,
    wire: 'ff' + '61'.repeat(255),
  },
  {
    title: 'RFC 8659: CAA takes an unquoted value',
    type: 'CAA',
    data: '128 issue letsencrypt.org',
    wire: '80056973737565' + Buffer.from('letsencrypt.org').toString('hex'),
    text: '128 issue "letsencrypt.org"',
  },
  {
    title: 'RFC 4034 5.3: DS takes an algorithm mnemonic and a broken digest',
    type: 'DS',
    data: `60485 RSASHA1 1 2BB183AF5F22588179A53B0A 98631FAD1A292118`,
    wire: 'ec4505012bb183af5f22588179a53b0a98631fad1a292118',
    text: '60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118',
  },
  {
    title: 'RFC 1876 section 4: a LOC, with what is left out',
    type: 'LOC',
    data: '42 21 54 N 71 06 18 W -24m 30m',
    wire: '0033161389172dd070be15f000988d20',
    text: '42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m',
  },
  {
    title: 'RFC 1876 section 3: a LOC of degrees alone, in lower case',
    type: 'LOC',
    data: '0 n 180 w 0',
    wire: '001216138000000059604e0000989680',
    text: '0 0 0.000 N 180 0 0.000 W 0.00m 1.00m 10000.00m 10.00m',
  },
  {
    title: 'RFC 3403: a NAPTR with a replacement',
    type: 'NAPTR',
    data: '100 50 s "z3950+I2L+I2C" "" foo.example.com',
    wire: '0064003201730d7a333935302b49324c2b49324300' + FOO,
    text: '100 50 "s" "z3950+I2L+I2C" "" foo.example.com.',
  },
  {
    title: 'RFC 3403: a NAPTR with a regexp',
    type: 'NAPTR',
    data: '1 2 "U" "E2U+sip" "!^.*$!sip:a@b!" .',
    wire: '000100020155074532552b7369700e215e2e2a24217369703a6140622100',
  },
  {
    title: 'RFC 6698: a TLSA, its hexadecimal in parts',
    type: 'TLSA',
    data: '3 1 0 d2ab de24',
    wire: '030100d2abde24',
    text: '3 1 0 D2ABDE24',
  },
  {
    title: 'RFC 7479: an SSHFP of Ed25519',
    type: 'SSHFP',
    data: `4 2 ${ED25519}`,
    wire: `0402${ED25519.toLowerCase()}`,
  },
  { title: 'RFC 3597: an unknown type', type: 'TYPE666', data: '\\# 4 0a0b0c0d', wire: '0a0b0c0d' },
  { title: 'RFC 3597: rdata without octets', type: 'type65280', data: '\\# 0', wire: '' },
  {
    title: 'RFC 3597: blanks in hex',
    type: 'TYPE666',
    data: '\\# 3 ab C dEf',
    wire: 'abcdef',
    text: '\\# 3 abcdef',
  },
  { title: 'RFC 3597: a known type by number', type: 'TYPE1', data: '192.0.2.1', wire: 'c0000201' },
  {
    title: 'RFC 3597: a known type in generic form',
    type: 'A',
    data: '\\# 4 c0000201',
    wire: 'c0000201',
    text: '192.0.2.1',
  },
  {
    title: 'a quoted \\# is text',
    type: 'TXT',
    data: '"\\#" x',
    wire: '01230178',
    text: '"#" "x"',
  },
  { title: 'RFC 9460 D.1: alias form', type: 'HTTPS', data: '0 foo.example.com.', wire: `0000${FOO}` },
  { title: 'RFC 9460 D.2: the target is the owner', type: 'SVCB', data: '1 .', wire: '000100' },
  {
    title: 'RFC 9460 D.2: a port',
    type: 'SVCB',
    data: '16 foo.example.com. port=53',
    wire: `0010${FOO}000300020035`,
  },
  {
    title: 'RFC 9460 D.2: a numbered key',
    type: 'SVCB',
    data: '1 foo.example.com. key667=hello',
    wire: `0001${FOO}029b000568656c6c6f`,
    text: '1 foo.example.com. key667="hello"',
  },
  {
    title: 'RFC 9460 D.2: a numbered key, quoted, with an escape',
    type: 'SVCB',
    data: '1 foo.example.com. key667="hello\\210qoo"',
    wire: `0001${FOO}029b000968656c6c6fd2716f6f`,
  },
  {
    title: 'RFC 9460 D.2: two IPv6 hints, quoted',
    type: 'SVCB',
    data: '1 foo.example.com. ipv6hint="2001:db8::1,2001:db8::53:1"',
    wire: `0001${FOO}0006002020010db800000000000000000000000120010db8000000000000000000530001`,
    text: '1 foo.example.com. ipv6hint=2001:db8::1,2001:db8::53:1',
  },
  {
    title: 'RFC 9460 D.2: an IPv6 hint in mixed notation',
    type: 'SVCB',
    data: '1 foo.example.com. ipv6hint="2001:db8:122:344::192.0.2.33"',
    wire: `0001${FOO}0006001020010db80122034400000000c0000221`,
    text: '1 foo.example.com. ipv6hint=2001:db8:122:344::c000:221',
  },
  {
    title: 'RFC 9460 D.2: parameters and mandatory keys are sorted',
    type: 'SVCB',
    data: '16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1',
    wire: `0010${FOO_ORG}0000000400010004000100090268320568332d313900040004c0000201`,
    text: '16 foo.example.org. mandatory=alpn,ipv4hint alpn="h2,h3-19" ipv4hint=192.0.2.1',
  },
  ...['alpn="f\\\\\\\\oo\\\\,bar,h2"', 'alpn=f\\\\\\092oo\\092,bar,h2'].map((alpn) => ({
    title: `RFC 9460 D.2: an alpn id with backslash and comma: ${alpn}`,
    type: 'SVCB',
    data: `16 foo.example.org. ${alpn}`,
    wire: `0010${FOO_ORG}0001000c08665c6f6f2c626172026832`,
    text: '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
  })),
  {
    title: 'RFC 9460: no-default-alpn beside alpn, ech in base64',
    type: 'HTTPS',
    data: '1 . ech=AAAB no-default-alpn alpn=h2',
    wire: '000100000100030268320002000000050003000001',
    text: '1 . alpn="h2" no-default-alpn ech=AAAB',
  },
  {
    title: 'RFC 9460 2.1: a known key by number holds its wire value',
    type: 'HTTPS',
    data: '1 . key1="\\002h2"',
    wire: '00010000010003026832',
    text: '1 . alpn="h2"',
  },
  {
    title: 'RFC 9461: dohpath is printed by number, as older tools read it',
    type: 'SVCB',
    data: '1 . alpn=h2 dohpath=/dns-query{?dns}',
    wire: '00010000010003026832000700102f646e732d71756572797b3f646e737d',
    text: '1 . alpn="h2" key7="/dns-query{?dns}"',
  },
];

test('presentation form to wire form and back', async (t) => {
  for (const { title, type, data, wire, text } of GOOD) {
    const parsed = parseRdata(type, data);
    t.equal(parsed.rdata.toString('hex'), wire, title);
    t.equal(parsed.type, typeCode(type));
    const printed = formatRdata(parsed.type, parsed.rdata);
    t.equal(printed, text ?? data, `${title}: printed`);
    t.same(parseRdata(typeText(parsed.type), printed), parsed, `${title}: read back`);
  }
});

const BAD: readonly { title: string; type: string; data: string; code: string }[] = [
  { title: 'an unknown mnemonic', type: 'AAA', data: '192.0.2.1', code: 'UNKNOWN_TYPE' },
  { title: 'a type above 65535', type: 'TYPE65536', data: '\\# 0', code: 'UNKNOWN_TYPE' },
  { title: 'a type with a leading zero', type: 'TYPE01', data: '\\# 0', code: 'UNKNOWN_TYPE' },
  ...['TYPE0', 'OPT', 'TSIG', 'TKEY', 'IXFR', 'AXFR', 'MAILA', 'MAILB', 'ANY', 'TYPE128', 'TYPE65535'].map(
    (type) => ({ title: `RFC 6895: ${type} is no record`, type, data: '\\# 0', code: 'TYPE_REFUSED' }),
  ),
  ...['RRSIG', 'NSEC', 'NSEC3', 'NSEC3PARAM', 'DNSKEY', 'TYPE47', 'SOA', 'TYPE6', 'DNAME', 'TYPE39'].map(
    (type) => ({ title: `${type} is not the operator's to give`, type, data: '\\# 0', code: 'TYPE_REFUSED' }),
  ),
  { title: 'an A with leading zeros', type: 'A', data: '192.0.02.1', code: 'BAD_ADDRESS' },
  { title: 'an AAAA in an A', type: 'A', data: '::1', code: 'BAD_ADDRESS' },
  { title: 'an A in an AAAA', type: 'AAAA', data: '192.0.2.1', code: 'BAD_ADDRESS' },
  { title: 'an AAAA with an interface', type: 'AAAA', data: 'fe80::1%eth0', code: 'BAD_ADDRESS' },
  { title: 'an A without data', type: 'A', data: ' ', code: 'MISSING_FIELD' },
  { title: 'two addresses in one A', type: 'A', data: '192.0.2.1 192.0.2.2', code: 'EXTRA_FIELD' },
  { title: 'a label of 64 octets', type: 'CNAME', data: 'a'.repeat(64), code: 'BAD_NAME' },
  { title: 'a name of 256 octets', type: 'CNAME', data: 'a.'.repeat(128), code: 'BAD_NAME' },
  { title: 'an empty label', type: 'NS', data: 'a..b', code: 'BAD_NAME' },
  { title: 'a bare @', type: 'NS', data: '@', code: 'BAD_NAME' },
  { title: 'an unfinished escape', type: 'NS', data: 'a\\', code: 'BAD_NAME' },
  { title: 'a quoted name', type: 'NS', data: '"a"', code: 'BAD_SYNTAX' },
  { title: 'an MX without preference', type: 'MX', data: 'mail.example.com', code: 'BAD_NUMBER' },
  { title: 'an MX preference above 65535', type: 'MX', data: '65536 a', code: 'BAD_NUMBER' },
  { title: 'an SRV without target', type: 'SRV', data: '0 0 80', code: 'MISSING_FIELD' },
  { title: 'a TXT string of 256 octets', type: 'TXT', data: `"${'a'.repeat(256)}"`, code: 'BAD_STRING' },
  { title: 'a TXT without closing quote', type: 'TXT', data: '"a', code: 'BAD_STRING' },
  { title: 'TXT strings without a blank between', type: 'TXT', data: '"a""b"', code: 'BAD_STRING' },
  { title: 'an escape above 255', type: 'TXT', data: '"\\256"', code: 'BAD_STRING' },
  { title: 'an escape of two digits', type: 'TXT', data: '"\\25"', code: 'BAD_STRING' },
  { title: 'an unquoted semicolon', type: 'TXT', data: 'v=DKIM1; k=rsa', code: 'BAD_SYNTAX' },
  { title: 'a CAA tag with a dash', type: 'CAA', data: '0 is-sue "a"', code: 'BAD_SYNTAX' },
  { title: 'a CAA without value', type: 'CAA', data: '0 issue', code: 'MISSING_FIELD' },
  { title: 'CAA flags above 255', type: 'CAA', data: '256 issue "a"', code: 'BAD_NUMBER' },
  { title: 'a DS digest of the wrong length', type: 'DS', data: '1 13 2 aabb', code: 'MALFORMED_RDATA' },
  { title: 'a DS digest with an odd digit', type: 'DS', data: '1 13 2 abc', code: 'BAD_HEX' },
  ...[
    '91 N 0 E 0',
    '90 0 0.001 N 0 E 0',
    '0 N 180 1 W 0',
    '0 60 N 0 E 0',
    '0 0 60 N 0 E 0',
    '0 0 0.0001 N 0 E 0',
    '0 0 0 0 N 0 E 0',
    'N 0 E 0',
    '-1 N 0 E 0',
    '0 E 0 N 0',
    '0 N 0 E 1.234m',
    '0 N 0 E -100000.01m',
    '0 N 0 E 42849672.96m',
    '0 N 0 E 0 90000000.01m',
    '0 N 0 E 0 -1m',
    '0 N 0 E 1km',
  ].map((data) => ({ title: `RFC 1876: ${data}`, type: 'LOC', data, code: 'BAD_SYNTAX' })),
  { title: 'a LOC without altitude', type: 'LOC', data: '0 N 0 E', code: 'MISSING_FIELD' },
  { title: 'a LOC with a fourth size', type: 'LOC', data: '0 N 0 E 0 1 1 1 1', code: 'EXTRA_FIELD' },
  { title: 'a LOC that ends early', type: 'LOC', data: '\\# 2 0012', code: 'MALFORMED_RDATA' },
  {
    title: 'a LOC size of two digits',
    type: 'LOC',
    data: '\\# 16 00a21613800000008000000000989680',
    code: 'MALFORMED_RDATA',
  },
  {
    title: 'a LOC beyond the pole',
    type: 'LOC',
    data: '\\# 16 001216139fffffff8000000000989680',
    code: 'MALFORMED_RDATA',
  },
  { title: 'a TLSA without data', type: 'TLSA', data: '3 1 1', code: 'MISSING_FIELD' },
  { title: 'a TLSA with an odd digit', type: 'TLSA', data: '3 1 1 abc', code: 'BAD_HEX' },
  { title: 'a TLSA usage above 255', type: 'TLSA', data: '256 1 1 ab', code: 'BAD_NUMBER' },
  { title: 'an SSHFP without fingerprint', type: 'SSHFP', data: '1 1', code: 'MISSING_FIELD' },
  { title: 'an SSHFP of a name', type: 'SSHFP', data: 'rsa 1 ab', code: 'BAD_NUMBER' },
  { title: 'an SSHFP that ends early', type: 'SSHFP', data: '\\# 2 0101', code: 'MALFORMED_RDATA' },
  { title: 'RFC 3403: a NAPTR with both', type: 'NAPTR', data: '1 2 U x "!a!b!" a.b', code: 'BAD_SYNTAX' },
  { title: 'RFC 3403: a NAPTR flag', type: 'NAPTR', data: '1 2 "-" x "" a.b', code: 'BAD_SYNTAX' },
  { title: 'a NAPTR without replacement', type: 'NAPTR', data: '1 2 U x ""', code: 'MISSING_FIELD' },
  { title: 'a NAPTR order above 65535', type: 'NAPTR', data: '65536 2 U x "" .', code: 'BAD_NUMBER' },
  {
    title: 'a NAPTR string of 256 octets',
    type: 'NAPTR',
    data: `1 2 U ${'a'.repeat(256)} "" .`,
    code: 'BAD_STRING',
  },
  { title: 'RFC 3597: text for an unknown type', type: 'TYPE666', data: 'hello', code: 'BAD_GENERIC' },
  { title: 'RFC 3597: a length that does not fit', type: 'TYPE666', data: '\\# 2 ab', code: 'BAD_GENERIC' },
  { title: 'RFC 3597: no hex', type: 'TYPE666', data: '\\# 1 xy', code: 'BAD_HEX' },
  { title: 'RFC 3597: A of three octets', type: 'A', data: '\\# 3 010203', code: 'MALFORMED_RDATA' },
  { title: 'RFC 3597: A of five octets', type: 'TYPE1', data: '\\# 5 0102030405', code: 'MALFORMED_RDATA' },
  { title: 'RFC 3597: a compressed MX', type: 'MX', data: '\\# 4 000ac00c', code: 'MALFORMED_RDATA' },
  {
    title: 'RFC 3597: a TXT string beyond its end',
    type: 'TXT',
    data: '\\# 2 0561',
    code: 'MALFORMED_RDATA',
  },
  { title: 'RFC 3597: a TXT without string', type: 'TXT', data: '\\# 0', code: 'MALFORMED_RDATA' },
  {
    title: 'RFC 3597: keys out of order',
    type: 'HTTPS',
    data: '\\# 13 00010000030002003500020000',
    code: 'MALFORMED_RDATA',
  },
  {
    title: 'RFC 9460 D.3: a key twice',
    type: 'SVCB',
    data: '1 a key123=abc key123=def',
    code: 'BAD_PARAMETER',
  },
  ...['mandatory', 'alpn', 'port', 'ipv4hint', 'ipv6hint', 'ech', 'alpn=', 'alpn=""'].map((param) => ({
    title: `RFC 9460 D.3: ${param} without value`,
    type: 'SVCB',
    data: `1 a ${param}`,
    code: 'BAD_PARAMETER',
  })),
  ...[
    'no-default-alpn=abc alpn=h2',
    'no-default-alpn',
    'mandatory=key123',
    'mandatory=mandatory',
    'mandatory=key123,key123 key123=abc',
    'key65535=a',
    'key01=a',
    'ALPN=h2',
    'color=red',
    'alpn=h2,,h3',
    'alpn="h2\\\\x"',
    'alpn;x',
  ].map((params) => ({
    title: `RFC 9460: ${params}`,
    type: 'HTTPS',
    data: `1 a ${params}`,
    code: 'BAD_PARAMETER',
  })),
  { title: 'an IPv6 address as IPv4 hint', type: 'HTTPS', data: '1 . ipv4hint=::1', code: 'BAD_ADDRESS' },
  { title: 'a port hint above 65535', type: 'HTTPS', data: '1 . port=65536', code: 'BAD_NUMBER' },
  { title: 'ech that is no base64', type: 'HTTPS', data: '1 . ech=A*AB', code: 'BAD_BASE64' },
  { title: 'a port of three octets by number', type: 'HTTPS', data: '1 . key3=abc', code: 'MALFORMED_RDATA' },
  {
    title: 'rdata above 65535 octets',
    type: 'TXT',
    data: `"${'a'.repeat(255)}" `.repeat(257),
    code: 'RDATA_TOO_LONG',
  },
];

test('record data that is refused', async (t) => {
  for (const { title, type, data, code } of BAD) {
    t.throws(() => parseRdata(type, data), { name: 'RdataError', code }, title);
  }
});

test('types by name and number', async (t) => {
  t.equal(typeCode('https'), 65);
  t.equal(typeCode('TYPE65'), 65);
  t.equal(typeCode('ANY'), 255, 'question types have names too');
  t.equal(typeCode('nonsense'), undefined);
  t.equal(typeText(33), 'SRV');
  t.equal(typeText(666), 'TYPE666');
  t.equal(targetOffset(15), 2);
  t.equal(targetOffset(1), undefined);
  t.same(WRITABLE_TYPES.includes('SOA'), false);
});

test('an SOA is printed though it cannot be given', async (t) => {
  const rdata = Buffer.from('0161000162000000000100000002000000030000000400000005', 'hex');
  t.equal(formatRdata(6, rdata), 'a. b. 1 2 3 4 5');
  t.throws(() => formatRdata(6, rdata.subarray(0, 20)), { code: 'MALFORMED_RDATA' });
});

test('RFC 1876 section 2: of a LOC of another version nothing is assumed', async (t) => {
  const parsed = parseRdata('LOC', '\\# 2 01ff');
  t.equal(formatRdata(parsed.type, parsed.rdata), '\\# 2 01ff');
});

test('every prefix of valid rdata is printed or refused, never read beyond', async (t) => {
  for (const { type, data } of GOOD) {
    const parsed = parseRdata(type, data);
    for (let length = 0; length < parsed.rdata.length; length++) {
      try {
        formatRdata(parsed.type, parsed.rdata.subarray(0, length));
      } catch (error) {
        t.ok(error instanceof RdataError, `${type} ${data} cut to ${length}`);
      }
    }
  }
});

test('named-compilezone takes every printed form', async (t) => {
  if (spawnSync('named-compilezone', ['-h']).error) {
    t.pass('bind9-utils is not installed');
    return;
  }
  const head = [
    '$ORIGIN fed.test.',
    '@ 60 IN SOA ns.fed.test. h.fed.test. 1 2 3 4 5',
    '@ 60 IN NS ns.fed.test.',
  ];
  const records = GOOD.map(({ type, data }, i) => {
    const { type: code, rdata } = parseRdata(type, data);
    // Records of one type would be checked against each other, so each has an owner name of its own.
    return `r${i} 60 IN ${typeText(code)} ${formatRdata(code, rdata)}`;
  });
  const dir = scratch(t);
  const file = join(dir, 'zone');
  writeFileSync(file, [...head, 'ns 60 IN A 192.0.2.1', ...records, ''].join('\n'));
  const { status, stdout } = spawnSync(
    'named-compilezone',
    ['-i', 'local', '-k', 'ignore', '-o', join(dir, 'out'), 'fed.test', file],
    { encoding: 'utf8' },
  );
  t.equal(status, 0, stdout);
});
