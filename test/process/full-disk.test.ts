/** A fedns whose state folder has no room left: a file system of its own, in a namespace of its own, that is filled up. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { needCommand } from '../support/commands.ts';
import { config, MAIN, manifest, NGINX, untapped } from './serving.ts';
import { scratch } from '../support/scratch.ts';

/**
 * FOLDER, node, main.ts, name: runs once, so that there is a state; takes the manifests away; fills the disk, with what a crash
 * leaves among it where LEFTOVER is set; starts again.
 */
const SCRIPT = `
set -eu
ip link set lo up
mkdir -p "$1/state"
mount -t tmpfs -o size=256k tmpfs "$1/state"
started() { until grep -q '"msg":"listening"' "$1"; do kill -0 $fedns || exit 3; sleep 0.1; done; }
"$2" "$3" serve --config "$1/fedns.yaml" >"$1/first" 2>&1 & fedns=$!
started "$1/first"
kill $fedns; wait $fedns
mv "$1/cluster" "$1/away"
if [ -n "$5" ]; then dd if=/dev/zero of="$1/state/snapshot.ndjson.4711.new" bs=4k count=20 2>/dev/null; fi
cat /dev/zero >"$1/state/other" 2>/dev/null || true
"$2" "$3" serve --config "$1/fedns.yaml" >"$1/second" 2>&1 & fedns=$!
trap 'kill $fedns' EXIT
started "$1/second"
dig @127.0.0.1 -p 5300 +short "$4"
ls "$1/state"
`;

function runFull(t: Test, leftover: '' | 'leftover'): { out: string; log: string } {
  const folder = scratch(t, {
    'fedns.yaml': config(5300, 9153, 'stateDir: ./state\n'),
    cluster: { 'nginx.yaml': manifest('192.0.2.10') },
  });
  const args = ['--net', '--mount', '--map-root-user', 'sh', '-c', SCRIPT, 'sh'];
  const { stdout, stderr } = spawnSync(
    ...untapped('unshare', [...args, folder, process.execPath, MAIN, NGINX, leftover]),
    { encoding: 'utf8' },
  );
  return { out: stdout + stderr, log: readFileSync(join(folder, 'second'), 'utf8') };
}

function missingNamespace(): string | false {
  for (const command of ['unshare', 'ip', 'dig']) needCommand(command);
  const { status } = spawnSync('unshare', ['--net', '--mount', '--map-root-user', 'true']);
  return status !== 0 && 'this system gives no mount namespace';
}

const options = { skip: missingNamespace(), timeout: 120_000 };

test(
  'with a full disk the state that can be read is served, and the log names path and cause',
  options,
  (t) => {
    const { out, log } = runFull(t, '');
    t.match(out, /^192\.0\.2\.10$/m);
    t.notMatch(out, /^(lock|.*\.new)$/m, 'nothing empty is left behind');
    t.match(log, /"STATE_FULL"[^\n]*state\/lock cannot be written: ENOSPC[^\n]*not claimed/);
    t.match(log, /"STATE_FULL"[^\n]*state\/serial\.json cannot be written: ENOSPC/);
    t.end();
  },
);

test('what a crash left is removed at the start, also where it is what filled the disk', options, (t) => {
  const { out, log } = runFull(t, 'leftover');
  t.match(out, /^192\.0\.2\.10$/m);
  t.match(out, /^lock$/m);
  t.notMatch(out, /\.new$/m);
  t.notMatch(log, /STATE_FULL/);
  t.end();
});
