#!/usr/bin/env bash
# Versions: NSD 4.6.1 and Knot 3.2.6 against BIND 9.18, ldns 1.8.3 and PowerDNS 4.7.3 (all Debian 12).
# Guess:    a zone file without $TTL, whose SOA line states a TTL, means the same everywhere: a record without a
#           TTL takes the last one stated (RFC 1035 section 5.1).
# Seen:     BIND, ldns and PowerDNS do so. NSD and Knot give 3600 s to every record that states none, whatever the
#           lines before it say, and say nothing about it.
# Matters:  the same file on a BIND primary and on an NSD or Knot beside it (synced by file, not by transfer) is
#           served with TTLs of 60 and of 3600 s: a failover planned for a minute takes an hour. Who writes zone
#           files writes $TTL, or the TTL on every line.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; knot=; trap 'if [ "$knot" ]; then kill "$knot" 2>/dev/null && wait "$knot" || true; fi; rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree
packages='nsd=4.6.1-1 knot=3.2.6-1 ldnsutils=1.8.3-1+b1 pdns-server=4.7.3-2 bind9-utils bind9-dnsutils'
get() { apt-get -qq -y -o Debug::NoLocking=1 -o Dir::Cache::archives="$t/deb" --no-install-recommends --reinstall --download-only install $packages >apt.log 2>&1; }
get || { apt-get -qq update && get; } || { cat apt.log; exit 1; }
for package in deb/*.deb; do dpkg -x "$package" tree; done
export PATH=$t/tree/usr/bin:$t/tree/usr/sbin:$PATH LD_LIBRARY_PATH=$t/tree/usr/lib/x86_64-linux-gnu
named-compilezone -v | grep -q '^9\.18\.' || { echo 'not BIND 9.18'; exit 1; }

cat >zone <<'X'
example. 60 IN SOA ns.example. hostmaster.example. 1 7200 3600 86400 30
example. NS ns.example.
ns.example. A 192.0.2.1
www.example. A 192.0.2.2
X
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >knot.conf <<X
server:
  listen: 127.0.0.1@$port
  rundir: $t
  user: root:root
database:
  storage: $t/db
zone:
- domain: example
  file: $t/zone
  journal-content: none
  zonefile-sync: -1
X
mkdir db; knotd -c knot.conf >knot.log 2>&1 & knot=$!
for _ in $(seq 50); do dig @127.0.0.1 -p "$port" +time=1 +tries=1 +short example SOA 2>/dev/null | grep -q ns && break; sleep 0.2; done
ttl() { awk '/192\.0\.2\.2/ { for (i = 1; i < NF; i++) if ($i ~ /^[0-9]+$/) { print $i; exit } }'; }
{
  echo "BIND $(named-compilezone -q -o - example zone 2>/dev/null | ttl)"
  echo "ldns $(ldns-read-zone zone | ttl)"
  echo "PowerDNS $(zone2json --zone-name=example --zone="$t/zone" 2>/dev/null | grep -o '192.0.2.2[^}]*' | grep -o '"ttl": [0-9]*')"
  echo "NSD $(nsd-checkzone -p example zone | ttl)"
  echo "Knot $(dig @127.0.0.1 -p "$port" www.example A +noall +answer | ttl)"
} | tee seen
diff - seen <<'X' && echo 'as stated'
BIND 60
ldns 60
PowerDNS "ttl": 60
NSD 3600
Knot 3600
X
