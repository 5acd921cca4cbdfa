/**
 * A parent zone and what it delegates, on loopback: real NSDs for the zone net. and for domains below it, and a real Unbound that
 * knows net. and some of them. All of them share one port, each has addresses of its own, so no privilege is needed.
 */

import { createSocket } from 'node:dgram';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { freePort, start } from '../process/serving.ts';
import { needCommand } from '../support/commands.ts';
import { scratch } from '../support/scratch.ts';

/** Long enough for the most loaded machine: no case waits for it, since what is silent here refuses. */
export const PATIENCE_MS = 60_000;

/** By what they are in this world. */
export const AT = {
  parent: '127.53.7.1',
  resolver: '127.53.7.2',
  one: '127.53.7.11',
  two: '127.53.7.12',
  /** Answers over UDP only. */
  half: '127.53.7.13',
  /** Nothing listens there. */
  nobody: '127.53.7.14',
  /** A fedns of the test. */
  fedns: '127.53.7.15',
  alsoFedns: '127.53.7.16',
} as const;

/** RFC 6605 section 6.1: a key of example.net and the DS record of it. */
export const RFC6605_KEY =
  '257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==';
export const RFC6605_DS = '55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17';
const OTHER_DS = '1 13 2 0000000000000000000000000000000000000000000000000000000000000000';

/** What the parent says of each domain: name servers with their glue, and DS. */
const DELEGATED: Readonly<
  Record<string, { readonly at: Readonly<Record<string, string>>; readonly ds?: string }>
> = {
  'good.net': { at: { ns1: AT.one, ns2: AT.two } },
  'split.net': { at: { ns1: AT.one, ns2: AT.two } },
  'lame.net': { at: { ns1: AT.one, ns2: AT.two } },
  'half.net': { at: { ns1: AT.one, ns2: AT.half } },
  'referred.net': { at: { ns1: AT.one, ns2: AT.parent } },
  'down.net': { at: { ns1: AT.one, ns2: AT.nobody } },
  'lost.net': { at: { ns1: AT.one } },
  'bogus.net': { at: { ns1: AT.one } },
  'example.net': { at: { ns1: AT.one }, ds: RFC6605_DS },
  'rolled.net': { at: { ns1: AT.one }, ds: OTHER_DS },
  'stripped.net': { at: { ns1: AT.one }, ds: OTHER_DS },
  'unchained.net': { at: { ns1: AT.one } },
  'served.net': { at: { ns1: AT.fedns, ns2: AT.alsoFedns } },
};
/** Domains that a server of the world has, with records beside SOA and NS. */
const SERVED: Readonly<Record<string, readonly string[]>> = {
  'good.net': ['www A 192.0.2.1', 'www A 192.0.2.2'],
  'half.net': [],
  'referred.net': [],
  'down.net': [],
  'lost.net': [],
  'bogus.net': [],
  'example.net': [`@ DNSKEY ${RFC6605_KEY}`],
  'rolled.net': [`@ DNSKEY ${RFC6605_KEY}`],
  'stripped.net': [],
  'unchained.net': [`@ DNSKEY ${RFC6605_KEY}`],
};

const soa = (serial: number) => `@ SOA ns1 hostmaster ${serial} 7200 3600 604800 300`;

function parentZone(): string[] {
  const delegations = Object.entries(DELEGATED).flatMap(([domain, { at, ds }]) => [
    ...Object.entries(at).flatMap(([label, address]) => [
      `${domain}. NS ${label}.${domain}.`,
      `${label}.${domain}. A ${address}`,
    ]),
    ...(ds === undefined ? [] : [`${domain}. DS ${ds}`]),
  ]);
  return [soa(1), '@ NS a.net.', `a.net. A ${AT.parent}`, 'lost.net. NS ns.nowhere.net.', ...delegations];
}

function childZone(domain: string, records: readonly string[], serial: number): string[] {
  const servers = Object.entries(DELEGATED[domain]!.at);
  const glue = servers.flatMap(([label, address]) => [`@ NS ${label}`, `${label} A ${address}`]);
  return [soa(serial), ...glue, ...records];
}

