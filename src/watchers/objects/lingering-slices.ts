/**
 * EndpointSlices that were replaced by ones with less in them, and count a moment longer. The slice controller moves
 * endpoints between slices in several writes, and for some ten milliseconds a ready endpoint is in none of them; an
 * answer given in that moment is cached for minutes. Owns how long; what counts is in endpoint-index.ts.
 */

import type { Cause } from '../../zonebuilder/facts.ts';
import type { Timer, Timers } from '../../timers.ts';
import type { IndexedSlice } from './endpoint-index.ts';
import type { SlimEndpointSlice } from './objects.ts';

/** Some times what the controller takes to write the other slices; little beside the time that clients cache. */
export const LINGER_MS = 100;

/** A slice that counts no more, and what had replaced it. */
export interface Lingered {
  readonly slice: IndexedSlice;
  readonly cause: Cause;
}

interface Entry extends Lingered {
  readonly dueMs: number;
}

export class LingeringSlices {
  readonly #timers: Timers;
  readonly #onEnd: (ended: readonly Lingered[]) => void;
  /** In the order in which they fall due. */
  #entries: Entry[] = [];
  #timer: Timer | undefined;

  constructor(timers: Timers, onEnd: (ended: readonly Lingered[]) => void) {
    this.#timers = timers;
    this.#onEnd = onEnd;
  }

  add(slice: IndexedSlice, cause: Cause): void {
    this.#entries.push({ slice, cause, dueMs: this.#timers.now() + LINGER_MS });
    this.#timer ??= this.#timers.after(LINGER_MS, () => this.#end());
  }

  /** A complete picture has come: nothing is on its way any more. */
  flush(): readonly Lingered[] {
    const ended = this.#entries;
    this.#entries = [];
    this.stop();
    return ended;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #end(): void {
    const nowMs = this.#timers.now();
    const ended = this.#entries.filter(({ dueMs }) => dueMs <= nowMs);
    this.#entries = this.#entries.slice(ended.length);
    const next = this.#entries[0];
    this.#timer =
      next === undefined ? undefined : this.#timers.after(Math.max(1, next.dueMs - nowMs), () => this.#end());
    this.#onEnd(ended);
  }
}

/** Whether a slice that takes another's place lacks something that counted. */
export function losesEndpoints(before: IndexedSlice, after: SlimEndpointSlice | undefined): boolean {
  if (after === undefined || after.service === undefined) return hasEndpoints(before);
  if (before.service !== `${after.namespace}/${after.service}`) return hasEndpoints(before);
  return (
    lacks(before.ready, after.ready) ||
    lacks(before.all, after.all) ||
    lacksAddress(before.addresses?.ready, after.addresses?.ready) ||
    lacksAddress(before.addresses?.all, after.addresses?.all)
  );
}

function hasEndpoints({ all }: IndexedSlice): boolean {
  return all.unzoned || all.zones.length > 0;
}

function lacks(before: IndexedSlice['ready'], after: IndexedSlice['ready']): boolean {
  if (before === after) return false;
  return (before.unzoned && !after.unzoned) || before.zones.some((zone) => !after.zones.includes(zone));
}

function lacksAddress(before: readonly string[] = [], after: readonly string[] = []): boolean {
  return before.some((address) => !after.includes(address));
}
