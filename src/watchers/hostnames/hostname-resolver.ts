/**
 * Keeps the addresses of load-balancer hostnames up to date, for all clusters together. Owns when to ask, whom, and
 * what stands while nobody answers. How a question is asked is in dns-client.ts; what addresses mean for a shard is
 * left to its followers.
 *
 * What stands after a look-up, per address family:
 * - an answer replaces the addresses;
 * - a failure (silence, SERVFAIL) leaves them as they are, for as long as it lasts;
 * - no record in one family beside records in the other is an answer: the family is empty;
 * - no record in either (NXDOMAIN, NODATA) is believed when it comes {@link EMPTY_STREAK} times in a row: a
 *   provider that rebuilds its zone must not take the shard down, a load balancer that was deleted must not stay.
 */

import { LRUCache } from 'lru-cache';
import { lookup, type LookupReply } from './dns-client.ts';
import type { FollowedHostname, HostnameFollower, HostnameTrouble } from './hostnames.ts';
import { parseResolver, systemResolvers, type ResolverAddress } from './resolv-conf.ts';
import type { Clock, Log } from '../../log.ts';
import { intervalTicker, type Ticker } from '../ticker.ts';
import { systemTimers } from '../../timers.ts';

export interface HostnameResolverOptions {
  /** The served domain. */
  readonly domain: string;
  /** `address`, `address:port` or `[address]:port`; empty: the system's. */
  readonly resolvers: readonly string[];
  /** Dates what is reported. */
  readonly clock: Clock;
  /** A clock that never goes back, in milliseconds: what is due. Default: the system's monotonic clock. */
  readonly nowMs?: () => number;
  readonly log: Log;
  /** Looks for hostnames that are due; default: every second. */
  readonly ticker?: Ticker;
  /** One attempt with one resolver, in milliseconds. Default 2000. */
  readonly timeoutMs?: number;
  /** Default `/etc/resolv.conf`. */
  readonly resolvConf?: string;
}

/** What is known of a hostname, for the operator. */
export interface HostnameReport {
  readonly hostname: string;
  readonly addresses: readonly string[];
  /** When an answer last came. */
  readonly resolvedMs?: number;
  readonly lastError?: string;
}

/** The addresses of a hostname as they go into a snapshot and come back from it. */
export interface RememberedHostname {
  readonly hostname: string;
  readonly A: readonly string[];
  readonly AAAA: readonly string[];
}

const FAMILIES = ['A', 'AAAA'] as const;

/** Refreshes of one hostname are at least this far apart, however short its TTL. */
const REFRESH_MIN_MS = 30_000;
/** And at most this far, however long. */
const REFRESH_MAX_MS = 300_000;
/** A hostname of which nothing is known yet is asked for more often: its shard waits for it. */
const FIRST_RETRY_MS = 10_000;
/** Empty answers in a row before the addresses go. */
const EMPTY_STREAK = 3;
/** Hostnames followed by all clusters together, and remembered after nobody follows them any more. */
const HOSTNAMES_MAX = 10_000;
/** Hostnames looked up at the same time: two sockets each. */
const LOOKUPS_MAX = 16;
/** Attempts per question, going round the resolvers. */
const ATTEMPTS_MAX = 4;
const TIMEOUT_MS = 2000;
/** From one look for hostnames that are due to the next. */
const SWEEP_MS = 1000;
/** How old the list of system resolvers may be. */
const RESOLVERS_MAX_AGE_MS = 30_000;

/** What stands for a hostname; kept in a cache also while nobody follows it. */
interface Known {
  A: readonly string[];
  AAAA: readonly string[];
  /** Empty answers in a row. */
  empty: number;
  /** The least TTL in seconds of the last answers with addresses. */
  ttlSeconds?: number;
  resolvedMs?: number;
  trouble?: HostnameTrouble;
}

interface Followed {
  readonly hostname: string;
  readonly known: Known;
  /** A follower is identified by its token: two may share a callback. */
  readonly followers: Map<object, () => void>;
  dueMs: number;
  /** Waiting for or in a look-up. */
  busy: boolean;
}

export class HostnameResolver implements HostnameFollower {
  readonly #options: HostnameResolverOptions;
  readonly #nowMs: () => number;
  readonly #configured: readonly ResolverAddress[];
  readonly #known = new LRUCache<string, Known>({ max: HOSTNAMES_MAX });
  readonly #followed = new Map<string, Followed>();
  readonly #queue: Followed[] = [];
  readonly #idlers: (() => void)[] = [];
  #system: Promise<readonly ResolverAddress[]> | undefined;
  #systemMs = 0;
  #lookups = 0;
  #stopTicker: (() => void) | undefined;

  constructor(options: HostnameResolverOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? systemTimers.now;
    this.#configured = options.resolvers.flatMap((text) => parseResolver(text) ?? []);
  }

