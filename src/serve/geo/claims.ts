/**
 * Whose the clients of a network are: what the configuration says, and what clusters say of themselves by their Nodes. A cluster
 * speaks for itself only, so that its word can make a network its own, or, against another cluster's word, nobody's, but never
 * another's.
 */
import { NO_CLIENT } from '../../geo/layout.ts';
import type { ClientNetwork } from '../../geo/client-networks.ts';
import { isWithinNetwork, networkText, readNetwork, type Network } from './networks.ts';

/** Who says that a network is a cluster's. */
export type ClaimSource = 'configuration' | 'nodes';

/** A network of one cluster. */
export interface Claim extends Network {
  readonly text: string;
  readonly cluster: string;
  readonly from: ClaimSource;
  /** Another cluster says the same, and neither is in the configuration: the network is nobody's. */
  readonly contestedBy?: string;
}

/** What a cluster claims, as text. */
export interface ClusterClaims {
  readonly cluster: string;
  /** From the configuration; where there are any, nothing else counts. */
  readonly configured: readonly string[];
  readonly observed: readonly string[];
}

/** All claims that count, or are contested. */
export function settleClaims(clusters: readonly ClusterClaims[]): readonly Claim[] {
  const claims = clusters.flatMap(claimsOf);
  const configured = new PrefixIndex(claims.filter(({ from }) => from === 'configuration'));
  const counting = claims.filter(
    (claim) => claim.from === 'configuration' || configured.around(claim).length === 0,
  );
  return withContests(counting);
}

/** Networks of a contest that are named: who looks for more asks for the map. */
const EXAMPLES_MAX = 4;

/** What two clusters contest, by pairs in order of their names. */
export function contestsOf(claims: readonly Claim[]): {
  readonly clusters: readonly [string, string];
  readonly networks: number;
  readonly examples: string[];
}[] {
  const pairs = new Map<string, { clusters: readonly [string, string]; networks: Set<string> }>();
  for (const { cluster, contestedBy, text } of claims) {
    if (contestedBy === undefined) continue;
    const clusters =
      cluster < contestedBy ? ([cluster, contestedBy] as const) : ([contestedBy, cluster] as const);
    const key = clusters.join(' ');
    const pair = pairs.get(key) ?? { clusters, networks: new Set() };
    pairs.set(key, pair);
    pair.networks.add(text);
  }
  return [...pairs.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { clusters, networks }]) => ({
      clusters,
      networks: networks.size,
      examples: [...networks].slice(0, EXAMPLES_MAX),
    }));
}

/** The networks with their rows, contested ones as nobody's. */
export function clientNetworks(
  claims: readonly Claim[],
  rowOf: (cluster: string) => number,
): readonly ClientNetwork[] {
  return claims.map(({ address, prefix, cluster, contestedBy }) => ({
    address,
    prefix,
    row: contestedBy === undefined ? rowOf(cluster) : NO_CLIENT,
  }));
}

/** The claim that decides about an address: the longest. */
export function claimOn(claims: readonly Claim[], address: Uint8Array): Claim | undefined {
  const one = { address, prefix: address.length * 8 };
  const holding = claims.filter((claim) => isWithinNetwork(one, claim));
  return holding.toSorted((a, b) => b.prefix - a.prefix)[0];
}

function claimsOf({ cluster, configured, observed }: ClusterClaims): Claim[] {
  const from = configured.length > 0 ? 'configuration' : 'nodes';
  return (configured.length > 0 ? configured : observed).flatMap((text) => {
    const network = readNetwork(text);
    return network === undefined ? [] : [{ ...network, text: networkText(network), cluster, from }];
  });
}

/**
 * Marks claims that lie within one of another cluster that is worth as much. Of the configuration only equal ones are
 * contested: a network within another is a choice there.
 */
function withContests(claims: readonly Claim[]): Claim[] {
  const index = new PrefixIndex(claims);
  return claims.map((claim) => {
    const other = index
      .around(claim)
      .find(
        (around) =>
          around.cluster !== claim.cluster &&
          around.from === claim.from &&
          (claim.from === 'nodes' || around.prefix === claim.prefix),
      );
    return other === undefined ? claim : { ...claim, contestedBy: other.cluster };
  });
}

/** Finds the claims around a network without comparing each with each: a cluster may have ten thousand. */
class PrefixIndex {
  readonly #byKey = new Map<string, Claim[]>();
  readonly #prefixes: readonly number[];

  constructor(claims: readonly Claim[]) {
    for (const claim of claims) {
      const key = keyOf(claim.address, claim.prefix);
      const known = this.#byKey.get(key);
      if (known === undefined) this.#byKey.set(key, [claim]);
      else known.push(claim);
    }
    this.#prefixes = [...new Set(claims.map(({ prefix }) => prefix))];
  }

  /** Claims that hold all of a network, itself among them. */
  around({ address, prefix }: Network): Claim[] {
    return this.#prefixes
      .filter((wider) => wider <= prefix)
      .flatMap((wider) => this.#byKey.get(keyOf(address, wider)) ?? []);
  }
}

function keyOf(address: Uint8Array, prefix: number): string {
  const whole = prefix >> 3;
  const rest = prefix & 7;
  const head = Buffer.from(address.subarray(0, whole)).toString('latin1');
  const last = rest === 0 ? '' : String.fromCharCode(address[whole]! & ((0xff00 >> rest) & 0xff));
  return `${address.length}/${prefix}/${head}${last}`;
}
