/** How the process is kept from holding memory that it does not need: for the control plane, which may be slow instead. */

import { setFlagsFromString } from 'node:v8';
import { returnLargePieces } from '../server/workers/allocator.ts';

/**
 * Has V8 collect earlier: the facts of many clusters make a heap that it would otherwise let grow to about twice their
 * size between two collections. Workers make no garbage.
 */
const LEAN_HEAP = '--memory-saver-mode';

/** To be called once, before anything large is made. */
export async function keepMemoryLow(): Promise<void> {
  setFlagsFromString(LEAN_HEAP);
  await returnLargePieces();
}
