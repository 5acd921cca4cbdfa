/** What is known of the other servers that steer by the same drains. Who asks them is src/steering/shared. */

/** Another server, as it was when it was last asked. */
export interface Replica {
  /** `ADDRESS:PORT` of its admin server; a name that has no address stands for itself. */
  readonly address: string;
  /** `unreachable`: it did not answer; `behind`: it has other drains, or not all of its workers answer by them. */
  readonly state: 'served' | 'behind' | 'unreachable';
  /** Why it cannot be reached. */
  readonly error?: string;
  /** Until its last answer from before has run out; 0: it has. Absent: not known. */
  readonly oldAnswersSeconds?: number;
}

export interface Replicas {
  /** The newest that is known. */
  list(): readonly Replica[];
  /** Whether each of them, and this server, answers by what was ordered last. */
  readonly isServedByAll: boolean;
  /** Whether the last answer from before has run out of its TTL, of each. */
  readonly isSettled: boolean;
  /** Something else is in force here: what was known of the others is known no more. */
  touch(): void;
  /** @param onAll - told when all serve what was ordered, and when the last answers from before have run out */
  start(onAll: (what: 'served' | 'settled') => void): void;
  stop(): void;
}
