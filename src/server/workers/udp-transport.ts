/**
 * Which UDP transport this machine gets, and why. Loads koffi only where it may be used.
 */

import type { Settings } from '../../config/settings.ts';
import { preferHugePages, type Libc } from '../linux/linux.ts';

/** The choice; `why` completes the log line. */
export type UdpTransport =
  | { readonly kind: 'batch'; readonly libc: Libc; readonly why: string }
  | { readonly kind: 'portable'; readonly why: string };

/**
 * Picks the transport: `auto` takes batch on Linux where koffi loads.
 *
 * @param load - loads the batch calls; tests pass one that fails
 * @throws Error when `batch` is asked for and cannot be had
 */
export async function chooseTransport(
  wanted: Settings['transport'],
  load: () => Promise<Libc> = loadBatchCalls,
): Promise<UdpTransport> {
  if (wanted === 'portable') return { kind: 'portable', why: 'it is configured' };
  try {
    const libc = await load();
    return {
      kind: 'batch',
      libc,
      why: wanted === 'auto' ? 'the batch socket calls load' : 'it is configured',
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    if (wanted === 'batch') throw new Error(`transport batch cannot be had: ${reason}`, { cause: error });
    return { kind: 'portable', why: `the batch socket calls do not load: ${reason}` };
  }
}

/** What is done with memory of the image before it is filled: huge pages where the machine's calls load, else nothing. */
export async function loadMemoryAdvice(
  load: () => Promise<Libc> = loadBatchCalls,
): Promise<(memory: SharedArrayBuffer) => void> {
  try {
    const libc = await load();
    return (memory) => preferHugePages(libc, memory);
  } catch {
    return () => {};
  }
}

/** The C library's calls. @throws Error where they cannot be had */
export async function loadBatchCalls(): Promise<Libc> {
  // libc.ts loads koffi, which has no binary for some systems.
  const { loadLibc } = await import('../linux/libc.ts');
  return loadLibc();
}
