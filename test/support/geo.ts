/** Tables of clients' places from a few networks in text, and client subnet options. */
import { compileClients } from '../../src/geo/client-networks.ts';
import { compileIpv4 } from '../../src/geo/ipv4-table.ts';
import { compileIpv6 } from '../../src/geo/ipv6-table.ts';
import { joinTables } from '../../src/geo/tables.ts';
import { EMPTY_POLICY, type QueryPolicy } from '../../src/server/policy/policy.ts';
import { parseAddress } from '../../src/zonebuilder/ip-text.ts';
import { plainTree, type PlainNetwork } from '../geo/plain-tree.ts';

/** A network in CIDR text and its row. */
export type NetworkRow = readonly [network: string, row: number];

/** Tables of these networks, and of these of clients, whose rows begin at ROW_VALUES. */
export function makeTables(
  networks: readonly NetworkRow[],
  clients: readonly NetworkRow[] = [],
  version = 1,
): SharedArrayBuffer {
  const plain = networks.map(toNetwork);
  const tree = plainTree(
    plain.filter(({ octets }) => octets === 4),
    plain.filter(({ octets }) => octets === 16),
  );
  const owned = clients.map(([text, row]) => ({ ...parseNetwork(text), row }));
  const parts = {
    v4: compileIpv4(tree),
    v6: compileIpv6(tree),
    clients4: compileClients(owned, 32),
    clients6: compileClients(owned, 128),
  };
  return joinTables(parts, version);
}

export function geoPolicy(memory: SharedArrayBuffer, trust: readonly string[] = []): QueryPolicy {
  return { ...EMPTY_POLICY, geo: { memory, trust } };
}

/** The data of a client subnet option, as resolvers make it. */
export function subnetOption(network: string): Buffer {
  const { address, prefix } = parseNetwork(network);
  const octets = Buffer.from(address.subarray(0, (prefix + 7) >>> 3));
  if ((prefix & 7) !== 0) octets[octets.length - 1]! &= 0xff << (8 - (prefix & 7));
  return Buffer.from([0, address.length === 4 ? 1 : 2, prefix, 0, ...octets]);
}

export function parseNetwork(text: string): { readonly address: Buffer; readonly prefix: number } {
  const [address = '', prefix] = text.split('/');
  const octets = parseAddress(address)!;
  return { address: octets, prefix: prefix === undefined ? octets.length * 8 : Number(prefix) };
}

function toNetwork([text, row]: NetworkRow): PlainNetwork & { readonly octets: number } {
  const { address, prefix } = parseNetwork(text);
  return { address: BigInt(`0x${address.toString('hex')}`), prefix, row, octets: address.length };
}
