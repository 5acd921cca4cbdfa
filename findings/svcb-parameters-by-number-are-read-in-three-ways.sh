#!/usr/bin/env bash
# Versions: BIND 9.18, ldns 1.8.3, NSD 4.6.1 (Debian 12) and miekg/dns v1.1.73 (Go; CoreDNS, external-dns).
# Guess:    RFC 9460's keyN="..." is a safe spelling for any parameter: the quoted octets are the wire value, also
#           where N has a name (section 2.1), so a tool older than a name may print it and any other may read it.
# Seen:     BIND takes the octets as they are. NSD and ldns look the number up and read the text as that key's own
#           format: key1="\002h2" becomes the ALPN protocol "\002h2", a name no client offers, without a word.
#           miekg/dns refuses every number that it has a name for. BIND 9.18 itself prints key7 for dohpath, so
#           that its listings are not to be read by what is built on miekg/dns.
# Matters:  a writer of zone files must use a name where there is one, and know which reader knows it: dohpath is
#           read by all four, key7 by three. Compare octets after a move, not the text.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree go
packages='nsd=4.6.1-1 ldnsutils=1.8.3-1+b1 bind9-utils'
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
	for record, ok := parser.Next(); ok; record, ok = parser.Next() {
		fmt.Println(record)
	}
	if parser.Err() != nil {
		fmt.Println("www.example. refused")
	}
}
X
(cd go && go mod init lab && go get github.com/miekg/dns@v1.1.73 && go build -o read .) >go.log 2>&1 || { cat go.log; exit 1; }

see() { # PARAMETER
  printf '%s\n' 'example. 300 IN SOA ns.example. hostmaster.example. 1 7200 3600 86400 60' 'example. 300 IN NS ns.example.' \
    'ns.example. 300 IN A 192.0.2.1' "www.example. 300 IN HTTPS 1 . $1" >zone
  named-compilezone -q -o bind.zone example zone
  {
    echo "$1"
    sed -n 's/^www.*HTTPS[ \t]*/  BIND: /p' bind.zone
    ldns-read-zone zone | sed -n 's/^www.*HTTPS[ \t]*/  ldns: /p'
    nsd-checkzone -p example zone | sed -n 's/^www.*HTTPS[ \t]*/  NSD: /p'
    go/read zone | sed -n 's/^www.example. *\(.*HTTPS[ \t]*\)*/  miekg: /p'
    go/read bind.zone | sed -n 's/^www.example. *\(.*HTTPS[ \t]*\)*/  miekg, from what BIND printed: /p'
  } 2>&1
}
{ see 'key1="\002h2"'; see 'dohpath="/q{?dns}"'; } | tee seen
diff - seen <<'X' && echo 'as stated'
key1="\002h2"
  BIND: 1 . alpn="h2"
  ldns: 1 . alpn=\002h2
  NSD: 1 . alpn="\002h2"
  miekg: refused
  miekg, from what BIND printed: 1 . alpn="h2"
dohpath="/q{?dns}"
  BIND: 1 . key7="/q{?dns}"
  ldns: 1 . dohpath=/q{?dns}
  NSD: 1 . dohpath="/q{?dns}"
  miekg: 1 . dohpath="/q{?dns}"
  miekg, from what BIND printed: refused
X
