/**
 * Brings one object of one member cluster to what it should be, or takes it away: the requests and what their answers mean.
 * When that is to be done is engine.ts; what follows from a failure for the queue is `workResultOf`.
 */

import type { Failure, FailureCause } from '../api/failure.ts';
import { FIELD_MANAGER } from '../api/object-client.ts';
import { describeRef, refOf, type ObjectRef } from '../api/object.ts';
import type { Copy } from './copies.ts';
import { desiredObject, namespaceOfKey, type Federated } from './federated.ts';
import type { AnyKind, KubeObject } from './kind.ts';
import { ADOPTED_ANNOTATION, federationOf, MANAGED_LABEL, RELEASE_PATCH } from './marks.ts';
import type { Member } from './member.ts';
import type { WorkResult } from './work-queue.ts';

/** What fedns has done in a cluster, for Events. */
export type Deed = 'Created' | 'Adopted' | 'Updated' | 'Removed' | 'Released';

/** Why something is not as it should be in a cluster; the message has the server's own words. */
export interface Trouble {
  /** CamelCase, for conditions and Events. */
  readonly reason: string;
  readonly message: string;
  readonly work: WorkResult;
}

export type BringResult = { readonly deed?: Deed } | { readonly trouble: Trouble };

/** Makes, adopts or corrects. */
export async function bring(member: Member, federated: Federated, federation: string): Promise<BringResult> {
  const copy = member.copies.get(federated.key);
  if (copy?.isDeleting === true)
    return troubleOf('Deleting', 'the object is being deleted there; it is made anew once it is gone', SLOW);
  return copy === undefined
    ? begin(member, federated, federation)
    : correct(member, federated, federation, copy);
}

/** What fedns does not know is looked at before it is touched. */
async function begin(member: Member, federated: Federated, federation: string): Promise<BringResult> {
  const { kind, object } = federated;
  const ref = refOf(kind.type, object);
  const found = await member.objects.get(ref);
  if (!found.ok) {
    if (!isAbsent(found.failure, kind)) return failed(found.failure);
    return apply(member, federated, { federation, adopted: false, deed: 'Created' });
  }
  const owner = federationOf(found.value);
  if (owner !== undefined && owner !== federation)
    return troubleOf('OwnedByOther', `${describeRef(ref)} there is of the federation ${owner}`, SLOW);
  const { uid, annotations } = found.value.metadata;
  const adopted = owner === undefined || annotations?.[ADOPTED_ANNOTATION] === 'true';
  const deed = owner === undefined ? 'Adopted' : 'Updated';
  return apply(member, federated, { federation, adopted, deed, ...(uid !== undefined && { uid }) });
}

function correct(member: Member, federated: Federated, federation: string, copy: Copy): Promise<BringResult> {
  const { isAdopted: adopted, uid, version } = copy;
  return apply(member, federated, { federation, adopted, uid, version, deed: 'Updated' });
}

interface ApplyPlan {
  readonly federation: string;
  readonly adopted: boolean;
  readonly deed: Deed;
  /** Of the object that is there: one that was deleted meanwhile is not made anew by mistake. */
  readonly uid?: string;
  /** Before the apply. */
  readonly version?: string;
}

async function apply(member: Member, federated: Federated, plan: ApplyPlan): Promise<BringResult> {
  const { kind, object } = federated;
  const ref = refOf(kind.type, object);
  const desired = desiredObject(federated, { ...plan, cluster: member.name });
  const body = plan.uid === undefined ? desired : withUid(desired, plan.uid);
  // Without force nothing of somebody else is overwritten who has made the object since it was looked for.
  const reply = await member.objects.apply(ref, body, { force: plan.uid !== undefined });
  if (!reply.ok) return failed(reply.failure);
  const settled = await removeSurplus(member, kind, ref, reply.value, desired);
  if ('trouble' in settled) return settled;
  const copy = member.observe(kind, settled.object);
  if (copy?.difference !== undefined) member.accept(copy.key);
  const isSame = plan.version !== undefined && settled.object.metadata.resourceVersion === plan.version;
  return isSame ? {} : { deed: plan.deed };
}

function withUid(desired: KubeObject, uid: string): KubeObject {
  return { ...desired, metadata: { ...desired.metadata, uid } };
}

