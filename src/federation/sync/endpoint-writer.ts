/**
 * Owns what fedns writes at the federation endpoint about a federated object: its finalizer, its status and its conditions.
 * Each is written only where it is not there already.
 */

import type { ObjectClient } from '../api/object-client.ts';
import { type Outcome } from '../api/failure.ts';
import { apiVersionOf, refOf } from '../api/object.ts';
import { firstDifference } from './difference.ts';
import type { Federated } from './federated.ts';
import type { Fields, KubeObject } from './kind.ts';
import { CONDITIONS_ANNOTATION, FINALIZER } from './marks.ts';
import { readConditions, VALID, type Condition } from './report.ts';

/** Adds the finalizer of fedns, or takes it away: only from the version that was looked at. */
export function writeFinalizer(
  objects: ObjectClient,
  { kind, object }: Federated,
  isThere: boolean,
): Promise<Outcome<KubeObject>> {
  const { uid, resourceVersion, finalizers = [] } = object.metadata;
  const others = finalizers.filter((name) => name !== FINALIZER);
  return objects.merge(refOf(kind.type, object), {
    metadata: { uid, resourceVersion, finalizers: isThere ? [...others, FINALIZER] : others },
  });
}

/** The conditions of fedns that stand there. */
export function standingConditions({ kind, object }: Federated): Condition[] {
  if (kind.hasConditions) return readConditions(object.status?.['conditions']);
  try {
    return readConditions(JSON.parse(object.metadata.annotations?.[CONDITIONS_ANNOTATION] ?? '[]'));
  } catch {
    return [];
  }
}

/**
 * Writes status and conditions.
 *
 * @param status - of the kind; undefined: it has none
 * @returns undefined: everything stands there already
 */
export async function writeStatus(
  objects: ObjectClient,
  federated: Federated,
  status: Fields | undefined,
  conditions: readonly Condition[],
): Promise<Outcome<KubeObject> | undefined> {
  const { kind, object } = federated;
  if (kind.hasConditions) {
    const all = [...(listOf(status?.['conditions']) as object[]), ...conditions];
    return applyStatus(objects, federated, { ...status, conditions: all });
  }
  if (status !== undefined) {
    const written = await applyStatus(objects, federated, status);
    if (written !== undefined && !written.ok) return written;
  }
  const text = JSON.stringify(conditions);
  if (object.metadata.annotations?.[CONDITIONS_ANNOTATION] === text) return undefined;
  return objects.merge(refOf(kind.type, object), {
    metadata: { uid: object.metadata.uid, annotations: { [CONDITIONS_ANNOTATION]: text } },
  });
}

/** Server-side, so that conditions of others stay; with the uid, so that another by the name is left alone. */
async function applyStatus(
  objects: ObjectClient,
  { kind, object }: Federated,
  status: Fields,
): Promise<Outcome<KubeObject> | undefined> {
  if (!differs(object.status ?? {}, status)) return undefined;
  const { name, namespace, uid } = object.metadata;
  const body = {
    apiVersion: apiVersionOf(kind.type),
    kind: kind.type.kind,
    metadata: { name, ...(namespace !== undefined && { namespace }), uid },
    status,
  };
  return objects.apply(refOf(kind.type, object), body, { subresource: 'status', force: true });
}

/** Whether an apply would change the status: a list of fedns is the whole list, but for conditions, where others have theirs. */
function differs(found: Fields, wanted: Fields): boolean {
  const { conditions, ...fields } = wanted;
  const isOther = (name: string, value: unknown): boolean =>
    // The API leaves counts of zero out.
    !(value === 0 && found[name] === undefined) &&
    (firstDifference(found[name], value) !== undefined || hasOtherLength(found[name], value));
  if (Object.entries(fields).some(([name, value]) => isOther(name, value))) return true;
  return conditionsDiffer(listOf(found['conditions']) as Condition[], listOf(conditions) as Condition[]);
}

function conditionsDiffer(found: readonly Condition[], wanted: readonly Condition[]): boolean {
  const isThere = (one: Condition): boolean =>
    found.some((other) => other.type === one.type && firstDifference(other, one) === undefined);
  const isLeft = found.some(({ type }) => type === VALID) && !wanted.some(({ type }) => type === VALID);
  return isLeft || !wanted.every(isThere);
}

/** A list that has become shorter has everything of the new one. Those of a status lie one or two levels deep. */
function hasOtherLength(found: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) return listOf(found).length !== wanted.length;
  if (typeof wanted !== 'object' || wanted === null) return false;
  return Object.entries(wanted).some(([name, value]) =>
    hasOtherLength((found as Fields | undefined)?.[name], value),
  );
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
