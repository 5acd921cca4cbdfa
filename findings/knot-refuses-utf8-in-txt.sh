#!/usr/bin/env bash
# Versions: Knot 3.2.6 (its zone scanner, here through kzonecheck) against BIND 9.18, NSD 4.6.1, ldns 1.8.3 (Debian 12).
# Guess:    a quoted string may hold any octet but the quote and the backslash; a TXT with a name in UTF-8 in it,
#           typed as it is, loads everywhere and is served octet by octet.
# Seen:     BIND, NSD and ldns load it (and print \195\169). Knot refuses octets above 126 in any string, quoted or
#           not ("invalid text character"), and with it the whole zone; in a comment they are fine. As \195\169 it loads.
# Matters:  one editor's "Zürich" in a TXT, NAPTR, CAA or HINFO string takes a zone off Knot at the next restart,
#           while BIND goes on. Who writes zone files for others escapes octets above 126.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree
packages='knot-dnssecutils=3.2.6-1 nsd=4.6.1-1 ldnsutils=1.8.3-1+b1 bind9-utils'
get() { apt-get -qq -y -o Debug::NoLocking=1 -o Dir::Cache::archives="$t/deb" --no-install-recommends --reinstall --download-only install $packages >apt.log 2>&1; }
get || { apt-get -qq update && get; } || { cat apt.log; exit 1; }
for package in deb/*.deb; do dpkg -x "$package" tree; done
export PATH=$t/tree/usr/bin:$t/tree/usr/sbin:$PATH LD_LIBRARY_PATH=$t/tree/usr/lib/x86_64-linux-gnu
named-compilezone -v | grep -q '^9\.18\.' || { echo 'not BIND 9.18'; exit 1; }

verdict() { if "$@" >last.log 2>&1; then echo loads; else grep -o 'invalid text character' last.log | head -1 || echo refuses; fi; }
see() { # TITLE, RDATA
  printf '%s\n' '$TTL 300' 'example. SOA ns.example. hostmaster.example. 1 7200 3600 86400 60' 'example. NS ns.example.' \
    'ns.example. A 192.0.2.1' "example. $2" >zone
  echo "$1: BIND $(verdict named-checkzone example zone), NSD $(verdict nsd-checkzone example zone)," \
    "ldns $(verdict ldns-read-zone zone), Knot $(verdict kzonecheck -v -o example zone)"
}
u=$(printf '\303\251')
{
  see 'quoted' "TXT \"caf$u\""
  see 'bare' "TXT caf$u"
  see 'CAA' "CAA 0 issue \"ca.example; note=caf$u\""
  see 'comment' "TXT \"cafe\" ; caf$u"
  see 'escaped' 'TXT "caf\195\169"'
} | tee seen
diff - seen <<'X' && echo 'as stated'
quoted: BIND loads, NSD loads, ldns loads, Knot invalid text character
bare: BIND loads, NSD loads, ldns loads, Knot invalid text character
CAA: BIND loads, NSD loads, ldns loads, Knot invalid text character
comment: BIND loads, NSD loads, ldns loads, Knot loads
escaped: BIND loads, NSD loads, ldns loads, Knot loads
X
