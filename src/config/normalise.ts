/** A valid configuration file into settings: paths absolute, origins as one choice, records and name servers merged. */
import { dirname, resolve } from 'node:path';
import type { StaticRecord } from '../zonebuilder/static-set.ts';
import { databasesOf } from './check-geography.ts';
import type { PlanStepEntry } from './schema-drills.ts';
import type { TransferEntry } from './schema-transfer.ts';
import type { ClusterEntry, ConfigFile, DnstapEntry } from './schema.ts';
import type {
  ApiOrigin,
  ClusterOrigin,
  ClusterSettings,
  DnssecSettings,
  DnstapSettings,
  FederateSettings,
  PlanStepSettings,
  Settings,
  SteeringSettings,
  TransferSettings,
} from './settings.ts';
import { staticsOf } from './statics.ts';

/** RFC 2308 section 5: one to three hours work well, and large resolvers keep no denial for longer than one. */
const NODATA_TTL_SECONDS_MAX = 3600;

/**
 * Makes the settings. The configuration must have passed every check.
 *
 * @param records - its static records as the checks have read them
 */
export function normalise(config: ConfigFile, file: string, records: readonly StaticRecord[]): Settings {
  const path = (relative: string): string => resolve(dirname(file), relative);
  const {
    ttl,
    ttlMin,
    ttlDegraded,
    maxAddresses,
    negativeTtl,
    nodataTtl,
    apexTtl,
    damping,
    admin,
    stateDir,
    journal,
    geoip,
    regions,
    clusterSecrets,
    steering,
    drills,
    plans,
    transfer,
    federate,
    guard,
    dnssec,
    ...rest
  } = config;
  const { rateLimit, cookies, tls, identity, dnstap, records: _r, ...same } = rest;
  return {
    ...same,
    file: resolve(file),
    hostmaster: config.hostmaster ?? `hostmaster.${config.domain}`,
    ttlSeconds: ttl,
    ttlMinSeconds: ttlMin,
    ...(ttlDegraded !== undefined && { ttlDegradedSeconds: ttlDegraded }),
    ...(maxAddresses !== undefined && { maxAddresses }),
    negativeTtlSeconds: negativeTtl,
    nodataTtlSeconds: Math.max(negativeTtl, nodataTtl ?? Math.min(ttl, NODATA_TTL_SECONDS_MAX)),
    apexTtlSeconds: apexTtl,
    dampingSeconds: damping,
    ...(admin && { admin }),
    ...(stateDir !== false && { stateDir: path(stateDir) }),
    ...(journal.maxOctets > 0 && { journal }),
    ...(geoip && { geoip: { databases: databasesOf(geoip).map(path) } }),
    regions: regions.map(({ place, ...region }) => ({ ...region, ...(place && { place }) })),
    ...(clusterSecrets && {
      clusterSecrets: {
        namespace: clusterSecrets.namespace,
        origin: apiOf(clusterSecrets.kubeconfig, path),
      },
    }),
    steering: steeringOf(steering, path),
    guard: guardOf(guard),
    ...(federate && { federate: federateOf(config, path) }),
    ...(rateLimit && { rateLimit }),
    cookies: {
      policy: cookies.policy,
      ...(cookies.secretFile !== undefined && { secretFile: path(cookies.secretFile) }),
    },
    ...(tls && { tls: { ...tls, certificate: path(tls.certificate), key: path(tls.key) } }),
    identity: {
      version: identity.version,
      hostname: identity.hostname,
      ...(identity.nsid !== undefined && { nsid: identity.nsid }),
    },
    drills: drills.map(({ for: forSeconds, ...drill }) => ({ ...drill, forSeconds })),
    plans: plans.map(({ name, steps }) => ({ name, steps: steps.map(stepOf) })),
    ...(dnssec && { dnssec: dnssecSettings(dnssec, path) }),
    ...(dnstap && { dnstap: dnstapSettings(dnstap, path) }),
    ...(transfer && { transfer: transferSettings(transfer, path) }),
    clusters: config.clusters.map((cluster) => clusterSettings(cluster, path)),
    statics: staticsOf(config, records),
  };
}

function transferSettings(entry: TransferEntry, path: (relative: string) => string): TransferSettings {
  const { keys, allow, notify, catalog, ...same } = entry;
  return {
    ...same,
    keys: keys.map((key) => ({ ...key, secretFile: path(key.secretFile) })),
    allow: allow.map(({ networks, key }) => ({ networks, ...(key !== undefined && { key }) })),
    notify: notify.map(secondaryOf),
    ...(catalog !== undefined && { catalog }),
  };
}

