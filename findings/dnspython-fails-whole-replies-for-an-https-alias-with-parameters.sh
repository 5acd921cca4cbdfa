#!/usr/bin/env bash
# Versions: dnspython 2.9.2 (PyPI) against BIND 9.18, NSD 4.6.1 and ldns 1.8.3 (Debian 12).
# Guess:    parameters on an AliasMode record (HTTPS 0 target alpn=h2) are noise: RFC 9460 section 2.4.2 tells
#           recipients to ignore them, so a library gives them, or drops them, and reads the rest.
# Seen:     dnspython raises FormError ("parameters in AliasMode") from the wire and SyntaxError from text. A whole
#           message with one such record cannot be parsed, the A record beside it included; a zone transfer breaks
#           off. The three others load, print and serve it.
# Matters:  a checker or secondary written in Python reports a server broken that is not. What others publish is not
#           in one's hand: read with continue_on_error, which keeps the records around it.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree
packages='nsd=4.6.1-1 ldnsutils=1.8.3-1+b1 bind9-utils'
get() { apt-get -qq -y -o Debug::NoLocking=1 -o Dir::Cache::archives="$t/deb" --no-install-recommends --reinstall --download-only install $packages >apt.log 2>&1; }
get || { apt-get -qq update && get; } || { cat apt.log; exit 1; }
for package in deb/*.deb; do dpkg -x "$package" tree; done
python3 -m pip -q --disable-pip-version-check install --no-compile --target lib dnspython==2.9.2 >pip.log 2>&1 || { cat pip.log; exit 1; }

export PATH=$t/tree/usr/bin:$t/tree/usr/sbin:$PATH LD_LIBRARY_PATH=$t/tree/usr/lib/x86_64-linux-gnu PYTHONPATH=$t/lib
named-compilezone -v | grep -q '^9\.18\.' || { echo 'not BIND 9.18'; exit 1; }

printf '%s\n' '$TTL 300' 'example. SOA ns.example. hostmaster.example. 1 7200 3600 86400 60' 'example. NS ns.example.' \
  'ns.example. A 192.0.2.1' 'www.example. HTTPS 0 we.example. alpn=h2' >zone
cat >read.py <<'X'
import dns.message, dns.rrset
# Made as a private type, so that the library does not look into it, and then given the number of HTTPS, 65.
reply = dns.message.make_response(dns.message.make_query('www.example.', 65281))
reply.answer.append(dns.rrset.from_text('www.example.', 300, 'IN', 'TYPE65281', r'\# 13 0000 02776500 00010003026832'))
reply.additional.append(dns.rrset.from_text('we.', 300, 'IN', 'A', '192.0.2.1'))
wire = reply.to_wire().replace(b'\xff\x01', b'\x00\x41')
try:
    print('dnspython, message:', dns.message.from_wire(wire).answer)
except Exception as error:
    print('dnspython, message:', type(error).__name__, error)
lenient = dns.message.from_wire(wire, continue_on_error=True)
print('dnspython, continue_on_error:', *lenient.answer, *lenient.additional)
X
{
  named-compilezone -q -o - example zone | grep -o 'HTTPS.*' | tr '\t' ' ' | sed 's/^/BIND: /'
  ldns-read-zone zone | grep -o 'HTTPS.*' | tr '\t' ' ' | sed 's/^/ldns: /'
  nsd-checkzone -p example zone | grep -o 'HTTPS.*' | tr '\t' ' ' | sed 's/^/NSD: /'
  python3 read.py
  python3 -c 'import dns.zone; dns.zone.from_file("zone", "example.")' 2>&1 | tail -1 | sed 's/^/dnspython, zone file: /' || true
} | tee seen
diff - seen <<'X' && echo 'as stated'
BIND: HTTPS 0 we.example. alpn="h2"
ldns: HTTPS 0 we.example. alpn=h2
NSD: HTTPS 0 we.example. alpn="h2"
dnspython, message: FormError parameters in AliasMode
dnspython, continue_on_error: we. 300 IN A 192.0.2.1
dnspython, zone file: dns.exception.SyntaxError: zone:6: parameters in AliasMode
X
