import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type Test } from 'tap';
import { config, freePort, manifest, NGINX, serve, untapped } from '../process/serving.ts';
import { selfSigned } from '../server/tcp/self-signed.ts';
import { needCommand } from '../support/commands.ts';
import { scratch } from '../support/scratch.ts';

interface Site {
  readonly port: number;
  readonly tlsPort: number;
}

/** A fedns with one Service, over UDP, TCP and TLS. */
async function startSite(t: Test): Promise<Site> {
  const [port, adminPort, tlsPort] = [await freePort(), await freePort(), await freePort()];
  const tls = `tls: { listen: ['127.0.0.1:${tlsPort}'], certificate: tls.crt, key: tls.key }`;
  const folder = scratch(t, {
    'fedns.yaml': config(port, adminPort, `stateDir: false\nidentity: { nsid: ns1-test }\n${tls}\n`),
    cluster: { 'nginx.yaml': manifest('192.0.2.10') },
  });
  const pair = selfSigned('ns1.example.com');
  writeFileSync(join(folder, 'tls.crt'), pair.certificate);
  writeFileSync(join(folder, 'tls.key'), pair.key);
  await serve(t, join(folder, 'fedns.yaml'));
  return { port, tlsPort };
}

function run(command: string, ...args: string[]): string {
  return spawnSync(...untapped(command, args), { encoding: 'utf8' }).stdout;
}

test('dig', async (t) => {
  needCommand('dig');
  const { port } = await startSite(t);
  const dig = (...args: string[]) =>
    run('dig', '@127.0.0.1', '-p', String(port), '+time=2', '+tries=2', ...args);
  const cases: readonly [string, string[], readonly RegExp[]][] = [
    ['a cookie is learnt', [NGINX], [/status: NOERROR/, /COOKIE: \w{16}01\w{30} \(good\)/, /192\.0\.2\.10/]],
    ['NSID is shown', ['+nsid', NGINX], [/NSID: .*ns1-test/]],
    ['a client subnet', ['+subnet=198.51.100.0/24', NGINX], [/CLIENT-SUBNET: 198\.51\.100\.0\/24\/0/]],
    ['no client subnet', ['+subnet=0', NGINX], [/status: NOERROR/, /CLIENT-SUBNET: 0\.0\.0\.0\/0\/0/]],
    ['expire', ['+expire', 'example.com', 'SOA'], [/EXPIRE: 604800/]],
    ['keepalive over TCP', ['+tcp', '+keepalive', NGINX], [/TCP KEEPALIVE: 10\.0 secs/]],
    ['an unknown EDNS version is agreed down', ['+edns=1', NGINX], [/status: NOERROR/, /192\.0\.2\.10/]],
    ['and refused where it is insisted on', ['+edns=1', '+noednsnegotiation', NGINX], [/status: BADVERS/]],
    [
      'unknown flags and options',
      ['+ednsflags=0x4000', '+ednsopt=100:beef', NGINX],
      [/status: NOERROR/, /flags:;/],
    ],
    ['an extended error', ['example.net'], [/status: REFUSED/, /EDE: 20 \(Not Authoritative\)/]],
    ['a header alone', ['+header-only'], [/status: (NOERROR|FORMERR)/]],
    ['an opcode that nobody has', ['+opcode=15', NGINX], [/status: NOTIMP/]],
    ['a transfer', ['example.com', 'AXFR'], [/Transfer failed/]],
    ["the server's version", ['version.bind', 'TXT', 'CH'], [/status: REFUSED/]],
  ];
  for (const [title, args, patterns] of cases) {
    const output = dig(...args);
    for (const pattern of patterns) t.match(output, pattern, title);
    t.notMatch(output, /Warning|malformed|extra bytes|;; Got bad/, title);
  }
});

function kdig(port: number, ...args: string[]): string {
  return run('kdig', '@127.0.0.1', '-p', String(port), '+time=2', ...args);
}

test('kdig, over UDP, TCP and TLS', async (t) => {
  needCommand('kdig');
  const { port, tlsPort } = await startSite(t);
  t.match(kdig(port, NGINX, 'A'), /status: NOERROR[^]*192\.0\.2\.10/);
  t.match(
    kdig(port, '+tcp', '+keepopen', NGINX, 'A', NGINX, 'AAAA'),
    /192\.0\.2\.10[^]*ANSWER: 0; AUTHORITY: 1/,
  );
  t.match(kdig(port, '+cookie', NGINX), /COOKIE: [0-9A-F]{48}/i);
  const encrypted = kdig(tlsPort, '+tls', '+padding', NGINX);
  t.match(encrypted, /TLS session \(TLS1\.3\)[^]*192\.0\.2\.10/);
  t.match(encrypted, /Received 468 B/, 'padded (RFC 8467 section 4.1)');
});

test('drill', async (t) => {
  needCommand('drill');
  const { port } = await startSite(t);
  const drill = (...args: string[]) => run('drill', '-p', String(port), ...args);
  t.match(drill('@127.0.0.1', NGINX, 'A'), /rcode: NOERROR[^]*192\.0\.2\.10/);
  t.match(drill('-t', '@127.0.0.1', 'example.com', 'SOA'), /ns1\.example\.com\. hostmaster\.example\.com\./);
  t.match(drill('-D', '@127.0.0.1', 'nope.example.com', 'A'), /rcode: NXDOMAIN/);
});
