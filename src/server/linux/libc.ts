/**
 * The few C library calls that the batch transport needs, through koffi; no other file imports koffi. Nothing here
 * knows of DNS. The calls of the packet path take addresses as plain numbers: that costs 100 ns less than a view.
 *
 * `recvmmsg` and `sendmmsg` go through `syscall(2)`, so the structures are laid out as the kernel has them. The
 * wrappers of musl take other ones and send packet by packet.
 */

import koffi from 'koffi';
import type { Libc } from './linux.ts';

/** Architectures whose socket constants, call numbers and 64-bit structures are the ones written down below. */
const CALL_NUMBERS: Readonly<Record<string, { readonly recvmmsg: number; readonly sendmmsg: number }>> = {
  x64: { recvmmsg: 299, sendmmsg: 307 },
  arm64: { recvmmsg: 243, sendmmsg: 269 },
  riscv64: { recvmmsg: 243, sendmmsg: 269 },
  loong64: { recvmmsg: 243, sendmmsg: 269 },
};

/**
 * Binds the calls.
 *
 * @throws Error when this is no Linux that the constants hold for, or koffi does not find a symbol
 */
export function loadLibc(): Libc {
  const numbers = CALL_NUMBERS[process.arch];
  if (process.platform !== 'linux') throw new Error(`no batch socket calls on ${process.platform}`);
  if (numbers === undefined) throw new Error(`no socket constants for ${process.arch}`);
  const lib = koffi.load(null);
  const syscall = lib.func(
    'long syscall(long number, int fd, intptr_t vector, uint32_t count, int flags, intptr_t timeout)',
  );
  return {
    socket: lib.func('int socket(int family, int type, int protocol)'),
    bind: lib.func('int bind(int fd, void *address, uint32_t length)'),
    listen: lib.func('int listen(int fd, int backlog)'),
    connect: lib.func('int connect(int fd, void *address, uint32_t length)'),
    fcntl: lib.func('int fcntl(int fd, int command, int value)'),
    sendto: lib.func(
      'long sendto(int fd, void *octets, size_t length, int flags, void *address, uint32_t addressLength)',
    ),
    setsockopt: lib.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)'),
    getsockopt: lib.func('int getsockopt(int fd, int level, int name, void *value, void *length)'),
    getsockname: lib.func('int getsockname(int fd, void *address, void *length)'),
    close: lib.func('int close(int fd)'),
    poll: lib.func('int poll(intptr_t fds, unsigned long count, int timeoutMs)'),
    recvmmsg: (fd, vector, count, flags) => syscall(numbers.recvmmsg, fd, vector, count, flags, 0),
    sendmmsg: (fd, vector, count, flags) => syscall(numbers.sendmmsg, fd, vector, count, flags, 0),
    schedGetaffinity: lib.func('int sched_getaffinity(int thread, size_t octets, void *mask)'),
    schedSetaffinity: lib.func('int sched_setaffinity(int thread, size_t octets, void *mask)'),
    madvise: lib.func('int madvise(intptr_t address, size_t octets, int advice)'),
    mallopt: optional(() => lib.func('int mallopt(int parameter, int value)')),
    errno: () => koffi.errno(),
    addressOf: (memory) => Number(koffi.address(memory)),
    errnoName,
  };
}

/** A symbol that not every C library has. */
function optional<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}

function errnoName(errno: number): string {
  for (const [name, value] of Object.entries(koffi.os.errno)) if (value === errno) return name;
  return `errno ${errno}`;
}
