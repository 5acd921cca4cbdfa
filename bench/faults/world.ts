/**
 * Owns the world that a fault is played in: member clusters with an API server each (simulated, over real TLS, so that it can
 * misbehave), a fedns process from source, and the judge of its answers.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, lookAgain, MAIN } from '../../test/process/serving.ts';
import { node, READY, service, slice } from '../../test/watchers/kubernetes-objects.ts';
import {
  NODES,
  ScriptedApiServer,
  SERVICES,
  SLICES,
  testAuthority,
} from '../../test/watchers/scripted-api-server.ts';
import { Judge, type Tally } from './judge.ts';

/** Clusters of a world; one of them out of reach is no majority. */
export const CLUSTERS = 4;
/** How long a cluster out of reach counts on, in seconds: short, so that the kit is. */
const GRACE_SECONDS = 2;

/** The Service as it is asked for everywhere. */
export const GLOBAL = 'nginx.web.main.svc.example.com';

/** The same in the region of one cluster. */
export function inRegion(index: number): string {
  return `nginx.web.main.svc.r${index}.example.com`;
}

/** What a world is made with, beyond the common. */
export interface WorldOptions {
  readonly allowanceMs: number;
  /** Further lines of the configuration. */
  readonly config?: string;
  /** What fedns is started by, in place of Node alone: the command before `node main.ts …`. */
  readonly before?: (folder: string) => readonly string[];
  /** Arguments of Node. */
  readonly node?: readonly string[];
  readonly env?: (folder: string) => NodeJS.ProcessEnv;
}

