/** Owns what the replies of routes-views.ts are made of, field by field, as the description of the API tells it. */

import { z } from 'zod';
import type { StalePart, ClusterReport, Refusal } from '../watchers/source.ts';
import type {
  ClientLocation,
  ClusterView,
  Explanation,
  GeoMapRow,
  GeoStatus,
  RecordSet,
  Vitals,
} from './control-plane.ts';
import { describing } from './described.ts';
import type { ListingBegin, ListingEnd } from './listing.ts';

export const count = z.int().min(0);
/** Milliseconds since the epoch. */
export const epochMs = z.int();
/** Of an SOA record (RFC 1982). */
export const serial = z.int().min(0).max(0xffff_ffff);
const names = z.array(z.string());

/** What every refusal and failure carries. */
export const errorSchema = z
  .object({ error: z.string().describe('What is wrong, in one line for people.') })
  .meta({ id: 'Error', description: 'Why a request was not met.' });

export const recordSetSchema = describing<RecordSet>()(
  z
    .object({
      name: z.string().describe('Absolute, with its trailing dot.'),
      type: z.string().describe('A mnemonic, or TYPEnnn (RFC 3597).'),
      ttlSeconds: count,
      data: names.describe('The data of each record in presentation form (RFC 1035 section 5.1).'),
      policy: z
        .enum(['nearest', 'weighted'])
        .optional()
        .describe('A reply has only a part of the records, which this policy picks.'),
    })
    .meta({ id: 'RecordSet', description: 'An RRset that is served.' }),
);

const refusalSchema = describing<Refusal>()(
  z
    .object({
      code: z.string().describe('Stable.'),
      object: z.string().describe('For example Service mynamespace/nginx, or a file with line and column.'),
      message: z.string(),
      sinceMs: epochMs,
    })
    .meta({ id: 'Refusal', description: 'Something of a cluster that was not taken, and why.' }),
);

const stalePartSchema = describing<StalePart>()(
  z
    .object({
      part: z.string().describe('A file, or a list.'),
      code: z.string().describe('Why; stable.'),
      sinceMs: epochMs,
    })
    .meta({ id: 'StalePart', description: 'Something that counts on as it was said last.' }),
);

const clusterReportSchema = describing<ClusterReport>()(
  z
    .object({
      name: z.string(),
      kind: z.enum(['manifests', 'kubernetes']),
      condition: z
        .enum(['Pending', 'Ready', 'Refused', 'NotReady', 'Offline'])
        .describe('Refused: it answers, and what fedns shows or asks for is not taken.'),
      version: z.string().optional().describe('The Kubernetes version.'),
      region: z.string().optional(),
      topologyFrom: z
        .string()
        .describe('Where region and zones come from: config, nodes, endpoints, earlier or none.'),
      zones: names,
      conditionSinceMs: epochMs,
      syncedMs: epochMs.optional().describe('When the last complete list was taken in.'),
      lastOctetMs: z.record(z.string(), epochMs).describe('When the last octet came, per watched kind.'),
      polled: names
        .optional()
        .describe('Kinds that are listed at an interval, for their watches do not get through.'),
      lostEvents: z
        .record(z.string(), count)
        .optional()
        .describe(
          'Objects, per watched kind, of which a periodic list showed that their events had been lost.',
        ),
      objects: count,
      refusals: z.array(refusalSchema),
      advice: z
        .string()
        .optional()
        .describe('What would have something of the cluster served, where nothing is.'),
      stale: z.array(stalePartSchema).optional(),
      credentialEndsMs: epochMs.optional().describe('When the token or client certificate in use ends.'),
      lastError: z.string().optional().describe('The newest trouble, in one line.'),
    })
    .meta({ id: 'ClusterReport', description: 'A member cluster as its source sees it.' }),
);

export const clusterViewSchema = describing<ClusterView>()(
  z
    .object({
      report: clusterReportSchema,
      status: z
        .enum(['pending', 'available', 'held', 'withdrawn'])
        .describe('What its facts count as: held ones still count, withdrawn ones do not.'),
      unread: z.boolean().optional().describe('Nothing was ever read of it, in this run or before.'),
      shards: count.describe('Shards of federated Services in this cluster.'),
      healthyShards: count.describe('Those of them that are in the answers.'),
      drained: z
        .object({
          extent: z.enum(['whole', 'part']).describe('whole: nothing of it counts.'),
          by: names.describe('The drains that are about it.'),
        })
        .optional(),
      guardedShards: count
        .optional()
        .describe('Those of them that the guard keeps there, for their data are missing. Absent: none.'),
    })
    .meta({ id: 'Cluster', description: 'A member cluster, and what of it is served.' }),
);

