/**
 * Which cluster each API server turned out to be, over all clusters of one fedns: two names for one cluster are most
 * likely a kubeconfig that was copied, and have every shard count twice. That is told, and not forbidden: somebody may
 * want two parts of one cluster apart. Who a server is, api/server-identity.ts finds out.
 */

import type { Clock, Log } from '../../log.ts';
import type { Refusal } from '../source.ts';

export interface KnownServersOptions {
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn'>;
}

interface Known {
  readonly uid: string;
  readonly sinceMs: number;
}

/** What is said of a cluster that has another name too. */
export function twinMessage(other: string): string {
  return (
    `its API server is that of cluster ${other} (the uid of namespace kube-system is the same): each of its Services ` +
    'counts twice; correct the kubeconfig or context of one, or remove one'
  );
}

export class KnownServers {
  readonly #options: KnownServersOptions;
  readonly #byCluster = new Map<string, Known>();

  constructor(options: KnownServersOptions) {
    this.#options = options;
  }

  /** A cluster's API server has said who it is. */
  note(cluster: string, uid: string): void {
    if (this.#byCluster.get(cluster)?.uid === uid) return;
    this.#byCluster.set(cluster, { uid, sinceMs: this.#options.clock() });
    const other = this.#otherOf(cluster);
    if (other === undefined) return;
    const fields = { cluster, other, uid, code: 'SAME_CLUSTER' };
    this.#options.log.warn(fields, 'two clusters of the configuration are one: each Service counts twice');
  }

  /** A cluster is not watched any more, or its server is not known for the time being. */
  forget(cluster: string): void {
    this.#byCluster.delete(cluster);
  }

  refusals(cluster: string): Refusal[] {
    const other = this.#otherOf(cluster);
    if (other === undefined) return [];
    const sinceMs = Math.max(this.#byCluster.get(cluster)!.sinceMs, this.#byCluster.get(other)!.sinceMs);
    return [{ code: 'SAME_CLUSTER', object: `Cluster ${cluster}`, message: twinMessage(other), sinceMs }];
  }

  #otherOf(cluster: string): string | undefined {
    const uid = this.#byCluster.get(cluster)?.uid;
    if (uid === undefined) return undefined;
    for (const [name, known] of this.#byCluster) if (name !== cluster && known.uid === uid) return name;
    return undefined;
  }
}
