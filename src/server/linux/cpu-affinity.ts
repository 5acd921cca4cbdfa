/**
 * Which CPUs the process may use, and how a thread keeps to one of them. Which worker gets which is the pool's
 * decision (worker-pool.ts).
 */

import type { Libc } from './linux.ts';

/** `cpu_set_t` for 8,192 CPUs, the most that Linux is built for. A kernel that counts more than fit does not answer. */
const CPU_MASK_OCTETS = 1024;

/** To the calls, the thread that makes them. */
const THIS_THREAD = 0;

/** CPUs by the kernel's numbers, ascending; or the name of the errno for which they are not known. */
export type AllowedCpus =
  | { readonly kind: 'known'; readonly cpus: readonly number[] }
  | { readonly kind: 'unknown'; readonly code: string };

/** What became of the attempt to keep a thread on a CPU; `code` is the name of an errno. */
export type Pinning =
  | { readonly kind: 'kept'; readonly cpu: number }
  | { readonly kind: 'free'; readonly cpu: number; readonly code: string };

/** The CPUs that the calling thread may use: those of the container's cpuset, of `taskset`, or all. */
export function allowedCpus(libc: Libc): AllowedCpus {
  const mask = createMask();
  if (libc.schedGetaffinity(THIS_THREAD, CPU_MASK_OCTETS, mask) === -1)
    return { kind: 'unknown', code: libc.errnoName(libc.errno()) };
  const cpus: number[] = [];
  for (let cpu = 0; cpu < mask.length * 32; cpu++) {
    if (((mask[cpu >>> 5]! >>> (cpu & 31)) & 1) === 1) cpus.push(cpu);
  }
  return { kind: 'known', cpus };
}

/** Keeps the calling thread on one CPU; where the kernel refuses, the thread stays free. */
export function pinThread(libc: Libc, cpu: number): Pinning {
  const mask = createMask();
  mask[cpu >>> 5] = 1 << (cpu & 31);
  if (libc.schedSetaffinity(THIS_THREAD, CPU_MASK_OCTETS, mask) !== -1) return { kind: 'kept', cpu };
  return { kind: 'free', cpu, code: libc.errnoName(libc.errno()) };
}

/** For the log: which CPUs were refused, and why. */
export function describeFree(free: readonly (Pinning & { kind: 'free' })[]): string {
  const refused = free.map(({ cpu, code }) => `CPU ${cpu} (${code})`);
  return `pinWorkers: the system refuses ${refused.join(', ')}; these workers stay free`;
}

function createMask(): Uint32Array<ArrayBuffer> {
  return new Uint32Array(CPU_MASK_OCTETS / Uint32Array.BYTES_PER_ELEMENT);
}