function secondaryOf(entry: TransferEntry['notify'][number]): TransferSettings['notify'][number] {
  if ('port' in entry) return entry;
  return { ...entry.address, ...(entry.key !== undefined && { key: entry.key }) };
}

/** What the DNS server holds back; what `fedns federate` does stands in its own settings. */
function guardOf({
  maxDeleteFraction: _f,
  minDeletes: _m,
  ...guard
}: ConfigFile['guard']): Settings['guard'] {
  return guard;
}

/** The cluster of clusterSecrets is where fedns runs, unless they say otherwise. */
function federateOf(
  { federate, federations, clusterSecrets, guard }: ConfigFile,
  path: (relative: string) => string,
): FederateSettings {
  const { federation, endpoint, namespace, admin, select, division, writesPerCluster } = federate!;
  return {
    federation: federation ?? federations[0]!.name,
    ...(endpoint && { endpoint: apiOf(endpoint, path) }),
    select,
    namespace: namespace ?? clusterSecrets?.namespace ?? NAMESPACE_DEFAULT,
    ...(admin && { admin }),
    division,
    writesPerCluster,
    deletes: {
      maxFraction: guard.maxDeleteFraction,
      min: guard.minDeletes,
      windowSeconds: guard.windowSeconds,
    },
  };
}

/** Where the manifests of `config` put fedns. */
const NAMESPACE_DEFAULT = 'fedns';

/** A step has one of both; the checks see to that. */
function stepOf({ drain, undrain, for: forSeconds, reason, force }: PlanStepEntry): PlanStepSettings {
  if (drain === undefined) return { verb: 'undrain', what: undrain! };
  return {
    verb: 'drain',
    what: drain,
    force,
    ...(forSeconds !== undefined && { forSeconds }),
    ...(reason !== undefined && { reason }),
  };
}

function clusterSettings(cluster: ClusterEntry, path: (relative: string) => string): ClusterSettings {
  const { manifests: _m, kubeconfig: _k, inCluster: _i, region, zones, ...same } = cluster;
  return {
    ...same,
    ...(region !== undefined && { region }),
    ...(zones && { zones }),
    origin: originOf(cluster, path),
  };
}

function dnssecSettings(
  { keys, dnskeyTtl, longestTtl, parentDsTtl, ...same }: NonNullable<ConfigFile['dnssec']>,
  path: (relative: string) => string,
): DnssecSettings {
  return {
    ...same,
    keys: path(keys),
    dnskeyTtlSeconds: dnskeyTtl,
    longestTtlSeconds: longestTtl,
    parentDsTtlSeconds: parentDsTtl,
  };
}

function dnstapSettings(entry: DnstapEntry, path: (relative: string) => string): DnstapSettings {
  const { identity, version, messages, sample } = entry;
  return {
    to: destinationOf(entry, path),
    ...(identity !== undefined && { identity }),
    ...(version !== undefined && { version }),
    messages,
    sample,
  };
}

/** The checks have seen to it that there is one. */
function destinationOf(
  { socket, tcp, file, rotateOctets, keep }: DnstapEntry,
  path: (relative: string) => string,
): DnstapSettings['to'] {
  if (socket !== undefined) return { kind: 'socket', path: path(socket) };
  if (tcp !== undefined) return { kind: 'tcp', listen: tcp };
  return { kind: 'file', path: path(file!), octetsMax: rotateOctets, keep };
}

function steeringOf(
  { configMap, peers }: ConfigFile['steering'],
  path: (relative: string) => string,
): SteeringSettings {
  if (!configMap) return { peers };
  const { namespace, name, kubeconfig } = configMap;
  return { peers, configMap: { namespace, name, origin: apiOf(kubeconfig, path) } };
}

function originOf(
  { manifests, kubeconfig }: ClusterEntry,
  path: (relative: string) => string,
): ClusterOrigin {
  if (manifests !== undefined) return { kind: 'manifests', path: path(manifests) };
  return apiOf(kubeconfig, path);
}

function apiOf(kubeconfig: ClusterEntry['kubeconfig'], path: (relative: string) => string): ApiOrigin {
  if (!kubeconfig) return { kind: 'inCluster' };
  const { context, ...same } = kubeconfig;
  return {
    kind: 'kubeconfig',
    ...same,
    path: path(kubeconfig.path),
    ...(context !== undefined && { context }),
  };
}
