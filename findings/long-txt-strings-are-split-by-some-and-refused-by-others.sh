#!/usr/bin/env bash
# Versions: BIND 9.18, NSD 4.6.1, ldns 1.8.3, Knot 3.2.6, PowerDNS 4.7.3 (Debian 12) and miekg/dns v1.1.73 (Go).
# Guess:    a string holds 255 octets at most, so one quoted string of 300 (a DKIM key pasted in one piece) is an
#           error to every reader of zone files, and its author learns to split it.
# Seen:     three refuse it and three do not: Knot and miekg/dns (CoreDNS) split it at 255 without a word, and
#           PowerDNS' reader takes it in.
# Matters:  a zone that has always worked on Knot, CoreDNS or PowerDNS does not load on BIND or NSD, and a checker
#           built on one family is no check for the other. Split when writing; when reading other people's files,
#           expect both.
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
	"os"

	"github.com/miekg/dns"
)

func main() {
	file, _ := os.Open(os.Args[1])
	parser := dns.NewZoneParser(file, "example.", "")
	octets := make([]byte, 65536)
	for record, ok := parser.Next(); ok; record, ok = parser.Next() {
		if _, err := dns.PackRR(record, octets, 0, nil, false); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		if txt, ok := record.(*dns.TXT); ok {
			for _, s := range txt.Txt {
				fmt.Println("length", len(s))
			}
		}
	}
	if parser.Err() != nil {
		fmt.Println(parser.Err())
		os.Exit(1)
	}
}
X
(cd go && go mod init lab && go get github.com/miekg/dns@v1.1.73 && go build -o read .) >go.log 2>&1 || { cat go.log; exit 1; }

verdict() { if "$@" >last.log 2>&1; then echo loads; else echo refuses; fi; }
see() { # TITLE, RDATA
  printf '%s\n' '$TTL 300' 'example. SOA ns.example. hostmaster.example. 1 7200 3600 86400 60' 'example. NS ns.example.' \
    'ns.example. A 192.0.2.1' "example. $2" >zone
  echo "$1: BIND $(verdict named-checkzone example zone), NSD $(verdict nsd-checkzone example zone), ldns $(verdict ldns-read-zone zone)," \
    "Knot $(verdict kzonecheck -o example zone), PowerDNS $(verdict zone2json --zone-name=example --zone="$t/zone")," \
    "miekg $(verdict go/read zone)" $(grep length last.log)
}
long=$(printf '0123456789%.0s' $(seq 30))
{ see '300 octets' "TXT \"$long\""; see '250 octets' "TXT \"${long:50}\""; } | tee seen
diff - seen <<'X' && echo 'as stated'
300 octets: BIND refuses, NSD refuses, ldns refuses, Knot loads, PowerDNS loads, miekg loads length 255 length 45
250 octets: BIND loads, NSD loads, ldns loads, Knot loads, PowerDNS loads, miekg loads length 250
X
