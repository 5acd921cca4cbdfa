/** How the process is kept from holding memory that it does not need: for the control plane, which may be slow instead. */

import { setFlagsFromString } from 'node:v8';
import { returnLargePieces } from '../server/workers/allocator.ts';

/**
 * Has V8 collect earlier: the facts of many clusters make a heap that it would otherwise let grow to about twice their
 * size between two collections. Workers make no garbage.
 */
const LEAN_HEAP = '--memory-saver-mode';
const USUAL_HEAP = '--no-memory-saver-mode';

/** To be called once, before anything large is made. */
export async function keepMemoryLow(): Promise<void> {
  setFlagsFromString(LEAN_HEAP);
  await returnLargePieces();
}

/**
 * Lets a thread that `work` starts collect as V8 usually does, for something short that makes much: collecting early costs it as
 * much time again as it takes. The setting is one of the process, so it comes back at the end.
 */
export async function spendMemory<T>(work: () => Promise<T>): Promise<T> {
  setFlagsFromString(USUAL_HEAP);
  try {
    return await work();
  } finally {
    setFlagsFromString(LEAN_HEAP);
  }
}
