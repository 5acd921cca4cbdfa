/** A federation of real API servers: a host that is the federation endpoint, too, and members; and what tests ask of them. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { federatedKinds } from '../../src/federation/kinds/table.ts';
import { Federate } from '../../src/federation/run/federate.ts';
import type { Log } from '../../src/log.ts';
import { systemTimers } from '../../src/timers.ts';
import type { Admin, Json } from './admin.ts';
import { Etcd, MemberCluster } from './member-cluster.ts';
import { eventually } from './processes.ts';

const PATHS: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  Service: 'services',
  ConfigMap: 'configmaps',
  Secret: 'secrets',
};

/** An object of a kind that tests use, as an API server shows it. */
export interface Shown {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
  readonly spec: Json & { readonly ports: readonly Json[] };
  readonly data?: Record<string, string>;
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly Json[] };
    readonly conditions?: readonly Condition[];
  };
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** A cluster as the configuration names it. */
type Named = Pick<MemberCluster, 'name' | 'kubeconfig'>;

export class FederationWorld {
  readonly folder: string;
  readonly etcd: Etcd;
  readonly host: MemberCluster;
  readonly members: readonly MemberCluster[];
  readonly log: string[] = [];
  #federate: Federate | undefined;

  private constructor(folder: string, etcd: Etcd, host: MemberCluster, members: readonly MemberCluster[]) {
    this.folder = folder;
    this.etcd = etcd;
    this.host = host;
    this.members = members;
  }

  static async start(...names: readonly string[]): Promise<FederationWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'fedns-federation-'));
    const etcd = await Etcd.start(folder);
    const open = (name: string): Promise<MemberCluster> =>
      MemberCluster.start(name, folder, etcd, { granted: false, controllers: false });
    const [host, ...members] = await Promise.all(['host', ...names].map(open));
    const world = new FederationWorld(folder, etcd, host!, members);
    await world.create(host!, 'Namespace', 'fedns');
    return world;
  }

  async stop(): Promise<void> {
    await this.pauseFederating();
    await Promise.all([this.host, ...this.members].map((cluster) => cluster.stop()));
    await this.etcd.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The configuration, as YAML. @param clusters - those that it names; others may join by Secrets */
  config(clusters: readonly Named[], more = ''): string {
    const named = clusters.map(
      ({ name, kubeconfig }) =>
        `  - { name: ${name}, region: r-${name}, kubeconfig: { path: ${kubeconfig} } }`,
    );
    return `domain: example.com
nameservers: [{ name: ns1.example.com, addresses: [192.0.2.1] }]
federations: [{ name: main }]
stateDir: false
federate: { select: all }
clusterSecrets: { namespace: fedns, kubeconfig: { path: ${this.host.kubeconfig} } }
${more}
clusters:${named.length === 0 ? ' []' : `\n${named.join('\n')}`}
`;
  }

  settings(clusters: readonly Named[], more = ''): Settings {
    return parseSettings(this.config(clusters, more), { file: join(this.folder, 'fedns.yaml') }).settings;
  }

  /** Runs a replica in this process. */
  async federate(settings: Settings): Promise<void> {
    const write = (fields: object, message: string): void =>
      void this.log.push(`${message} ${JSON.stringify(fields)}`);
    const log: Log = { debug: write, info: write, warn: write, error: write };
    this.#federate = new Federate({
      settings,
      federate: settings.federate!,
      kinds: federatedKinds({ division: 'v1' }),
      // Those of one loop of a test come together, also on a busy machine.
      gatherMs: 700,
      identity: `test_${process.hrtime.bigint()}`,
      timers: systemTimers,
      clock: Date.now,
      random: Math.random,
      log,
    });
    await this.#federate.start();
  }

  get running(): Federate {
    return this.#federate!;
  }

  async pauseFederating(): Promise<void> {
    await this.#federate?.stop();
    this.#federate = undefined;
  }

  create({ admin }: MemberCluster, kind: string, path: string, more: Json = {}): Promise<Json> {
    const { namespace, name } = placeOf(path);
    const { metadata = {}, ...fields } = more as { metadata?: Json };
    return admin.create(collection(kind, namespace), {
      apiVersion: 'v1',
      kind,
      metadata: { name, ...metadata },
      ...fields,
    });
  }

  async get(cluster: MemberCluster, kind: string, path: string): Promise<Shown> {
    return (await cluster.admin.get(pathOf(kind, path))) as unknown as Shown;
  }

  patch(cluster: MemberCluster, kind: string, path: string, change: Json): Promise<Json> {
    return cluster.admin.patch(pathOf(kind, path), change);
  }

  remove(cluster: MemberCluster, kind: string, path: string): Promise<Json> {
    return cluster.admin.remove(pathOf(kind, path));
  }

  /** Waits until an object is as the check wants it. */
  shows(
    cluster: MemberCluster,
    kind: string,
    path: string,
    check: (object: Shown) => void = () => undefined,
  ): Promise<Shown> {
    return eventually(async () => {
      const object = await this.get(cluster, kind, path);
      check(object);
      return object;
    });
  }

  /** Waits until there is no such object. */
  async gone(cluster: MemberCluster, kind: string, path: string): Promise<void> {
    await eventually(async () => {
      const found = await this.get(cluster, kind, path).catch((error: { status?: number }) => {
        if (error.status === 404) return undefined;
        throw error;
      });
      assert.equal(found, undefined, `${kind} ${path} is still in ${cluster.name}`);
    });
  }

  /** Waits until the federated object says so of itself. */
  async says(kind: string, path: string, reason: string, message = /(?:)/): Promise<void> {
    await eventually(async () => {
      const condition = conditionOf(await this.get(this.host, kind, path));
      assert.equal(condition?.reason, reason, JSON.stringify(condition));
      assert.match(condition?.message ?? '', message);
    });
  }

  async events({ admin }: Pick<MemberCluster, 'admin'>): Promise<string[]> {
    const { items } = (await admin.get('/api/v1/events')) as unknown as {
      items: { reason: string; message: string; involvedObject: Json; source: Json }[];
    };
    return items
      .filter(({ source }) => source['component'] === 'fedns-federate')
      .map(
        ({ reason, message, involvedObject }) => `${String(involvedObject['name'])} ${reason}: ${message}`,
      );
  }
}

