import tap from 'tap';
import { addressRule, checkAddress } from '../../../src/watchers/objects/addresses.ts';

const REFUSED: ReadonlyArray<readonly [string, string, string]> = [
  ['the unspecified IPv4 address', '0.0.0.0', 'ADDRESS_UNSPECIFIED'],
  ['the unspecified IPv6 address', '::', 'ADDRESS_UNSPECIFIED'],
  ['RFC 1122 3.2.1.3: "this network"', '0.1.2.3', 'ADDRESS_RESERVED'],
  ['IPv4 loopback', '127.0.0.1', 'ADDRESS_LOOPBACK'],
  ['any of IPv4 loopback', '127.255.255.254', 'ADDRESS_LOOPBACK'],
  ['IPv6 loopback', '::1', 'ADDRESS_LOOPBACK'],
  ['RFC 3927: IPv4 link-local, where metadata services live', '169.254.169.254', 'ADDRESS_LINK_LOCAL'],
  ['RFC 4291 2.5.6: IPv6 link-local', 'fe80::1', 'ADDRESS_LINK_LOCAL'],
  ['the far end of IPv6 link-local', 'febf:ffff::1', 'ADDRESS_LINK_LOCAL'],
  ['a metadata service outside the link-local range', 'fd00:ec2::254', 'ADDRESS_METADATA'],
  ['a metadata service in shared address space', '100.100.100.200', 'ADDRESS_METADATA'],
  ['IPv4 multicast', '224.0.0.251', 'ADDRESS_MULTICAST'],
  ['IPv6 multicast', 'ff02::1', 'ADDRESS_MULTICAST'],
  ['limited broadcast', '255.255.255.255', 'ADDRESS_BROADCAST'],
  ['RFC 1112 4: class E', '240.0.0.1', 'ADDRESS_RESERVED'],
  ['RFC 6666: discard-only', '100::1', 'ADDRESS_RESERVED'],
  ['RFC 4291 2.5.5.2: an IPv4-mapped address', '::ffff:192.0.2.1', 'ADDRESS_MAPPED'],
  ['an IPv4-mapped loopback address', '::ffff:7f00:1', 'ADDRESS_MAPPED'],
  ['RFC 4291 2.5.5.1: an IPv4-compatible address', '::192.0.2.1', 'ADDRESS_MAPPED'],
  ['RFC 4007: an address with a zone identifier', 'fe80::1%eth0', 'ADDRESS_SCOPED'],
  ['a global address with a zone identifier', '2001:db8::1%eth0', 'ADDRESS_SCOPED'],
  ['a hostname', 'lb.example.net', 'ADDRESS_MALFORMED'],
  ['an address with a port', '192.0.2.1:80', 'ADDRESS_MALFORMED'],
  ['a network', '192.0.2.0/24', 'ADDRESS_MALFORMED'],
  ['octal digits', '192.0.2.010', 'ADDRESS_MALFORMED'],
  ['three octets', '192.0.2', 'ADDRESS_MALFORMED'],
  ['leading space', ' 192.0.2.1', 'ADDRESS_MALFORMED'],
  ['a bracketed address', '[2001:db8::1]', 'ADDRESS_MALFORMED'],
  ['the empty text', '', 'ADDRESS_MALFORMED'],
];

for (const [title, text, code] of REFUSED) {
  tap.test(`${title} is not published`, (t) => {
    const check = checkAddress(text);
    t.match(check, { ok: false, code });
    t.ok(!check.ok && check.message.length > 0);
    t.end();
  });
}

const TAKEN: ReadonlyArray<readonly [string, string, string]> = [
  ['a global IPv4 address', '104.197.247.191', '104.197.247.191'],
  ['RFC 5737: a documentation address', '192.0.2.1', '192.0.2.1'],
  ['RFC 1918: a private address', '10.0.0.1', '10.0.0.1'],
  ['RFC 6598: shared address space', '100.64.0.1', '100.64.0.1'],
  ['the last address below multicast', '223.255.255.255', '223.255.255.255'],
  ['an address ending in 255', '192.0.2.255', '192.0.2.255'],
  ['RFC 3849: an IPv6 documentation address', '2001:db8::1', '2001:db8::1'],
  ['RFC 4193: a unique local address', 'fd00::1', 'fd00::1'],
  ['RFC 5952 4.1: leading zeros', '2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
  ['RFC 5952 4.2.2: a single zero group', '2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['RFC 5952 4.3: capital letters', '2001:DB8::ABCD', '2001:db8::abcd'],
  ['dotted quads at the end', '2001:db8::192.0.2.1', '2001:db8::c000:201'],
];

for (const [title, text, address] of TAKEN) {
  tap.test(`${title} is published in canonical form`, (t) => {
    t.same(checkAddress(text), { ok: true, address });
    t.end();
  });
}

const FILTERS: ReadonlyArray<readonly [string, string[], string[], string, boolean]> = [
  ['no filter takes any usable address', [], [], '192.0.2.1', true],
  ['allow takes what lies inside', ['192.0.2.0/24'], [], '192.0.2.1', true],
  ['allow refuses what lies outside', ['192.0.2.0/24'], [], '198.51.100.1', false],
  ['deny refuses what lies inside', [], ['10.0.0.0/8'], '10.0.0.1', false],
  ['deny takes what lies outside', [], ['10.0.0.0/8'], '192.0.2.1', true],
  ['deny wins over allow', ['10.0.0.0/8'], ['10.1.0.0/16'], '10.1.0.1', false],
  ['a bare address stands for itself', ['192.0.2.1'], [], '192.0.2.1', true],
  ['a bare address stands for nothing else', ['192.0.2.1'], [], '192.0.2.2', false],
  ['an IPv6 network takes its own', ['2001:db8::/32'], [], '2001:db8::1', true],
  ['denying all of IPv6 leaves IPv4 alone', [], ['::/0'], '192.0.2.1', true],
  ['denying all of IPv6 denies IPv6', [], ['::/0'], '2001:db8::1', false],
  ['allowing all of IPv6 allows no IPv4', ['::/0'], [], '192.0.2.1', false],
  ['allow makes no unusable address usable', ['127.0.0.0/8'], [], '127.0.0.1', false],
];

for (const [title, allow, deny, text, taken] of FILTERS) {
  tap.test(`addresses filter: ${title}`, (t) => {
    t.equal(addressRule({ allow, deny })(text).ok, taken);
    t.end();
  });
}
