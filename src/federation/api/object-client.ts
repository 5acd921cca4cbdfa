/**
 * Objects of one API server, read and written: get, list, server-side apply, create, patches, subresources and deletion. Each
 * answers with an {@link Outcome} and throws nothing that a server or network can bring about. Connections and credentials are
 * `ApiClient`'s, which watches of the same server may share; when to try again is the callers'.
 */

import { ApiClient, type RequestLimits, type Write } from '../../watchers/api/api-client.ts';
import { ApiError } from '../../watchers/api-error.ts';
import { type Failure, failureOf, type Outcome } from './failure.ts';
import { collectionPath, type KubeObject, objectPath, type ObjectRef, type ResourceType } from './object.ts';

/** Whose fields an applied object's are. */
export const FIELD_MANAGER = 'fedns';
/** API Priority and Fairness lets a request wait for 15 s and then says 429: the limit lies above that. */
const LIMITS: RequestLimits = { headersMs: 20_000, idleMs: 15_000 };
/** etcd takes a megabyte and a half; `managedFields` and JSON make more of it. */
const OBJECT_OCTETS_MAX = 8 * 1024 * 1024;
/** A page of 500 objects of usual size is about a megabyte. */
const PAGE_OCTETS_MAX = 128 * 1024 * 1024;
const PAGE_OBJECTS = 500;
/** Objects of one list that are kept: what fedns lists with this client is few; the many are watched. */
const LIST_OBJECTS_MAX = 100_000;

const MEDIA_TYPES = {
  apply: 'application/apply-patch+yaml',
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
} as const;

export interface WriteOptions {
  /** Such as `status`, `scale`. */
  readonly subresource?: string;
  /** The server checks and answers as if it had written, and writes nothing. */
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  /** Takes fields that belong to others. Default: those are a `fieldConflict`. */
  readonly force?: boolean;
  /** Default: {@link FIELD_MANAGER}. */
  readonly fieldManager?: string;
}

export interface ListOptions {
  /** Absent: all of the cluster. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Only `metadata` of each, which is a fraction of most kinds. */
  readonly metadataOnly?: boolean;
}

export interface ObjectList {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
}

export interface DeleteOptions {
  /** Only the object with this uid; another by the name is `changed`. */
  readonly uid?: string;
  /** Only the object as it was at this version. */
  readonly resourceVersion?: string;
  /** What becomes of what the object owns. Default: the server's, which is `Background` for nearly every kind. */
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  readonly dryRun?: boolean;
}

/** RFC 6902. */
export type JsonPatch = readonly (
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
)[];

export interface ObjectClientOptions {
  /** Connections to the server; closed by whoever made it. */
  readonly client: ApiClient;
  /** Ends what is under way; it is then `unreachable`. */
  readonly signal: AbortSignal;
}

/** Reads and writes objects of one API server. */
export class ObjectClient {
  readonly #client: ApiClient;
  readonly #signal: AbortSignal;

  constructor({ client, signal }: ObjectClientOptions) {
    this.#client = client;
    this.#signal = signal;
  }

  get(ref: ObjectRef, subresource?: string): Promise<Outcome<KubeObject>> {
    return this.#read<KubeObject>(objectPath(ref, subresource), OBJECT_OCTETS_MAX);
  }

