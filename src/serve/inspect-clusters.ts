/**
 * Reads the clusters that exist as files once, as a server would, and tells what it could not take. Owns which of that is
 * a fault and which a warning; the reading is that of the sources themselves.
 */

import type { ClusterSettings, Settings } from '../config/settings.ts';
import type { Log } from '../log.ts';
import { systemTimers } from '../timers.ts';
import { ManifestSource } from '../watchers/manifests/manifest-source.ts';
import type { HostnameFollower } from '../watchers/hostnames/hostnames.ts';
import type { ClusterReport, Refusal } from '../watchers/source.ts';
import type { FactSink, ShardId } from '../zonebuilder/facts.ts';
import { indexServiceStatics, isAlias } from '../zonebuilder/service-statics.ts';

/** One line each. */
export interface Inspection {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** What keeps a file or an object from being served whatever else is right. The rest may be meant so. */
const FAULTS: ReadonlySet<string> = new Set([
  'FILE_CUT',
  'FILE_EMPTY',
  'FILE_FOREIGN',
  'FILE_IN_MOTION',
  'FILE_MALFORMED',
  'FILE_TOO_LARGE',
  'FILE_UNREADABLE',
  'FILE_WITHOUT_OBJECTS',
  'OBJECT_MALFORMED',
  'OBJECT_TOO_LARGE',
  'PATH_UNREADABLE',
]);

/** Only which shards there are is kept. */
function collect(shards: ShardId[]): FactSink {
  return {
    setCluster() {},
    removeCluster() {},
    upsertShard: (shard) => void shards.push(shard),
    removeShard() {},
    replaceShards: (_cluster, all) => void shards.push(...all),
  };
}

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };
/** Whether names resolve is for a running server to find out. */
const UNRESOLVED: HostnameFollower = { follow: () => ({ addresses: [], stop() {} }) };

/** Reads the manifests of all clusters that have some; nothing is contacted. */
export async function inspectClusters(settings: Settings): Promise<Inspection> {
  const clusters = settings.clusters.filter(({ origin }) => origin.kind === 'manifests');
  const reports = await Promise.all(clusters.map((cluster) => inspectOne(cluster, settings)));
  const found = reports.flat();
  const lines = (isFault: boolean): string[] =>
    found.filter(({ code }) => FAULTS.has(code) === isFault).map(({ line }) => line);
  return { faults: lines(true), warnings: lines(false) };
}

interface InspectedLine {
  readonly code: string;
  readonly line: string;
}

async function inspectOne(cluster: ClusterSettings, settings: Settings): Promise<readonly InspectedLine[]> {
  const { domain, federations } = settings;
  const shards: ShardId[] = [];
  const source = new ManifestSource({
    settings: cluster,
    domain,
    federations,
    sink: collect(shards),
    resolver: UNRESOLVED,
    clock: Date.now,
    timers: systemTimers,
    graceSeconds: 0,
    dampingSeconds: 0,
    log: SILENT,
  });
  try {
    await source.start();
    const report = source.report();
    const told = [...report.refusals, ...hiddenOf(shards, settings)];
    const found = told.map((refusal) => {
      const place = source.placeOf(refusal.object);
      return { code: refusal.code, line: lineOf(cluster.name, refusal, place) };
    });
    return [...found, ...adviceOn(cluster, report, found)];
  } finally {
    await source.stop();
  }
}

/** Names of Services that CNAMEs of the configuration take. */
function hiddenOf(shards: readonly ShardId[], { statics, domain }: Settings): Omit<Refusal, 'sinceMs'>[] {
  const places = indexServiceStatics(statics, domain);
  return shards.flatMap(({ service, namespace, federation }) =>
    (places.get(`${service}.${namespace}.${federation}`) ?? []).filter(isAlias).map(({ name }) => ({
      code: 'SERVICE_HIDDEN',
      object: `Service ${namespace}/${service}`,
      message: `a CNAME of the configuration hides its name ${name}`,
    })),
  );
}

/** Where objects could not be taken, or there are none at all, that is said already, and is why nothing is served. */
function adviceOn(
  { name, origin }: ClusterSettings,
  { advice, objects }: ClusterReport,
  found: readonly InspectedLine[],
): readonly InspectedLine[] {
  if (advice === undefined || objects === 0 || found.some(({ code }) => FAULTS.has(code))) return [];
  const path = origin.kind === 'manifests' ? origin.path : name;
  return [
    { code: 'NOTHING_SERVED', line: lineOf(name, { object: path, code: 'NOTHING_SERVED', message: advice }) },
  ];
}

function lineOf(
  cluster: string,
  { object, code, message }: Omit<Refusal, 'sinceMs'>,
  place?: string,
): string {
  const where = place === undefined ? object : `${place}: ${object}`;
  return `cluster ${cluster}: ${where}: ${message} (${code})`;
}
