/** The shape of `transfer`: who may have the zone whole, and who is told of changes. What it means together: check-transfer.ts. */
import { z } from 'zod';
import { TSIG_ALGORITHMS } from '../tsig/algorithms.ts';
import { text } from './schema-text.ts';
import { parseDomainName, parseListen, parseNetwork } from './values.ts';

/** Keys, rules and secondaries: people write and read these lists. */
const LIST_MAX = 100;
/** Longer than a minute nobody wants secondaries to lag behind. */
const NOTIFY_DELAY_MS_MAX = 60_000;
/** Octets of the journal of differences: below, a single change of a large Service does not fit. */
const JOURNAL_OCTETS_MIN = 65_536;
const JOURNAL_OCTETS_MAX = 1_073_741_824;
/** Transfers at a time. Each holds on to one state of the zone. */
const TRANSFERS_MAX = 100;

const keyName = text(parseDomainName);

const keySchema = z.strictObject({
  name: keyName.describe('What both sides call the key: a domain name.'),
  algorithm: z
    .enum(TSIG_ALGORITHMS.map(({ name }) => name))
    .default('hmac-sha256')
    .describe(
      'hmac-sha256, hmac-sha384 or hmac-sha512; hmac-sha1 and hmac-md5 are refused. Default: hmac-sha256.',
    ),
  secretFile: z
    .string()
    .min(1)
    .describe(
      'File with the secret, one line of base64, relative to this file. Others must not be able to read it (mode 0600, or 0440 ' +
        'for a mounted Secret). Read at the start and at each reload.',
    ),
});

const allowSchema = z.strictObject({
  networks: z
    .array(text(parseNetwork))
    .max(LIST_MAX)
    .default([])
    .describe('Networks (CIDR) that the client must be in. Default: any, which needs a key.'),
  key: keyName
    .optional()
    .describe('The key that the request must be signed with. Default: none, networks alone decide.'),
});

const notifySchema = z.union([
  text(parseListen),
  z.strictObject({
    address: text(parseListen).describe('ADDRESS:PORT or [ADDRESS]:PORT.'),
    key: keyName
      .optional()
      .describe('The key that the NOTIFY is signed with. Default: that of the rule of allow that it fits.'),
  }),
]);

export const transferSchema = z
  .strictObject({
    keys: z.array(keySchema).max(LIST_MAX).default([]).describe('TSIG keys (RFC 8945). Default: none.'),
    allow: z
      .array(allowSchema)
      .max(LIST_MAX)
      .default([])
      .describe(
        'Who may have the zone, by AXFR and IXFR: a client that fits one of the rules, each with networks, a key, or both. ' +
          'Others are REFUSED. Default: nobody.',
      ),
    notify: z
      .array(notifySchema)
      .max(LIST_MAX)
      .default([])
      .describe(
        'Secondaries that are told of changes (NOTIFY, RFC 1996): ADDRESS:PORT, or address and key. Default: none.',
      ),
    notifyDelayMs: z
      .int()
      .min(0)
      .max(NOTIFY_DELAY_MS_MAX)
      .default(500)
      .describe(
        'Changes within this time are told of together, in milliseconds, 0 to 60000: a NOTIFY for every change makes some ' +
          'secondaries ask for each. Default: 500.',
      ),
    journalOctets: z
      .int()
      .min(JOURNAL_OCTETS_MIN)
      .max(JOURNAL_OCTETS_MAX)
      .default(67_108_864)
      .describe(
        'Octets of differences kept for IXFR (RFC 1995), 65536 to 1073741824. A secondary that is further behind gets the whole ' +
          'zone. Default: 67108864.',
      ),
    transfers: z
      .int()
      .min(1)
      .max(TRANSFERS_MAX)
      .default(10)
      .describe('Transfers at a time, 1 to 100; further ones wait. Default: 10.'),
    tls: z
      .enum(['allow', 'require'])
      .default('allow')
      .describe(
        'Transfers over TLS (RFC 9103), on the addresses of tls: allow: as well as over TCP; require: over TCP they are REFUSED. ' +
          'Default: allow.',
      ),
    standby: z
      .boolean()
      .default(false)
      .describe(
        'Whether this replica leaves the zone to another one: it refuses transfers and sends no NOTIFY. Of replicas that number ' +
          'changes each for itself, one at a time may hand the zone out. Default: false.',
      ),
    catalog: keyName
      .optional()
      .describe(
        'Name of a catalog zone (RFC 9432) that lists the domain, for the same clients: secondaries that read it configure ' +
          'themselves. Default: none.',
      ),
  })
  .describe('Secondaries: other name servers that carry the zone.');

export type TransferEntry = z.output<typeof transferSchema>;