  start(): void {
    this.#stopTicker ??= (this.#options.ticker ?? intervalTicker(SWEEP_MS))(() => this.#sweep());
  }

  /** Ends the sweeps and waits for look-ups under way; none starts any more. */
  async stop(): Promise<void> {
    this.#stopTicker?.();
    this.#stopTicker = undefined;
    this.#followed.clear();
    this.#queue.length = 0;
    await this.idle();
  }

  /** Starts to follow a hostname; the first look-up starts at once, unless its addresses are remembered. */
  follow(hostname: string, onChange: () => void): FollowedHostname | undefined {
    const entry = this.#followed.get(hostname) ?? this.#begin(hostname);
    if (entry === undefined) return undefined;
    const token = {};
    entry.followers.set(token, onChange);
    return {
      get addresses() {
        return addressesOf(entry.known);
      },
      get ttlSeconds() {
        return entry.known.ttlSeconds;
      },
      get trouble() {
        return entry.known.trouble;
      },
      stop: () => this.#release(entry, token),
    };
  }

  /** Resolves when no look-up is under way or waiting. */
  async idle(): Promise<void> {
    if (this.#lookups === 0 && this.#queue.length === 0) return;
    await new Promise<void>((resolve) => this.#idlers.push(resolve));
  }

  /**
   * What a snapshot needs, so that a restart while resolution fails loses no address. Also of hostnames that nobody
   * follows: those of a cluster that has not been read since the last start.
   */
  remembered(): RememberedHostname[] {
    const followed = [...this.#followed.values()].map(({ hostname, known }) => [hostname, known] as const);
    return [...new Map([...followed, ...this.#known.entries()])]
      .filter(([, known]) => known.A.length + known.AAAA.length > 0)
      .map(([hostname, { A, AAAA }]) => ({ hostname, A, AAAA }));
  }

  /** Takes back what {@link remembered} gave in an earlier run; to be called before anything is followed. */
  remember(hostnames: readonly RememberedHostname[]): void {
    // The most recent ones come first, and are to be the last to be forgotten.
    for (const { hostname, A, AAAA } of hostnames.slice(0, HOSTNAMES_MAX).toReversed()) {
      this.#known.set(hostname, { A, AAAA, empty: 0 });
    }
  }

  report(): HostnameReport[] {
    return [...this.#followed.values()].map(({ hostname, known }) => ({
      hostname,
      addresses: addressesOf(known),
      ...(known.resolvedMs === undefined ? {} : { resolvedMs: known.resolvedMs }),
      ...(known.trouble === undefined ? {} : { lastError: known.trouble.message }),
    }));
  }

  #begin(hostname: string): Followed | undefined {
    if (this.#followed.size >= HOSTNAMES_MAX) return undefined;
    const known = this.#known.get(hostname) ?? { A: [], AAAA: [], empty: 0 };
    this.#known.set(hostname, known);
    const entry: Followed = { hostname, known, followers: new Map(), dueMs: 0, busy: false };
    this.#followed.set(hostname, entry);
    this.#enqueue(entry);
    return entry;
  }

  #release(entry: Followed, token: object): void {
    entry.followers.delete(token);
    if (entry.followers.size === 0 && this.#followed.get(entry.hostname) === entry) {
      this.#followed.delete(entry.hostname);
    }
  }

  #sweep(): void {
    const nowMs = this.#nowMs();
    for (const entry of this.#followed.values()) if (entry.dueMs <= nowMs) this.#enqueue(entry);
  }

  #enqueue(entry: Followed): void {
    if (entry.busy) return;
    entry.busy = true;
    this.#queue.push(entry);
    this.#pump();
  }

  #pump(): void {
    while (this.#lookups < LOOKUPS_MAX) {
      const entry = this.#queue.shift();
      if (entry === undefined) break;
      // Whoever was let go while waiting is not looked up.
      if (this.#followed.get(entry.hostname) === entry) void this.#run(entry);
    }
    if (this.#lookups === 0 && this.#queue.length === 0) for (const wake of this.#idlers.splice(0)) wake();
  }

  async #run(entry: Followed): Promise<void> {
    this.#lookups++;
    try {
      await this.#refresh(entry);
    } catch (error) {
      this.#options.log.error(
        { hostname: entry.hostname, error: String(error) },
        'look-up of a hostname failed',
      );
    } finally {
      entry.busy = false;
      this.#lookups--;
      this.#pump();
    }
  }

  async #refresh(entry: Followed): Promise<void> {
    // Due again even if what follows should fail.
    entry.dueMs = this.#nowMs() + REFRESH_MIN_MS;
    const resolvers = await this.#resolvers();
    const [a, aaaa] = await Promise.all(
      FAMILIES.map((family) => this.#ask(entry.hostname, family, resolvers)),
    );
    const before = factsOf(entry.known);
    settle(entry.known, { A: a!, AAAA: aaaa! }, this.#options.clock());
    entry.dueMs = this.#nowMs() + refreshAfterMs(entry.known, [a!, aaaa!]);
    this.#note(entry, a!, aaaa!);
    if (factsOf(entry.known) !== before) this.#notify(entry);
  }

  /** Round the resolvers until one answers. */
  async #ask(
    hostname: string,
    family: 'A' | 'AAAA',
    resolvers: readonly ResolverAddress[],
  ): Promise<LookupReply> {
    const { domain, timeoutMs = TIMEOUT_MS } = this.#options;
    let reply: LookupReply = { kind: 'failure', message: 'no resolver is configured' };
    for (let attempt = 0; attempt < ATTEMPTS_MAX && resolvers.length > 0; attempt++) {
      const resolver = resolvers[attempt % resolvers.length]!;
      reply = await lookup({ hostname, family, resolver, timeoutMs, domain });
      if (reply.kind !== 'failure') break;
      const { address, port } = resolver;
      reply = { kind: 'failure', message: `${family} from ${address} port ${port}: ${reply.message}` };
    }
    return reply;
  }

  #resolvers(): Promise<readonly ResolverAddress[]> {
    if (this.#options.resolvers.length > 0) return Promise.resolve(this.#configured);
    const nowMs = this.#nowMs();
    if (this.#system === undefined || nowMs - this.#systemMs >= RESOLVERS_MAX_AGE_MS) {
      this.#system = systemResolvers(this.#options.resolvConf);
      this.#systemMs = nowMs;
    }
    return this.#system;
  }

  /** Says what changed about the trouble, not that it lasts. */
  #note({ hostname, known }: Followed, ...replies: readonly LookupReply[]): void {
    const trouble =
      replies.find(({ kind }) => kind === 'failure') ?? (known.empty > 0 ? replies[0] : undefined);
    const message = trouble === undefined || trouble.kind === 'addresses' ? undefined : trouble.message;
    if (message !== undefined && known.trouble === undefined) {
      this.#options.log.warn(
        { hostname, addresses: addressesOf(known) },
        `hostname does not resolve: ${message}`,
      );
    }
    if (message === undefined) delete known.trouble;
    else known.trouble = { message, sinceMs: known.trouble?.sinceMs ?? this.#options.clock() };
  }

