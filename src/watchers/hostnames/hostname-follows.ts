/**
 * Which hostnames one cluster's Services follow. Owns the book-keeping between Services and the resolver that all
 * clusters share, and the cluster's own limit; the look-ups are left to the resolver.
 */

import type { FollowedHostname, HostnameFollower, HostnameTrouble } from './hostnames.ts';
import type { Finding } from '../refusals.ts';

/** Hostnames that one cluster may have followed, so that it cannot use up what all share. */
const HOSTNAMES_PER_CLUSTER_MAX = 2000;

export class HostnameFollows {
  readonly #resolver: HostnameFollower | undefined;
  readonly #onChange: (service: string, hostname: string) => void;
  readonly #byService = new Map<string, Map<string, FollowedHostname>>();
  #size = 0;

  /** @param onChange - called with the key of a Service whose hostname has other addresses now */
  constructor(resolver: HostnameFollower | undefined, onChange: (service: string, hostname: string) => void) {
    this.#resolver = resolver;
    this.#onChange = onChange;
  }

  /**
   * Makes a Service follow exactly these hostnames.
   *
   * @param findings - what cannot be followed is added here
   * @returns their addresses, as far as they are known
   */
  follow(service: string, hostnames: readonly string[], findings: Finding[]): readonly string[] {
    const followed = this.#byService.get(service);
    if (followed === undefined && hostnames.length === 0) return [];
    const kept = followed ?? new Map<string, FollowedHostname>();
    this.#release(kept, (hostname) => !hostnames.includes(hostname));
    for (const hostname of hostnames) {
      if (!kept.has(hostname)) this.#start(service, hostname, kept, findings);
    }
    if (kept.size === 0) this.#byService.delete(service);
    else this.#byService.set(service, kept);
    return [...kept.values()].flatMap((entry) => entry.addresses);
  }

  /** The least TTL in seconds of what a Service's hostnames resolved to; undefined where none is known. */
  ttlSeconds(service: string): number | undefined {
    let least: number | undefined;
    for (const { ttlSeconds } of this.#byService.get(service)?.values() ?? [])
      if (ttlSeconds !== undefined) least = Math.min(least ?? ttlSeconds, ttlSeconds);
    return least;
  }

  /** The hostnames that a Service follows, with their addresses and troubles of the moment. */
  *of(service: string): Generator<readonly [hostname: string, state: Omit<FollowedHostname, 'stop'>]> {
    yield* this.#byService.get(service) ?? [];
  }

  /** Hostnames that do not resolve and leave a Service without an address, by the key of the Service. */
  *troubles(): Generator<readonly [service: string, hostname: string, trouble: HostnameTrouble]> {
    for (const [service, followed] of this.#byService) {
      for (const [hostname, { addresses, trouble }] of followed) {
        if (trouble !== undefined && addresses.length === 0) yield [service, hostname, trouble];
      }
    }
  }

  stop(): void {
    for (const followed of this.#byService.values()) this.#release(followed, () => true);
    this.#byService.clear();
  }

  #start(service: string, hostname: string, kept: Map<string, FollowedHostname>, findings: Finding[]): void {
    if (this.#resolver === undefined) {
      findings.push({ code: 'HOSTNAME_NO_RESOLVER', message: `nothing resolves ${hostname}` });
      return;
    }
    const room = this.#size < HOSTNAMES_PER_CLUSTER_MAX;
    const entry = room ? this.#resolver.follow(hostname, () => this.#onChange(service, hostname)) : undefined;
    if (entry === undefined) {
      findings.push({ code: 'HOSTNAME_LIMIT', message: `too many hostnames to follow ${hostname} too` });
      return;
    }
    kept.set(hostname, entry);
    this.#size++;
  }

  #release(followed: Map<string, FollowedHostname>, unwanted: (hostname: string) => boolean): void {
    for (const [hostname, entry] of followed) {
      if (!unwanted(hostname)) continue;
      entry.stop();
      followed.delete(hostname);
      this.#size--;
    }
  }
}
