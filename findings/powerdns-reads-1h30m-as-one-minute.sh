#!/usr/bin/env bash
# Versions: PowerDNS 4.7.3 (its zone-file reader, here through zone2json) against BIND 9.18 and NSD 4.6.1 (Debian 12).
# Guess:    a time with two units (1h30m, 1w2d), which BIND brought in and NSD, Knot, ldns and dnspython read too, is
#           read the same by PowerDNS, or refused with an error.
# Seen:     in $TTL and in the SOA PowerDNS multiplies the first number by the last unit and says nothing: 1h30m
#           becomes 60 s, 1w2d one day. Only as the TTL of a record is it an error. One unit (90m) is read right.
# Matters:  a zone moved from BIND runs with an expire of a day in place of nine, a refresh and a negative TTL of a
#           minute. Tools that write zone files write plain seconds.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree
packages='pdns-server=4.7.3-2 nsd=4.6.1-1 bind9-utils'
get() { apt-get -qq -y -o Debug::NoLocking=1 -o Dir::Cache::archives="$t/deb" --no-install-recommends --reinstall --download-only install $packages >apt.log 2>&1; }
get || { apt-get -qq update && get; } || { cat apt.log; exit 1; }
for package in deb/*.deb; do dpkg -x "$package" tree; done
export PATH=$t/tree/usr/bin:$t/tree/usr/sbin:$PATH LD_LIBRARY_PATH=$t/tree/usr/lib/x86_64-linux-gnu
named-compilezone -v | grep -q '^9\.18\.' || { echo 'not BIND 9.18'; exit 1; }

printf '%s\n' '$TTL 1h30m' 'example. SOA ns.example. hostmaster.example. 1 1h30m 90m 1w2d 1h30m' \
  'example. NS ns.example.' 'ns.example. A 192.0.2.1' >zone
printf '%s\n' '$TTL 300' 'example. SOA ns.example. hostmaster.example. 1 7200 3600 86400 60' \
  'example. NS ns.example.' 'ns.example. 1h30m A 192.0.2.1' >record
{
  named-compilezone -q -o - example zone | awk '$4 == "SOA" { print "BIND: TTL", $2, "timers", $8, $9, $10, $11 }'
  nsd-checkzone -p example zone | tr '\n' ' ' | awk '{ print "NSD: TTL", $4, "timers", $11, $12, $13, $14 }'
  zone2json --zone-name=example --zone="$t/zone" 2>/dev/null | grep -o '"content": "ns.example hostmaster[^}]*' |
    tr -d '",:' | awk '{ print "PowerDNS: TTL", $(NF - 2), "timers", $5, $6, $7, $8 }'
  zone2json --zone-name=example --zone="$t/record" 2>&1 >/dev/null | grep -o "'1h30m' doesn't look like a qtype" | sed 's/^/PowerDNS, on a record: /' || true
} | tee seen
diff - seen <<'X' && echo 'as stated'
BIND: TTL 5400 timers 5400 5400 777600 5400
NSD: TTL 5400 timers 5400 5400 777600 5400
PowerDNS: TTL 60 timers 60 5400 86400 60
PowerDNS, on a record: '1h30m' doesn't look like a qtype
X
