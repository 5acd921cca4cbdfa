/** What the admin server asks of the journal. Implemented by the composition root; no HTTP in here. */

import type { Explanation } from '../zonebuilder/explain.ts';
import type { JournalStatus } from '../journal/live-journal.ts';

/** Which entries are wanted. */
export interface JournalQuestion {
  /** Milliseconds since the epoch, both inclusive. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Any name of a Service, its `S.N.F`, or a name with records of the configuration. */
  readonly name?: string;
  readonly cluster?: string;
  /** Only the newest so many. */
  readonly last?: number;
}

export interface JournalControl {
  /**
   * Entries as lines of JSON, the oldest first, some lines at a time.
   *
   * @throws QuestionError when the name is none
   */
  read(question: JournalQuestion): AsyncIterable<string>;
  /**
   * The same, and then every entry that comes, until `signal` aborts. Empty lines say that nothing has happened.
   *
   * @throws QuestionError
   */
  follow(question: JournalQuestion, signal: AbortSignal): AsyncIterable<string>;
  /**
   * What a name was answered with at a time.
   *
   * @throws QuestionError
   */
  explainAt(question: {
    readonly name: string;
    readonly type: string;
    readonly timeMs: number;
  }): Promise<Explanation>;
  status(): JournalStatus;
}
