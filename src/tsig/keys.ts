/** TSIG keys as both sides work with them: names in wire form, secrets as octets. Read from files by whoever starts; see key-file.ts. */
import { encodeNameLower } from '../zonebuilder/names.ts';
import { algorithmNamed, type TsigAlgorithm, type TsigAlgorithmName } from './algorithms.ts';
import { readKeySecret } from './key-file.ts';

/** A key; plain data, to be handed to threads. */
export interface TsigKey {
  /** As in the configuration, lower case. */
  readonly name: string;
  readonly algorithm: TsigAlgorithmName;
  readonly secret: Uint8Array;
}

/** A key as messages have it. */
export interface OpenKey {
  readonly key: TsigKey;
  /** Lower-case wire form, as both digests and records have it (RFC 8945 section 4.3.3). */
  readonly wireName: Buffer;
  readonly algorithm: TsigAlgorithm;
  readonly wireAlgorithm: Buffer;
}

/**
 * Reads the secrets of keys.
 *
 * @throws KeyFileError when one cannot be used
 */
export function readKeys(
  keys: readonly {
    readonly name: string;
    readonly algorithm: TsigAlgorithmName;
    readonly secretFile: string;
  }[],
): TsigKey[] {
  return keys.map(({ name, algorithm, secretFile }) => ({
    name,
    algorithm,
    secret: new Uint8Array(readKeySecret(secretFile)),
  }));
}

/** Gets keys ready for use. */
export function openKeys(keys: readonly TsigKey[]): OpenKey[] {
  return keys.map((key) => ({
    key,
    wireName: encodeNameLower(key.name),
    algorithm: algorithmNamed(key.algorithm),
    wireAlgorithm: encodeNameLower(key.algorithm),
  }));
}
