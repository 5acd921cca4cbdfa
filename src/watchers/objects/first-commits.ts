/**
 * Complete lists of many clusters, taken in together. A Service has a shard in every cluster, so that each cluster that
 * is listed changes all of its Services; where hundreds of clusters are listed at the start, those that are complete
 * within a moment of each other are one change of each Service instead of hundreds.
 */

import type { Cause, FactSink } from '../../zonebuilder/facts.ts';
import type { Timer, Timers } from '../../timers.ts';

/** Least time between two commits. The first is at once: a single cluster waits for nothing. */
const SPACING_MS = 1_000;
/** Clusters in one commit: its work is one turn of the event loop, and what waits beside it keeps its lists in memory. */
const COMMITS_MAX = 16;

export class FirstCommits {
  readonly #sink: FactSink;
  readonly #timers: Timers;
  readonly #waiting = new Set<() => void>();
  #timer: Timer | undefined;
  #lastMs = -Infinity;

  constructor(sink: FactSink, timers: Timers) {
    this.#sink = sink;
    this.#timers = timers;
  }

  /**
   * Runs `commit` soon, in one batch with others; at once when there was none for a while.
   *
   * @returns takes it back
   */
  add(commit: () => void, cause: Cause): () => void {
    this.#waiting.add(commit);
    const waitMs = this.#lastMs + SPACING_MS - this.#timers.now();
    if (waitMs <= 0) this.#commit(cause);
    else this.#timer ??= this.#timers.after(waitMs, () => this.#commit(cause));
    return () => this.#takeBack(commit);
  }

  #takeBack(commit: () => void): void {
    this.#waiting.delete(commit);
    if (this.#waiting.size === 0) this.#endTimer();
  }

  #endTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #commit(cause: Cause): void {
    const commits = [...this.#waiting].slice(0, COMMITS_MAX);
    for (const commit of commits) this.#waiting.delete(commit);
    this.#endTimer();
    this.#lastMs = this.#timers.now();
    if (this.#waiting.size > 0) this.#timer = this.#timers.after(0, () => this.#commit(cause));
    const work = (): void => runAll(commits);
    if (this.#sink.batch === undefined) work();
    else this.#sink.batch(cause, work);
  }
}

/** Runs all, also when one fails: no cluster is to pay for another's bug. @throws the first error, at the end */
function runAll(commits: readonly (() => void)[]): void {
  const errors: unknown[] = [];
  for (const commit of commits) {
    try {
      commit();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

const bySink = new WeakMap<FactSink, FirstCommits>();

/** The one of all sources that report to the same sink. */
export function firstCommitsOf(sink: FactSink, timers: Timers): FirstCommits {
  let commits = bySink.get(sink);
  if (commits === undefined) bySink.set(sink, (commits = new FirstCommits(sink, timers)));
  return commits;
}
