/**
 * Which member clusters there are, from the same places as those that are served: `clusters` of the configuration, and the
 * labelled Secrets of `clusterSecrets`. A cluster of manifests cannot be written to and is left out. Labels, by which objects are
 * placed, are those of the Cluster objects in the host, where there are any.
 */

import { CLUSTER_DEFAULTS } from '../../config/cluster-defaults.ts';
import type { ClusterSettings, Settings } from '../../config/settings.ts';
import type { Clock, Log } from '../../log.ts';
import type { Random, Timers } from '../../timers.ts';
import type { ApiClient } from '../../watchers/api/api-client.ts';
import { ListWatch } from '../../watchers/api/list-watch.ts';
import { accessLoader, Credentials } from '../../watchers/credentials/credentials.ts';
import type { ClusterAccess } from '../../watchers/credentials/cluster-access.ts';
import { ClusterSecrets } from '../../watchers/kubernetes/cluster-secrets.ts';
import type { Labelling, MemberSpec } from '../sync/member.ts';

export interface MemberSourceOptions {
  readonly settings: Settings;
  /** Of the host, for the labels. */
  readonly host: ApiClient;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onJoin: (spec: MemberSpec, credentials: Credentials) => void;
  readonly onLeave: (name: string) => void;
  readonly onLabels: (labellingOf: (name: string) => Labelling) => void;
}

type Labels = Readonly<Record<string, string>>;

interface Labelled {
  readonly name: string;
  readonly labels: Labels;
}

export class MemberSource {
  readonly #options: MemberSourceOptions;
  readonly #secrets: ClusterSecrets | undefined;
  readonly #labelLoop: ListWatch<Labelled>;
  /** Of Cluster objects, by name. */
  readonly #labels = new Map<string, Labels>();
  readonly #specs = new Map<string, Omit<MemberSpec, keyof Labelling>>();
  /** Whether the Cluster objects have been read. */
  #areLabelsRead = false;

  constructor(options: MemberSourceOptions) {
    this.#options = options;
    this.#secrets = this.#openSecrets();
    this.#labelLoop = this.#openLabels();
  }

  /** Announces the clusters of the configuration, and then whatever comes. */
  start(): void {
    const { settings } = this.#options;
    for (const cluster of settings.clusters) {
      if (cluster.origin.kind === 'manifests' || cluster.origin.kind === 'secret') continue;
      this.#join(cluster, accessLoader(cluster.origin, process.env));
    }
    this.#secrets?.start();
    this.#labelLoop.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#secrets?.stop(), this.#labelLoop.stop()]);
  }

  #openSecrets(): ClusterSecrets | undefined {
    const { settings, timers, clock, random, log, onLeave } = this.#options;
    const { clusterSecrets } = settings;
    if (clusterSecrets === undefined) return undefined;
    const reserved = new Set(settings.clusters.map(({ name }) => name));
    return new ClusterSecrets({
      namespace: clusterSecrets.namespace,
      credentials: this.#credentials(accessLoader(clusterSecrets.origin, process.env)),
      defaults: CLUSTER_DEFAULTS,
      reserved: () => reserved,
      onJoin: (cluster) => this.#join(cluster.settings, cluster.load),
      onLeave: (name) => {
        this.#specs.delete(name);
        onLeave(name);
      },
      timers,
      clock,
      random,
      log,
    });
  }

  #credentials(load: () => Promise<ClusterAccess>): Credentials {
    const { timers, clock } = this.#options;
    return new Credentials({ load, timers, clock, env: process.env });
  }

  #join({ name, region, zones = [] }: ClusterSettings, load: () => Promise<ClusterAccess>): void {
    const spec = { name, zones, ...(region !== undefined && { region }) };
    this.#specs.set(name, spec);
    this.#options.onJoin({ ...spec, ...this.#labellingOf(name) }, this.#credentials(load));
  }

  /** Until the Cluster objects have been read, what they do not say is not known. */
  #labellingOf(name: string): Labelling {
    const areLabelsPartial = !this.#areLabelsRead && !this.#labels.has(name);
    return { labels: this.#labelsOf(name), areLabelsPartial };
  }

  /** What is known of a cluster without anybody labelling it counts as a label of it, too. */
  #labelsOf(name: string): Labels {
    const region = this.#specs.get(name)?.region;
    return {
      'fedns.io/cluster': name,
      ...(region !== undefined && { 'topology.kubernetes.io/region': region }),
      ...this.#labels.get(name),
    };
  }

  #openLabels(): ListWatch<Labelled> {
    const { host, timers, clock, random } = this.#options;
    return new ListWatch<Labelled>({
      resource: {
        kind: 'Cluster',
        discover: { group: 'federation.fedns.io', plural: 'clusters' },
        query: '',
        metadataOnly: true,
        read: readLabels,
        readTooLarge: () => undefined,
      },
      client: host,
      objectOctetsMax: CLUSTER_OCTETS_MAX,
      objectsMax: CLUSTERS_MAX,
      timers,
      clock,
      random,
      onList: ({ objects, resourceVersion }) => this.#relabelAll(objects, resourceVersion !== ''),
      onChange: (type, { name, labels }) => {
        if (type !== 'DELETED') this.#relabel(name, labels);
      },
      onState: () => undefined,
    });
  }

  /**
   * A Cluster object that is gone says nothing about its cluster, which is a member for as long as its Secret is there: the whole
   * kind may have been removed.
   *
   * @param isKind - the host has the kind
   */
  #relabelAll(clusters: readonly Labelled[], isKind: boolean): void {
    if (!isKind) return;
    this.#areLabelsRead = true;
    for (const { name, labels } of clusters) this.#labels.set(name, labels);
    this.#options.onLabels((name) => this.#labellingOf(name));
  }

  /** Cluster objects change with each look at their health: only labels are of interest. */
  #relabel(name: string, labels: Labels): void {
    if (JSON.stringify(this.#labels.get(name)) === JSON.stringify(labels)) return;
    this.#labels.set(name, labels);
    this.#options.onLabels((one) => this.#labellingOf(one));
  }
}

const CLUSTER_OCTETS_MAX = 1024 * 1024;
const CLUSTERS_MAX = 2000;

function readLabels(value: unknown): Labelled {
  const { metadata } = (value ?? {}) as { metadata?: { name?: string; labels?: Labels } };
  return { name: metadata?.name ?? '', labels: metadata?.labels ?? {} };
}
