/**
 * Where the guide of the federation is played: a real API server without nodes as the federation endpoint, three real clusters,
 * one kubeconfig with a context for each, and a folder in which people's commands run. What clouds and kubelets would do
 * in the clusters (addresses of load balancers, Pods that run) is done by hand here.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { MAIN, untapped } from '../process/serving.ts';
import type { Json } from './admin.ts';
import { programFolder } from './binaries.ts';
import { Etcd, MemberCluster } from './member-cluster.ts';
import { eventually, freePort, startProgram, type Running } from './processes.ts';

export const HOST = 'federation-cluster';

/** A member: as its Nodes have it, and the address that its load balancers get. */
export interface Place {
  readonly name: string;
  readonly region: string;
  readonly zone: string;
  readonly address: string;
}

/** What a command said, and how it ended. */
export interface Said {
  readonly text: string;
  readonly code: number | null;
}

export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'fedns-federation-'));
  readonly places: readonly Place[];
  readonly clusters = new Map<string, MemberCluster>();
  readonly #running = new Map<string, Running>();
  readonly #env: NodeJS.ProcessEnv;
  #etcd: Etcd | undefined;
  dnsPort = 0;
  adminPort = 0;

  constructor(places: readonly Place[]) {
    this.places = places;
    const path = `${this.folder}/bin:${programFolder()}:${process.env['PATH']}`;
    this.#env = { ...process.env, PATH: path };
  }

  async start(): Promise<void> {
    this.#etcd = await Etcd.start(this.folder);
    [this.dnsPort, this.adminPort] = [await freePort(), await freePort()];
    await Promise.all([HOST, ...this.places.map(({ name }) => name)].map((name) => this.#startCluster(name)));
    await Promise.all(this.places.map((place) => this.#addNode(place)));
    mkdirSync(join(this.folder, 'bin'));
    const script = `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`;
    writeFileSync(join(this.folder, 'bin/fedns'), script, { mode: 0o755 });
    this.#env['KUBECONFIG'] = [...this.clusters.values()].map(({ kubeconfig }) => kubeconfig).join(':');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((running) => running.stop(true)));
    await Promise.all([...this.clusters.values()].map((cluster) => cluster.stop()));
    await this.#etcd?.stop();
    rmSync(this.folder, { recursive: true });
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.folder, file)), { recursive: true });
    writeFileSync(join(this.folder, file), text);
  }

  /** Runs a line of a shell as people type it. */
  async shell(line: string): Promise<Said> {
    const [command, args] = untapped('sh', ['-c', line]);
    const child = spawn(command, args, {
      cwd: this.folder,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    const take = (part: Buffer): void => void (text += part.toString());
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const [code] = (await once(child, 'close')) as [number | null];
    return { text, code };
  }

  /** Ports of this machine for those of a machine of its own, and hosts of Ingresses as names (docs/guide.md). */
  adapt(file: string): void {
    const path = join(this.folder, file);
    const config = parse(readFileSync(path, 'utf8')) as Json;
    const federations = (config['federations'] as Json[]).map((one) => ({ ...one, hosts: true }));
    const ours = {
      listen: [`127.0.0.1:${this.dnsPort}`],
      admin: `127.0.0.1:${this.adminPort}`,
      workers: 1,
      federations,
    };
    writeFileSync(path, stringify({ ...config, ...ours }));
  }

  /** Starts a command of fedns that goes on. */
  run(name: string, args: readonly string[]): void {
    const [command, all] = untapped(process.execPath, [
      MAIN,
      ...args,
      '--config',
      join(this.folder, 'fedns.yaml'),
    ]);
    const started = startProgram(command, all, join(this.folder, `${name}.log`));
    this.#running.set(name, started);
  }

  async end(name: string): Promise<void> {
    await this.#running.get(name)?.stop(true);
    this.#running.delete(name);
  }

  /** The last lines of a command that goes on. */
  log(name: string): string {
    return this.#running.get(name)?.log() ?? '';
  }

  /** What the clouds' controllers do: an entry point gets its address, as soon as it is there. */
  async giveAddress(path: string): Promise<void> {
    const give = (place: Place): Promise<Json> =>
      eventually(() => this.admin(place.name).patch(`${path}/status`, addressed(place)));
    await Promise.all(this.places.map(give));
  }

  /** What scheduler and kubelet do: a Pod is bound to the Node, runs and is ready. */
  async runPod(cluster: string, path: string): Promise<void> {
    const admin = this.admin(cluster);
    const { metadata, spec } = (await eventually(() => admin.get(path))) as {
      metadata: { name: string };
      spec: { nodeName?: string };
    };
    const target = { apiVersion: 'v1', kind: 'Node', name: 'worker-1' };
    if (spec.nodeName === undefined)
      await admin.create(`${path}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: metadata.name },
        target,
      });
    const conditions = [{ type: 'Ready', status: 'True' }];
    const status = { phase: 'Running', podIP: '10.1.0.1', podIPs: [{ ip: '10.1.0.1' }], conditions };
    await admin.patch(`${path}/status`, { status });
  }

  admin(cluster: string): MemberCluster['admin'] {
    return this.clusters.get(cluster)!.admin;
  }

  async #startCluster(name: string): Promise<void> {
    const controllers = name === HOST ? 'accounts' : true;
    this.clusters.set(
      name,
      await MemberCluster.start(name, this.folder, this.#etcd!, { granted: false, controllers }),
    );
  }

  async #addNode({ name, region, zone }: Place): Promise<void> {
    const labels = { 'topology.kubernetes.io/region': region, 'topology.kubernetes.io/zone': zone };
    await this.admin(name).apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker-1', labels } });
  }
}

function addressed({ address }: Place): Json {
  return { status: { loadBalancer: { ingress: [{ ip: address }] } } };
}
