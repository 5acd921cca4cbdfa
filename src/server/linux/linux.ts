/**
 * What the batch transport knows of Linux: numbers from the kernel's headers, and the calls as an interface, so that
 * tests can put another kernel in its place. libc.ts is the real one.
 */

/** Numbers from the kernel's headers, as far as they are used. */
export const Linux = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_CLOEXEC: 0x80000,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_SNDBUF: 7,
  SO_RCVBUF: 8,
  SO_REUSEPORT: 15,
  SO_RCVTIMEO: 20,
  SO_SNDTIMEO: 21,
  SO_SNDBUFFORCE: 32,
  SO_RCVBUFFORCE: 33,
  IPPROTO_IP: 0,
  IP_PKTINFO: 8,
  IP_MTU_DISCOVER: 10,
  IPPROTO_IPV6: 41,
  IPV6_MTU_DISCOVER: 23,
  IPV6_V6ONLY: 26,
  IPV6_RECVPKTINFO: 49,
  PMTUDISC_PROBE: 3,
  PMTUDISC_OMIT: 5,
  SOL_UDP: 17,
  UDP_SEGMENT: 103,
  F_DUPFD_CLOEXEC: 1030,
  MSG_DONTWAIT: 0x40,
  MSG_WAITFORONE: 0x10000,
  POLLIN: 1,
  MADV_DONTNEED: 4,
  MADV_HUGEPAGE: 14,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  EINVAL: 22,
  ENOTSOCK: 88,
  EMSGSIZE: 90,
  EOPNOTSUPP: 95,
} as const;

/** Memory that the kernel reads or writes during a call. */
export type Memory = Uint8Array | Uint32Array | Int32Array;

/**
 * The calls. Each returns -1 on failure, and `errno` says why until the next call. The frequent ones take addresses,
 * which are cheaper than views, and rely on the caller to keep the memory referenced until they return.
 */
export interface Libc {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Memory, length: number): number;
  listen(fd: number, backlog: number): number;
  connect(fd: number, address: Memory, length: number): number;
  /** `fcntl` with one number. */
  fcntl(fd: number, command: number, value: number): number;
  sendto(
    fd: number,
    octets: Memory,
    length: number,
    flags: number,
    address: Memory,
    addressLength: number,
  ): number;
  setsockopt(fd: number, level: number, name: number, value: Memory, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: Memory, length: Memory): number;
  getsockname(fd: number, address: Memory, length: Memory): number;
  close(fd: number): number;
  /** @param timeoutMs - -1 waits for ever */
  poll(fds: number, count: number, timeoutMs: number): number;
  recvmmsg(fd: number, vector: number, count: number, flags: number): number;
  sendmmsg(fd: number, vector: number, count: number, flags: number): number;
  /**
   * The CPUs that a thread may use, one bit each.
   *
   * @param thread - 0: the calling one
   */
  schedGetaffinity(thread: number, octets: number, mask: Memory): number;
  /** @param thread - 0: the calling one */
  schedSetaffinity(thread: number, octets: number, mask: Memory): number;
  madvise(address: number, octets: number, advice: number): number;
  /** Absent where the C library is not glibc. */
  readonly mallopt: ((parameter: number, value: number) => number) | undefined;
  errno(): number;
  /** Where memory lies. */
  addressOf(memory: Memory): number;
  /** The name of an errno, `EADDRINUSE`. */
  errnoName(errno: number): string;
}

const HUGE_PAGE_OCTETS = 2 * 1024 * 1024;

/**
 * Asks for huge pages under memory that nothing was written to yet. A look-up among 50,000 Services touches pages that
 * no translation cache holds; with huge ones there are few enough. Where the kernel has none to give it stays as it was.
 */
export function preferHugePages(libc: Libc, memory: SharedArrayBuffer): void {
  advise(libc, memory, HUGE_PAGE_OCTETS, Linux.MADV_HUGEPAGE);
}

/** The largest page that a supported kernel may be built for: a length that is no multiple would be rounded up. */
const PAGE_OCTETS_MAX = 64 * 1024;

/**
 * Gives the pages of memory back that no thread reads or writes any more; what was in them reads as zero. V8 frees it
 * only when every thread that has ever seen it has collected its garbage, and one that makes none never does.
 */
export function giveBack(libc: Libc, memory: SharedArrayBuffer): void {
  advise(libc, memory, PAGE_OCTETS_MAX, Linux.MADV_DONTNEED);
}

/** Only whole pages within the memory: what stands beside it is not ours. */
function advise(libc: Libc, memory: SharedArrayBuffer, pageOctets: number, advice: number): void {
  const start = libc.addressOf(new Uint8Array(memory));
  const from = Math.ceil(start / pageOctets) * pageOctets;
  const to = Math.floor((start + memory.byteLength) / pageOctets) * pageOctets;
  if (to > from) libc.madvise(from, to - from, advice);
}
