/** Replies of the portable transport on wildcard addresses: they come from the address that was asked. */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test, type Test } from 'tap';
import { COUNTERS_PER_WORKER } from '../../../src/server/counters.ts';
import type { Responder } from '../../../src/server/responder.ts';
import { PortableUdp } from '../../../src/server/udp/portable.ts';
import { config, MAIN, manifest, NGINX, untapped } from '../../process/serving.ts';
import { needCommand } from '../../support/commands.ts';
import { scratch } from '../../support/scratch.ts';

const echo: Responder = {
  isStale: false,
  enter: () => undefined,
  leave: () => undefined,
  adopt: () => undefined,
  answer: (query, start, length, reply, replyStart) => {
    reply.set(query.subarray(start, start + length), replyStart);
    return length;
  },
};

/** Starts the transport of one worker on a machine that has these addresses. */
async function startOn(t: Test, address: string, addresses: string[]): Promise<[PortableUdp, number]> {
  const udp = new PortableUdp({
    listen: [{ address, port: 0 }],
    reusePort: process.platform === 'linux',
    responder: echo,
    refresh: () => undefined,
    counters: new Float64Array(COUNTERS_PER_WORKER),
    addresses: () => [...addresses],
  });
  const [bound] = await udp.start();
  t.teardown(() => udp.stop());
  return [udp, bound!.port];
}

/** Where the reply to a packet comes from that is sent to `to` from another address. */
async function sourceOf(t: Test, to: string, port: number): Promise<string> {
  const client = createSocket('udp4');
  t.teardown(() => client.close());
  client.bind(0, '127.0.0.77');
  await once(client, 'listening');
  client.send(Buffer.alloc(12), port, to);
  const [, from] = (await once(client, 'message')) as [Buffer, { address: string }];
  return from.address;
}

const isLinux = process.platform === 'linux';
/** Elsewhere 127.0.0.0/8 is one address. */
const skip = !isLinux && 'needs several addresses on the loopback';

for (const wildcard of ['0.0.0.0', '::']) {
  test(`RFC 2181 section 4.1: on ${wildcard} the source is what was asked`, { skip }, async (t) => {
    const asked = ['127.0.0.1', '127.0.0.2', '127.0.0.77'];
    const [, port] = await startOn(t, wildcard, [...asked, '::1']);
    for (const address of asked) t.equal(await sourceOf(t, address, port), address);
  });

  test(`addresses that come and go are followed on ${wildcard}`, { skip }, async (t) => {
    const addresses = ['127.0.0.1', '127.0.0.2'];
    const [udp, port] = await startOn(t, wildcard, addresses);
    addresses.splice(1, 1, '127.0.0.3');
    await udp.look();
    t.equal(await sourceOf(t, '127.0.0.3', port), '127.0.0.3');
    t.not(await sourceOf(t, '127.0.0.2', port), '127.0.0.2', 'it has no socket any more');
    t.equal(await sourceOf(t, '127.0.0.1', port), '127.0.0.1');
  });
}

test(
  'an address that cannot be bound, and one that is listened on by itself, cost nothing',
  { skip },
  async (t) => {
    const [, port] = await startOn(t, '0.0.0.0', ['192.0.2.1', 'fe80::1%none', '127.0.0.2']);
    t.equal(await sourceOf(t, '127.0.0.2', port), '127.0.0.2');
  },
);

test('a packet to an address that is new has the addresses looked at', { skip }, async (t) => {
  const addresses = ['127.0.0.1'];
  const [, port] = await startOn(t, '0.0.0.0', addresses);
  addresses.push('127.0.0.4');
  for (;;) if ((await sourceOf(t, '127.0.0.4', port)) === '127.0.0.4') break;
  t.pass('within half a second');
});

/** FOLDER, node, main.ts, and a name: a machine with addresses as keepalived and anycast have them, asked from another. */
const SCRIPT = `
set -eu
ip link set lo up
for address in 10.9.0.1/24 10.9.0.5/24 10.9.0.6/24 203.0.113.53/32 2001:db8::5/64; do ip addr add "$address" dev lo; done
"$2" "$3" serve --config "$1/fedns.yaml" >"$1/log" 2>&1 &
fedns=$!
trap 'kill $fedns' EXIT
until grep -q '"msg":"listening"' "$1/log"; do kill -0 $fedns; sleep 0.1; done
ask() { echo "$2 $(dig -b "$1" "@$2" -p 5300 +time=2 +tries=1 +short "$3")"; }
for server in 127.0.0.1 10.9.0.5 10.9.0.6 203.0.113.53; do ask 10.9.0.1 $server "$4"; done
for server in ::1 2001:db8::5; do ask ::1 $server "$4"; done
ip addr del 10.9.0.5/24 dev lo
ip addr add 198.51.100.7/32 dev lo
until dig -b 10.9.0.1 @198.51.100.7 -p 5300 +time=1 +tries=1 +short "$4" >/dev/null; do :; done
ask 10.9.0.1 198.51.100.7 "$4"
`;

test(
  'a served machine answers from each of its addresses, and from one that moves to it',
  { timeout: 120_000 },
  (t) => {
    for (const command of ['unshare', 'ip', 'dig']) needCommand(command);
    const { status } = spawnSync('unshare', ['--net', '--map-root-user', 'true']);
    if (status !== 0) {
      t.pass('', { skip: 'this system gives no network namespace' });
      return void t.end();
    }
    for (const listen of [`['0.0.0.0:5300', '[::]:5300']`, `['[::]:5300']`]) {
      const text = config(5300, 9153, 'transport: portable\nstateDir: false\n');
      const folder = scratch(t, {
        'fedns.yaml': text.replace(/^listen: .*$/m, `listen: ${listen}`).replace('workers: 1', 'workers: 2'),
        cluster: { 'nginx.yaml': manifest('192.0.2.10') },
      });
      const args = [
        '--net',
        '--map-root-user',
        'sh',
        '-c',
        SCRIPT,
        'sh',
        folder,
        process.execPath,
        MAIN,
        NGINX,
      ];
      const { stdout, stderr } = spawnSync(...untapped('unshare', args), { encoding: 'utf8' });
      const asked = [
        '127.0.0.1',
        '10.9.0.5',
        '10.9.0.6',
        '203.0.113.53',
        '::1',
        '2001:db8::5',
        '198.51.100.7',
      ];
      t.strictSame(
        stdout.trim().split('\n'),
        asked.map((address) => `${address} 192.0.2.10`),
        listen + stderr,
      );
    }
    t.end();
  },
);
