#!/usr/bin/env bash
# Versions: NSD 4.6.1 serving a zone signed by BIND 9.18's dnssec-signzone, checked by BIND's delv (Debian 12).
# Guess:    NSD serves the octets that were signed; whatever it does to letter case is harmless, as names compare
#           without case and DNSSEC signs their lower-case form.
# Seen:     NSD keeps every name in record data in lower case. For the old types the signature covers the lower-case
#           form (RFC 4034 section 6.2), so nothing breaks. HTTPS, SVCB and LP are not in that list: their names are
#           signed as written, and a target with one capital letter is bogus to delv. The MX beside it is fine.
# Matters:  a primary that signs and keeps the case of such a target as typed (BIND, Knot and ldns do) has answers
#           that only NSD secondaries spoil. Write the targets of newer types in lower case before signing.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; nsd=; trap 'if [ "$nsd" ]; then kill "$nsd" 2>/dev/null && wait "$nsd" || true; fi; rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree
packages='nsd=4.6.1-1 bind9-utils bind9-dnsutils'
get() { apt-get -qq -y -o Debug::NoLocking=1 -o Dir::Cache::archives="$t/deb" --no-install-recommends --reinstall --download-only install $packages >apt.log 2>&1; }
get || { apt-get -qq update && get; } || { cat apt.log; exit 1; }
for package in deb/*.deb; do dpkg -x "$package" tree; done
export PATH=$t/tree/usr/bin:$t/tree/usr/sbin:$PATH LD_LIBRARY_PATH=$t/tree/usr/lib/x86_64-linux-gnu
delv -v 2>&1 | grep -q ' 9\.18\.' || { echo 'not BIND 9.18'; exit 1; }

cat >zone <<'X'
$TTL 300
example. SOA ns.example. hostmaster.example. 1 7200 3600 86400 60
example. NS ns.example.
ns.example. A 192.0.2.1
capital.example. HTTPS 1 Web.Example.
small.example. HTTPS 1 web.example.
capital.example. LP 10 Web.Example.
capital.example. MX 10 Web.Example.
X
dnssec-keygen -q -a ECDSAP256SHA256 -f KSK example >/dev/null
dnssec-signzone -z -S -o example -f zone.signed zone >/dev/null 2>&1
dnssec-verify -z -q -o example zone.signed
awk '$4 == "DNSKEY" || $3 == "DNSKEY" { sub(/.*DNSKEY[ \t]+/, ""); split($0, f, " "); k = ""; for (i = 4; i in f; i++) k = k f[i]
  printf "trust-anchors { example. static-key %s %s %s \"%s\"; };\n", f[1], f[2], f[3], k }' Kexample.*.key >anchor
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >nsd.conf <<X
server:
  ip-address: 127.0.0.1@$port
  database: ""
  zonesdir: "$t"
  pidfile: "$t/pid"
  xfrdfile: "$t/xfrd"
  xfrdir: "$t"
  zonelistfile: "$t/zones"
  username: root
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: example
  zonefile: "zone.signed"
X
nsd -d -c nsd.conf >nsd.log 2>&1 & nsd=$!
for _ in $(seq 50); do dig @127.0.0.1 -p "$port" +time=1 +tries=1 +short example SOA 2>/dev/null | grep -q ns && break; sleep 0.2; done
for question in 'small.example HTTPS' 'capital.example HTTPS' 'capital.example LP' 'capital.example MX'; do
  echo "$question: $(dig @127.0.0.1 -p "$port" +short $question), $(delv @127.0.0.1 -p "$port" -a anchor +root=example $question 2>&1 |
    grep -o -m 1 -e 'fully validated' -e 'resolution failed.*')"
done | tee seen
diff - seen <<'X' && echo 'as stated'
small.example HTTPS: 1 web.example., fully validated
capital.example HTTPS: 1 web.example., resolution failed: RRSIG failed to verify
capital.example LP: 10 web.example., resolution failed: RRSIG failed to verify
capital.example MX: 10 web.example., fully validated
X
