/**
 * Owns what open pages are told as it happens, by server-sent events (HTML, section 9.2): one look a second at the control
 * plane and one text of it for all pages, however many changes there are and however many pages. Somebody who reads slowly
 * misses texts and gets the newest when there is room again; nobody is waited for.
 */

import type { ServerResponse } from 'node:http';
import type { Timer, Timers } from '../timers.ts';
import type { ControlPlane } from './control-plane.ts';
import { drillRow, planRow } from './drills-control.ts';
import { JournalTail } from './journal-tail.ts';
import { SAMPLE_MS, TrafficMeter, type TrafficSample, type TrafficView } from './traffic.ts';

/** Pages at a time. They are counted apart from other connections, so that they shut nobody out. */
export const PAGES_MAX = 128;
/** Octets that may wait for a reader before it is passed over: a picture of a thousand clusters. */
const WAITING_OCTETS_MAX = 512 * 1024;
/** Ticks that a reader may be passed over in a row; then the page has to connect anew. */
const MISSED_MAX = 30;
/** Changed Services that are told by name; of more, a page looks anew at what it shows. */
export const CHANGED_MAX = 50;
/** How soon a page connects again, in milliseconds. */
const RETRY_MS = 2000;

/** The event of every second. */
export interface Tick {
  readonly nowMs: number;
  readonly serial: number;
  readonly services: number;
  /** `S.N.F` of Services whose answers changed since the last tick. */
  readonly changed: readonly string[];
  /** More changed than are named, or places did: any Service may have. */
  readonly more: boolean;
  readonly traffic?: TrafficSample;
}

/** Something that pages are told whenever it is another text than before; undefined: the server has no such part. */
type Channel = (control: ControlPlane) => unknown;

/** By the name of the event. */
const CHANNELS: Readonly<Record<string, Channel>> = {
  topology: (control) => {
    if (control.topology === undefined) return undefined;
    // These two are in every tick, and would make each change of an answer a new picture.
    const { serial: _serial, services: _services, ...picture } = control.topology();
    return picture;
  },
  drains: (control) => control.drains?.view(),
  guard: (control) => control.guard?.status(),
  drills: ({ drills }) =>
    drills && {
      drills: drills.drills().map((view) => drillRow(view)),
      plans: drills.plans().map((view) => planRow(view)),
    },
};

interface Reader {
  readonly response: ServerResponse;
  missed: number;
}

export interface LiveFeedOptions {
  readonly control: ControlPlane;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly timers: Timers;
}

/** The ticker, and the pages that hear it. */
export class LiveFeed {
  readonly #options: LiveFeedOptions;
  readonly #meter: TrafficMeter;
  readonly #journal: JournalTail | undefined;
  readonly #readers = new Set<Reader>();
  readonly #texts = new Map<string, string>();
  readonly #changed = new Set<string>();
  #more = false;
  #timer: Timer | undefined;
  /** Called when a page has come or gone. */
  onPages: (count: number) => void = () => {};

  constructor(options: LiveFeedOptions) {
    this.#options = options;
    this.#meter = new TrafficMeter(() => options.control.vitals().counters);
    const { journal } = options.control;
    this.#journal = journal && new JournalTail(journal);
  }

  start(): void {
    this.#arm();
  }

  /** Ends the ticker; connections are the server's. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#journal?.stop();
  }

  /** Answers changed. @param services - `S.N.F` of each; empty: only places changed */
  changed(services: readonly string[]): void {
    if (this.#more) return;
    if (services.length === 0 || services.length + this.#changed.size > CHANGED_MAX) this.#more = true;
    else for (const service of services) this.#changed.add(service);
  }

  /** A change took so long, in seconds. */
  propagated(seconds: number): void {
    this.#meter.changed(seconds);
  }

  traffic(): TrafficView {
    return this.#meter.view();
  }

  /** Pages that are connected. */
  get pages(): number {
    return this.#readers.size;
  }

  /** Whether there is no room for another. */
  get isFull(): boolean {
    return this.#readers.size >= PAGES_MAX;
  }

  /** Takes a page in whose header has been sent; there must be room. */
  open(response: ServerResponse): void {
    // Nobody has looked since the last page left.
    if (this.#readers.size === 0) {
      this.#renew();
      this.#journal?.start();
    }
    const reader = { response, missed: 0 };
    this.#readers.add(reader);
    this.onPages(this.#readers.size);
    response.once('close', () => {
      this.#readers.delete(reader);
      if (this.#readers.size === 0) this.#journal?.stop();
      this.onPages(this.#readers.size);
    });
    response.write(`retry: ${RETRY_MS}\n\n${this.#whole()}${this.#tickText(undefined, true)}`);
  }

  /** Looks once, and tells all pages. */
  tick(): void {
    const traffic = this.#meter.sample(this.#options.clock());
    const hasReaders = this.#readers.size > 0;
    const news = hasReaders ? this.#renew() + this.#journalNews() + this.#tickText(traffic, false) : '';
    this.#changed.clear();
    this.#more = false;
    if (!hasReaders) return;
    const octets = Buffer.from(news);
    for (const reader of this.#readers) this.#tell(reader, octets);
  }

  #arm(): void {
    this.#timer = this.#options.timers.after(SAMPLE_MS, () => {
      this.#arm();
      this.tick();
    });
  }

  #tell(reader: Reader, news: Buffer): void {
    const { response } = reader;
    if (response.writableLength > WAITING_OCTETS_MAX) {
      if (++reader.missed > MISSED_MAX) response.destroy();
      return;
    }
    // Whoever has missed something gets the whole: news says only what is other than a second ago.
    if (reader.missed > 0) response.write(this.#whole() + this.#tickText(undefined, true));
    else response.write(news);
    reader.missed = 0;
  }

  /** Looks at every channel. @returns the events of those that have news */
  #renew(): string {
    let news = '';
    for (const [name, read] of Object.entries(CHANNELS)) {
      const value = read(this.#options.control);
      const text = value === undefined ? undefined : eventText(name, value);
      if (text === undefined || text === this.#texts.get(name)) continue;
      this.#texts.set(name, text);
      news += text;
    }
    return news;
  }

  #journalNews(): string {
    const news = this.#journal?.takeNews();
    return news === undefined ? '' : dataText('news', news);
  }

  /** The newest of everything. */
  #whole(): string {
    const journal = this.#journal === undefined ? '' : dataText('journal', this.#journal.all());
    return [...this.#texts.values(), journal].join('');
  }

  /** @param isAll - for somebody who does not know what changed before */
  #tickText(traffic: TrafficSample | undefined, isAll: boolean): string {
    const { serial, services } = this.#options.control.vitals();
    const tick: Tick = {
      nowMs: this.#options.clock(),
      serial,
      services,
      changed: [...this.#changed],
      more: this.#more || isAll,
      ...(traffic !== undefined && { traffic }),
    };
    return eventText('tick', tick);
  }
}

function eventText(name: string, value: unknown): string {
  return dataText(name, JSON.stringify(value));
}

/** @param json - has no line feed, so that one line of data is enough */
function dataText(name: string, json: string): string {
  return `event: ${name}\ndata: ${json}\n\n`;
}