/** Entries of lists and maps that others have put there, which an apply leaves alone. */
async function removeSurplus(
  member: Member,
  kind: AnyKind,
  ref: ObjectRef,
  object: KubeObject,
  desired: KubeObject,
): Promise<{ readonly object: KubeObject } | { readonly trouble: Trouble }> {
  const steps = kind.surplus?.(object, desired) ?? [];
  if (steps.length === 0) return { object };
  const patched = await member.objects.jsonPatch(ref, steps);
  return patched.ok ? { object: patched.value } : failed(patched.failure);
}

/** What there is to know of a removal. */
export interface Removal {
  /** Whether the endpoint still has the object: then fedns has brought the copy to it. */
  readonly isKnown: boolean;
  /** All kinds, for one that holds others. */
  readonly kinds: readonly AnyKind[];
}

/** Takes a copy away. */
export async function takeAway(
  member: Member,
  kind: AnyKind,
  copy: Copy,
  removal: Removal,
): Promise<BringResult> {
  if (copy.isDeleting) return troubleOf('Deleting', 'it is being deleted there', SLOW);
  if (kind.holdsOthers === true && copy.isAdopted) return release(member, kind, copy);
  const obstacle = await obstacleTo(member, kind, copy, removal);
  if (obstacle !== undefined) return obstacle;
  const reply = await member.objects.remove(refOfKey(kind, copy.key), { uid: copy.uid });
  if (!reply.ok && !isAbsent(reply.failure, kind)) return failed(reply.failure);
  // One with finalizers is there for a while: the watch tells of its end.
  if (!reply.ok || kind.holdsOthers !== true) member.forget(copy.key, copy.uid);
  return { deed: 'Removed' };
}

/** Leaves a copy as it is, and makes it foreign again. */
export async function release(member: Member, kind: AnyKind, copy: Copy): Promise<BringResult> {
  const reply = await member.objects.merge(refOfKey(kind, copy.key), {
    metadata: { ...RELEASE_PATCH.metadata, uid: copy.uid },
  });
  if (!reply.ok && !isAbsent(reply.failure, kind)) return failed(reply.failure);
  member.forget(copy.key, copy.uid);
  return { deed: 'Released' };
}

function refOfKey(kind: AnyKind, key: string): ObjectRef {
  const path = key.slice(key.indexOf(' ') + 1);
  const [namespace = '', name = ''] = path.split('/');
  return { type: kind.type, name, ...(namespace !== '' && { namespace }) };
}

/** Why a copy cannot be taken away. */
async function obstacleTo(
  member: Member,
  kind: AnyKind,
  copy: Copy,
  { isKnown, kinds }: Removal,
): Promise<{ readonly trouble: Trouble } | undefined> {
  const forged = isKnown ? undefined : await notOurs(member, kind, copy);
  if (forged !== undefined || kind.holdsOthers !== true) return forged;
  return copiesIn(member, copy) ?? foreignIn(member, copy, kinds);
}

/** Whoever duplicates a copy within a cluster, or restores it elsewhere, takes the label along: that alone says little. */
async function notOurs(
  member: Member,
  kind: AnyKind,
  { key }: Copy,
): Promise<{ readonly trouble: Trouble } | undefined> {
  const found = await member.objects.get(refOfKey(kind, key));
  if (!found.ok) return isAbsent(found.failure, kind) ? undefined : failed(found.failure);
  const managers = found.value.metadata['managedFields'];
  if (Array.isArray(managers) && managers.some(isOurs)) return undefined;
  return troubleOf(
    'NotOurs',
    `it is left as it is: it has the label ${MANAGED_LABEL}, but not from fedns`,
    SLOW,
  );
}

function isOurs(entry: { readonly manager?: unknown }): boolean {
  return entry.manager === FIELD_MANAGER;
}

/** A Namespace goes last: with it would go what is wanted in it, and what waits for somebody's word. */
function copiesIn({ copies }: Member, { key }: Copy): { readonly trouble: Trouble } | undefined {
  const namespace = key.slice(key.indexOf('/') + 1);
  for (const other of copies.keys())
    if (namespaceOfKey(other) === namespace)
      return troubleOf(
        'HoldsFederated',
        `it goes when what is federated in it has gone: ${pathOf(other)}`,
        QUICK,
      );
  return undefined;
}