/** The condition of fedns, wherever it stands. */
export function conditionOf({ metadata, status }: Shown, type = 'Propagated'): Condition | undefined {
  const text = metadata.annotations?.['federation.fedns.io/conditions'];
  const conditions = text === undefined ? status?.conditions : (JSON.parse(text) as Condition[]);
  return conditions?.find((condition) => condition.type === `federation.fedns.io/${type}`);
}

function placeOf(path: string): { readonly namespace: string | undefined; readonly name: string } {
  const [first, second] = path.split('/');
  return second === undefined ? { namespace: undefined, name: first! } : { namespace: first, name: second };
}

function collection(kind: string, namespace: string | undefined): string {
  return `/api/v1${namespace === undefined ? '' : `/namespaces/${namespace}`}/${PATHS[kind]}`;
}

function pathOf(kind: string, path: string): string {
  const { namespace, name } = placeOf(path);
  return `${collection(kind, namespace)}/${name}`;
}

/** Every object of the kinds that tests use, by what it is, with its version. */
export async function versionsIn(admin: Admin): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const [kind, plural] of Object.entries(PATHS)) {
    const { items } = (await admin.get(`/api/v1/${plural}`)) as unknown as {
      items: { metadata: { namespace?: string; name: string; resourceVersion: string } }[];
    };
    for (const { metadata } of items)
      all[`${kind} ${metadata.namespace ?? ''}/${metadata.name}`] = metadata.resourceVersion;
  }
  return all;
}
