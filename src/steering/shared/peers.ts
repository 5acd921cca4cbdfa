/**
 * Asks the other replicas whether they answer by the same drains. Their names are resolved each time, since replicas come and go;
 * each address of a name is one. They are asked often while something is on its way, and now and then otherwise.
 */

import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import type { Timer, Timers } from '../../timers.ts';
import type { Replica, Replicas } from '../drains/replicas.ts';
import type { RolloutStatus } from '../drains/rollout.ts';

/** Time between two rounds while somebody may wait, and otherwise, in milliseconds. */
const BUSY_MS = 1000;
const IDLE_MS = 15_000;
/** Time for one reply: it is made from memory, in the same network. */
const REPLY_MS_MAX = 3000;
/** Replicas that are asked. */
const PEERS_MAX = 100;

export interface PeersOptions {
  readonly peers: readonly { readonly host: string; readonly port: number }[];
  /** Of this server. */
  readonly own: () => RolloutStatus;
  readonly timers: Timers;
  /** Default: the resolver of the system. */
  readonly resolve?: (host: string) => Promise<readonly LookupAddress[]>;
  /** Default: over HTTP. */
  readonly ask?: (address: string) => Promise<RolloutStatus>;
}

export class Peers implements Replicas {
  readonly #options: PeersOptions;
  #peers: readonly Replica[] = [];
  #timer: Timer | undefined;
  #stopped = false;
  /** Of the order that was told of last, and how far it was. */
  #told = { digest: '', served: true, settled: true };
  #onAll: (what: 'served' | 'settled') => void = () => {};

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** The newest that is known; an order of this server's own is not known to them before they are asked again. */
  list(): readonly Replica[] {
    return this.#peers;
  }

  get isServedByAll(): boolean {
    return this.#peers.every(({ state }) => state === 'served') && this.#options.own().isServed;
  }

  get isSettled(): boolean {
    const isOver = this.#peers.every(({ oldAnswersSeconds }) => oldAnswersSeconds === 0);
    return this.isServedByAll && isOver && this.#options.own().oldAnswersSeconds === 0;
  }

  start(onAll: (what: 'served' | 'settled') => void): void {
    this.#onAll = onAll;
    // What is in force from the start is no news.
    this.#told = { digest: this.#options.own().digest, served: true, settled: true };
    void this.#round();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Something was ordered: what was known of the others is known no more. */
  touch(): void {
    this.#peers = this.#peers.map(({ address }) => ({ address, state: 'behind' }));
    this.#told = { digest: this.#options.own().digest, served: false, settled: false };
    this.#timer?.cancel();
    this.#timer = this.#options.timers.after(0, () => void this.#round());
  }

  async #round(): Promise<void> {
    const { digest } = this.#options.own();
    const found = (await Promise.all(this.#options.peers.map((peer) => this.#addressesOf(peer)))).flat();
    const unique = [...new Map(found.map((peer) => [peer.address, peer])).values()].slice(0, PEERS_MAX);
    const asked = await Promise.all(unique.map((peer) => this.#ask(peer, digest)));
    if (this.#stopped) return;
    // Of an order that came meanwhile nothing has been asked.
    if (this.#options.own().digest === digest) {
      this.#peers = asked;
      this.#tell();
    }
    this.#timer?.cancel();
    this.#timer = this.#options.timers.after(this.isSettled ? IDLE_MS : BUSY_MS, () => void this.#round());
  }

  async #addressesOf({ host, port }: { readonly host: string; readonly port: number }): Promise<Replica[]> {
    const peerAt = (address: string): Replica => ({
      address: `${isIPv6(address) ? `[${address}]` : address}:${port}`,
      state: 'behind',
    });
    if (isIP(host) !== 0) return [peerAt(host)];
    try {
      const found = await (this.#options.resolve ?? resolveAll)(host);
      return found.map(({ address }) => peerAt(address));
    } catch (error) {
      return [{ address: `${host}:${port}`, state: 'unreachable', error: (error as Error).message }];
    }
  }

  async #ask(peer: Replica, digest: string): Promise<Replica> {
    if (peer.state === 'unreachable') return peer;
    const { address } = peer;
    try {
      const status = await (this.#options.ask ?? askOverHttp)(address);
      const isServed = status.digest === digest && status.isServed;
      return { address, state: isServed ? 'served' : 'behind', oldAnswersSeconds: status.oldAnswersSeconds };
    } catch (error) {
      const { cause, message } = error as Error;
      return { address, state: 'unreachable', error: cause instanceof Error ? cause.message : message };
    }
  }

  #tell(): void {
    const { digest } = this.#options.own();
    if (this.#told.digest !== digest) this.#told = { digest, served: false, settled: false };
    if (this.isServedByAll && !this.#told.served) {
      this.#told.served = true;
      this.#onAll('served');
    }
    if (this.isSettled && !this.#told.settled) {
      this.#told.settled = true;
      this.#onAll('settled');
    }
  }
}

function resolveAll(host: string): Promise<readonly LookupAddress[]> {
  return lookup(host, { all: true });
}

/** By address, which every admin server takes as its own name. */
async function askOverHttp(address: string): Promise<RolloutStatus> {
  const signal = AbortSignal.timeout(REPLY_MS_MAX);
  const response = await fetch(`http://${address}/api/v1/rollout`, { signal, redirect: 'error' });
  const value = (await response.json()) as Partial<RolloutStatus>;
  const { digest, isServed, oldAnswersSeconds, sinceMs = 0 } = value;
  if (typeof digest !== 'string' || typeof isServed !== 'boolean' || typeof oldAnswersSeconds !== 'number')
    throw new Error('it tells nothing of drains');
  return { digest, sinceMs, isServed, oldAnswersSeconds };
}
