/**
 * Follows the Secrets labelled `fedns.io/cluster` in one namespace of the cluster that fedns runs in, so that member
 * clusters join and leave without a restart. What a Secret says is read in cluster-secret.ts; starting and stopping
 * sources is left to whoever listens. While the host cluster cannot be reached, nobody leaves.
 */

import type { ClusterSettings } from '../../config/settings.ts';
import { ApiClient } from '../api/api-client.ts';
import type { ClusterAccess } from '../credentials/cluster-access.ts';
import { secretsResource, type ClusterSecret, type SecretResult } from './cluster-secret.ts';
import type { Credentials } from '../credentials/credentials.ts';
import { ListWatch, type ListWatchState } from '../api/list-watch.ts';
import { RefusalBook } from '../refusals.ts';
import type { Clock, Log } from '../../log.ts';
import type { Refusal } from '../source.ts';
import type { Random, Timers } from '../../timers.ts';

/** Secrets taken in; more clusters than anyone federates, and a bound on what a full namespace costs. */
const SECRETS_MAX = 2000;
/** Kubernetes refuses Secrets of more than a megabyte; in base64 and JSON they grow. */
const SECRET_OCTETS_MAX = 2 * 1024 * 1024;

/** A member cluster that a Secret describes. */
export interface SecretCluster {
  readonly settings: ClusterSettings;
  /** For `Credentials`: what the Secret says at the moment, so that a rotated token needs no new source. */
  readonly load: () => Promise<ClusterAccess>;
}

export interface ClusterSecretsOptions {
  readonly namespace: string;
  /** Of the host cluster; closed by {@link ClusterSecrets.stop}. */
  readonly credentials: Credentials;
  /** What a Secret does not say: limits, filters and so on. */
  readonly defaults: Omit<ClusterSettings, 'name' | 'origin' | 'region' | 'zones'>;
  /** Names of configured clusters, which no Secret can take. */
  readonly reserved: () => ReadonlySet<string>;
  readonly onJoin: (cluster: SecretCluster) => void;
  /** The cluster's Secret is gone, or describes another cluster now; a join may follow. */
  readonly onLeave: (name: string) => void;
  /** A complete list of the Secrets has been taken in: whoever has not joined by now is not there. */
  readonly onComplete?: () => void;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

interface Joined {
  secret: ClusterSecret;
}

export class ClusterSecrets {
  readonly #options: ClusterSecretsOptions;
  readonly #client: ApiClient;
  readonly #loop: ListWatch<SecretResult>;
  readonly #refusals: RefusalBook;
  /** Usable Secrets by their own name. */
  readonly #secrets = new Map<string, ClusterSecret>();
  /** Clusters that have been announced, by name. */
  readonly #joined = new Map<string, Joined>();
  #trouble: string | undefined;

  constructor(options: ClusterSecretsOptions) {
    const { credentials, timers, clock, random, namespace } = options;
    this.#options = options;
    this.#refusals = new RefusalBook(clock);
    this.#client = new ApiClient({
      credentials,
      timers,
      userAgent: 'fedns',
      onServer: () => this.#loop.resync(),
    });
    this.#loop = new ListWatch({
      resource: secretsResource(namespace),
      client: this.#client,
      objectOctetsMax: SECRET_OCTETS_MAX,
      objectsMax: SECRETS_MAX,
      timers,
      clock,
      random,
      onList: ({ objects }) => this.#replace(objects),
      onChange: (type, secret) => this.#change(type === 'DELETED', secret),
      onState: () => this.#noteTrouble(),
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** Leaves no timer and no socket behind. Clusters that joined stay joined. */
  async stop(): Promise<void> {
    this.#options.credentials.close();
    this.#client.close();
    await this.#loop.stop();
  }

  /** Looks at the reserved names again: the configuration has changed. */
  refresh(): void {
    this.#reconcile();
  }

