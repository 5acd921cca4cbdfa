/** What an object of the Kubernetes API is to the federation, where it stands, and the paths that lead there. */

/** The parts of `metadata` that the federation looks at; whatever else there is is kept. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly [field: string]: unknown;
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** One kind as one version of the API has it. */
export interface ResourceType {
  /** Empty: the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Where one object stands. */
export interface ObjectRef {
  readonly type: ResourceType;
  /** Absent for what is of the cluster. */
  readonly namespace?: string;
  readonly name: string;
}

/** What an object calls its own kind. */
export function apiVersionOf({ group, version }: ResourceType): string {
  return group === '' ? version : `${group}/${version}`;
}

/** For people: `Service shop/web`, `Namespace shop`. */
export function describeRef({ type, namespace, name }: ObjectRef): string {
  return `${type.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** The object's own reference, when it is of that type. */
export function refOf(type: ResourceType, { metadata }: KubeObject): ObjectRef {
  const { namespace, name } = metadata;
  return { type, name, ...(type.namespaced && namespace !== undefined && { namespace }) };
}

/** The path of a collection; without a namespace, of all of the cluster. */
export function collectionPath(type: ResourceType, namespace?: string): string {
  const { group, version, plural } = type;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${plural}`;
}

/** The path of one object, or of one of its subresources, such as `status`. */
export function objectPath({ type, namespace, name }: ObjectRef, subresource?: string): string {
  const path = `${collectionPath(type, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}
