/** What the admin server asks of the guard: what is withheld, for how long still, and to let go of it. No HTTP in here. */

/** Something that is withheld. */
export interface GuardStopView {
  /** What it is released by. */
  readonly id: string;
  readonly cluster: string;
  readonly rule: 'empty' | 'fraction' | 'older';
  /** The rule in words. */
  readonly why: string;
  /** What was missing first, in words, and the object that led to it. */
  readonly missing: string;
  readonly cause: string;
  /** In milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly shards: number;
  /** `S.N.F` of the first of them. */
  readonly services: readonly string[];
  /** Whether time counts: the cluster is in contact. */
  readonly isRunning: boolean;
  /** Time in contact that it still takes. */
  readonly leftSeconds: number;
}

export interface GuardStatus {
  readonly enabled: boolean;
  /** The oldest first. */
  readonly stops: readonly GuardStopView[];
  /** Shards withheld now. */
  readonly shards: number;
  /** Shards that were withheld since the start, by rule, and let go again, by why. */
  readonly withheld: Readonly<Record<string, number>>;
  readonly released: Readonly<Record<string, number>>;
}

export interface GuardControl {
  status(): GuardStatus;
  /**
   * Lets go of one stop, or of all.
   *
   * @returns how many shards; undefined when there is no such stop
   */
  release(id: string | undefined): number | undefined;
}
