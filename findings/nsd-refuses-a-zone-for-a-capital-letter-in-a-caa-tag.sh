#!/usr/bin/env bash
# Versions: NSD 4.6.1 against BIND 9.18, ldns 1.8.3, Knot 3.2.6 (Debian 12).
# Guess:    `CAA 0 Issue "ca.example"` is read by every server: tags match without case (RFC 8659 section 4.1), so
#           capital letters in them are valid, and at worst made small.
# Seen:     NSD refuses a capital letter in the tag, and with it the zone; the three others load it and keep it as
#           written. The same octets in the \# form of RFC 3597 NSD takes, and prints in that form again.
# Matters:  a file that BIND or Knot serve does not load on the NSD beside them, for a record that certificate
#           authorities read well. Write tags in lower case; a reader of zone files takes any case.
set -euo pipefail
t=$(mktemp -d); chmod 755 "$t"; trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir -p deb/partial tree
packages='knot-dnssecutils=3.2.6-1 nsd=4.6.1-1 ldnsutils=1.8.3-1+b1 bind9-utils'
get() { apt-get -qq -y -o Debug::NoLocking=1 -o Dir::Cache::archives="$t/deb" --no-install-recommends --reinstall --download-only install $packages >apt.log 2>&1; }
get || { apt-get -qq update && get; } || { cat apt.log; exit 1; }
for package in deb/*.deb; do dpkg -x "$package" tree; done
export PATH=$t/tree/usr/bin:$t/tree/usr/sbin:$PATH LD_LIBRARY_PATH=$t/tree/usr/lib/x86_64-linux-gnu
named-compilezone -v | grep -q '^9\.18\.' || { echo 'not BIND 9.18'; exit 1; }

zone() { # RDATA
  printf '%s\n' '$TTL 300' 'example. SOA ns.example. hostmaster.example. 1 7200 3600 86400 60' 'example. NS ns.example.' \
    'ns.example. A 192.0.2.1' "caa.example. $1"
}
verdict() { if "$@" >last.log 2>&1; then echo loads; else grep -o 'contains invalid char.*' last.log || echo refuses; fi; }
zone 'CAA 0 Issue "ca.example"' >text
zone 'CAA \# 17 0005497373756563612e6578616d706c65' >octets
{
  echo "text: BIND $(verdict named-checkzone example text), ldns $(verdict ldns-read-zone text), Knot $(verdict kzonecheck -o example text)," \
    "NSD $(verdict nsd-checkzone example text)"
  echo "octets: NSD $(verdict nsd-checkzone example octets)"
  nsd-checkzone -p example octets | grep -o 'CAA.*' | tr '\t' ' ' | sed 's/^/NSD prints: /'
} | tee seen
diff - seen <<'X' && echo 'as stated'
text: BIND loads, ldns loads, Knot loads, NSD contains invalid char I
octets: NSD loads
NSD prints: CAA \# 17 0005497373756563612e6578616d706c65
X