export const statusSchema = describing<Pick<Vitals, 'serial' | 'services' | 'restartPending'>>()(
  z
    .object({
      serial,
      services: count.describe('Federated Services known.'),
      restartPending: names.describe('Settings of the newest configuration that take effect with a restart.'),
    })
    .meta({ id: 'Status', description: 'The server itself.' }),
);

export const explanationSchema = describing<Explanation>()(
  z
    .object({
      rcode: z.string().describe('NOERROR, NXDOMAIN, REFUSED or SERVFAIL.'),
      steps: z.array(
        z
          .object({
            rule: z.string().describe('A stable word.'),
            text: z.string(),
            clusters: names.optional().describe('Clusters that are waited for.'),
          })
          .meta({ id: 'ExplainStep', description: 'A rule that was applied on the way to an answer.' }),
      ),
      answer: z.array(recordSetSchema).describe('The answer section: the alias chain, then what it ends in.'),
    })
    .meta({ id: 'Explanation', description: 'How a question is answered, and why.' }),
);

export const clientLocationSchema = describing<ClientLocation>()(
  z
    .object({
      client: z.string(),
      kind: z
        .enum(['place', 'cluster', 'unknown', 'nowhere'])
        .describe('nowhere: the address tells nothing of a place, such as a private one.'),
      network: z.string().describe('The network that decided (CIDR).'),
      from: z.string().describe('Who says so.'),
      scope: count.describe('Prefix length that a resolver is told which asks with the subnet (RFC 7871).'),
      order: z
        .array(
          z.object({
            to: z.string().describe('region, zone.region, or cluster NAME.'),
            km: z.number().optional().describe('Kilometres from the place that is nearest to the client.'),
            pointFrom: z.string().optional().describe('Where its point is from.'),
          }),
        )
        .describe('Where it is sent, in order; empty: it gets what everybody gets.'),
    })
    .meta({ id: 'ClientLocation', description: 'Where a client is, as the tables in force say.' }),
);

export const geoStatusSchema = describing<GeoStatus>()(
  z
    .object({
      files: z.array(z.object({ path: z.string(), type: z.string(), builtMs: epochMs })),
      octets: count.describe('Of the tables.'),
      reloads: z.object({ success: count, failure: count }),
      contests: z
        .array(
          z.object({
            clusters: z.tuple([z.string(), z.string()]),
            networks: count,
            examples: z.array(z.string()).describe('Some of them (CIDR).'),
          }),
        )
        .describe('Networks that two clusters claim, which are nobody’s.'),
      compileMs: z.number().optional().describe('How long the last compilation took.'),
      trouble: z.object({ code: z.string(), message: z.string(), sinceMs: epochMs }).optional(),
    })
    .meta({ id: 'GeoStatus', description: 'How the tables of where clients are stand.' }),
);

export const geoMapRowSchema = describing<GeoMapRow>()(
  z
    .object({
      network: z.string().describe('CIDR.'),
      to: z.string().describe('Where its clients are sent first; unknown, nowhere.'),
      from: z.string(),
    })
    .meta({ id: 'GeoMapRow', description: 'A network, and where its clients are sent first.' }),
);

const listingBeginSchema = describing<ListingBegin>()(
  z
    .object({ begin: z.string().describe('What is listed.'), serial })
    .meta({ id: 'ListingBegin', description: 'The first line of a listing.' }),
);

const listingEndSchema = describing<ListingEnd>()(
  z.object({ end: z.string().describe('What was listed.'), serial, rows: count }).meta({
    id: 'ListingEnd',
    description:
      'The last line of a listing; without it the listing was cut off. Where both serials are equal, it is one state.',
  }),
);

/** A line of a listing as NDJSON. */
export function listingLine(row: z.ZodType): z.ZodType {
  return z.union([listingBeginSchema, row, listingEndSchema]).describe('Each line of the listing.');
}