  /** All objects of a kind, in pages. A list that expires while it is read (410) is an `expired` failure. */
  async list(type: ResourceType, options: ListOptions = {}): Promise<Outcome<ObjectList>> {
    const items: KubeObject[] = [];
    let resume = '';
    for (;;) {
      const page = await this.#read<ListPage>(
        listPath(type, options, resume),
        PAGE_OCTETS_MAX,
        acceptOf(options),
      );
      if (!page.ok) return page;
      const { metadata, items: some } = page.value;
      for (const item of some ?? []) items.push(named(item, type));
      resume = metadata?.continue ?? '';
      if (items.length > LIST_OBJECTS_MAX) return tooMany(type);
      if (resume === '')
        return { ok: true, value: { items, resourceVersion: metadata?.resourceVersion ?? '' } };
    }
  }

  /**
   * Server-side apply (KEP-555): the fields in `object` are as they stand there, those that were applied before and are left out
   * now are gone, all others stay. The same again writes nothing.
   *
   * @param object - with `apiVersion`, `kind` and `metadata.name`; a `uid` in it makes sure that one that was deleted is not made anew
   */
  apply(ref: ObjectRef, object: object, options: ApplyOptions = {}): Promise<Outcome<KubeObject>> {
    const { force = false, fieldManager = FIELD_MANAGER } = options;
    return this.#write('PATCH', objectPath(ref, options.subresource), object, {
      query: { fieldManager, ...(force && { force: 'true' }), ...dryRun(options) },
      contentType: MEDIA_TYPES.apply,
    });
  }

  /** Makes an object that must not be there yet. */
  create(
    type: ResourceType,
    object: object,
    options: { readonly namespace?: string; readonly dryRun?: boolean } = {},
  ): Promise<Outcome<KubeObject>> {
    const query = { fieldManager: FIELD_MANAGER, ...dryRun(options) };
    return this.#write('POST', collectionPath(type, options.namespace), object, { query });
  }

  /** Posts to a subresource, such as `token` of a ServiceAccount. */
  post(ref: ObjectRef, subresource: string, object: object): Promise<Outcome<KubeObject>> {
    return this.#write('POST', objectPath(ref, subresource), object, { query: {} });
  }

  /** Writes the whole object; with a `resourceVersion` in it, only over that one, else `changed`. */
  replace(ref: ObjectRef, object: object, options: WriteOptions = {}): Promise<Outcome<KubeObject>> {
    const query = { fieldManager: FIELD_MANAGER, ...dryRun(options) };
    return this.#write('PUT', objectPath(ref, options.subresource), object, { query });
  }

  /** A merge patch (RFC 7386); `metadata.resourceVersion` or `.uid` in it are preconditions. */
  merge(ref: ObjectRef, patch: object, options: WriteOptions = {}): Promise<Outcome<KubeObject>> {
    const query = { fieldManager: FIELD_MANAGER, ...dryRun(options) };
    const contentType = MEDIA_TYPES.merge;
    return this.#write('PATCH', objectPath(ref, options.subresource), patch, { query, contentType });
  }

  /** A JSON patch (RFC 6902); a `test` in it that fails is `invalid`. */
  jsonPatch(ref: ObjectRef, patch: JsonPatch, options: WriteOptions = {}): Promise<Outcome<KubeObject>> {
    const query = { fieldManager: FIELD_MANAGER, ...dryRun(options) };
    const contentType = MEDIA_TYPES.json;
    return this.#write('PATCH', objectPath(ref, options.subresource), patch, { query, contentType });
  }

  /** Deletes an object. One with finalizers, and a Namespace, is there for a while longer. */
  remove(ref: ObjectRef, options: DeleteOptions = {}): Promise<Outcome<KubeObject>> {
    return this.#write('DELETE', objectPath(ref), deleteBody(options), { query: dryRun(options) });
  }

  async #read<T>(path: string, octetsMax: number, accept = 'application/json'): Promise<Outcome<T>> {
    return outcomeOf<T>(this.#client.getText(path, accept, LIMITS, this.#signal, octetsMax), path);
  }

  async #write(
    method: Write['method'],
    path: string,
    object: object,
    how: { readonly query: Readonly<Record<string, string>>; readonly contentType?: string },
  ): Promise<Outcome<KubeObject>> {
    const query = new URLSearchParams(how.query).toString();
    const { contentType } = how;
    const write = { method, body: JSON.stringify(object), ...(contentType !== undefined && { contentType }) };
    const target = query === '' ? path : `${path}?${query}`;
    return outcomeOf(this.#client.write(write, target, LIMITS, this.#signal, OBJECT_OCTETS_MAX), path);
  }
}

interface ListPage {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly KubeObject[];
}

function listPath(type: ResourceType, options: ListOptions, resume: string): string {
  const { namespace, labelSelector, fieldSelector } = options;
  const query = new URLSearchParams({
    limit: String(PAGE_OBJECTS),
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
    ...(resume !== '' && { continue: resume }),
  });
  return `${collectionPath(type, namespace)}?${query.toString()}`;
}

function acceptOf({ metadataOnly = false }: ListOptions): string {
  return metadataOnly
    ? 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
    : 'application/json';
}

/** Items of a list do not say what they are; objects by themselves do. */
function named(item: KubeObject, type: ResourceType): KubeObject {
  const { group, version, kind } = type;
  return { ...item, apiVersion: group === '' ? version : `${group}/${version}`, kind };
}

function tooMany(type: ResourceType): { readonly ok: false; readonly failure: Failure } {
  const message = `there are more than ${LIST_OBJECTS_MAX} objects of kind ${type.kind}`;
  return { ok: false, failure: { cause: 'failed', message, causes: [], retryAfterMs: 0 } };
}

function dryRun({ dryRun: isDry }: { readonly dryRun?: boolean }): { readonly dryRun?: string } {
  return isDry === true ? { dryRun: 'All' } : {};
}

function deleteBody({ uid, resourceVersion, propagation }: DeleteOptions): object {
  const preconditions = {
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  };
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ...(Object.keys(preconditions).length > 0 && { preconditions }),
    ...(propagation !== undefined && { propagationPolicy: propagation }),
  };
}

async function outcomeOf<T>(request: Promise<string>, path: string): Promise<Outcome<T>> {
  try {
    return { ok: true, value: parseReply<T>(await request) };
  } catch (error) {
    if (error instanceof ApiError) return { ok: false, failure: failureOf(error, path) };
    throw error;
  }
}

/** Whatever stands before the API may answer 200 with a page of its own. */
function parseReply<T>(text: string): T {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as T;
  } catch {
    // Said below, for what is JSON and no object, too.
  }
  throw new ApiError('NOT_JSON', `the reply is not the JSON of the Kubernetes API: ${text.slice(0, 60)}`);
}
