#!/usr/bin/env bash
# Versions: NSD 4.6.1 against BIND 9.18, ldns 1.8.3, Knot 3.2.6, PowerDNS 4.7.3 (Debian 12), dnspython 2.8.0.
# Guess:    the times of an RRSIG may stand as seconds since 1970 or as YYYYMMDDHHmmSS (RFC 4034 section 3.2), and whoever
#           reads signed zone files reads both.
# Seen:     NSD takes the long form alone ("date and time is expected") and refuses the zone; the five others read both. PowerDNS'
#           zone2json writes the seconds on as they are, the others print the long form.
# Matters:  a signer that writes seconds, or what zone2json has passed on, makes a zone that loads everywhere but on the NSD
#           beside. Write times in the long form; a reader takes both.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree
packages='knot-dnssecutils=3.2.6-1 nsd=4.6.1-1 ldnsutils=1.8.3-1+b1 pdns-tools bind9-utils'
get() { apt-get -qq -y -o Debug::NoLocking=1 -o Dir::Cache::archives="$t/deb" --no-install-recommends --reinstall --download-only install $packages >apt.log 2>&1; }
get || { apt-get -qq update && get; } || { cat apt.log; exit 1; }
for package in deb/*.deb; do dpkg -x "$package" tree; done
export PATH=$t/tree/usr/bin:$t/tree/usr/sbin:$PATH LD_LIBRARY_PATH=$t/tree/usr/lib/x86_64-linux-gnu
named-compilezone -v | grep -q '^9\.18\.' || { echo 'not BIND 9.18'; exit 1; }
python3 -m venv py && py/bin/pip -q install dnspython==2.8.0 2>pip.log || { cat pip.log; exit 1; }

signature=$(printf 'A%.0s' {1..86})==
zone() { # EXPIRATION INCEPTION
  printf '%s\n' '$TTL 300' 'example. SOA ns.example. hostmaster.example. 1 7200 3600 86400 60' 'example. NS ns.example.' \
    'ns.example. A 192.0.2.1' "example. RRSIG NS 13 1 300 $1 $2 12345 example. $signature"
}
zone 1798761600 1796083200 >seconds
zone 20270101000000 20261201000000 >long
verdict() { if "$@" >last.log 2>&1; then echo loads; else grep -om1 'date and time is expected' last.log || echo refuses; fi; }
times() { grep -o 'NS 13 1 300 [0-9]* [0-9]*' | cut -d' ' -f5,6; }
for form in long seconds; do
  echo "$form: BIND $(verdict named-checkzone -k ignore example $form), ldns $(verdict ldns-read-zone $form)," \
    "Knot $(verdict kzonecheck -o example $form), PowerDNS $(verdict zone2json --zone=$form --zone-name=example)," \
    "dnspython $(verdict py/bin/python -c "import dns.zone; dns.zone.from_file('$form', 'example.', relativize=False)")," \
    "NSD $(verdict nsd-checkzone example $form)"
done | tee seen
{
  echo "ldns prints $(ldns-read-zone seconds | tr '\t' ' ' | times)"
  echo "zone2json prints $(zone2json --zone=seconds --zone-name=example 2>/dev/null | times)"
} | tee -a seen
diff - seen <<'X' && echo 'as stated'
long: BIND loads, ldns loads, Knot loads, PowerDNS loads, dnspython loads, NSD loads
seconds: BIND loads, ldns loads, Knot loads, PowerDNS loads, dnspython loads, NSD date and time is expected
ldns prints 20270101000000 20261201000000
zone2json prints 1798761600 1796083200
X
