/** A control plane with fixed contents, for the tests of the admin server and of the commands that talk to it. */

import type { ClusterView, ControlPlane, Listing, RecordSet } from '../../src/admin/control-plane.ts';
import { QuestionError } from '../../src/admin/control-plane.ts';
import { COUNTER_BLOCK_OCTETS } from '../../src/server/counters.ts';
import type { ClusterReport } from '../../src/watchers/source.ts';

export const NGINX = 'nginx.mynamespace.myfederation.svc';

export const RECORDS: readonly RecordSet[] = [
  {
    name: 'example.com.',
    type: 'SOA',
    ttlSeconds: 21600,
    data: ['ns1.example.com. hostmaster.example.com. 1790000000 3600 600 1209600 15'],
  },
  { name: 'example.com.', type: 'NS', ttlSeconds: 21600, data: ['ns1.example.com.', 'ns2.example.com.'] },
  { name: 'ns1.example.com.', type: 'A', ttlSeconds: 21600, data: ['192.0.2.1'] },
  { name: 'ns2.example.com.', type: 'A', ttlSeconds: 21600, data: ['192.0.2.2'] },
  {
    name: `${NGINX}.us-central1.example.com.`,
    type: 'A',
    ttlSeconds: 180,
    data: ['104.197.247.191', '104.197.244.180'],
  },
  {
    name: `${NGINX}.us-central1-f.example.com.`,
    type: 'CNAME',
    ttlSeconds: 180,
    data: [`${NGINX}.us-central1.example.com.`],
  },
  { name: 'example.com.', type: 'TXT', ttlSeconds: 180, data: [String.raw`"v=spf1; a\"b" "-all"`] },
];

export function report(name: string, more: Partial<ClusterReport> = {}): ClusterReport {
  return {
    name,
    kind: 'manifests',
    condition: 'Ready',
    region: 'us-central1',
    topologyFrom: 'config',
    zones: ['us-central1-a'],
    conditionSinceMs: 1_000_000,
    syncedMs: 1_000_000,
    lastOctetMs: { files: 1_000_000 },
    objects: 3,
    refusals: [],
    ...more,
  };
}

export const CLUSTERS: readonly ClusterView[] = [
  { report: report('gce-us-central1-a'), status: 'available', shards: 2, healthyShards: 1 },
  {
    report: report('gce-asia-east1-a', {
      kind: 'kubernetes',
      condition: 'Offline',
      version: 'v1.36.3',
      region: 'asia-east1',
      zones: ['asia-east1-a', 'asia-east1-b'],
      lastOctetMs: { Service: 940_000, EndpointSlice: 970_000 },
      refusals: [
        {
          code: 'ADDRESS',
          object: 'Service mynamespace/nginx',
          message: '127.0.0.1 is loopback',
          sinceMs: 1,
        },
      ],
      lastError: 'connection refused',
    }),
    status: 'held',
    shards: 1,
    healthyShards: 1,
  },
];

/** Rows as a control plane lists them. */
export function listingOf(
  rows: Iterable<RecordSet | undefined>,
  serial = (): number => 1_790_000_000,
): Listing<RecordSet> {
  return { of: 'records', rows, serial };
}

/** Two workers' counters. */
export function blocks(): SharedArrayBuffer[] {
  return [new SharedArrayBuffer(COUNTER_BLOCK_OCTETS), new SharedArrayBuffer(COUNTER_BLOCK_OCTETS)];
}

export function fakeControlPlane(more: Partial<ControlPlane> = {}): ControlPlane {
  return {
    records: () => listingOf(RECORDS),
    clusters: () => CLUSTERS,
    explain: ({ name, type, client }) => {
      if (name.includes('..')) throw new QuestionError(`${name} has an empty label`);
      return {
        rcode: 'NOERROR',
        steps: [
          {
            rule: 'level',
            text: `${name} is the zone us-central1-f${client === undefined ? '' : ` for ${client}`}`,
          },
          { rule: 'alias', text: 'no shard is healthy there' },
        ],
        answer: RECORDS.filter((set) => set.type === type || set.type === 'CNAME'),
      };
    },
    vitals: () => ({
      serial: 1_790_000_000,
      services: 1,
      restartPending: [],
      imageOctetsUsed: 4096,
      imageOctetsTotal: 65_536,
      counters: [],
    }),
    ...more,
  };
}
