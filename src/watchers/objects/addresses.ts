/**
 * Which addresses may be published: those that some client could use. Owns the table of unusable ranges and the
 * per-cluster filter. Where addresses come from is left to shards.ts and hostname-resolver.ts.
 */

import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net';

/** Why an address is not published. Stable: operators see these in `fedns clusters`. */
export type AddressFault =
  | 'ADDRESS_MALFORMED'
  | 'ADDRESS_SCOPED'
  | 'ADDRESS_UNSPECIFIED'
  | 'ADDRESS_LOOPBACK'
  | 'ADDRESS_LINK_LOCAL'
  | 'ADDRESS_METADATA'
  | 'ADDRESS_MULTICAST'
  | 'ADDRESS_BROADCAST'
  | 'ADDRESS_RESERVED'
  | 'ADDRESS_MAPPED'
  | 'ADDRESS_FILTERED';

/** An address in canonical text, or why it is none that can be published. */
export type AddressCheck =
  | { readonly ok: true; readonly address: string }
  | { readonly ok: false; readonly code: AddressFault; readonly message: string };

type Family = 'ipv4' | 'ipv6';

/** Decides about one address. */
export type AddressRule = (text: string) => AddressCheck;

/**
 * Ranges no client elsewhere could use, narrowest meaning first, as IANA's special-purpose registries list them
 * (RFC 6890). Documentation and private ranges are absent on purpose: the one is used in tests and
 * demonstrations, the other in private networks; a cluster's `addresses` filter can still exclude them.
 */
const UNUSABLE: ReadonlyArray<readonly [AddressFault, string, readonly string[]]> = [
  ['ADDRESS_UNSPECIFIED', 'the unspecified address', ['0.0.0.0/32', '::/128']],
  ['ADDRESS_RESERVED', 'of "this network" (RFC 1122 section 3.2.1.3)', ['0.0.0.0/8']],
  ['ADDRESS_LOOPBACK', 'a loopback address', ['127.0.0.0/8', '::1/128']],
  ['ADDRESS_MAPPED', 'an IPv4 address in IPv6 clothing (RFC 4291 section 2.5.5)', ['::ffff:0:0/96', '::/96']],
  // Instance metadata services that clouds put outside the link-local range.
  ['ADDRESS_METADATA', 'a metadata service', ['100.100.100.200/32', 'fd00:ec2::254/128', 'fd20:ce::254/128']],
  ['ADDRESS_LINK_LOCAL', 'a link-local address', ['169.254.0.0/16', 'fe80::/10']],
  ['ADDRESS_MULTICAST', 'a multicast address', ['224.0.0.0/4', 'ff00::/8']],
  ['ADDRESS_BROADCAST', 'the limited broadcast address', ['255.255.255.255/32']],
  ['ADDRESS_RESERVED', 'reserved (RFC 1112 section 4)', ['240.0.0.0/4']],
  ['ADDRESS_RESERVED', 'discard-only (RFC 6666)', ['100::/64']],
];

const UNUSABLE_TESTS = UNUSABLE.map(
  ([code, reason, networks]) => [code, reason, networkTest(networks)] as const,
);

/** All of them at once: most addresses are fine, and are looked up once. */
const isUnusable = networkTest(UNUSABLE.flatMap(([, , networks]) => networks));

/**
 * Checks that an address is one a client could use.
 *
 * @param text - an address as Kubernetes or DNS gave it
 * @returns the canonical text (RFC 5952 for IPv6), or the fault
 */
export function checkAddress(text: string): AddressCheck {
  const family = familyOf(text);
  if (family === undefined) return fault('ADDRESS_MALFORMED', `${quote(text)} is no IP address`);
  if (text.includes('%')) return fault('ADDRESS_SCOPED', `${quote(text)} has a zone identifier`);
  if (isUnusable(text, family)) return unusable(text, family);
  return { ok: true, address: family === 'ipv4' ? text : canonicalIPv6(text) };
}

function unusable(text: string, family: Family): AddressCheck {
  const [code, reason] = UNUSABLE_TESTS.find(([, , isIn]) => isIn(text, family))!;
  return fault(code, `${text} is ${reason}`);
}

/**
 * The rule of one cluster: {@link checkAddress}, then the cluster's own filter.
 *
 * @param filter - networks in CIDR text; an empty `allow` allows any; `deny` wins over `allow`
 */
export function addressRule(filter: {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}): AddressRule {
  if (filter.allow.length === 0 && filter.deny.length === 0) return checkAddress;
  const isAllowed = filter.allow.length === 0 ? () => true : networkTest(filter.allow);
  const isDenied = networkTest(filter.deny);
  return (text) => {
    const check = checkAddress(text);
    if (!check.ok) return check;
    const family = isIPv4(text) ? 'ipv4' : 'ipv6';
    if (isDenied(text, family)) return filtered(text, 'denied');
    return isAllowed(text, family) ? check : filtered(text, 'not allowed');
  };
}

/**
 * A test for lying in one of some networks (CIDR text; a bare address stands for itself). One BlockList per family:
 * a single one takes an IPv4 address for its IPv4-mapped form and finds it in IPv6 networks such as `::/0`.
 */
export function networkTest(networks: readonly string[]): (address: string, family: Family) => boolean {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (bits === undefined) lists[family].addAddress(address, family);
    else lists[family].addSubnet(address, Number(bits), family);
  }
  return (address, family) => lists[family].check(address, family);
}

function familyOf(text: string): Family | undefined {
  if (isIPv4(text)) return 'ipv4';
  return isIPv6(text) ? 'ipv6' : undefined;
}

function canonicalIPv6(text: string): string {
  return new SocketAddress({ address: text, family: 'ipv6' }).address;
}

function filtered(text: string, how: string): AddressCheck {
  return fault('ADDRESS_FILTERED', `${text} is ${how} by the cluster's addresses filter`);
}

function fault(code: AddressFault, message: string): AddressCheck {
  return { ok: false, code, message };
}

function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? text.slice(0, 64) + '…' : text);
}
