/**
 * Joins the parts of `fedns federate`: the Lease in the host, and, while this replica holds it, the engine with the members that
 * there are. Signals and exit codes are src/process/run-federate.ts.
 */

import type { ApiOrigin, FederateSettings, Settings } from '../../config/settings.ts';
import type { Clock, Log } from '../../log.ts';
import type { Random, Timers } from '../../timers.ts';
import { ApiClient } from '../../watchers/api/api-client.ts';
import { accessLoader, Credentials } from '../../watchers/credentials/credentials.ts';
import { keepCredentials } from '../api/kept-credentials.ts';
import { ObjectClient } from '../api/object-client.ts';
import { StatusKeeper } from '../members/status-keeper.ts';
import { Federation, type FederationState } from '../sync/engine.ts';
import { confirmedIn, notesOf, withNotes } from '../sync/held-notes.ts';
import type { AnyKind } from '../sync/kind.ts';
import { Leadership, type Annotations } from '../sync/leadership.ts';
import { openAdmin, type FederateView } from './admin.ts';
import { MemberSource } from './member-source.ts';

export interface FederateOptions {
  readonly settings: Settings;
  readonly federate: FederateSettings;
  readonly kinds: readonly AnyKind[];
  /** Of this process and no other. */
  readonly identity: string;
  /** How long removals are gathered, in milliseconds. Default: that of the gate. */
  readonly gatherMs?: number;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What a replica runs while it is the active one. */
interface Active {
  readonly federation: Federation;
  readonly source: MemberSource;
  readonly keeper: StatusKeeper;
  readonly endpoint: Server;
}

/** Connections to one API server. */
interface Server {
  readonly client: ApiClient;
  readonly close: () => void;
}

/** The Lease of a federation. */
export function leaseNameOf({ federation }: FederateSettings): string {
  return `fedns-federate-${federation}`;
}

/** Where the host is: with the Secrets of member clusters, or where fedns runs. */
export function hostOrigin({ clusterSecrets }: Settings): ApiOrigin {
  return clusterSecrets?.origin ?? { kind: 'inCluster' };
}

export class Federate {
  readonly #options: FederateOptions;
  readonly #host: Server;
  readonly #hostObjects: ObjectClient;
  readonly #stopped = new AbortController();
  readonly #leadership: Leadership;
  #active: Active | undefined;
  #admin: Awaited<ReturnType<typeof openAdmin>> | undefined;

  constructor(options: FederateOptions) {
    this.#options = options;
    const { federate, settings } = options;
    this.#host = this.#connect(hostOrigin(settings), HOST_SOCKETS);
    this.#hostObjects = new ObjectClient({ client: this.#host.client, signal: this.#stopped.signal });
    this.#leadership = new Leadership({
      ...options,
      objects: (signal) => new ObjectClient({ client: this.#host.client, signal }),
      namespace: federate.namespace,
      name: leaseNameOf(federate),
      onLead: () => this.#begin(),
      onLose: () => this.#end(),
      annotate: (found) => this.#annotate(found),
    });
  }

  /** The port of the admin listener, where there is one. */
  get adminPort(): number | undefined {
    return this.#admin?.port;
  }

  /** @throws when the admin address cannot be bound */
  async start(): Promise<void> {
    const { admin } = this.#options.federate;
    if (admin !== undefined) this.#admin = await openAdmin(admin, () => this.view());
    this.#leadership.start();
  }

  /** Ends what is under way and gives the Lease back. */
  async stop(): Promise<void> {
    await this.#leadership.stop();
    this.#stopped.abort();
    this.#host.close();
    await this.#admin?.close();
  }

  view(): FederateView {
    const federation = this.#active?.federation;
    const state: FederationState | undefined = federation?.state();
    return {
      isLeader: this.#leadership.isLeader,
      leaseTrouble: this.#leadership.trouble,
      ...(state !== undefined && { federation: state }),
      deeds: federation?.deeds() ?? new Map(),
    };
  }

  #begin(): void {
    const { settings, federate, kinds, gatherMs, timers, clock, random, log } = this.#options;
    const { federation: name, select, namespace, writesPerCluster, deletes } = federate;
    const endpoint = this.#connect(
      federate.endpoint ?? hostOrigin(settings),
      kinds.length + ENDPOINT_SOCKETS,
    );
    const federation = new Federation({
      client: endpoint.client,
      kinds,
      selection: { federation: name, select, ownNamespace: namespace },
      limits: { ...deletes, ...(gatherMs !== undefined && { gatherMs }) },
      writesPerCluster,
      timers,
      clock,
      random,
      log,
    });
    const keeper = new StatusKeeper({ objects: this.#hostObjects, timers, clock, random, log });
    const source = new MemberSource({
      settings,
      host: this.#host.client,
      timers,
      clock,
      random,
      log,
      onJoin: (spec, credentials) => {
        federation.join(spec, credentials);
        keeper.join(spec, credentials);
      },
      onLeave: (cluster) => {
        keeper.leave(cluster);
        void federation.leave(cluster);
      },
      onLabels: (labellingOf) => federation.relabel(labellingOf),
    });
    this.#active = { federation, source, keeper, endpoint };
    federation.start();
    keeper.start();
    source.start();
  }

  async #end(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    if (active === undefined) return;
    // Aborts every request before anything is waited for.
    const stopping = active.federation.stop();
    active.endpoint.close();
    await Promise.all([stopping, active.source.stop(), active.keeper.stop()]);
  }

  /** Tells on the Lease what waits, and takes the confirmations that stand there. */
  #annotate(found: Annotations): Annotations {
    const federation = this.#active?.federation;
    if (federation === undefined) return found;
    const { identity } = this.#options;
    for (const cluster of confirmedIn(found, notesOf(federation.holds(), identity)))
      federation.confirm(cluster);
    return withNotes(found, notesOf(federation.holds(), identity));
  }

  #connect(origin: ApiOrigin, socketsMax: number): Server {
    const { timers, clock } = this.#options;
    const load = accessLoader(origin, process.env);
    const credentials = new Credentials({ load, timers, clock, env: process.env });
    const client = new ApiClient({
      credentials: keepCredentials(credentials, timers),
      timers,
      userAgent: 'fedns',
      socketsMax,
    });
    const close = (): void => {
      credentials.close();
      client.close();
    };
    return { client, close };
  }
}

/** The Lease, the labels of clusters, and one to spare. */
const HOST_SOCKETS = 4;
/** For finalizers, conditions and Events. */
const ENDPOINT_SOCKETS = 12;
