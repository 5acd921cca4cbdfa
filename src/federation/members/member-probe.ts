/**
 * Looks at one member, over and over: whether its API server is ready, takes the credentials and is the cluster that joined, which
 * version it has, and where its Nodes are. What follows is cluster-status.ts.
 */

import type { Clock } from '../../log.ts';
import type { Random, Timers } from '../../timers.ts';
import { ApiClient, CONNECTION_CODES } from '../../watchers/api/api-client.ts';
import { readServerUid } from '../../watchers/api/server-identity.ts';
import { asApiError } from '../../watchers/api-error.ts';
import type { Credentials } from '../../watchers/credentials/credentials.ts';
import { ClusterHealth, type LoopTrouble } from '../../watchers/health/cluster-health.ts';
import { ObjectClient } from '../api/object-client.ts';
import type { Seen, SeenHealth } from './cluster-status.ts';
import type { Placement } from './member-objects.ts';
import { readPlaces } from './places.ts';

/** Time between two looks at who the cluster is, and whether it takes the credentials. */
const IDENTITY_MS = 30_000;
/** Time between two looks at its Nodes, which are many and stay where they are. */
const NODES_MS = 300_000;
/** For a probe, a look at who it is, and a list of Nodes. */
const SOCKETS = 3;

export interface ProbeOptions {
  /** What was said of it, which is final; what is absent is looked for. */
  readonly placement: Placement;
  /** Not closed here. */
  readonly credentials: Credentials;
  /** Of the cluster that joined; undefined: nobody has said. */
  readonly uid: () => string | undefined;
  /** Something is known that was not known before. */
  readonly onChange: () => void;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly random: Random;
}

export class MemberProbe {
  readonly #options: ProbeOptions;
  readonly #client: ApiClient;
  readonly #objects: ObjectClient;
  readonly #health: ClusterHealth;
  readonly #stopped = new AbortController();
  #identifying = false;
  #identifiedMs = -Infinity;
  #uid: string | undefined;
  #trouble: LoopTrouble | undefined;
  #nodesMs = -Infinity;
  #places: Placement;

  constructor(options: ProbeOptions) {
    const { credentials, timers, clock, random, placement, onChange } = options;
    this.#options = options;
    this.#places = placement;
    this.#client = new ApiClient({ credentials, timers, userAgent: 'fedns', socketsMax: SOCKETS });
    this.#objects = new ObjectClient({ client: this.#client, signal: this.#stopped.signal });
    this.#health = new ClusterHealth({
      client: this.#client,
      timers,
      clock,
      random,
      worstLoop: () => this.#trouble,
      onProbe: () => void this.#look(),
      onAnswer: () => {
        this.#identifiedMs = -Infinity;
      },
      onCondition: onChange,
    });
  }

  start(): void {
    this.#health.start();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#client.close();
    await this.#health.stop();
  }

  seen(): Seen {
    const { version } = this.#health;
    const health = this.#seenHealth();
    const said = health === 'ready' || health === 'unknown' ? undefined : this.#said(health);
    return {
      health,
      ...(said !== undefined && { said }),
      ...(version !== undefined && { version }),
      ...this.#places,
    };
  }

  #seenHealth(): SeenHealth {
    if (this.#isOther) return 'other';
    switch (this.#health.condition) {
      case 'Pending':
        return 'unknown';
      case 'Ready':
        return 'ready';
      case 'Refused':
        return 'refused';
      case 'NotReady':
        return 'notReady';
      case 'Offline':
        return 'offline';
    }
  }

  get #isOther(): boolean {
    const expected = this.#options.uid();
    return expected !== undefined && this.#uid !== undefined && this.#uid !== expected;
  }

  #said(health: SeenHealth): string | undefined {
    if (health !== 'other') return this.#health.lastError;
    return `another cluster answers at its address: its namespace kube-system has the uid ${this.#uid}, and that of the cluster that joined was ${this.#options.uid()}`;
  }

  async #look(): Promise<void> {
    if (this.#identifying) return;
    this.#identifying = true;
    try {
      await this.#identify();
      await this.#readNodes();
    } finally {
      this.#identifying = false;
    }
  }

  /** Often while something is wrong, so that it is told soon that it is no more. */
  async #identify(): Promise<void> {
    const { timers, onChange } = this.#options;
    const isDue = timers.now() - this.#identifiedMs >= IDENTITY_MS;
    if (!isDue && this.#trouble === undefined) return;
    const before = this.#uid;
    try {
      this.#uid = await readServerUid(this.#client, this.#stopped.signal);
      this.#trouble = undefined;
      this.#identifiedMs = timers.now();
    } catch (error) {
      this.#note(error);
    }
    if (this.#uid !== before) onChange();
  }

  /** A connection that fails is the probe's to tell. One who may not read the namespace is known all the same. */
  #note(error: unknown): void {
    if (this.#stopped.signal.aborted) return;
    const { code, message } = asApiError(error, 'UNREACHABLE');
    if (CONNECTION_CODES.has(code) || code === 'UNTRUSTED') return;
    const { timers } = this.#options;
    this.#identifiedMs = timers.now();
    this.#trouble =
      code === 'UNAUTHORIZED' || code === 'CREDENTIALS' || code === 'FORBIDDEN'
        ? { sinceMs: this.#trouble?.sinceMs ?? timers.now(), reason: message, refused: true }
        : undefined;
  }

  async #readNodes(): Promise<void> {
    const { placement, timers, onChange } = this.#options;
    const isGiven = placement.region !== undefined && placement.zones !== undefined;
    if (isGiven || timers.now() - this.#nodesMs < NODES_MS || this.#uid === undefined) return;
    const places = await readPlaces(this.#objects, placement);
    if (!places.ok) return;
    this.#nodesMs = timers.now();
    const { region, zones } = places.value;
    this.#places = { ...(region !== undefined && { region }), ...(zones.length > 0 && { zones }) };
    onChange();
  }
}
