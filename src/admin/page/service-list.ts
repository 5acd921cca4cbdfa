/**
 * Owns the list of Services of any length: the server searches, rows are fetched as they come into sight, and only those in sight
 * are in the document.
 */

import { ask, messageOf } from './api.ts';
import type { ServicePage, ServiceRow } from '../services.ts';

/** Rows of one request. */
export const CHUNK = 100;
/** Chunks that are kept; those looked at longest ago go first. */
const CHUNKS_MAX = 40;

/** What is looked for. */
export interface ListQuery {
  readonly search: string;
  readonly health: string;
}

/** Rows that have come so far. */
export class ServiceList {
  readonly #query: ListQuery;
  readonly #onNews: () => void;
  readonly #chunks = new Map<number, readonly ServiceRow[]>();
  readonly #asked = new Set<number>();
  readonly #abort = new AbortController();
  /** Services that match, and all; undefined until the first reply. */
  matched: number | undefined;
  total = 0;
  fault: string | undefined;

  /** @param onNews - called when more is known */
  constructor(query: ListQuery, onNews: () => void) {
    this.#query = query;
    this.#onNews = onNews;
  }

  /** Forgets everything, and what is on its way. */
  stop(): void {
    this.#abort.abort();
  }

  row(index: number): ServiceRow | undefined {
    return this.#chunks.get(Math.floor(index / CHUNK))?.[index % CHUNK];
  }

  /** Sees to it that rows from `first` to `last` are there. @param isFresh - those that are there too, for they may be old */
  need(first: number, last: number, isFresh = false): void {
    for (let chunk = Math.floor(first / CHUNK); chunk <= Math.floor(last / CHUNK); chunk++) {
      if ((isFresh || !this.#chunks.has(chunk)) && !this.#asked.has(chunk)) void this.#fetch(chunk);
    }
  }

  async #fetch(chunk: number): Promise<void> {
    const { search, health } = this.#query;
    this.#asked.add(chunk);
    try {
      const query = { search, health, offset: String(chunk * CHUNK), limit: String(CHUNK) };
      const page = await ask<ServicePage>('services', { query, signal: this.#abort.signal });
      this.#put(chunk, page);
      this.fault = undefined;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.fault = messageOf(error);
    } finally {
      this.#asked.delete(chunk);
    }
    this.#onNews();
  }

  #put(chunk: number, { matched, total, rows }: ServicePage): void {
    this.matched = matched;
    this.total = total;
    this.#chunks.delete(chunk);
    this.#chunks.set(chunk, rows);
    if (this.#chunks.size > CHUNKS_MAX) this.#chunks.delete(this.#chunks.keys().next().value!);
  }
}
