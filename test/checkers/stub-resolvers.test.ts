/** What programs ask with (the resolver in their C library) against a fedns that sends clients without cookies to TCP. */
import { spawnSync } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { builtCoreDns } from '../forwarders/coredns.ts';
import { config, freePort, MAIN, manifest, NGINX, serve, untapped } from '../process/serving.ts';
import { needCommand } from '../support/commands.ts';
import { scratch } from '../support/scratch.ts';

const REQUIRE = 'stateDir: false\ncookies: { policy: require }\n';

/**
 * Run in namespaces of its own, where port 53 and `/etc/resolv.conf` are free: FOLDER, node, main.ts, name, and a forwarder
 * that listens on 127.0.0.2.
 */
const SCRIPT = `
set -eu
ip link set lo up
mount --bind "$1/resolv.conf" /etc/resolv.conf
"$2" "$3" serve --config "$1/fedns.yaml" >"$1/log" 2>&1 &
fedns=$!
trap 'kill $fedns $forwarder 2>/dev/null' EXIT
forwarder=
if [ -n "$5" ]; then "$5" -conf "$1/Corefile" >"$1/forwarder.log" 2>&1 & forwarder=$!; fi
until grep -q '"msg":"listening"' "$1/log"; do kill -0 $fedns; sleep 0.1; done
if [ -n "$5" ]; then until grep -q CoreDNS- "$1/forwarder.log"; do kill -0 $forwarder; sleep 0.1; done; fi
getent -s dns ahosts "$4"
`;

/** Why there is no namespace to test in; false: there is. */
function missingNamespace(): string | false {
  for (const command of ['unshare', 'ip']) needCommand(command);
  const { status } = spawnSync('unshare', ['--net', '--mount', '--map-root-user', 'true']);
  return status !== 0 && 'this system gives no network namespace';
}

function getent(t: Test, forwarder: string): string {
  const folder = scratch(t, {
    'fedns.yaml': config(53, 9153, REQUIRE),
    'resolv.conf': `nameserver ${forwarder === '' ? '127.0.0.1' : '127.0.0.2'}\noptions timeout:2 attempts:2\n`,
    Corefile: '.:53 {\n  bind 127.0.0.2\n  forward . 127.0.0.1\n}\n',
    cluster: { 'nginx.yaml': manifest('192.0.2.10') },
  });
  const args = ['--net', '--mount', '--map-root-user', 'sh', '-c', SCRIPT, 'sh'];
  const { stdout, stderr, status } = spawnSync(
    ...untapped('unshare', [...args, folder, process.execPath, MAIN, NGINX, forwarder]),
    { encoding: 'utf8' },
  );
  if (status !== 0) t.comment(`ended with ${status}: ${stderr}`);
  return stdout;
}

test(
  'glibc comes back over TCP, directly and behind CoreDNS',
  { skip: missingNamespace(), timeout: 120_000 },
  (t) => {
    t.match(getent(t, ''), /^192\.0\.2\.10 +STREAM/m, 'directly');
    const coreDns = builtCoreDns();
    if (coreDns === undefined) t.pass('behind CoreDNS', { skip: 'CoreDNS has not been built yet' });
    else t.match(getent(t, coreDns), /^192\.0\.2\.10 +STREAM/m, 'behind CoreDNS');
    t.end();
  },
);

test('c-ares and a client without EDNS come back over TCP', async (t) => {
  needCommand('dig');
  const [port, adminPort] = [await freePort(), await freePort()];
  const folder = scratch(t, {
    'fedns.yaml': config(port, adminPort, REQUIRE),
    cluster: { 'nginx.yaml': manifest('192.0.2.10') },
  });
  await serve(t, join(folder, 'fedns.yaml'));
  const cAres = new Resolver({ timeout: 2000, tries: 2 });
  cAres.setServers([`127.0.0.1:${port}`]);
  t.strictSame(await cAres.resolve4(NGINX), ['192.0.2.10']);
  const dig = ['@127.0.0.1', '-p', String(port), '+noedns', '+short', NGINX];
  t.equal(spawnSync(...untapped('dig', dig), { encoding: 'utf8' }).stdout, '192.0.2.10\n');
});
