/**
 * `fedns unjoin`: takes out of the host what `fedns join` put there, so that fedns no longer uses the cluster, and then out of the
 * cluster itself. What fedns federate has brought into the cluster stays where it is: workloads do not end with a membership.
 */

import type { ObjectRef } from '../api/object.ts';
import { CLUSTER, type ClusterObject } from './cluster-type.ts';
import { type Contact, kubeconfigFiles, openContext, uidOf, unreachable, type World } from './contact.ts';
import { FederationError } from './federation-error.ts';
import { FEDERATED } from './permissions.ts';
import { MANAGED_LABEL } from '../sync/marks.ts';
import { checkName } from './names.ts';
import { membersOf, secretOf } from './registry.ts';
import {
  FEDERATION_ANNOTATION,
  MADE_NAMESPACE,
  MEMBER_NAME,
  MEMBER_TOKEN,
  NAMESPACE,
  TYPES,
} from './types.ts';
import { describeRef } from '../api/object.ts';
import { refusal } from './undertaking.ts';

export interface UnjoinChoice {
  readonly context: string;
  readonly hostContext: string;
  readonly kubeconfig?: string;
  /** Also where the cluster cannot be reached, or is no more: what is in it stays there. */
  readonly force?: boolean;
}

/** In the member, in the order in which they go: what lets fedns in first. */
const IN_MEMBER: readonly ObjectRef[] = [
  { type: TYPES.clusterRoleBinding, name: MEMBER_NAME },
  { type: TYPES.secret, namespace: NAMESPACE, name: MEMBER_TOKEN },
  { type: TYPES.serviceAccount, namespace: NAMESPACE, name: MEMBER_NAME },
  { type: TYPES.clusterRole, name: MEMBER_NAME },
];

/** @throws FederationError before anything is removed, or with what could not be */
export async function unjoinCluster(name: string, choice: UnjoinChoice, world: World): Promise<void> {
  checkName(name, 'cluster');
  const files = kubeconfigFiles(choice.kubeconfig, world.env);
  const host = await openContext(choice.hostContext, files, world);
  try {
    const registered = (await membersOf(host)).find(({ metadata }) => metadata.name === name);
    const member = await reachMember(registered, choice, files, world);
    try {
      await leaveHost(name, registered, member, host, world);
      if (member === undefined) sayLeft(choice.context, world);
      else await leaveMember(member, world);
    } finally {
      member?.close();
    }
  } finally {
    host.close();
  }
}

/** @returns undefined where it cannot be reached and need not be */
async function reachMember(
  registered: ClusterObject | undefined,
  { context, force = false }: UnjoinChoice,
  files: readonly string[],
  world: World,
): Promise<Contact | undefined> {
  let member: Contact | undefined;
  try {
    member = await openContext(context, files, world);
    const uid = await uidOf(member);
    if (registered === undefined || registered.spec.uid === uid) return member;
    const { name } = registered.metadata;
    throw new FederationError('OTHER_CLUSTER', `context ${context} leads to another cluster than ${name} is`);
  } catch (error) {
    member?.close();
    if (error instanceof FederationError && error.code === 'OTHER_CLUSTER') throw error;
    if (!force) {
      const fault =
        error instanceof FederationError ? error : unreachable('MEMBER_UNREACHABLE', context, error);
      throw new FederationError(fault.code, `${fault.message}; with --force it is taken out all the same`);
    }
    world.say(`${context}: cannot be reached, and is taken out without it: ${(error as Error).message}`);
    return undefined;
  }
}

/** The Secret first: without it nothing of fedns uses the cluster any more. */
async function leaveHost(
  name: string,
  registered: ClusterObject | undefined,
  member: Contact | undefined,
  host: Contact,
  { say }: World,
): Promise<void> {
  const secret = await secretOf(host, name);
  if (secret === undefined && registered === undefined) {
    if (member === undefined || !(await isEntered(member)))
      throw new FederationError('NOT_A_MEMBER', `the host knows no cluster ${name}`);
    say(`${host.name}: knows no cluster ${name}; what is left in ${member.name} goes`);
    return;
  }
  if (secret !== undefined)
    await remove(host, { type: TYPES.secret, namespace: NAMESPACE, name: secret.metadata.name }, say);
  if (registered !== undefined) await remove(host, { type: CLUSTER, name }, say);
  say(
    `${host.name}: fedns serve answers no longer with the Services of ${name}, and fedns federate leaves it alone`,
  );
}

