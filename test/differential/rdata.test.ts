/** What operators write as record data, read by fedns and by NSD: the octets on the wire are the same. */
import { test } from 'tap';
import { formatRdata, parseRdata, typeText } from '../../src/zonebuilder/rr-types.ts';
import { needCommand } from '../support/commands.ts';
import { makeQuery, readMessage } from '../support/message.ts';
import { Nsd } from './nsd.ts';
import { scratch } from '../support/scratch.ts';

const SHA256 = 'd2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971';
const SHA512 = SHA256 + SHA256;

const DATA: Readonly<Record<string, readonly string[]>> = {
  LOC: [
    // RFC 1876 section 4.
    '42 21 54 N 71 06 18 W -24m 30m',
    '42 21 43.952 N 71 5 6.344 W -24m 1m 200m',
    '52 14 05 N 00 08 50 E 10m',
    '32 7 19 S 116 2 25 E 10m',
    '42 21 28.764 N 71 00 51.617 W -44m 2000m',
    '0 N 0 E 0',
    '90 S 180 W -100000.00m 0m 0m 0m',
    '89 59 59.999 N 179 59 59.999 E 42849672.95m 90000000m 90000000m 90000000m',
    '1 2 N 3 4 W 0.5m 0.01m 0.09m 0.1m',
    '51 30 12.748 N 0 7 39.612 W 0.00 15m 12345m 1.99m',
    '12 34 56.7 S 12 34 56.78 W -0.25m',
  ],
  TLSA: [
    `3 1 1 ${SHA256}`,
    `0 0 1 ${SHA256.toUpperCase()}`,
    `1 1 2 ${SHA512.slice(0, 64)} ${SHA512.slice(64)}`,
    `2 0 0 30820307308201efa003020102020`.padEnd(200, '0'),
    `255 255 255 ab`,
  ],
  SSHFP: [
    '2 1 123456789abcdef67890123456789abcdef67890',
    `1 2 ${SHA256}`,
    `4 2 a87f1b687ac0e57d2a081a2f 282672334d90ed316d2b818ca9580ea384d92401`,
    '6 2 ' + SHA256.toUpperCase(),
  ],
  NAPTR: [
    '100 10 "" "" "!^urn:cid:.+@([^\\\\.]+\\\\.)(.*)$!\\\\2!i" .',
    '100 50 "s" "z3950+I2L+I2C" "" _z3950._tcp.gatech.edu.',
    '0 65535 "U" "E2U+sip" "!^.*$!sip:customer-service@example.com!" .',
    '10 100 S SIP+D2U "" _sip._udp.example.com.',
    '1 2 "" "" "" .',
    '1 2 a "b c" "" a.example.com.',
  ],
  CAA: ['0 issue "letsencrypt.org; validationmethods=dns-01"', '128 tbs "Unknown"', '0 issue ";"'],
  SVCB: ['16 foo.example.org. alpn="h2,h3-19" mandatory=ipv4hint,alpn ipv4hint=192.0.2.1'],
  HTTPS: ['1 . alpn=h2 port=8443', '0 svc.example.net.'],
};

const CASES = Object.entries(DATA).flatMap(([type, all]) => all.map((data) => ({ type, data })));

test('NSD reads the same octets from what an operator writes, and from what fedns prints', async (t) => {
  const domain = 'rdata.test.';
  const zone = [
    `$ORIGIN ${domain}`,
    '$TTL 60',
    '@ IN SOA ns h 1 2 3 4 5',
    '@ IN NS ns',
    'ns IN A 192.0.2.1',
    ...CASES.flatMap(({ type, data }, i) => {
      const parsed = parseRdata(type, data);
      return [`w${i} IN ${type} ${data}`, `p${i} IN ${type} ${formatRdata(parsed.type, parsed.rdata)}`];
    }),
    '',
  ].join('\n');
  const nsd = await Nsd.start(needCommand('nsd'), scratch(t, {}), domain, zone);
  t.teardown(() => nsd.stop());
  for (const letter of ['w', 'p']) {
    const replies = await nsd.ask(
      CASES.map(({ type }, i) => makeQuery(`${letter}${i}.${domain}`, type, { payloadMax: 4096 })),
    );
    for (const [i, { type, data }] of CASES.entries()) {
      const { type: code, rdata } = parseRdata(type, data);
      const title = `${letter === 'w' ? 'as written' : 'as printed'}: ${typeText(code)} ${data}`;
      t.equal(
        readMessage(replies[i]!).answer[0]?.rdata.toString('hex'),
        rdata.toString('hex'),
        `${title}\n${nsd.log.slice(-300)}`,
      );
    }
  }
});
