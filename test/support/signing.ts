/** Keys and memories for tests of signed answers: small ones, and a key made for the occasion. */
import { randomUUID } from 'node:crypto';
import { ALGORITHMS, publicKeyOctets, type AlgorithmName } from '../../src/dnssec/algorithms.ts';
import { dnskeyRdata, keyTag, SEP_FLAGS } from '../../src/dnssec/dnskey.ts';
import type { SigningKey, SigningSettings } from '../../src/server/signing/settings.ts';
import { createSignatures } from '../../src/server/signing/signatures.ts';
import { createWaitingRoom } from '../../src/server/signing/waiting.ts';
import { Type } from '../../src/zonebuilder/dns.ts';
import type { StaticRecord } from '../../src/zonebuilder/static-set.ts';

export interface TestKey {
  readonly signing: SigningKey;
  readonly dnskey: Buffer;
  /** `257 3 13 …` */
  readonly text: string;
  readonly record: StaticRecord;
}

interface KeyOptions extends Partial<Pick<SigningKey, 'part' | 'isActive'>> {
  readonly domain?: string;
}

export function makeKey(
  name: AlgorithmName = 'ECDSAP256SHA256',
  { part = 'both', isActive = true, domain = 'example.com' }: KeyOptions = {},
): TestKey {
  const algorithm = ALGORITHMS[name];
  const privateKey = algorithm.generate();
  const dnskey = dnskeyRdata(algorithm, SEP_FLAGS, privateKey);
  const id = publicKeyOctets(algorithm, privateKey).readInt32LE(0) | 1;
  return {
    signing: { id, algorithm: algorithm.number, keyTag: keyTag(dnskey), part, isActive, privateKey },
    dnskey,
    text: `257 3 ${algorithm.number} ${dnskey.subarray(4).toString('base64')}`,
    record: { name: domain, type: Type.DNSKEY, ttlSeconds: 3600, rdata: dnskey },
  };
}

export const DAY_SECONDS = 86_400;

export function makeSigning(
  keys: readonly TestKey[],
  changes: Partial<SigningSettings> = {},
): SigningSettings {
  return {
    signatures: createSignatures(4096),
    denials: createSignatures(256),
    waiting: createWaitingRoom(),
    keys: keys.map(({ signing }) => signing),
    times: {
      validitySeconds: 3 * DAY_SECONDS,
      inceptionMarginSeconds: 3600,
      jitterSeconds: 3600,
      notBeforeSeconds: 0,
      formerUntilSeconds: 2 ** 31 - 1,
    },
    signers: 1,
    denialsPerSecond: 10_000,
    channel: `test-${randomUUID()}`,
    ...changes,
  };
}
