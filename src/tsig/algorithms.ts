/** The algorithms of TSIG (RFC 8945 section 6): those that are computed, and those that are known by name only to be refused. */

/** One algorithm. */
export interface TsigAlgorithm {
  /** As in the configuration and, in wire form, in messages. */
  readonly name: string;
  /** What node:crypto calls its hash. */
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  /** Octets of a whole MAC. */
  readonly macOctets: number;
}

/** Those that keys may have. SHA-1 and MD5 are left out: no new key should use them (RFC 8945 section 6). */
export const TSIG_ALGORITHMS = [
  { name: 'hmac-sha256', hash: 'sha256', macOctets: 32 },
  { name: 'hmac-sha384', hash: 'sha384', macOctets: 48 },
  { name: 'hmac-sha512', hash: 'sha512', macOctets: 64 },
] as const satisfies readonly TsigAlgorithm[];

export type TsigAlgorithmName = (typeof TSIG_ALGORITHMS)[number]['name'];

/** The descriptor of an algorithm. */
export function algorithmNamed(name: TsigAlgorithmName): TsigAlgorithm {
  return TSIG_ALGORITHMS.find((algorithm) => algorithm.name === name)!;
}