async function isEntered({ objects }: Contact): Promise<boolean> {
  const found = await Promise.all(IN_MEMBER.map((ref) => objects.get(ref)));
  return found.some(({ ok }) => ok);
}

async function leaveMember(member: Contact, world: World): Promise<void> {
  for (const ref of IN_MEMBER) await remove(member, ref, world.say);
  await leaveNamespace(member, world);
  const left = await broughtTo(member);
  const what =
    left === '' ? 'of the federated objects none is there' : `${left} of the federation stay there`;
  world.say(
    `${member.name}: ${what}${left === '' ? '' : `, labelled ${MANAGED_LABEL}, and fedns no longer changes them`}`,
  );
}

/** What fedns federate has put there, counted by kind; an empty text: nothing. */
async function broughtTo({ objects }: Contact): Promise<string> {
  const counts = await Promise.all(
    FEDERATED.map(async ({ group, plural, kind }) => {
      const type = { group, version: 'v1', plural, kind, namespaced: true };
      const listed = await objects.list(type, { labelSelector: MANAGED_LABEL, metadataOnly: true });
      return { plural, count: listed.ok ? listed.value.items.length : 0 };
    }),
  );
  const some = counts.filter(({ count }) => count > 0);
  return some.map(({ plural, count }) => `${count} ${plural}`).join(', ');
}

async function remove(contact: Contact, ref: ObjectRef, say: (line: string) => void): Promise<void> {
  const outcome = await contact.objects.remove(ref);
  const isGone =
    !outcome.ok && (outcome.failure.cause === 'absent' || outcome.failure.cause === 'namespaceAbsent');
  if (!outcome.ok && !isGone) throw refusal(contact, ref, outcome.failure);
  say(`${contact.name}: ${describeRef(ref)} ${outcome.ok ? 'removed' : 'was not there'}`);
}

/** What people may have put beside it: the namespace goes only when nothing of these is left in it. */
const KEPT_FOR = [
  TYPES.pod,
  TYPES.deployment,
  TYPES.service,
  TYPES.secret,
  TYPES.configMap,
  TYPES.serviceAccount,
];
/** What Kubernetes itself puts into every namespace. */
const OF_KUBERNETES: ReadonlySet<string> = new Set(['ConfigMap kube-root-ca.crt', 'ServiceAccount default']);

async function leaveNamespace(member: Contact, { say }: World): Promise<void> {
  const ref: ObjectRef = { type: TYPES.namespace, name: NAMESPACE };
  const found = await member.objects.get(ref);
  if (!found.ok) return;
  const why = await reasonToStay(member, found.value.metadata);
  if (why === undefined) await remove(member, ref, say);
  else say(`${member.name}: ${describeRef(ref)} stays: ${why}`);
}

async function reasonToStay(
  member: Contact,
  { labels, annotations }: { readonly labels?: Labels; readonly annotations?: Labels },
): Promise<string | undefined> {
  if (labels?.[MADE_NAMESPACE] !== 'true') return 'it was there before fedns';
  if (annotations?.[FEDERATION_ANNOTATION] !== undefined) return 'it is that of the host, too';
  for (const type of KEPT_FOR) {
    const listed = await member.objects.list(type, { namespace: NAMESPACE, metadataOnly: true });
    if (!listed.ok) return `what is in it cannot be listed: ${listed.failure.message}`;
    const left = listed.value.items.find(
      ({ metadata }) => !OF_KUBERNETES.has(`${type.kind} ${metadata.name}`),
    );
    if (left !== undefined) return `${type.kind} ${left.metadata.name} is in it`;
  }
  return undefined;
}

type Labels = Readonly<Record<string, string>>;

function sayLeft(context: string, { say }: World): void {
  say(`${context}: if the cluster is still there, this is, too, and lets in whoever has the token:`);
  for (const { type, namespace, name } of [...IN_MEMBER, { type: TYPES.namespace, name: NAMESPACE }])
    say(
      `  kubectl --context ${context} delete ${type.kind.toLowerCase()}${namespace === undefined ? '' : ` -n ${namespace}`} ${name}`,
    );
  say(`${context}: what fedns federate has brought there stays as well`);
}
