/**
 * `fedns init`: makes a cluster, or an API server without nodes, the host of a federation: namespace, the kind Cluster, an
 * account for fedns with what it may do there; where wanted the Deployments, or the configuration with which it runs elsewhere.
 */

import { pause } from '../../timers.ts';
import type { KubeObject } from '../api/object.ts';
import {
  clusterRole,
  clusterRoleBinding,
  namespaceObject,
  role,
  roleBinding,
  serviceAccount,
  tokenSecret,
} from './account-objects.ts';
import { CLUSTER, CLUSTER_DEFINITION } from './cluster-type.ts';
import { configurationText, type Nameserver } from './configuration.ts';
import { type Contact, kubeconfigFiles, openContext, uidOf, unreachable, type World } from './contact.ts';
import { deploymentObjects } from './deployment-objects.ts';
import { FederationError } from './federation-error.ts';
import { addressOf, kubeconfigText } from './kubeconfig-text.ts';
import { typeOf } from './type-of.ts';
import { checkName } from './names.ts';
import { hostNamespaceRules, hostRules } from './permissions.ts';
import { secretToken } from './token.ts';
import {
  DOMAIN_ANNOTATION,
  FEDERATION_ANNOTATION,
  HOST_NAME,
  HOST_TOKEN,
  MADE_NAMESPACE,
  NAMESPACE,
  TYPES,
} from './types.ts';
import { refusal, Undertaking } from './undertaking.ts';
import { placeFiles, type WrittenFile } from './written-files.ts';
import { documentsText } from './yaml-documents.ts';

/** An API server takes a new kind up within a second or two. */
const ESTABLISHED_MS_MAX = 30_000;
const ASK_AGAIN_MS = 200;

export interface InitChoice {
  readonly context: string;
  /** Lower case, without the last dot. */
  readonly domain: string;
  readonly select: 'label' | 'all';
  readonly kubeconfig?: string;
  readonly nameservers: readonly Nameserver[];
  /** Where a configuration is written to. */
  readonly write?: string;
  /** The image of the Deployments; absent: none are made. */
  readonly image?: string;
  readonly dryRun?: boolean;
}

/**
 * @returns for a dry run the objects as YAML, else an empty text
 * @throws FederationError
 */
export async function initFederation(federation: string, choice: InitChoice, world: World): Promise<string> {
  checkName(federation, 'federation');
  if (choice.dryRun === true) return describeInit(federation, choice);
  const host = await openContext(choice.context, kubeconfigFiles(choice.kubeconfig, world.env), world);
  try {
    await uidOf(host).catch((error: unknown) => {
      throw unreachable('HOST_UNREACHABLE', host.name, error);
    });
    await carryOut(federation, choice, host, world);
  } finally {
    host.close();
  }
  return '';
}

async function carryOut(federation: string, choice: InitChoice, host: Contact, world: World): Promise<void> {
  const namespace = await namespaceOf(federation, choice, host);
  const undertaking = new Undertaking(world.say);
  try {
    for (const object of [namespace, ...hostObjects(federation, choice)])
      await undertaking.bring(host, typeOf(object), object);
    await established(host, world);
    if (choice.write !== undefined) {
      const token = await secretToken(host, HOST_TOKEN, world);
      const nameservers = nameserversOf(choice, world);
      const files = await filesOf(federation, { ...choice, nameservers }, choice.write, host, token);
      await placeFiles(files, world.say);
    }
  } catch (error) {
    if (undertaking.changed) world.say('that failed, and is taken back:');
    await undertaking.undo();
    throw error;
  }
  const hosted = `context ${host.name} is the host of federation ${federation}, domain ${choice.domain}`;
  world.say(undertaking.changed ? hosted : `${hosted}, already: nothing was changed there`);
}

/** Where nobody has said which there are, fedns is taken to run on this machine. */
function nameserversOf(
  { nameservers, domain }: InitChoice,
  { addresses, say }: World,
): readonly Nameserver[] {
  if (nameservers.length > 0) return nameservers;
  const own = addresses();
  const guess = { name: `ns1.${domain}`, addresses: own.length > 0 ? own : ['127.0.0.1'] };
  say(
    `its name server is ${guess.name} at ${guess.addresses.join(', ')}, this machine: --nameserver says otherwise`,
  );
  return [guess];
}

/** One host is that of one federation: what it is told by is on its namespace. */
async function namespaceOf(federation: string, { domain }: InitChoice, host: Contact): Promise<KubeObject> {
  const ref = { type: TYPES.namespace, name: NAMESPACE };
  const found = await host.objects.get(ref);
  if (!found.ok && found.failure.cause !== 'absent') throw refusal(host, ref, found.failure);
  const { annotations, labels } = found.ok ? found.value.metadata : {};
  const [other, otherDomain] = [annotations?.[FEDERATION_ANNOTATION], annotations?.[DOMAIN_ANNOTATION]];
  if ((other ?? federation) !== federation || (otherDomain ?? domain) !== domain)
    throw new FederationError(
      'OTHER_FEDERATION',
      `context ${host.name} is the host of federation ${other} with the domain ${otherDomain} already; to change that, take the annotations ${FEDERATION_ANNOTATION} and ${DOMAIN_ANNOTATION} off its namespace ${NAMESPACE} first`,
    );
  return namespaceObject(!found.ok || labels?.[MADE_NAMESPACE] === 'true', marks(federation, domain));
}

function marks(federation: string, domain: string): Readonly<Record<string, string>> {
  return { [FEDERATION_ANNOTATION]: federation, [DOMAIN_ANNOTATION]: domain };
}

function hostObjects(federation: string, choice: InitChoice): KubeObject[] {
  const { image, write } = choice;
  return [
    CLUSTER_DEFINITION,
    serviceAccount(HOST_NAME),
    clusterRole(HOST_NAME, hostRules()),
    clusterRoleBinding(HOST_NAME),
    role(HOST_NAME, hostNamespaceRules()),
    roleBinding(HOST_NAME),
    ...(write === undefined ? [] : [tokenSecret(HOST_TOKEN, HOST_NAME)]),
    ...(image === undefined ? [] : deploymentObjects(image, configurationText({ federation, ...choice }))),
  ];
}

/** Until then nobody can ask for a Cluster. */
async function established({ objects, name }: Contact, { timers }: World): Promise<void> {
  const endMs = timers.now() + ESTABLISHED_MS_MAX;
  for (;;) {
    const listed = await objects.list(CLUSTER);
    if (listed.ok) return;
    if (timers.now() >= endMs)
      throw new FederationError(
        'REFUSED',
        `${name}: the kind Cluster is not served: ${listed.failure.message}`,
      );
    await pause(timers, ASK_AGAIN_MS);
  }
}

async function filesOf(
  federation: string,
  choice: InitChoice,
  file: string,
  host: Contact,
  token: string,
): Promise<WrittenFile[]> {
  const { tls } = await host.current();
  const kubeconfigFile = `${file.replace(/\.ya?ml$/, '')}.kubeconfig`;
  const name = `${federation}-host`;
  const kubeconfig = kubeconfigText(name, addressOf(host.access, tls.ca), token);
  return [
    { path: kubeconfigFile, text: kubeconfig, mode: 0o600 },
    {
      path: file,
      text: configurationText({ federation, ...choice, host: { kubeconfigFile, context: name } }),
      mode: 0o644,
    },
  ];
}

function describeInit(federation: string, choice: InitChoice): string {
  return documentsText(
    [`For the host of federation ${federation}, context ${choice.context}:`],
    [namespaceObject(false, marks(federation, choice.domain)), ...hostObjects(federation, choice)],
  );
}
