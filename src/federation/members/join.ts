/**
 * `fedns join`: makes a cluster a member. What it refuses is refused before anything is written; what fails later is taken back.
 * Run again, it changes nothing that is so already.
 */

import { namespaceObject } from './account-objects.ts';
import { type Contact, kubeconfigFiles, openContext, uidOf, unreachable, type World } from './contact.ts';
import { FederationError } from './federation-error.ts';
import { addressOf, kubeconfigText, type ServerAddress } from './kubeconfig-text.ts';
import { checkReachable } from './local-address.ts';
import { clusterObject, clusterSecret, memberObjects, type Placement } from './member-objects.ts';
import { typeOf } from './type-of.ts';
import { checkName, checkZones } from './names.ts';
import { placeText, readPlaces } from './places.ts';
import { membersOf, secretOf } from './registry.ts';
import { boundToken, dataOf, endOf, isFresh, secretToken, tryToken } from './token.ts';
import { MEMBER_NAME, MEMBER_TOKEN, NAMESPACE, TYPES } from './types.ts';
import { refusal, Undertaking } from './undertaking.ts';
import { documentsText } from './yaml-documents.ts';
import type { KubeObject } from '../api/object.ts';

export interface JoinChoice {
  readonly context: string;
  readonly hostContext: string;
  readonly kubeconfig?: string;
  readonly region?: string;
  /** Separated by commas. */
  readonly zones?: string;
  /** By which the host reaches the member. Default: as the member's context has it. */
  readonly server?: string;
  /** The token ends, after so many seconds. Default: one that lasts until it is deleted. */
  readonly tokenSeconds?: number;
  readonly dryRun?: boolean;
}

/** All that is known before anything is written. */
interface Plan {
  readonly name: string;
  readonly uid: string;
  readonly address: ServerAddress;
  readonly placement: Placement;
  /** The address was said by people, for the host: from here it may be out of reach. */
  readonly isAddressGiven: boolean;
  readonly tokenSeconds?: number;
}

/**
 * @returns for a dry run the objects as YAML, else an empty text
 * @throws FederationError
 */
export async function joinCluster(name: string, choice: JoinChoice, world: World): Promise<string> {
  checkName(name, 'cluster');
  const placement = placementOf(choice);
  const files = kubeconfigFiles(choice.kubeconfig, world.env);
  await using host = disposable(await openContext(choice.hostContext, files, world));
  await using member = disposable(await openContext(choice.context, files, world));
  const plan = await planJoin(name, choice, placement, { host, member });
  if (choice.dryRun === true) return await describeJoin(plan, { host, member });
  await sayPlace(member, placement, world);
  await carryOut(plan, { host, member }, world);
  return '';
}

interface Two {
  readonly host: Contact;
  readonly member: Contact;
}

function placementOf({ region, zones }: JoinChoice): Placement {
  return {
    ...(region !== undefined && { region: checkName(region.toLowerCase(), 'region') }),
    ...(zones !== undefined && { zones: checkZones(zones) }),
  };
}

async function planJoin(name: string, choice: JoinChoice, placement: Placement, two: Two): Promise<Plan> {
  const { host, member } = two;
  const uid = await uidOf(member).catch((error: unknown) => {
    throw unreachable('MEMBER_UNREACHABLE', member.name, error);
  });
  await refuseTaken(name, uid, host);
  const address = await addressFor(choice, member);
  checkReachable(address, host.access);
  const { tokenSeconds, server } = choice;
  const isAddressGiven = server !== undefined;
  return {
    name,
    uid,
    address,
    placement,
    isAddressGiven,
    ...(tokenSeconds !== undefined && { tokenSeconds }),
  };
}

async function addressFor({ server }: JoinChoice, member: Contact): Promise<ServerAddress> {
  const { tls } = await member.current();
  const address = addressOf(member.access, tls.ca);
  if (server === undefined) return address;
  const url = URL.parse(server);
  if (url?.protocol !== 'https:')
    throw new FederationError('NOT_KEEPABLE', `--server ${server.slice(0, 128)}: give an https URL`);
  return { ...address, server: url };
}

/** One cluster has one name, and one name is one cluster's. */
async function refuseTaken(name: string, uid: string, host: Contact): Promise<void> {
  const members = await membersOf(host);
  const twin = members.find(({ metadata, spec }) => spec.uid === uid && metadata.name !== name);
  if (twin !== undefined)
    throw new FederationError(
      'ALREADY_MEMBER',
      `the cluster is a member already, as ${twin.metadata.name} (the uid of its namespace kube-system is the same): each of its Services would count twice`,
    );
  const named = members.find(({ metadata }) => metadata.name === name);
  if (named !== undefined && named.spec.uid !== uid)
    throw new FederationError(
      'NAME_TAKEN',
      `${name} is another cluster, at ${named.spec.server}: choose another name, or take that one out first, with fedns unjoin ${name}`,
    );
  const secret = await secretOf(host, name);
  if (secret !== undefined && secret.metadata.name !== name)
    throw new FederationError(
      'NAME_TAKEN',
      `Secret ${NAMESPACE}/${secret.metadata.name} of the host describes a cluster ${name} already: delete it first`,
    );
}