  #notify(entry: Followed): void {
    // A copy, because a follower may follow anew or let go.
    const followers = Array.from(entry.followers.values());
    for (const onChange of followers) {
      try {
        onChange();
      } catch (error) {
        this.#options.log.error({ hostname: entry.hostname, error: String(error) }, 'a follower failed');
      }
    }
  }
}

function addressesOf(known: Known): string[] {
  return [...known.A, ...known.AAAA];
}

/** What followers are told of. */
function factsOf(known: Known): string {
  return `${known.ttlSeconds ?? ''} ${addressesOf(known).join(' ')}`;
}

/** Applies the rules at the top of this file. */
function settle(known: Known, replies: Readonly<Record<'A' | 'AAAA', LookupReply>>, nowMs: number): void {
  const all = [replies.A, replies.AAAA];
  const nothing = all.every(({ kind }) => kind === 'empty');
  known.empty = nothing ? known.empty + 1 : 0;
  if (all.some(({ kind }) => kind !== 'failure')) known.resolvedMs = nowMs;
  const ttls = all.flatMap((reply) => (reply.kind === 'addresses' ? [reply.ttlSeconds] : []));
  // A family that failed keeps its addresses, which are no fresher than before.
  if (ttls.length > 0) known.ttlSeconds = Math.min(...ttls);
  for (const family of FAMILIES) {
    const reply = replies[family];
    if (reply.kind === 'addresses') known[family] = reply.addresses;
    else if (reply.kind === 'empty' && isBelieved(known, all)) known[family] = [];
  }
}

function isBelieved(known: Known, replies: readonly LookupReply[]): boolean {
  return replies.some(({ kind }) => kind === 'addresses') || known.empty >= EMPTY_STREAK;
}

/** The shortest TTL within the bounds; after trouble the lower bound, before the first answer less. */
function refreshAfterMs(known: Known, replies: readonly LookupReply[]): number {
  const ttls = replies.flatMap((reply) => (reply.kind === 'addresses' ? [reply.ttlSeconds * 1000] : []));
  const isWaitedFor = addressesOf(known).length === 0 && known.empty < EMPTY_STREAK;
  if (ttls.length === 0 && isWaitedFor) return FIRST_RETRY_MS;
  if (ttls.length === 0 || replies.some(({ kind }) => kind === 'failure')) return REFRESH_MIN_MS;
  return Math.min(Math.max(Math.min(...ttls), REFRESH_MIN_MS), REFRESH_MAX_MS);
}
