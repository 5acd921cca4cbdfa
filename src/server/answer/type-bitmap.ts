/** The bitmap of types in an NSEC record (RFC 4034 section 4.1.2), put together type by type. */
import type { Exchange } from './exchange.ts';

const WINDOWS = 256;
const WINDOW_OCTETS = 32;
/** Bits of all types, and how many octets of each window are in use. All zero between two records. */
const bits = new Uint8Array(WINDOWS * WINDOW_OCTETS);
const used = new Uint8Array(WINDOWS);
let highest = 0;

/** Notes a type. */
export function addType(type: number): void {
  const window = type >>> 8;
  const octet = (type & 0xff) >>> 3;
  bits[window * WINDOW_OCTETS + octet]! |= 0x80 >>> (type & 7);
  if (octet >= used[window]!) used[window] = octet + 1;
  if (window > highest) highest = window;
}

/** Octets that {@link writeTypes} is going to write. */
export function typesOctets(): number {
  let octets = 0;
  for (let window = 0; window <= highest; window++) if (used[window] !== 0) octets += 2 + used[window]!;
  return octets;
}

/** Writes the types that were noted, and forgets them. @returns the position behind them */
export function writeTypes({ reply }: Exchange, start: number): number {
  let at = start;
  for (let window = 0; window <= highest; window++) {
    const octets = used[window]!;
    if (octets === 0) continue;
    reply[at] = window;
    reply[at + 1] = octets;
    const from = window * WINDOW_OCTETS;
    for (let i = 0; i < octets; i++) reply[at + 2 + i] = bits[from + i]!;
    at += 2 + octets;
  }
  forgetTypes();
  return at;
}

/** Forgets the types that were noted. */
export function forgetTypes(): void {
  for (let window = 0; window <= highest; window++) {
    bits.fill(0, window * WINDOW_OCTETS, window * WINDOW_OCTETS + used[window]!);
    used[window] = 0;
  }
  highest = 0;
}
