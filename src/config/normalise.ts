/** A valid configuration file into settings: paths absolute, origins as one choice, records and name servers merged. */
import { dirname, resolve } from 'node:path';
import { databasesOf } from './check-geography.ts';
import { isNameserverGlue } from './check-records.ts';
import type { ClusterEntry, ConfigFile } from './schema.ts';
import type { ClusterOrigin, ClusterSettings, Settings, StaticRecordSettings } from './settings.ts';

/** Makes the settings. The configuration must have passed every check. */
export function normalise(config: ConfigFile, file: string): Settings {
  const path = (relative: string): string => resolve(dirname(file), relative);
  const {
    ttl,
    ttlMin,
    maxAddresses,
    negativeTtl,
    apexTtl,
    damping,
    admin,
    stateDir,
    geoip,
    regions,
    clusterSecrets,
    ...rest
  } = config;
  const { rateLimit, cookies, tls, identity, ...same } = rest;
  return {
    ...same,
    file: resolve(file),
    hostmaster: config.hostmaster ?? `hostmaster.${config.domain}`,
    ttlSeconds: ttl,
    ttlMinSeconds: ttlMin,
    ...(maxAddresses !== undefined && { maxAddresses }),
    negativeTtlSeconds: negativeTtl,
    apexTtlSeconds: apexTtl,
    dampingSeconds: damping,
    ...(admin && { admin }),
    ...(stateDir !== false && { stateDir: path(stateDir) }),
    ...(geoip && { geoip: { databases: databasesOf(geoip).map(path) } }),
    regions: regions.map(({ place, ...region }) => ({ ...region, ...(place && { place }) })),
    ...(clusterSecrets && { clusterSecrets }),
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
    clusters: config.clusters.map((cluster) => clusterSettings(cluster, path)),
    records: recordSettings(config),
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

function originOf(
  { manifests, kubeconfig }: ClusterEntry,
  path: (relative: string) => string,
): ClusterOrigin {
  if (manifests !== undefined) return { kind: 'manifests', path: path(manifests) };
  if (!kubeconfig) return { kind: 'inCluster' };
  const { context, ...same } = kubeconfig;
  return {
    kind: 'kubeconfig',
    ...same,
    path: path(kubeconfig.path),
    ...(context !== undefined && { context }),
  };
}

/** Records that repeat an address of `nameservers` are served from there. */
function recordSettings(config: ConfigFile): StaticRecordSettings[] {
  return config.records
    .filter((record) => !isNameserverGlue(record, config.nameservers))
    .map(({ name, type, data, ttl }) => ({
      name,
      type: type.toUpperCase(),
      data,
      ttlSeconds: ttl ?? config.ttl,
    }));
}
