/**
 * Which networks the clients of a cluster are in, as its Nodes say: `spec.podCIDRs`, and the Nodes' own addresses, by which Pods are
 * seen outside of a cluster that masquerades. A cluster is believed only what can be its own: it must not be able to claim the
 * clients of the world.
 */
import { formatAddress, parseAddress } from '../../zonebuilder/ip-text.ts';
import { asFields, asList, asText, asTexts, own, type Fields } from './fields.ts';
import { intern } from './intern.ts';

/** Networks taken of one Node: two for its Pods, and what addresses a machine has. */
const OF_ONE_NODE_MAX = 16;
/** Networks taken of one cluster: three for each Node of the largest. */
export const NETWORKS_MAX = 15_000;
/** Of these, public ones. */
export const PUBLIC_NETWORKS_MAX = 5000;
/** The widest networks that are believed: no Node has more Pods than a few hundred. */
const PREFIX_MIN = { private4: 16, public4: 24, private6: 48, public6: 64 } as const;

/** The networks of one Node, canonical and each once; what is not believable is left out. */
export function nodeNetworks(fields: Fields): readonly string[] {
  const spec = asFields(own(fields, 'spec'), 'spec');
  const single = asText(own(spec, 'podCIDR'), 'spec.podCIDR');
  const ofPods = [
    ...asTexts(own(spec, 'podCIDRs'), 'spec.podCIDRs'),
    ...(single === undefined ? [] : [single]),
  ];
  const addresses = asList(own(asFields(own(fields, 'status'), 'status'), 'addresses'), 'status.addresses');
  const ofNode = addresses.slice(0, OF_ONE_NODE_MAX).flatMap((entry, i) => {
    const address = asFields(entry, `status.addresses[${i}]`);
    const type = own(address, 'type');
    const isAddress = type === 'InternalIP' || type === 'ExternalIP';
    return isAddress ? (asText(own(address, 'address'), `status.addresses[${i}].address`) ?? []) : [];
  });
  const texts = [...ofPods, ...ofNode].slice(0, OF_ONE_NODE_MAX).flatMap((text) => believable(text) ?? []);
  return [...new Set(texts)].map(intern);
}

/** The canonical text of a network that one cluster can have for itself. */
function believable(text: string): string | undefined {
  const [addressText = '', prefixText] = text.split('/');
  const address = parseAddress(addressText);
  if (address === undefined || isNowhere(address)) return undefined;
  const bits = address.length * 8;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (!Number.isInteger(prefix) || prefix > bits || prefix < widestOf(address)) return undefined;
  const first = address.map((octet, i) => octet & (0xff00 >> Math.max(0, Math.min(8, prefix - i * 8))));
  return `${formatAddress(first)}/${prefix}`;
}

function widestOf(address: Uint8Array): number {
  if (address.length === 4) return isPrivate(address) ? PREFIX_MIN.private4 : PREFIX_MIN.public4;
  return isPrivate(address) ? PREFIX_MIN.private6 : PREFIX_MIN.public6;
}

/** RFC 1918, RFC 6598 (shared address space, which clouds use for Pods), RFC 4193. */
function isPrivate(address: Uint8Array): boolean {
  const [a, b] = [address[0]!, address[1]!];
  if (address.length === 16) return (a & 0xfe) === 0xfc;
  return a === 10 || (a === 172 && b >> 4 === 1) || (a === 192 && b === 168) || (a === 100 && b >> 6 === 1);
}

/** Unspecified, loopback, link-local, multicast, and IPv4 inside IPv6, which is looked up as IPv4. */
function isNowhere(address: Uint8Array): boolean {
  const [a, b] = [address[0]!, address[1]!];
  if (address.length === 4) return a === 0 || a === 127 || a >= 224 || (a === 169 && b === 254);
  return a === 0 || a === 0xff || (a === 0xfe && b >> 6 === 2) || (a === 0x20 && b === 0x02);
}

/** Counts the networks of a cluster's Nodes. */
export class NetworkTally {
  readonly #counts = new Map<string, number>();
  /** Whether a network came or went since {@link networks} was last asked. */
  changed = false;

  count(before: readonly string[] = [], after: readonly string[] = []): void {
    for (const network of after) this.#add(network, 1);
    for (const network of before) this.#add(network, -1);
  }

  /** As many as are believed of one cluster. */
  networks(): readonly string[] {
    this.changed = false;
    const all = [...this.#counts.keys()];
    let left = PUBLIC_NETWORKS_MAX;
    return all.filter((text) => isPrivateText(text) || left-- > 0).slice(0, NETWORKS_MAX);
  }

  #add(network: string, by: 1 | -1): void {
    const before = this.#counts.get(network) ?? 0;
    if (before === 0 || before + by === 0) this.changed = true;
    if (before + by === 0) this.#counts.delete(network);
    else this.#counts.set(network, before + by);
  }
}

function isPrivateText(text: string): boolean {
  return isPrivate(parseAddress(text.slice(0, text.indexOf('/')))!);
}
