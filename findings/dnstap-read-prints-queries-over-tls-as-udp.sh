#!/usr/bin/env bash
# Versions: dnstap-read of BIND 9.18 and dnstap-ldns 0.2.1 (Debian 12) as readers, golang-dnstap 0.4.0 (Go) as writer and reader.
# Guess:    dnstap's socket_protocol has been UDP, TCP, DOT, DOH and more since 2020; a reader that does not know a value
#           says so, or prints its number.
# Seen:     dnstap-read knows TCP and takes everything else for UDP: messages of DOT and DOH are printed as UDP, in its line
#           form and in YAML (-y) alike. dnstap-ldns prints a question mark, golang-dnstap the right names.
# Matters:  whoever counts queries over TLS, or checks that a forwarder encrypts, with BIND's own tool finds plain UDP.
#           Read such captures with golang-dnstap's `dnstap -r`.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree go
packages='bind9-dnsutils bind9-libs dnstap-ldns=0.2.1-1'
get() { apt-get -qq -y -o Debug::NoLocking=1 -o Dir::Cache::archives="$t/deb" --no-install-recommends --reinstall --download-only install $packages >apt.log 2>&1; }
get || { apt-get -qq update && get; } || { cat apt.log; exit 1; }
for package in deb/*.deb; do dpkg -x "$package" tree; done
export PATH=$t/tree/usr/bin:$PATH LD_LIBRARY_PATH=$t/tree/usr/lib/x86_64-linux-gnu
delv -v 2>&1 | grep -q ' 9\.18\.' || { echo 'not BIND 9.18'; exit 1; }
cat >go/main.go <<'X'
package main

import (
	"net"
	"os"

	dnstap "github.com/dnstap/golang-dnstap"
	"github.com/farsightsec/golang-framestream"
	"github.com/miekg/dns"
	"google.golang.org/protobuf/proto"
)

func main() {
	query := new(dns.Msg)
	query.SetQuestion("www.example.", dns.TypeA)
	query.Id = 1
	octets, _ := query.Pack()
	encoder, err := framestream.NewEncoder(os.Stdout, &framestream.EncoderOptions{ContentType: dnstap.FSContentType})
	if err != nil {
		panic(err)
	}
	for _, protocol := range []dnstap.SocketProtocol{1, 2, 3, 4} {
		frame, err := proto.Marshal(&dnstap.Dnstap{
			Type: dnstap.Dnstap_MESSAGE.Enum(),
			Message: &dnstap.Message{
				Type:            dnstap.Message_AUTH_QUERY.Enum(),
				SocketFamily:    dnstap.SocketFamily_INET.Enum(),
				SocketProtocol:  protocol.Enum(),
				QueryAddress:    net.IPv4(192, 0, 2, 1).To4(),
				ResponseAddress: net.IPv4(192, 0, 2, 53).To4(),
				QueryPort:       proto.Uint32(40000),
				ResponsePort:    proto.Uint32(53),
				QueryTimeSec:    proto.Uint64(1800000000),
				QueryTimeNsec:   proto.Uint32(0),
				QueryMessage:    octets,
			},
		})
		if err != nil {
			panic(err)
		}
		if _, err := encoder.Write(frame); err != nil {
			panic(err)
		}
	}
	encoder.Close()
}
X
(cd go && go mod init lab && go get github.com/dnstap/golang-dnstap@v0.4.0 && go mod tidy && go build -o write . && go build -o dnstap github.com/dnstap/golang-dnstap/dnstap) >go.log 2>&1 || { cat go.log; exit 1; }
go/write >four.tap # the same query four times: UDP, TCP, DOT, DOH
{
  echo "golang-dnstap: $(go/dnstap -q -r four.tap | awk '{ print $4 }' | paste -sd' ')"
  echo "dnstap-read: $(dnstap-read four.tap | awk '{ print $7 }' | paste -sd' ')"
  echo "dnstap-read -y: $(dnstap-read -y four.tap | awk '/socket_protocol/ { print $2 }' | paste -sd' ')"
  echo "dnstap-ldns: $(dnstap-ldns -q -r four.tap 2>/dev/null | awk '{ print $5 }' | paste -sd' ')"
} | tee seen
diff - seen <<'X' && echo 'as stated'
golang-dnstap: UDP TCP DOT DOH
dnstap-read: UDP TCP UDP UDP
dnstap-read -y: UDP TCP UDP UDP
dnstap-ldns: UDP TCP ? ?
X
