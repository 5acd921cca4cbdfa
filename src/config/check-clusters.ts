/** Checks of the member clusters: one name each, one origin each, and files that exist. */
import type { Path, Report } from './fault.ts';
import type { ClusterEntry, ConfigDraft } from './schema.ts';

/** What a path in the configuration leads to; undefined: nothing, or nothing that may be read. */
export type FileKind = 'file' | 'folder' | undefined;
/** Looks at a path as it stands in the configuration. */
export type LookAtFile = (path: string) => FileKind;

const ORIGINS = ['manifests', 'kubeconfig', 'inCluster'] as const;

/** Checks clusters, and the files that they name. */
export function checkClusters(config: ConfigDraft, report: Report, lookAt: LookAtFile): void {
  const { clusters, clusterSecrets, steering } = config;
  const shared = steering?.configMap?.kubeconfig;
  if (shared) checkFile(shared.path, ['steering', 'configMap', 'kubeconfig', 'path'], report, lookAt);
  const endpoint = config.federate?.endpoint;
  if (endpoint) checkFile(endpoint.path, ['federate', 'endpoint', 'path'], report, lookAt);
  const host = clusterSecrets?.kubeconfig;
  if (host) checkFile(host.path, ['clusterSecrets', 'kubeconfig', 'path'], report, lookAt);
  if (clusters?.length === 0 && !clusterSecrets) {
    report('NO_CLUSTER', ['clusters'], 'there is no member cluster', 'add one, or clusterSecrets');
  }
  checkUnique(clusters ?? [], report);
  (clusters ?? []).forEach((cluster, i) => checkOrigin(cluster, ['clusters', i], report, lookAt));
}

function checkUnique(clusters: readonly ClusterEntry[], report: Report): void {
  const names = new Map<string, number>();
  const origins = new Map<string, string>();
  clusters.forEach((cluster, i) => {
    const first = names.get(cluster.name);
    names.set(cluster.name, first ?? i);
    if (first !== undefined) {
      report(
        'DUPLICATE_CLUSTER',
        ['clusters', i, 'name'],
        `clusters[${first}] is called ${cluster.name}, too`,
      );
    }
    const origin = originsOf(cluster).length === 1 ? originText(cluster) : cluster.name;
    const other = origins.get(origin);
    origins.set(origin, other ?? cluster.name);
    if (other !== undefined && other !== cluster.name) {
      report('SAME_ORIGIN', ['clusters', i], `${cluster.name} is read from where ${other} is read from`);
    }
  });
}

function originText({ manifests, kubeconfig }: ClusterEntry): string {
  return JSON.stringify([manifests, kubeconfig?.path, kubeconfig?.context]);
}

function checkOrigin(cluster: ClusterEntry, path: Path, report: Report, lookAt: LookAtFile): void {
  const origins = originsOf(cluster);
  const one = `give exactly one of ${ORIGINS.join(', ')}`;
  if (origins.length === 0) report('NO_ORIGIN', path, `nothing says where ${cluster.name} is read from`, one);
  if (origins.length > 1)
    report('SEVERAL_ORIGINS', path, `${cluster.name} has ${origins.join(' and ')}`, one);
  if (cluster.manifests !== undefined && lookAt(cluster.manifests) === undefined) {
    report(
      'NO_SUCH_FILE',
      [...path, 'manifests'],
      `${cluster.manifests} is no file or folder that can be read`,
    );
  }
  if (cluster.kubeconfig) checkFile(cluster.kubeconfig.path, [...path, 'kubeconfig', 'path'], report, lookAt);
}

function originsOf(cluster: ClusterEntry): string[] {
  return ORIGINS.filter((origin) => cluster[origin] !== undefined);
}

export function checkFile(file: string, path: Path, report: Report, lookAt: LookAtFile): void {
  const kind = lookAt(file);
  if (kind === 'file') return;
  const message =
    kind === 'folder' ? `${file} is a folder, a file is expected` : `${file} is no file that can be read`;
  report('NO_SUCH_FILE', path, message);
}
