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
    signatureHours: z
      .int()
      .min(24)
      .max(720)
      .default(72)
      .describe(
        'How long a signature holds, in hours, 24 to 720: what is signed can be told to somebody as the truth for so long after it ' +
          'has changed. It is made anew from half of that time on. Default: 72.',
      ),
    signatures: z
      .int()
      .min(4096)
      .max(16_777_216)
      .default(131_072)
      .describe(
        'Signatures that are kept, 4096 to 16777216, of 96 octets each: of RRsets that are asked for, the longest unused give way. ' +
          'Default: 131072.',
      ),
    signers: z
      .int()
      .min(1)
      .max(16)
      .default(1)
      .describe('Threads that sign, 1 to 16; each makes some 25,000 signatures a second. Default: 1.'),
    denialsPerSecond: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10_000)
      .describe(
        'Denials of names that do not exist that are signed in a second for clients that may be anybody: over UDP, without a ' +
          'cookie of ours. Others get TC, and come back over TCP. 1 to 1000000. Default: 10000.',
      ),
  })
  .describe('Signing of the domain (DNSSEC). Default: off.');
