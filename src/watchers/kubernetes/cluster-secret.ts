/**
 * What a Secret labelled `fedns.io/cluster` says of a member cluster, checked and bounded. Its content is not
 * trusted further than a member cluster is: no files of this machine, no programs, nothing unencrypted. Which Secrets
 * there are is followed in cluster-secrets.ts.
 */

import { checkServer, SECRET_RULES, type ClusterAccess } from '../credentials/cluster-access.ts';
import { asFields, asText, FieldFault, own, type Fields } from '../objects/fields.ts';
import { readKubeconfig } from '../credentials/kubeconfig.ts';
import { isDnsLabel } from '../objects/objects.ts';
import type { Finding } from '../refusals.ts';
import { nameInHead, type Resource } from '../api/resources.ts';

/** The label; its value is the cluster's name. */
export const CLUSTER_LABEL = 'fedns.io/cluster';
/** Zones that a Secret can name. */
const ZONES_MAX = 100;

/** A Secret that describes a member cluster. */
export interface ClusterSecret {
  /** Of the Secret. */
  readonly name: string;
  readonly cluster: string;
  readonly region?: string;
  readonly zones?: readonly string[];
  /** Differs whenever the API server is another one: its cluster is then left and joined anew. */
  readonly serverId: string;
  /** @throws CredentialError when the kubeconfig in it cannot be used */
  readonly access: () => Promise<ClusterAccess>;
}

/** A Secret that has the label and cannot be used. */
export interface RefusedSecret {
  readonly name: string;
  readonly finding: Finding;
}

export type SecretResult = ClusterSecret | RefusedSecret;

/** The Secrets of a namespace that carry the label. */
export function secretsResource(namespace: string): Resource<SecretResult> {
  return {
    kind: 'Secret',
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`,
    query: `&labelSelector=${encodeURIComponent(CLUSTER_LABEL)}`,
    metadataOnly: false,
    read: readSecret,
    readTooLarge: (head, octetsMax) => {
      const { name } = nameInHead(head);
      return name === '' ? undefined : refused(name, `larger than ${octetsMax} octets`);
    },
  };
}

function readSecret(value: unknown): SecretResult {
  let name = '';
  try {
    const secret = asFields(value, 'the Secret');
    const metadata = asFields(own(secret, 'metadata'), 'metadata');
    name = asText(own(metadata, 'name'), 'metadata.name') ?? '';
    return readCluster(name, metadata, readData(secret));
  } catch (error) {
    return refused(name, (error as Error).message);
  }
}

function readCluster(name: string, metadata: Fields, data: SecretData): ClusterSecret {
  const annotations = asFields(own(metadata, 'annotations'), 'metadata.annotations');
  const labels = asFields(own(metadata, 'labels'), 'metadata.labels');
  const region = readLocation(annotations, 'fedns.io/region');
  const zones = asText(own(annotations, 'fedns.io/zones'), 'fedns.io/zones');
  const { kubeconfig, server } = data;
  if (kubeconfig === undefined && server === undefined) {
    throw new FieldFault('data', 'it holds neither kubeconfig nor server');
  }
  return {
    name,
    cluster: checkLabel(asText(own(labels, CLUSTER_LABEL), CLUSTER_LABEL) ?? '', CLUSTER_LABEL),
    ...(region === undefined ? {} : { region }),
    ...(zones === undefined ? {} : { zones: readZones(zones) }),
    ...(kubeconfig === undefined ? fromServer(server!, data) : fromKubeconfig(kubeconfig)),
  };
}

function fromKubeconfig(kubeconfig: string): Pick<ClusterSecret, 'serverId' | 'access'> {
  let access: Promise<ClusterAccess> | undefined;
  return {
    serverId: serversIn(kubeconfig),
    access: () => (access ??= readKubeconfig(kubeconfig, undefined, SECRET_RULES)),
  };
}

/**
 * The servers and the context that a kubeconfig names. It is only parsed when it is used; until then this tells a
 * rotated certificate or token, with which the cluster goes on, from another cluster.
 */
function serversIn(kubeconfig: string): string {
  const named = kubeconfig.matchAll(/"?(?:server|current-context)"?\s*:\s*"?([^\s",}]+)/g);
  return [...named].map(([, value]) => value).join(' ');
}

function fromServer(server: string, { token, ca }: SecretData): Pick<ClusterSecret, 'serverId' | 'access'> {
  const access: ClusterAccess = {
    server: checkServer(server, SECRET_RULES),
    insecure: false,
    ...(ca === undefined ? {} : { ca: { kind: 'text', text: ca } }),
    ...(token === undefined ? {} : { token: { kind: 'text', text: token } }),
  };
  return { serverId: access.server.href, access: async () => access };
}

type SecretData = Readonly<Partial<Record<(typeof DATA_KEYS)[number], string>>>;

const DATA_KEYS = ['kubeconfig', 'server', 'token', 'ca'] as const;

function readData(secret: Fields): SecretData {
  const data = asFields(own(secret, 'data'), 'data');
  const entries = DATA_KEYS.flatMap((key) => {
    const base64 = asText(own(data, key), `data.${key}`);
    return base64 === undefined ? [] : [[key, Buffer.from(base64, 'base64').toString('utf8').trim()]];
  });
  return Object.fromEntries(entries) as SecretData;
}

function readLocation(annotations: Fields, key: string): string | undefined {
  const text = asText(own(annotations, key), key);
  return text === undefined ? undefined : checkLabel(text.toLowerCase(), key);
}

function readZones(text: string): string[] {
  const zones = text
    .toLowerCase()
    .split(',')
    .slice(0, ZONES_MAX + 1)
    .map((zone) => zone.trim());
  if (zones.length > ZONES_MAX) throw new FieldFault('fedns.io/zones', `more than ${ZONES_MAX} zones`);
  return [...new Set(zones.map((zone) => checkLabel(zone, 'fedns.io/zones')))].toSorted();
}

/** Names of clusters, regions and zones are single labels of names; `svc` marks where locations begin. */
function checkLabel(text: string, field: string): string {
  if (isDnsLabel(text) && text !== 'svc') return text;
  throw new FieldFault(field, `${field} ${JSON.stringify(text.slice(0, 64))} is no usable label`);
}

function refused(name: string, message: string): RefusedSecret {
  return { name, finding: { code: 'CLUSTER_SECRET_MALFORMED', message } };
}
