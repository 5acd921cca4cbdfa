#!/usr/bin/env bash
# Versions: miekg/dns v1.1.73 (Go) writing, Knot 3.2.6 and PowerDNS 4.7.3 (Debian 12) reading.
# Guess:    a record of a type without a name is printed as "NAME TTL IN TYPE65280 \# 1 00": class IN has a name, and
#           RFC 3597's numbers are for what has none. Every zone-file reader takes it.
# Seen:     String() of such a record says CLASS1 in place of IN. BIND, NSD and ldns read that as IN. Knot refuses the
#           whole file ("unsupported record type") and so does PowerDNS ("'CLASS1' doesn't look like a qtype");
#           with IN in its place both load it.
# Matters:  a backup, a diff or a hand-over written by a Go tool loads on one half of the servers, and fails on the
#           other half on the day that somebody adds the first record of a newer type. Replace CLASS1 when writing.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree go
packages='knot-dnssecutils=3.2.6-1 pdns-server=4.7.3-2 nsd=4.6.1-1 ldnsutils=1.8.3-1+b1 bind9-utils'
get() { apt-get -qq -y -o Debug::NoLocking=1 -o Dir::Cache::archives="$t/deb" --no-install-recommends --reinstall --download-only install $packages >apt.log 2>&1; }
get || { apt-get -qq update && get; } || { cat apt.log; exit 1; }
for package in deb/*.deb; do dpkg -x "$package" tree; done
export PATH=$t/tree/usr/bin:$t/tree/usr/sbin:$PATH LD_LIBRARY_PATH=$t/tree/usr/lib/x86_64-linux-gnu
named-compilezone -v | grep -q '^9\.18\.' || { echo 'not BIND 9.18'; exit 1; }
cat >go/main.go <<'X'
package main

import (
	"fmt"

	"github.com/miekg/dns"
)

func main() {
	for _, line := range []string{
		"example. 300 IN SOA ns.example. hostmaster.example. 1 7200 3600 86400 60",
		"example. 300 IN NS ns.example.", "ns.example. 300 IN A 192.0.2.1",
		`new.example. 300 IN TYPE65280 \# 1 00`,
	} {
		record, err := dns.NewRR(line)
		if err != nil {
			panic(err)
		}
		fmt.Println(record)
	}
}
X
(cd go && go mod init lab && go get github.com/miekg/dns@v1.1.73 && go build -o write .) >go.log 2>&1 || { cat go.log; exit 1; }

go/write >class1; sed 's/CLASS1/IN/' class1 >in
verdict() { if "$@" >last.log 2>&1; then echo loads; else echo refuses; fi; }
{
  grep new class1 | tr '\t' ' '
  for zone in class1 in; do
    echo "$zone: BIND $(verdict named-checkzone example $zone), NSD $(verdict nsd-checkzone example $zone), ldns $(verdict ldns-read-zone $zone)," \
      "Knot $(verdict kzonecheck -o example $zone), PowerDNS $(verdict zone2json --zone-name=example --zone="$t/$zone")"
  done
} | tee seen
diff - seen <<'X' && echo 'as stated'
new.example. 300 CLASS1 TYPE65280 \# 1 00
class1: BIND loads, NSD loads, ldns loads, Knot refuses, PowerDNS refuses
in: BIND loads, NSD loads, ldns loads, Knot loads, PowerDNS loads
X
