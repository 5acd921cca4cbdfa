/** The wall clock of the process, as libraries read it, set to what a test says. */

/** Runs `work` while `new Date()` and `Date.now()` tell what `clock` tells, in milliseconds since the epoch. */
export async function dated<T>(clock: () => number, work: () => Promise<T>): Promise<T> {
  const real = globalThis.Date;
  globalThis.Date = class extends real {
    constructor(...args: [] | [number]) {
      if (args.length === 0) super(clock());
      else super(...args);
    }

    static override now(): number {
      return clock();
    }
  } as DateConstructor;
  try {
    return await work();
  } finally {
    globalThis.Date = real;
  }
}