  /** Names of the clusters that Secrets describe. */
  clusters(): string[] {
    return [...this.#joined.keys()];
  }

  /** Secrets that are not used, and why. */
  refusals(): Refusal[] {
    return this.#refusals.list();
  }

  state(): ListWatchState {
    return this.#loop.state;
  }

  /** Says what changed about the trouble, not that it lasts. */
  #noteTrouble(): void {
    const { failingSinceMs, lastError } = this.#loop.state;
    const trouble = failingSinceMs === undefined ? undefined : lastError?.message;
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    const { log, namespace } = this.#options;
    if (trouble === undefined) log.info({ namespace }, 'the Secrets of member clusters are read again');
    else log.warn({ namespace, reason: trouble }, 'the Secrets of member clusters cannot be read');
  }

  #replace(results: readonly SecretResult[]): void {
    this.#secrets.clear();
    this.#refusals.clearExcept('Secret ', new Set(results.map((secret) => this.#nameOf(secret))));
    for (const secret of results) this.#take(secret);
    this.#reconcile();
    this.#options.onComplete?.();
  }

  #change(deleted: boolean, secret: SecretResult): void {
    this.#secrets.delete(secret.name);
    this.#refusals.clear(this.#nameOf(secret));
    if (!deleted) this.#take(secret);
    this.#reconcile();
  }

  #take(secret: SecretResult): void {
    if ('finding' in secret) this.#refusals.set(this.#nameOf(secret), [secret.finding]);
    else if (this.#secrets.size < SECRETS_MAX) this.#secrets.set(secret.name, secret);
  }

  /** Brings the announced clusters in line with the Secrets: leaves first, for a name may change hands. */
  #reconcile(): void {
    const wanted = this.#wanted();
    for (const [name, { secret }] of this.#joined) {
      if (isSameCluster(secret, wanted.get(name))) continue;
      this.#joined.delete(name);
      this.#options.onLeave(name);
    }
    for (const [name, secret] of wanted) {
      const joined = this.#joined.get(name);
      if (joined !== undefined) joined.secret = secret;
      else this.#join(name, secret);
    }
  }

  /** One Secret per cluster: of several, the one that has it already, else the first by name. */
  #wanted(): Map<string, ClusterSecret> {
    const reserved = this.#options.reserved();
    const wanted = new Map<string, ClusterSecret>();
    const holds = (secret: ClusterSecret): boolean =>
      this.#joined.get(secret.cluster)?.secret.name === secret.name;
    const ranked = [...this.#secrets.values()].toSorted(
      (a, b) => Number(holds(b)) - Number(holds(a)) || (a.name < b.name ? -1 : 1),
    );
    for (const secret of ranked) {
      const taken = reserved.has(secret.cluster) ? 'the configuration' : wanted.get(secret.cluster)?.name;
      if (taken === undefined) wanted.set(secret.cluster, secret);
      const message = `cluster ${secret.cluster} is already that of ${taken}`;
      this.#refusals.set(
        this.#nameOf(secret),
        taken === undefined ? [] : [{ code: 'CLUSTER_NAME_TAKEN', message }],
      );
    }
    return wanted;
  }

  #join(name: string, secret: ClusterSecret): void {
    const { namespace, defaults, onJoin } = this.#options;
    const joined: Joined = { secret };
    this.#joined.set(name, joined);
    const settings: ClusterSettings = {
      ...defaults,
      name,
      ...(secret.region === undefined ? {} : { region: secret.region }),
      ...(secret.zones === undefined ? {} : { zones: secret.zones }),
      origin: { kind: 'secret', namespace, name: secret.name },
    };
    onJoin({ settings, load: () => joined.secret.access() });
  }

  #nameOf({ name }: SecretResult): string {
    return `Secret ${this.#options.namespace}/${name}`;
  }
}

/** Whether a source for one can go on with the other: only the credentials differ. */
function isSameCluster(a: ClusterSecret, b: ClusterSecret | undefined): boolean {
  return (
    b !== undefined &&
    a.name === b.name &&
    a.serverId === b.serverId &&
    a.region === b.region &&
    a.zones?.join() === b.zones?.join()
  );
}