async function sayPlace(member: Contact, placement: Placement, { say }: World): Promise<void> {
  const places = await readPlaces(member.objects, placement);
  if (!places.ok) throw refusal(member, { type: TYPES.node, name: '' }, places.failure);
  const { nodes, findings } = places.value;
  const given = placement.region !== undefined && placement.zones !== undefined;
  say(
    `${member.name}: ${placeText(places.value)}${given ? '' : `, by the labels of ${nodes} ${nodes === 1 ? 'Node' : 'Nodes'}`}`,
  );
  for (const { message } of findings) say(`${member.name}: ${message}`);
  if (places.value.region === undefined)
    say(`${member.name}: without a region its Services answer at the global names only: give --region`);
}

async function carryOut(plan: Plan, two: Two, world: World): Promise<void> {
  const undertaking = new Undertaking(world.say);
  try {
    const token = await enterMember(plan, two, undertaking, world);
    await enterHost(plan, token, two.host, undertaking);
  } catch (error) {
    if (undertaking.changed) world.say('that failed, and is taken back:');
    await undertaking.undo();
    throw error;
  }
  world.say(
    `cluster ${plan.name} is a member${undertaking.changed ? '' : ' already, and nothing was changed'}`,
  );
}

/** @returns the token */
async function enterMember(plan: Plan, two: Two, undertaking: Undertaking, world: World): Promise<string> {
  const { member, host } = two;
  const { tokenSeconds } = plan;
  await enterNamespace(member, undertaking, world);
  for (const object of memberObjects({ withTokenSecret: tokenSeconds === undefined }))
    await undertaking.bring(member, typeOf(object), object);
  const token =
    tokenSeconds === undefined
      ? await secretToken(member, MEMBER_TOKEN, world)
      : ((await keptToken(plan.name, host, world)) ?? (await boundToken(member, MEMBER_NAME, tokenSeconds)));
  const works = await tryToken(plan, token, world);
  world.say(`${member.name}: its token ${works}, and ${lifeOf(token)}`);
  return token;
}

function lifeOf(token: string): string {
  const endMs = endOf(token);
  return endMs === undefined
    ? 'lasts until its Secret is deleted'
    : `ends at ${new Date(endMs).toISOString()}: run this again before, in the last third of its time, to renew it`;
}

/** A token that was given before and has time left, so that a second run changes nothing. */
async function keptToken(name: string, host: Contact, { clock }: World): Promise<string | undefined> {
  const secret = await secretOf(host, name);
  const kubeconfig = secret && dataOf(secret, 'kubeconfig');
  const token = /^ *token: "?([^\s"]+)/m.exec(kubeconfig ?? '')?.[1];
  return token !== undefined && isFresh(token, clock()) ? token : undefined;
}

async function enterHost(plan: Plan, token: string, host: Contact, undertaking: Undertaking): Promise<void> {
  for (const object of hostSide(plan, token)) await undertaking.bring(host, typeOf(object), object);
}

function hostSide({ name, address, placement, uid }: Plan, token: string): KubeObject[] {
  const kubeconfig = kubeconfigText(name, address, token);
  const spec = { uid, server: address.server.href.replace(/\/$/, ''), secretRef: { name }, ...placement };
  return [clusterSecret(name, placement, kubeconfig), clusterObject(name, spec)];
}

/** One that is there already is left as it is: it is people's own, or that of the host, with what `fedns init` has put on it. */
async function enterNamespace(member: Contact, undertaking: Undertaking, { say }: World): Promise<void> {
  const ref = { type: TYPES.namespace, name: NAMESPACE };
  const found = await member.objects.get(ref);
  if (found.ok) return say(`${member.name}: Namespace ${NAMESPACE} is there`);
  if (found.failure.cause !== 'absent') throw refusal(member, ref, found.failure);
  await undertaking.bring(member, TYPES.namespace, namespaceObject(true));
}

/** Written in place of a token that does not exist yet. */
export const NO_TOKEN_YET = 'PUT-THE-TOKEN-HERE';

async function describeJoin(plan: Plan, { host, member }: Two): Promise<string> {
  const ref = { type: TYPES.secret, namespace: NAMESPACE, name: MEMBER_TOKEN };
  const found = await member.objects.get(ref);
  const token = found.ok ? dataOf(found.value, 'token') : undefined;
  const missing =
    token === undefined
      ? [
          `The token is not there yet: apply the part above, and run this again, or put into it what`,
          `kubectl --context ${member.name} -n ${NAMESPACE} get secret ${MEMBER_TOKEN} -o go-template='{{.data.token | base64decode}}' prints.`,
        ]
      : ['It holds the token by which the member is entered: keep it as a secret.'];
  return (
    documentsText(
      [`For the member, context ${member.name}:`],
      [namespaceObject(false), ...memberObjects({ withTokenSecret: true })],
    ) +
    documentsText(
      [`For the host, context ${host.name}:`, ...missing],
      hostSide(plan, token ?? NO_TOKEN_YET).map(readable),
    )
  );
}

/** Secrets as people can read and mend them. */
function readable(object: KubeObject): KubeObject {
  const kubeconfig = object.kind === 'Secret' ? dataOf(object, 'kubeconfig') : undefined;
  if (kubeconfig === undefined) return object;
  const { data: _data, ...rest } = object;
  return { ...rest, stringData: { kubeconfig } } as KubeObject;
}

function disposable(contact: Contact): Contact & AsyncDisposable {
  return { ...contact, [Symbol.asyncDispose]: async () => contact.close() };
}