function nsdConfig(folder: string, address: string, port: number, zones: readonly string[]): string {
  const lines = [
    'server:',
    `  ip-address: ${address}@${port}`,
    '  username: ""',
    '  chroot: ""',
    '  server-count: 1',
    `  zonesdir: "${folder}"`,
    `  pidfile: "${folder}/nsd.pid"`,
    '  database: ""',
    `  zonelistfile: "${folder}/zone.list"`,
    `  xfrdfile: "${folder}/xfrd.state"`,
    '  verbosity: 1',
    'remote-control:',
    '  control-enable: no',
    ...zones.flatMap((zone) => ['zone:', `  name: "${zone}"`, `  zonefile: "${zone}.zone"`]),
  ];
  return `${lines.join('\n')}\n`;
}

async function startNsd(
  t: Test,
  world: string,
  address: string,
  port: number,
  zones: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const folder = join(world, address);
  mkdirSync(folder);
  for (const [zone, records] of Object.entries(zones))
    writeFileSync(join(folder, `${zone}.zone`), `$ORIGIN ${zone}.\n$TTL 300\n${records.join('\n')}\n`);
  const file = join(folder, 'nsd.conf');
  writeFileSync(file, nsdConfig(folder, address, port, Object.keys(zones)));
  await start(t, needCommand('nsd'), ['-d', '-c', file]).until(/nsd started/);
}

/** One that validates and takes bogus.net for signed, which it is not. */
function unboundConfig(folder: string, port: number): string {
  const lines = [
    'server:',
    `  interface: ${AT.resolver}`,
    `  port: ${port}`,
    '  access-control: 127.0.0.0/8 allow',
    '  do-not-query-localhost: no',
    '  root-hints: ""',
    '  module-config: "validator iterator"',
    `  trust-anchor: "bogus.net. DS ${OTHER_DS}"`,
    '  username: ""',
    '  chroot: ""',
    `  directory: "${folder}"`,
    '  pidfile: ""',
    '  use-syslog: no',
    '  verbosity: 1',
    '  num-threads: 1',
    '  do-ip6: no',
    'remote-control:',
    '  control-enable: no',
    ...stub('net', AT.parent, port),
    ...stub('good.net', AT.one, port),
    ...stub('bogus.net', AT.one, port),
    ...stub('lame.net', AT.one, port),
    ...stub('served.net', AT.fedns, port),
  ];
  return `${lines.join('\n')}\n`;
}

function stub(zone: string, address: string, port: number): readonly string[] {
  return ['stub-zone:', `  name: "${zone}"`, `  stub-addr: ${address}@${port}`];
}

/** Passes datagrams on to a name server, and takes no connection. */
async function startHalf(t: Test, port: number): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('message', (query, peer) => {
    const relay = createSocket('udp4');
    relay.on('message', (reply) => {
      relay.close();
      socket.send(reply, peer.port, peer.address);
    });
    relay.send(query, port, AT.one);
  });
  await new Promise<void>((resolve) => socket.bind(port, AT.half, resolve));
  t.teardown(() => void socket.close());
}

/** @returns the port that all of them have */
export async function startWorld(t: Test): Promise<number> {
  const port = await freePort();
  const ours = Object.entries(SERVED).map(([domain, records]) => [domain, records] as const);
  const zones = (serial: number, split: string) =>
    Object.fromEntries([
      ...ours.map(([domain, records]) => [domain, childZone(domain, records, serial)] as const),
      ['split.net', childZone('split.net', [split], serial)] as const,
    ]);
  const folder = scratch(t, {});
  const file = join(folder, 'unbound.conf');
  writeFileSync(file, unboundConfig(folder, port));
  await Promise.all([
    startNsd(t, folder, AT.parent, port, { net: parentZone() }),
    startNsd(t, folder, AT.one, port, zones(1, 'www A 192.0.2.1')),
    startNsd(t, folder, AT.two, port, zones(7, 'www A 192.0.2.2')),
    startHalf(t, port),
    start(t, needCommand('unbound'), ['-d', '-c', file]).until(/start of service/),
  ]);
  return port;
}