export class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'fedns-fault-'));
  readonly servers: ScriptedApiServer[] = [];
  readonly #options: WorldOptions;
  /** The address of each cluster's Service. */
  readonly #addresses: string[] = [];
  /** Whether each cluster's Service counts. */
  readonly #counts: boolean[] = [];
  #child: ChildProcess | undefined;
  #port = 0;
  #adminPort = 0;
  #judge: Judge | undefined;
  #log = '';

  constructor(options: WorldOptions) {
    this.#options = options;
  }

  get judge(): Judge {
    return this.#judge!;
  }

  get child(): ChildProcess {
    return this.#child!;
  }

  /** What fedns has written. */
  get log(): string {
    return this.#log;
  }

  get file(): string {
    return join(this.folder, 'fedns.yaml');
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${this.#adminPort}`;
  }

  /** The wall clock of fedns, by the date of its replies, in milliseconds since the epoch. */
  async clockMs(): Promise<number> {
    const response = await fetch(`${this.adminUrl}/healthz`);
    await response.text();
    return Date.parse(response.headers.get('date')!);
  }

  async start(): Promise<void> {
    [this.#port, this.#adminPort] = [await freePort(), await freePort()];
    for (let i = 0; i < CLUSTERS; i++) await this.#addCluster(i);
    mkdirSync(join(this.folder, 'state'));
    writeFileSync(this.file, this.config);
    await this.serve();
    await this.#untilReady();
    this.#judge = new Judge(this.#port, this.#options.allowanceMs);
    this.expectAll();
    this.#judge.begin();
    await this.untilRight();
  }

  /** What is not read yet is not there yet. */
  async #untilReady(): Promise<void> {
    while ((await fetch(`${this.adminUrl}/readyz`)).status !== 200) await lookAgain();
  }

  /** Starts fedns, and waits until it takes queries. */
  async serve(): Promise<void> {
    const { before = () => [], node: args = [], env = () => ({}) } = this.#options;
    const command = [...before(this.folder), process.execPath, ...args, MAIN, 'serve', '-c', this.file];
    const { NODE_OPTIONS: _tap, ...inherited } = process.env;
    const child = spawn(command[0]!, command.slice(1), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...inherited, ...env(this.folder) },
    });
    this.#child = child;
    const from = this.#log.length;
    child.stderr!.on('data', (part: Buffer) => (this.#log += part.toString()));
    const ended = once(child, 'exit').then(() => {
      throw new Error(`fedns ended before it served: ${this.#log.slice(from)}`);
    });
    ended.catch(() => {});
    while (!this.#log.slice(from).includes('"msg":"listening"'))
      await Promise.race([once(child.stderr!, 'data'), ended]);
  }

  /** Gives a cluster's Service another address. */
  move(index: number, address: string): void {
    this.#addresses[index] = address;
    this.servers[index]!.put(SERVICES, service({ ingress: [{ ip: address }] }));
    this.expectAll();
  }

  /** Gives a cluster's Service a host name, which resolves to an address. */
  async followHostname(index: number, hostname: string, address: string): Promise<void> {
    // Until it has resolved for the first time there is no address.
    this.setCounts(index, false);
    this.#addresses[index] = address;
    this.setCounts(index, true);
    this.servers[index]!.put(SERVICES, service({ ingress: [{ hostname }] }));
    await this.untilRight();
  }

  /** Makes a cluster's endpoints ready, or not. */
  setReady(index: number, isReady: boolean): void {
    this.servers[index]!.put(SLICES, sliceOf(isReady));
    this.setCounts(index, isReady);
  }

  /** Says whether a cluster's Service is to be answered with. */
  setCounts(index: number, counts: boolean): void {
    this.#counts[index] = counts;
    this.expectAll();
  }

  address(index: number): string {
    return this.#addresses[index]!;
  }

  /** What the name has to be answered with now. */
  right(name = GLOBAL): string[] {
    const all = this.#addresses.filter((_, i) => this.#counts[i]);
    const own = this.#addresses.filter((_, i) => this.#counts[i] && name === inRegion(i));
    return own.length > 0 ? own : all;
  }

  expectAll(): void {
    const names = [GLOBAL, ...this.servers.map((_, i) => inRegion(i))];
    for (const name of names) this.#judge?.expect(name, this.right(name));
  }

  /** Resolves when all names are answered as they have to be; how long that took, in milliseconds. */
  async untilRight(): Promise<number> {
    const names = [GLOBAL, ...this.servers.map((_, i) => inRegion(i))];
    const times = names.map((name) => this.judge.until(name, this.right(name)));
    return Math.max(...(await Promise.all(times)));
  }

  async end(): Promise<Tally> {
    const tally = await this.judge.end();
    await this.stopServing('SIGKILL');
    for (const server of this.servers) await server.stop().catch(() => {});
    rmSync(this.folder, { recursive: true, force: true });
    return tally;
  }

  async stopServing(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    const pid = this.#holder() ?? child.pid!;
    const exited = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, 'exit');
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended already.
    }
    if (pid === child.pid || signal === 'SIGKILL') child.kill(signal);
    await exited;
  }

  /** The process that holds the state folder: after a succession not the one that was started here. */
  #holder(): number | undefined {
    try {
      return (JSON.parse(readFileSync(join(this.folder, 'state', 'lock'), 'utf8')) as { pid: number }).pid;
    } catch {
      return undefined;
    }
  }

  async #addCluster(index: number): Promise<void> {
    const server = new ScriptedApiServer();
    // Not one cluster under several names.
    server.uid = `cluster-${index}`;
    this.servers.push(server);
    this.#addresses.push(`192.0.2.${10 + index}`);
    this.#counts.push(true);
    const labels = {
      'topology.kubernetes.io/region': `r${index}`,
      'topology.kubernetes.io/zone': `z${index}`,
    };
    server.load(NODES, [node('worker-1', labels)]);
    server.load(SERVICES, [service({ ingress: [{ ip: this.#addresses[index]! }] })]);
    server.load(SLICES, [sliceOf(true)]);
    await server.start();
    writeFileSync(join(this.folder, `kubeconfig-${index}`), JSON.stringify(kubeconfig(server.url)));
  }

  /** The text of the configuration. */
  get config(): string {
    const clusters = this.servers.map(
      (_, i) => `  - { name: c${i}, kubeconfig: { path: ./kubeconfig-${i} } }\n`,
    );
    return `domain: example.com
nameservers: [{ name: ns1.example.com, addresses: [127.0.0.1] }]
listen: ['127.0.0.1:${this.#port}']
admin: 127.0.0.1:${this.#adminPort}
stateDir: ./state
workers: 2
log: { format: json }
outage: { graceSeconds: ${GRACE_SECONDS} }
federations: [{ name: main }]
clusters:
${clusters.join('')}${this.#options.config ?? ''}`;
  }
}

function sliceOf(isReady: boolean): Record<string, unknown> {
  return slice([{ ...READY, conditions: { ready: isReady } }]);
}

function kubeconfig(server: string): object {
  const ca = Buffer.from(testAuthority().cert).toString('base64');
  return {
    'current-context': 'a',
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': ca } }],
    users: [{ name: 'u', user: { token: 'x' } }],
    contexts: [{ name: 'a', context: { cluster: 'c', user: 'u' } }],
  };
}
