/** Owns what drills and plans ask of whoever keeps their state; where it lies is src/state. */

export interface Ledger<State> {
  /** Undefined: nothing was kept, or nothing that can be read. */
  load(): Promise<State | undefined>;
  /** Must not reject: what cannot be kept is logged there. */
  save(state: State): Promise<void>;
}
