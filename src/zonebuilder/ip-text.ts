/**
 * IPv4 and IPv6 addresses as text and as octets. Which addresses may be published is decided elsewhere.
 */
import { isIPv4, isIPv6 } from 'node:net';

/**
 * The octets of an address: 4 for IPv4, 16 for IPv6.
 *
 * @returns undefined when the text is no address, or names an interface (`fe80::1%eth0`)
 */
export function parseAddress(text: string): Buffer | undefined {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (isIPv6(text) && !text.includes('%')) return parseIPv6(text);
  return undefined;
}

/**
 * As {@link parseAddress}, as one-byte text: each character is an octet. A list of a whole cluster brings hundreds of
 * thousands, and for IPv4 a buffer on the way would cost most of the time.
 */
export function packAddress(text: string): string | undefined {
  return isIPv4(text) ? packIPv4(text) : parseAddress(text)?.toString('latin1');
}

/** The canonical text of 4 or 16 octets: RFC 5952, so that equal addresses are equal texts. */
export function formatAddress(octets: Uint8Array): string {
  return octets.length === 4 ? octets.join('.') : formatIPv6(octets);
}

/** The canonical form of an address text, or undefined when it is none. */
export function canonicalAddress(text: string): string | undefined {
  const octets = parseAddress(text);
  return octets && formatAddress(octets);
}

/** Takes a text that `isIPv4` has accepted: digits and dots only. */
function packIPv4(text: string): string {
  let octets = '';
  let octet = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code !== DOT) {
      octet = octet * 10 + code - ZERO;
      continue;
    }
    octets += String.fromCharCode(octet);
    octet = 0;
  }
  return octets + String.fromCharCode(octet);
}

const DOT = 0x2e;
const ZERO = 0x30;

/** Takes a text that `isIPv6` has accepted. */
function parseIPv6(text: string): Buffer {
  const [head = '', tail] = text.split('::');
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const octets = Buffer.alloc(16);
  front.forEach((group, i) => octets.writeUInt16BE(group, i * 2));
  back.forEach((group, i) => octets.writeUInt16BE(group, 16 - (back.length - i) * 2));
  return octets;
}

function groups(text: string): number[] {
  if (text === '') return [];
  return text
    .split(':')
    .flatMap((part) => (part.includes('.') ? embedded(part) : [Number.parseInt(part, 16)]));
}

function embedded(text: string): number[] {
  const octets = Buffer.from(text.split('.').map(Number));
  return [octets.readUInt16BE(0), octets.readUInt16BE(2)];
}

function formatIPv6(octets: Uint8Array): string {
  const words = Array.from({ length: 8 }, (_, i) => (octets[i * 2]! << 8) | octets[i * 2 + 1]!);
  // RFC 5952 section 5: addresses with embedded IPv4 are written in mixed notation.
  if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff) {
    return `::ffff:${octets.subarray(12, 16).join('.')}`;
  }
  const { start, length } = longestZeroRun(words);
  const hex = words.map((word) => word.toString(16));
  // RFC 5952 section 4.2.2: a single zero group is not shortened.
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** RFC 5952 section 4.2.3: the longest run of zero groups is shortened, the first of equal ones. */
function longestZeroRun(words: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let i = 0; i < words.length; i++) {
    let end = i;
    while (words[end] === 0) end++;
    if (end - i > best.length) best = { start: i, length: end - i };
    i = Math.max(i, end - 1);
  }
  return best;
}
