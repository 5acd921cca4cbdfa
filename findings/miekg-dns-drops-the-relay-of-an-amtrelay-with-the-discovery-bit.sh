#!/usr/bin/env bash
# Versions: miekg/dns v1.1.73 (Go; CoreDNS, external-dns) against BIND 9.18's named-rrchecker (Debian 12).
# Guess:    a record that the library parses from text and prints back unchanged is packed whole.
# Seen:     AMTRELAY (RFC 8777) keeps the discovery bit and the relay's type in one octet; the library does not mask the
#           bit when it packs, so with the bit set the relay's address or name is left out: two octets in place of the
#           record, without an error. Text to text looks right, and so does the same record with the bit clear.
# Matters:  a test that goes by text alone does not see it; on the wire clients get a relay without an address. Check
#           newer types by octets, against a second implementation.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree go
packages='bind9 bind9-utils'
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
	record, err := dns.NewRR(". 0 IN AMTRELAY " + os.Args[1])
	if err != nil {
		panic(err)
	}
	octets := make([]byte, 512)
	end, err := dns.PackRR(record, octets, 0, nil, false)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%x\n", octets[11:end])
}
X
(cd go && go mod init lab && go get github.com/miekg/dns@v1.1.73 && go build -o pack .) >go.log 2>&1 || { cat go.log; exit 1; }

for relay in '10 0 1 203.0.113.15' '10 1 1 203.0.113.15' '10 0 3 relay.example.' '10 1 3 relay.example.'; do
  echo "$relay: BIND $(echo "IN AMTRELAY $relay" | named-rrchecker -u | sed 's/.*\\# [0-9]* *//; s/ //g' | tr A-F a-f), miekg $(go/pack "$relay")"
done | tee seen
diff - seen <<'X' && echo 'as stated'
10 0 1 203.0.113.15: BIND 0a01cb00710f, miekg 0a01cb00710f
10 1 1 203.0.113.15: BIND 0a81cb00710f, miekg 0a81
10 0 3 relay.example.: BIND 0a030572656c6179076578616d706c6500, miekg 0a030572656c6179076578616d706c6500
10 1 3 relay.example.: BIND 0a830572656c6179076578616d706c6500, miekg 0a83
X
