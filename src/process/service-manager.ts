/**
 * Tells systemd how the process is (sd_notify(3)), where it was started by it with `Type=notify`. One datagram each; elsewhere
 * nothing happens. Node has no such sockets, so it goes through the C library.
 */

import { Linux, type Libc } from '../server/linux/linux.ts';
import { loadBatchCalls } from '../server/workers/udp-transport.ts';

/** Octets of a path in `struct sockaddr_un`. */
const PATH_OCTETS_MAX = 108;

/** What systemd is told. */
export interface ServiceManager {
  ready(status: string): Promise<void>;
  /** A reload has begun; {@link ready} ends it. */
  reloading(): Promise<void>;
  /** @param ms - how long the end may take, in milliseconds */
  stopping(ms: number): Promise<void>;
  /** Another process is the service from now on. */
  followedBy(pid: number): Promise<void>;
}

/** Assignments, one a line, as sd_notify(3) lists them. */
type Assignments = Readonly<Record<string, string | number>>;

/** The one that has started this process, by its environment. */
export function serviceManager(
  env: NodeJS.ProcessEnv = process.env,
  load: () => Promise<Libc> = loadBatchCalls,
): ServiceManager {
  const tell = (assignments: Assignments): Promise<void> => notify(env.NOTIFY_SOCKET, assignments, load);
  return {
    ready: (status) => tell({ READY: 1, STATUS: status }),
    // Microseconds of CLOCK_MONOTONIC, by which systemd tells this reload from one before.
    reloading: () => tell({ RELOADING: 1, MONOTONIC_USEC: Number(process.hrtime.bigint() / 1000n) }),
    stopping: (ms) => tell({ STOPPING: 1, EXTEND_TIMEOUT_USEC: ms * 1000 }),
    followedBy: (pid) => tell({ MAINPID: pid }),
  };
}

async function notify(
  path: string | undefined,
  assignments: Assignments,
  load: () => Promise<Libc>,
): Promise<void> {
  const address = path === undefined ? undefined : socketAddress(path);
  if (address === undefined) return;
  const text = Object.entries(assignments).map(([key, value]) => `${key}=${value}\n`);
  try {
    send(await load(), address, Buffer.from(text.join('')));
  } catch {
    // Without the C library systemd hears nothing; such a unit is of Type=exec.
  }
}

function send(libc: Libc, address: Uint8Array, octets: Uint8Array): void {
  const fd = libc.socket(Linux.AF_UNIX, Linux.SOCK_DGRAM | Linux.SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  libc.sendto(fd, octets, octets.length, Linux.MSG_DONTWAIT, address, address.length);
  libc.close(fd);
}

/** `struct sockaddr_un`: a path, or after `@` a name that is in no file system. */
function socketAddress(path: string): Uint8Array | undefined {
  const octets = Buffer.from(path);
  if (!/^[/@]/.test(path) || octets.length >= PATH_OCTETS_MAX) return undefined;
  if (path.startsWith('@')) octets[0] = 0;
  const isNamed = path.startsWith('/');
  const address = new Uint8Array(2 + octets.length + (isNamed ? 1 : 0));
  address[0] = Linux.AF_UNIX;
  address.set(octets, 2);
  return address;
}
