#!/usr/bin/env bash
# Versions: ldns 1.8.3 (ldns-read-zone) against BIND 9.18, NSD 4.6.1, Knot 3.2.6 (Debian 12).
# Guess:    base64 at the end of a record may be broken by blanks and, in parentheses, by lines, in every type alike; whoever
#           reads a DNSKEY or CERT so reads an IPSECKEY (RFC 4025) so.
# Seen:     ldns reads CERT, OPENPGPKEY, DHCID and DNSKEY in pieces, and an IPSECKEY in one piece. An IPSECKEY whose key is in
#           two pieces is "Syntax error, could not parse the RR's rdata", on one line too, and the zone is not read at all.
# Matters:  dnssec-signzone and dig +multiline write every long key in pieces, so a zone with an IPSECKEY that BIND signed is
#           one that ldns-verify-zone, ldns-signzone and what is built on them cannot open. Write that key in one piece.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree
packages='knot-dnssecutils=3.2.6-1 nsd=4.6.1-1 ldnsutils=1.8.3-1+b1 bind9-utils'
get() { apt-get -qq -y -o Debug::NoLocking=1 -o Dir::Cache::archives="$t/deb" --no-install-recommends --reinstall --download-only install $packages >apt.log 2>&1; }
get || { apt-get -qq update && get; } || { cat apt.log; exit 1; }
for package in deb/*.deb; do dpkg -x "$package" tree; done
export PATH=$t/tree/usr/bin:$t/tree/usr/sbin:$PATH LD_LIBRARY_PATH=$t/tree/usr/lib/x86_64-linux-gnu
named-compilezone -v | grep -q '^9\.18\.' || { echo 'not BIND 9.18'; exit 1; }

verdict() { if "$@" >last.log 2>&1; then echo loads; else echo refuses; fi; }
see() { # TITLE, RDATA
  printf '%s\n' '$TTL 300' 'example. SOA ns.example. hostmaster.example. 1 7200 3600 86400 60' 'example. NS ns.example.' \
    'ns.example. A 192.0.2.1' "host.example. $2" >zone
  echo "$1: BIND $(verdict named-checkzone example zone), NSD $(verdict nsd-checkzone example zone)," \
    "Knot $(verdict kzonecheck -o example zone), ldns $(verdict ldns-read-zone zone)"
}
a=AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6 b=BSGvgqt4AQ==
{
  see 'IPSECKEY, one piece' "IPSECKEY 10 3 2 gw.example. $a$b"
  see 'IPSECKEY, two pieces' "IPSECKEY 10 3 2 gw.example. $a $b"
  see 'IPSECKEY, two lines' "IPSECKEY ( 10 1 2 192.0.2.38
    $a
    $b )"
  see 'CERT, two pieces' "CERT PGP 0 0 $a $b"
  see 'OPENPGPKEY, two pieces' "OPENPGPKEY $a $b"
  see 'DHCID, two pieces' "DHCID $a $b"
} | tee seen
diff - seen <<'X' && echo 'as stated'
IPSECKEY, one piece: BIND loads, NSD loads, Knot loads, ldns loads
IPSECKEY, two pieces: BIND loads, NSD loads, Knot loads, ldns refuses
IPSECKEY, two lines: BIND loads, NSD loads, Knot loads, ldns refuses
CERT, two pieces: BIND loads, NSD loads, Knot loads, ldns loads
OPENPGPKEY, two pieces: BIND loads, NSD loads, Knot loads, ldns loads
DHCID, two pieces: BIND loads, NSD loads, Knot loads, ldns loads
X
