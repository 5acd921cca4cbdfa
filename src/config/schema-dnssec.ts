/** The part of the configuration that says with which keys the domain is signed. How rolls go: dnssec/rolls.ts. */
import { z } from 'zod';

/** A day: a DNSKEY that lives longer makes a roll last for days. */
const DNSKEY_TTL_MAX = 86_400;
/** A week, as long as any cache keeps anything. */
const TTL_MAX = 604_800;
const PROPAGATION_SECONDS_MAX = 86_400;

export const dnssecSchema = z
  .strictObject({
    keys: z
      .string()
      .min(1)
      .describe(
        'Folder of the keys, relative to this file: PKCS #8 files that nobody else may read, and keys.json. fedns keys create ' +
          'makes it. It may be a Secret that is mounted. Re-read on change.',
      ),
    algorithm: z
      .enum(['ECDSAP256SHA256', 'ED25519'])
      .default('ECDSAP256SHA256')
      .describe('What new keys are made for. Default: ECDSAP256SHA256.'),
    split: z
      .boolean()
      .default(false)
      .describe(
        'Whether new keys are two, one that signs the keys (KSK) and one that signs everything else (ZSK). Default: false, one ' +
          'key does both.',
      ),
    dnskeyTtl: z
      .int()
      .min(1)
      .max(DNSKEY_TTL_MAX)
      .default(3600)
      .describe(`TTL of DNSKEY, CDS and CDNSKEY in seconds, 1 to ${DNSKEY_TTL_MAX}. Default: 3600.`),
    cds: z
      .boolean()
      .default(true)
      .describe('Whether CDS and CDNSKEY tell the parent which keys to trust (RFC 7344). Default: true.'),
    longestTtl: z
      .int()
      .min(0)
      .max(TTL_MAX)
      .default(86_400)
      .describe(
        'Longest TTL in seconds that annotations fedns.io/ttl bring, as far as rolls have to wait for it, 0 to ' +
          `${TTL_MAX}; TTLs of this file count in any case. Default: 86400.`,
      ),
    propagationSeconds: z
      .int()
      .min(0)
      .max(PROPAGATION_SECONDS_MAX)
      .default(300)
      .describe(
        'Within how many seconds every replica and secondary serves what was changed, 0 to ' +
          `${PROPAGATION_SECONDS_MAX}. Default: 300.`,
      ),
    parentDsTtl: z
      .int()
      .min(0)
      .max(TTL_MAX)
      .default(86_400)
      .describe(`TTL of DS records at the parent in seconds, 0 to ${TTL_MAX}. Default: 86400.`),
  })
  .describe('Signing of the domain (DNSSEC). Default: off.');
