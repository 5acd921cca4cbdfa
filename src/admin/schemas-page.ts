/** Owns what the replies of routes-page.ts are made of, field by field, as the description of the API tells it. */

import { z } from 'zod';
import { VERDICT_REASONS } from '../zonebuilder/verdict.ts';
import { describing } from './described.ts';
import { count, epochMs, serial } from './schemas-views.ts';
import type { ServicePage, ServicePlace, ServiceReport, ServiceRow, ShardRow } from './services.ts';
import type { ClusterNode, RegionNode, TopologyView } from './topology.ts';
import type { TrafficSample, TrafficView } from './traffic.ts';

const names = z.array(z.string());
const rates = z.array(z.number().min(0));
const counts = z.array(count);

const clusterNodeSchema = describing<ClusterNode>()(
  z
    .object({
      name: z.string(),
      region: z.string().optional(),
      zones: names,
      kind: z.enum(['manifests', 'kubernetes']),
      condition: z.enum(['Pending', 'Ready', 'Refused', 'NotReady', 'Offline']),
      status: z.enum(['pending', 'available', 'held', 'withdrawn']).describe('What its facts count as.'),
      unread: z.literal(true).optional().describe('Nothing was ever read of it.'),
      version: z.string().optional().describe('The Kubernetes version.'),
      conditionSinceMs: epochMs,
      heardMs: epochMs.optional().describe('When the last octet came, in steps of ten seconds.'),
      shards: count,
      healthyShards: count.describe('Those in the answers.'),
      guardedShards: count.optional().describe('Shards that the guard keeps in the answers.'),
      drained: z
        .object({
          extent: z.enum(['whole', 'part']).describe('whole: nothing of it counts.'),
          by: names.describe('The drains that are about it.'),
        })
        .optional(),
      refusals: count.describe('Objects, or parts of them, that were refused.'),
      stale: count.describe('Files and lists in trouble, of which the last state is held.'),
      lastError: z.string().optional(),
      advice: z.string().optional(),
    })
    .meta({ id: 'ClusterNode', description: 'A member cluster in few words.' }),
);

const regionNodeSchema = describing<RegionNode>()(
  z
    .object({
      name: z.string(),
      zones: names,
      point: z
        .tuple([z.number(), z.number()])
        .readonly()
        .optional()
        .describe('Degrees north and east, where they are known.'),
      pointFrom: z.string().optional().describe('configuration, or provider and city.'),
    })
    .meta({ id: 'RegionNode', description: 'A region that clusters are in.' }),
);

export const topologySchema = describing<TopologyView>()(
  z
    .object({
      domain: z.string(),
      version: z.string().describe('Of fedns.'),
      startedMs: epochMs,
      serial,
      services: count.describe('Federated Services known.'),
      restartPending: names.describe('Settings that take effect with a restart.'),
      regions: z.array(regionNodeSchema),
      clusters: z.array(clusterNodeSchema),
    })
    .meta({ id: 'Topology', description: 'The federation as a whole.' }),
);

const serviceRowSchema = describing<ServiceRow>()(
  z
    .object({
      name: z.string().describe('SERVICE.NAMESPACE.FEDERATION'),
      shards: count,
      healthyShards: count.describe('Those in the answers.'),
    })
    .meta({ id: 'ServiceRow', description: 'A Service in one line.' }),
);

export const servicePageSchema = describing<ServicePage>()(
  z
    .object({
      serial,
      total: count.describe('Services known.'),
      matched: count.describe('Those that were looked for.'),
      offset: count.describe('Of the first row among those.'),
      rows: z.array(serviceRowSchema),
    })
    .meta({ id: 'ServicePage', description: 'Some of the Services that were looked for.' }),
);

const shardRowSchema = describing<ShardRow>()(
  z
    .object({
      cluster: z.string(),
      region: z.string().optional(),
      zones: names,
      addresses: names,
      counts: z.boolean().describe('Whether it is in the answers.'),
      reason: z.enum(VERDICT_REASONS).describe('Why; stable.'),
      why: z.string().describe('The same for people.'),
      changedMs: epochMs,
    })
    .meta({ id: 'ShardRow', description: 'A shard of a Service.' }),
);

const servicePlaceSchema = describing<ServicePlace>()(
  z
    .object({
      place: z.string().describe('region or zone.region; empty for the global level.'),
      kind: z.enum(['global', 'region', 'zone']),
      name: z.string(),
      answer: z.enum(['itself', 'above', 'static', 'awaited', 'nobody']).describe('Who answers for it.'),
      chain: names.describe('Places that its name leads through, the last of which answers.'),
      addresses: names.describe('What a client gets in the end.'),
      ttlSeconds: count,
    })
    .meta({ id: 'ServicePlace', description: 'Who answers for a Service at a place.' }),
);

export const serviceReportSchema = describing<ServiceReport>()(
  z
    .object({
      name: z.string().describe('SERVICE.NAMESPACE.FEDERATION'),
      serial,
      policy: z.string().describe('all, nearest, weighted or failover.'),
      ttlSeconds: count,
      ports: names.describe('name/protocol and number.'),
      shards: z.array(shardRowSchema),
      places: z.array(servicePlaceSchema),
      notices: names.describe('What its operator should know.'),
    })
    .meta({ id: 'ServiceReport', description: 'One Service, its shards, and who answers for it where.' }),
);

const trafficSampleSchema = describing<TrafficSample>()(
  z
    .object({
      atMs: epochMs.describe('End of the sample.'),
      replies: rates.describe('Replies a second, in the order of rcodes.'),
      dropped: z.number().min(0).describe('Queries a second that got no reply.'),
      changes: counts.describe('Changes that took effect, by boundsSeconds; the last is beyond all of them.'),
    })
    .meta({ id: 'TrafficSample', description: 'A second of traffic.' }),
);

export const trafficSchema = describing<TrafficView>()(
  z
    .object({
      rcodes: names,
      boundsSeconds: z.array(z.number()).describe('Upper bounds of how long changes took.'),
      samples: z.array(trafficSampleSchema).describe('The oldest first.'),
      changesSinceStart: counts,
    })
    .meta({ id: 'Traffic', description: 'Replies by RCODE and how long changes took, of the last minutes.' }),
);
