#!/usr/bin/env bash
# Versions: BIND 9.18 (named-compilezone) as the writer; Knot 3.2.6, NSD 4.6.1, ldns 1.8.3 as readers (Debian 12).
# Guess:    NID and L64 records (RFC 6742) go from any server's zone file into any other's: four groups of hexadecimal
#           digits, which each of them writes and reads alike.
# Seen:     BIND leaves leading zeros out (10 14:4fff:ff20:ee64), as in IPv6 text; NSD and ldns write four digits a group
#           and read both forms. Knot takes nothing but four digits ("invalid hexadecimal character") and drops the
#           whole zone. L32 and records that happen to have no leading zero pass.
# Matters:  what BIND dumped, or named-compilezone normalised, loads in Knot until somebody's identifier has a zero in
#           front. Who writes zone files for others writes four digits.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree
packages='knot-dnssecutils=3.2.6-1 nsd=4.6.1-1 ldnsutils=1.8.3-1+b1 bind9-utils'
get() { apt-get -qq -y -o Debug::NoLocking=1 -o Dir::Cache::archives="$t/deb" --no-install-recommends --reinstall --download-only install $packages >apt.log 2>&1; }
get || { apt-get -qq update && get; } || { cat apt.log; exit 1; }
for package in deb/*.deb; do dpkg -x "$package" tree; done
export PATH=$t/tree/usr/bin:$t/tree/usr/sbin:$PATH LD_LIBRARY_PATH=$t/tree/usr/lib/x86_64-linux-gnu
named-compilezone -v | grep -q '^9\.18\.' || { echo 'not BIND 9.18'; exit 1; }

verdict() { if "$@" >last.log 2>&1; then echo loads; else grep -o 'invalid hexadecimal character' last.log | head -1 || echo refuses; fi; }
see() { # RDATA as typed, with four digits a group
  printf '%s\n' '$TTL 300' 'example. SOA ns.example. hostmaster.example. 1 7200 3600 86400 60' 'example. NS ns.example.' \
    'ns.example. A 192.0.2.1' "host.example. $1" >typed
  named-compilezone -q -s full -o written example typed
  for file in typed written; do
    echo "$file $(grep ^host $file | grep -oE '(NID|L64|L32).*' | tr '\t' ' '): NSD $(verdict nsd-checkzone example $file)," \
      "ldns $(verdict ldns-read-zone $file), Knot $(verdict kzonecheck -v -o example $file)"
  done
}
{
  see 'NID 10 0014:4fff:ff20:ee64'
  see 'L64 10 2001:0db8:1140:1000'
  see 'L64 10 2001:1db8:1140:1000'
  see 'L32 10 10.1.2.0'
} | tee seen
diff - seen <<'X' && echo 'as stated'
typed NID 10 0014:4fff:ff20:ee64: NSD loads, ldns loads, Knot loads
written NID 10 14:4fff:ff20:ee64: NSD loads, ldns loads, Knot invalid hexadecimal character
typed L64 10 2001:0db8:1140:1000: NSD loads, ldns loads, Knot loads
written L64 10 2001:db8:1140:1000: NSD loads, ldns loads, Knot invalid hexadecimal character
typed L64 10 2001:1db8:1140:1000: NSD loads, ldns loads, Knot loads
written L64 10 2001:1db8:1140:1000: NSD loads, ldns loads, Knot loads
typed L32 10 10.1.2.0: NSD loads, ldns loads, Knot loads
written L32 10 10.1.2.0: NSD loads, ldns loads, Knot loads
X
