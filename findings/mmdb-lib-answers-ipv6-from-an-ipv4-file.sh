#!/usr/bin/env bash
# Versions: mmdb-lib 3.0.3 and maxmind 5.0.7 (npm) against maxminddb 3.2.0 (PyPI), on a file by mmdb_writer 0.2.7 (PyPI).
# Guess:    an IPv6 address asked of a database whose metadata says ip_version 4 is an error, as MaxMind's own readers
#           make it, or at least null.
# Seen:     mmdb-lib, and maxmind which is built on it, walk the IPv4 tree with the first 32 bits of the IPv6 address
#           and give that record, with the prefix length: 2001:db8::1 gets the place of 32.1.13.184. Python raises.
# Matters:  providers that sell IPv4 and IPv6 as two files (DB-IP's on npm) make it easy to load only the first. Most
#           of IPv6 in use starts with 2001 to 2a0f, so all of it is placed where 32.0.0.0/8 to 42.0.0.0/8 are, with
#           no error and no null to see. Check metadata.ipVersion before each look-up.
set -euo pipefail
t=$(mktemp -d); trap 'rm -rf "$t"' EXIT
cd "$t"; mkdir js
(cd js && npm init -y && npm install --no-audit --no-fund --no-update-notifier mmdb-lib@3.0.3 maxmind@5.0.7) >npm.log 2>&1 || { cat npm.log; exit 1; }
python3 -m pip -q --disable-pip-version-check install --no-compile --target lib mmdb_writer==0.2.7 maxminddb==3.2.0 netaddr==1.3.0 >pip.log 2>&1 || { cat pip.log; exit 1; }
export PYTHONPATH=$t/lib

python3 - <<'X'
from mmdb_writer import MMDBWriter
from netaddr import IPSet
writer = MMDBWriter(4, 'Test-City')
writer.insert_network(IPSet(['32.1.0.0/16']), {'city': 'city of 32.1.0.0/16'})
writer.to_db_file('v4.mmdb')
X
cat >look.py <<'X'
import maxminddb
reader = maxminddb.open_database('v4.mmdb')
for address in ('32.1.13.184', '2001:db8::1', '2a02::1'):
    try:
        print('python', address, reader.get_with_prefix_len(address))
    except ValueError as error:
        print('python', address, 'ValueError:', str(error).split('. ')[1])
X
cat >js/look.mjs <<'X'
import { readFileSync } from 'node:fs'
import { Reader } from 'mmdb-lib'
import { open } from 'maxmind'
const addresses = ['32.1.13.184', '2001:db8::1', '2a02::1']
const reader = new Reader(readFileSync('v4.mmdb'))
console.log('mmdb-lib ipVersion', reader.metadata.ipVersion)
for (const address of addresses) console.log('mmdb-lib', address, JSON.stringify(reader.getWithPrefixLength(address)))
const maxmind = await open('v4.mmdb')
for (const address of addresses) console.log('maxmind', address, JSON.stringify(maxmind.get(address)))
X
{ python3 look.py; node js/look.mjs; } | tee seen
diff - seen <<'X' && echo 'as stated'
python 32.1.13.184 ({'city': 'city of 32.1.0.0/16'}, 16)
python 2001:db8::1 ValueError: You attempted to look up an IPv6 address in an IPv4-only database
python 2a02::1 ValueError: You attempted to look up an IPv6 address in an IPv4-only database
mmdb-lib ipVersion 4
mmdb-lib 32.1.13.184 [{"city":"city of 32.1.0.0/16"},16]
mmdb-lib 2001:db8::1 [{"city":"city of 32.1.0.0/16"},16]
mmdb-lib 2a02::1 [null,5]
maxmind 32.1.13.184 {"city":"city of 32.1.0.0/16"}
maxmind 2001:db8::1 {"city":"city of 32.1.0.0/16"}
maxmind 2a02::1 null
X