/** As people write it. */
function pathOf(key: string): string {
  return key.replace(/ \/?/, ' ');
}

/** Something in a namespace that fedns has not put there, and nobody's controller has either. */
async function foreignIn(
  member: Member,
  { key }: Copy,
  kinds: readonly AnyKind[],
): Promise<{ readonly trouble: Trouble } | undefined> {
  const namespace = key.slice(key.indexOf('/') + 1);
  for (const { type } of kinds.filter((kind) => kind.type.namespaced)) {
    const list = await member.objects.list(type, { namespace, labelSelector: `!${MANAGED_LABEL}` });
    // A kind that the cluster does not have has nothing there.
    if (!list.ok && list.failure.cause === 'kindAbsent') continue;
    if (!list.ok) return failed(list.failure);
    const found = list.value.items.find((item) => !isSystems(item));
    if (found !== undefined)
      return troubleOf('HoldsForeign', heldText(describeRef(refOf(type, found))), SLOW);
  }
  return undefined;
}

function heldText(what: string): string {
  return `it is left as it is, for there is something in it that is not of the federation: ${what}`;
}

/** What Kubernetes itself puts into each namespace, or makes of something else. */
function isSystems({ kind, metadata, ...rest }: KubeObject): boolean {
  const owners = metadata['ownerReferences'];
  if (Array.isArray(owners) && owners.length > 0) return true;
  if (kind === 'ConfigMap') return metadata.name === 'kube-root-ca.crt';
  return kind === 'Secret' && rest['type'] === 'kubernetes.io/service-account-token';
}

/** A Namespace that is not there is said to be so in the words for one that something else needs. */
function isAbsent({ cause }: Failure, { type }: AnyKind): boolean {
  return cause === 'absent' || (cause === 'namespaceAbsent' && type.kind === 'Namespace');
}

/** What is undone in the member each time waits. Values are not told: they may be those of a Secret. */
export function contested(copy: Copy | undefined, waitMs: number): { readonly trouble: Trouble } {
  const [where] = copy?.difference?.split(' ') ?? [];
  const what = copy === undefined ? 'takes it away' : `changes it${where === undefined ? '' : ` (${where})`}`;
  const work: Again = { kind: 'retry', firstMs: waitMs, maxMs: waitMs, atLeastMs: waitMs };
  return troubleOf('Contested', `something there ${what} each time that it has been brought`, work);
}

/** A result that asks for another attempt. */
type Again = Exclude<WorkResult, { readonly kind: 'done' }>;

/** The next attempt of what somebody has to mend, or of what takes its time. */
const SLOW: Again = { kind: 'retry', firstMs: 2_000, maxMs: 300_000, atLeastMs: 0 };
/** Of what is going to be otherwise soon. */
const QUICK: Again = { kind: 'retry', firstMs: 250, maxMs: 15_000, atLeastMs: 0 };
const SERVER: Again = { kind: 'serverTrouble', atLeastMs: 0 };

/** What each failure is called, and when it is worth another attempt. */
const BY_CAUSE: Readonly<Record<FailureCause, readonly [reason: string, work: Again]>> = {
  unreachable: ['Unreachable', SERVER],
  unauthorized: ['Unauthorized', SERVER],
  busy: ['Busy', SERVER],
  forbidden: ['Refused', SLOW],
  invalid: ['Refused', SLOW],
  kindAbsent: ['KindAbsent', SLOW],
  namespaceAbsent: ['NamespaceAbsent', QUICK],
  namespaceTerminating: ['NamespaceTerminating', QUICK],
  absent: ['Changed', QUICK],
  exists: ['Changed', QUICK],
  fieldConflict: ['Changed', QUICK],
  changed: ['Changed', QUICK],
  expired: ['Changed', QUICK],
  failed: ['Failed', QUICK],
};

function failed({ cause, message, retryAfterMs }: Failure): { readonly trouble: Trouble } {
  const [reason, work] = BY_CAUSE[cause];
  return troubleOf(reason, message, { ...work, atLeastMs: retryAfterMs });
}

function troubleOf(reason: string, message: string, work: Again): { readonly trouble: Trouble } {
  return { trouble: { reason, message, work } };
}
