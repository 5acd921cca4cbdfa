/** fedns with the demo's federation, and what a forwarder in front of it must give back. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { parseDocument } from 'yaml';
import { freePort, serve, untapped } from '../process/serving.ts';
import { scratch } from '../support/scratch.ts';

const DEMO = fileURLToPath(new URL('../../config/demo.yaml', import.meta.url));
const SERVICE = 'nginx.mynamespace.myfederation.svc';
export const DOMAIN = 'example.com';
/** A TXT record that no UDP reply holds. */
const LARGE = `large.${DOMAIN}`;

interface DemoCluster {
  readonly region: string;
  readonly zones: readonly string[];
  manifests: string;
}

export interface Demo {
  readonly port: number;
  /** Every name of the Service, at the global level and at each region and zone. */
  readonly names: readonly string[];
}

/** Starts it on a free port. */
export async function startDemo(t: Test): Promise<Demo> {
  const port = await freePort();
  const config = parseDocument(readFileSync(DEMO, 'utf8')).toJS() as {
    clusters: DemoCluster[];
    records: object[];
  };
  for (const cluster of config.clusters) cluster.manifests = join(dirname(DEMO), cluster.manifests);
  config.records.push({
    name: LARGE,
    type: 'TXT',
    data: Array(12)
      .fill(`"${'x'.repeat(250)}"`)
      .join(' '),
  });
  Object.assign(config, { listen: [`127.0.0.1:${port}`], admin: undefined, stateDir: false, workers: 1 });
  const file = join(scratch(t, {}), 'fedns.yaml');
  writeFileSync(file, JSON.stringify(config));
  await serve(t, file);
  return { port, names: namesOf(config.clusters) };
}

function namesOf(clusters: readonly DemoCluster[]): string[] {
  const regions = clusters.map(({ region }) => `.${region}`);
  const zones = clusters.flatMap(({ region, zones: names }) =>
    names.flatMap((zone) => [`.${zone}`, `.${zone}.${region}`]),
  );
  return [...new Set(['', ...regions, ...zones])].map((location) => `${SERVICE}${location}.${DOMAIN}`);
}

/** What dig has to say, without what differs from reply to reply. */
function ask(port: number, name: string, type: string, options: readonly string[]): string {
  const args = ['@127.0.0.1', '-p', String(port), '+time=3', '+tries=3', '+nottlid', ...options, name, type];
  const { stdout } = spawnSync(...untapped('dig', args), { encoding: 'utf8' });
  const status = /status: (\w+)/.exec(stdout)?.[1] ?? 'no reply';
  const answer = /ANSWER SECTION:\n([^]*?)\n\n/.exec(stdout)?.[1] ?? '';
  const lines = answer
    .toLowerCase()
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' '));
  return [status, ...lines.toSorted()].join('\n');
}

/** Asks both for every name and compares. */
export function compareAll(t: Test, demo: Demo, forwarder: number): void {
  for (const name of demo.names) {
    for (const type of ['A', 'AAAA', 'SOA']) {
      t.equal(ask(forwarder, name, type, []), ask(demo.port, name, type, []), `${name} ${type}`);
    }
  }
  const global = demo.names[0]!;
  for (const [name, type] of [
    [`_http._tcp.${global}`, 'SRV'],
    [`nope.${DOMAIN}`, 'A'],
    [`svc.${DOMAIN}`, 'A'],
    [DOMAIN, 'NS'],
    [DOMAIN, 'MX'],
  ] as const) {
    t.equal(ask(forwarder, name, type, []), ask(demo.port, name, type, []), `${name} ${type}`);
  }
}

/** Letters of either case, as resolvers that use 0x20 send them. */
function mixed(name: string): string {
  return [...name].map((char, i) => (i % 3 === 0 ? char.toUpperCase() : char)).join('');
}

/** The status and the records that an alias leads to: what dnsmasq caches of a reply over TCP lacks the middle of a chain. */
function endOfChain(reply: string): string {
  return reply
    .split('\n')
    .filter((line) => !line.includes(' in cname '))
    .join('\n');
}

const FORMS = ['+tcp', '+bufsize=512', '+bufsize=1232', '+bufsize=4096', '+dnssec', '+noedns', '+nocookie'];

/** The same names in other ways: over TCP, in mixed case, with other payload sizes, with DO, without EDNS, beyond UDP. */
export function compareForms(t: Test, demo: Demo, forwarder: number): void {
  const [global = '', ...others] = demo.names;
  const aliased = others.find((name) => name.includes('europe-west1-b'))!;
  for (const name of [global, aliased]) {
    const expected = endOfChain(ask(demo.port, name, 'A', []));
    for (const form of FORMS) {
      t.equal(endOfChain(ask(forwarder, name, 'A', [form])), expected, `${form} ${name}`);
    }
    t.equal(endOfChain(ask(forwarder, mixed(name), 'A', [])), expected, mixed(name));
  }
  const large = ask(demo.port, LARGE, 'TXT', []);
  t.match(large, /^NOERROR\n.{3000}/, 'over TCP after truncation');
  t.equal(ask(forwarder, LARGE, 'TXT', []), large, 'the forwarder repeats over TCP, or has its client do so');
  t.equal(ask(forwarder, LARGE, 'TXT', ['+tcp']), large, 'over TCP at once');
}
