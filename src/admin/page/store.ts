/** Owns what the page knows at the moment: signals that components read, and the stream that writes them. */

import { computed, signal } from '@preact/signals';
import type { JournalEntry } from '../../journal/entry.ts';
import type { DrainsView } from '../drains.ts';
import type { DrillRow, PlanRow } from '../drills-control.ts';
import type { GuardStatus } from '../guard-control.ts';
import type { JournalNews } from '../journal-tail.ts';
import type { Tick } from '../live-feed.ts';
import type { TopologyView } from '../topology.ts';
import type { TrafficSample, TrafficView } from '../traffic.ts';
import { ask } from './api.ts';
import { treeOf } from './federation-tree.ts';
import { readRoute } from './router.ts';
import { follow, type LinkState } from './stream.ts';

/** The picture without what every tick has. */
type Picture = Omit<TopologyView, 'serial' | 'services'>;

/** Samples kept, as many as the server has. */
const SAMPLES_MAX = 300;
/** Entries of the journal that are kept. */
const ENTRIES_MAX = 40;

export const link = signal<LinkState>('connecting');
/** When the newest event came, by the server's clock. */
export const heardMs = signal(0);
export const picture = signal<Picture | undefined>(undefined);
export const tick = signal<Tick | undefined>(undefined);
export const samples = signal<readonly TrafficSample[]>([]);
export const traffic = signal<Omit<TrafficView, 'samples'> | undefined>(undefined);
/** What is drained; undefined: this server has no drains. */
export const drains = signal<DrainsView | undefined>(undefined);
/** What the guard holds; undefined: there is none. */
export const guard = signal<GuardStatus | undefined>(undefined);
interface Drills {
  readonly drills: readonly DrillRow[];
  readonly plans: readonly PlanRow[];
}
export const drills = signal<Drills | undefined>(undefined);
/** The newest entries of the journal, the newest first; undefined: none is kept. */
export const journal = signal<readonly JournalEntry[] | undefined>(undefined);
/** The server's time, going on while it is not heard. */
export const nowMs = signal(Date.now());
export const route = signal(readRoute(location.hash));

export const tree = computed(() =>
  picture.value === undefined ? undefined : treeOf({ ...picture.value, serial: 0, services: 0 }),
);

/** Calls `run` when a Service may be answered otherwise than before. @returns ends it */
export function onServiceChange(name: string, run: () => void): () => void {
  // What is told at once is as old as what is shown.
  let lastMs = tick.peek()?.nowMs ?? 0;
  return tick.subscribe((now) => {
    if (now === undefined || now.nowMs === lastMs) return;
    // Where everything changes all the time, a look every few seconds has to do.
    const isDue = now.more && now.nowMs - lastMs >= LOOK_AGAIN_MS;
    if (!isDue && !now.changed.includes(name)) return;
    lastMs = now.nowMs;
    run();
  });
}
const LOOK_AGAIN_MS = 5000;

/** Begins to follow the server. */
export function startStore(): void {
  addEventListener('hashchange', () => (route.value = readRoute(location.hash)));
  let offsetMs = 0;
  setInterval(() => (nowMs.value = Date.now() + offsetMs), 1000);
  follow({
    onState: (state) => {
      // What happened meanwhile is not in the stream.
      if (state === 'live' && link.peek() !== 'live') void readTraffic();
      link.value = state;
    },
    events: {
      topology: (value) => (picture.value = value as Picture),
      drains: (value) => (drains.value = value as DrainsView),
      guard: (value) => (guard.value = value as GuardStatus),
      drills: (value) => (drills.value = value as Drills),
      journal: (value) => {
        journal.value = (value as JournalNews<JournalEntry>).entries.toReversed();
      },
      news: (value) => {
        const { entries } = value as JournalNews<JournalEntry>;
        journal.value = [...entries.toReversed(), ...(journal.value ?? [])].slice(0, ENTRIES_MAX);
      },
      tick: (value) => {
        const now = value as Tick;
        offsetMs = now.nowMs - Date.now();
        heardMs.value = nowMs.value = now.nowMs;
        if (now.traffic !== undefined) samples.value = [...samples.value, now.traffic].slice(-SAMPLES_MAX);
        tick.value = now;
      },
    },
  });
}

/** A server without the path has no charts. */
async function readTraffic(): Promise<void> {
  try {
    const { samples: all, ...rest } = await ask<TrafficView>('traffic');
    traffic.value = rest;
    samples.value = all;
  } catch {
    traffic.value = undefined;
  }
}
