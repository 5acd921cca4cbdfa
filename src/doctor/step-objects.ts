/**
 * Whether federated objects are in the clusters where they are placed: by the condition that `fedns federate` writes, and by
 * what each cluster says that it has. The two differ while federate does not run, or cannot write its word down.
 */

import type { FederateSettings } from '../config/settings.ts';
import { ObjectClient } from '../federation/api/object-client.ts';
import { describeRef, type KubeObject, refOf } from '../federation/api/object.ts';
import { CLUSTER } from '../federation/members/cluster-type.ts';
import { federatedKinds } from '../federation/kinds/table.ts';
import { whyHome } from '../federation/sync/federated.ts';
import type { AnyKind } from '../federation/sync/kind.ts';
import { CONDITIONS_ANNOTATION, FEDERATION_LABEL, MANAGED_LABEL } from '../federation/sync/marks.ts';
import { isPlaced, readPlacement } from '../federation/sync/placement.ts';
import { PROPAGATED, readConditions, VALID } from '../federation/sync/report.ts';
import { readServerUid } from '../watchers/api/server-identity.ts';
import type { Api } from './connections.ts';
import type { Facts } from './facts.ts';
import type { MemberCluster } from './member-clusters.ts';
import { type Finding, none, Unknowable, untried, well, wrong } from './report.ts';

const TRIED = 'the federated objects and their conditions, and their copies in each cluster';
/** How replicas are divided does not matter here. */
const KINDS = federatedKinds({ division: 'v1' });
/** Objects in trouble that are told one by one. */
const SHOWN_MAX = 20;

/** A federated object. */
interface Wanted {
  readonly kind: AnyKind;
  readonly object: KubeObject;
  /** `Service shop/web`. */
  readonly about: string;
}

/** An object of the endpoint, and why it has no copies; undefined: it is federated. */
interface Listed extends Wanted {
  readonly home: string | undefined;
}

/** What a cluster has, as keys; or why that is not known. */
interface Holder {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly copies: ReadonlySet<string> | string;
}

export async function checkObjects(facts: Facts): Promise<readonly Finding[]> {
  const { federate } = await facts.settings();
  const endpoint = await facts.endpoint();
  if (federate === undefined || endpoint === undefined)
    return [none({ about: 'the federation', tried: 'the configuration' }, 'federate is not configured')];
  const listed = ofName(await endpointObjects(endpoint, federate), facts.name);
  const wanted = listed.filter(({ home }) => home === undefined);
  const holders = await findHolders(facts, federate, endpoint);
  const look = { about: `${wanted.length} federated objects`, tried: TRIED };
  if (wanted.length === 0 && facts.name !== undefined && listed.length > 0)
    return listed.map((one) => staysHome(one, federate));
  if (wanted.length === 0) return [none(look, 'there is none at the endpoint')];
  const troubles = wanted.flatMap((one) => judge(one, holders));
  const unread = holders.flatMap(({ name, copies }) =>
    typeof copies === 'string'
      ? [untried({ about: name, tried: TRIED }, copies, 'see the steps members and permissions')]
      : [],
  );
  if (troubles.length + unread.length === 0)
    return [well(look, `in all of their clusters: ${holders.map(({ name }) => name).join(', ')}`)];
  const more = troubles.length - SHOWN_MAX;
  const rest = more > 0 ? [wrong(look, `${more} more are in trouble`, 'fedns doctor NAME looks at one')] : [];
  return [...troubles.slice(0, SHOWN_MAX), ...rest, ...unread];
}

/** A name is that of a Service, of which everything in its namespace with that name is meant. */
function ofName(all: readonly Listed[], name: string | undefined): readonly Listed[] {
  if (name === undefined) return all;
  const [service, namespace] = name.split('.');
  return all.filter(
    ({ object: { metadata } }) => metadata.name === service && metadata.namespace === namespace,
  );
}

/** What somebody asks for by name and nobody federates: most often the label was forgotten. */
function staysHome(
  { kind, object, about, home = '' }: Listed,
  { federation, select }: FederateSettings,
): Finding {
  const { name, namespace } = object.metadata;
  const label = `kubectl --context FEDERATION label -n ${namespace} ${kind.type.kind.toLowerCase()} ${name} ${FEDERATION_LABEL}=${federation}`;
  const isLabelled = select !== 'label' || object.metadata.labels?.[FEDERATION_LABEL] === federation;
  const next = isLabelled ? 'none is needed if that is meant' : `${label}, and its namespace too`;
  return wrong({ about, tried: TRIED }, `it has no copies: ${home}`, next);
}

async function endpointObjects(endpoint: Api, federate: FederateSettings): Promise<readonly Listed[]> {
  const objects = new ObjectClient(endpoint);
  const selection = { ...federate, ownNamespace: federate.namespace };
  const lists = await Promise.all(
    KINDS.map(async (kind) => {
      const listed = await objects.list(kind.type);
      if (!listed.ok)
        throw new Unknowable(
          `the ${kind.type.plural} of the endpoint`,
          listed.failure.message,
          'mend endpoint first',
        );
      return listed.value.items.map((object) => ({
        kind,
        object,
        about: describeRef(refOf(kind.type, object)),
        home: whyHome(kind, object, selection),
      }));
    }),
  );
  return lists.flat();
}

/** The clusters that are federated. Labels, by which objects are placed, are those of the Cluster. */
async function findHolders(
  facts: Facts,
  { federation }: FederateSettings,
  endpoint: Api,
): Promise<readonly Holder[]> {
  const members = await othersThan(endpoint, await facts.members());
  const host = await facts.host();
  const listed = host && (await new ObjectClient(host).list(CLUSTER));
  const clusters = listed?.ok === true ? listed.value.items : [];
  return Promise.all(
    members.map(async ({ name, api }) => {
      const cluster = clusters.find(({ metadata }) => metadata.name === name);
      const copies = await copiesIn(api, federation);
      return { name, labels: cluster?.metadata.labels ?? {}, copies };
    }),
  );
}

/** The endpoint may be a member itself: what stands there are the federated objects, not copies of them. */
async function othersThan(
  endpoint: Api,
  members: readonly MemberCluster[],
): Promise<readonly MemberCluster[]> {
  const own = await uidOf(endpoint);
  const uids = await Promise.all(members.map(({ api }) => uidOf(api)));
  return members.filter((_, i) => own === undefined || uids[i] !== own);
}

/** Of its kube-system; undefined where it does not say. */
async function uidOf({ client, signal }: Api): Promise<string | undefined> {
  return readServerUid(client, signal).catch(() => undefined);
}

/** What it says that it has, each as `describeRef` has it; or why it does not. */
async function copiesIn(api: Api, federation: string): Promise<Holder['copies']> {
  const objects = new ObjectClient(api);
  const labelSelector = `${MANAGED_LABEL}=${federation}`;
  const lists = await Promise.all(
    KINDS.map(({ type }) => objects.list(type, { labelSelector, metadataOnly: true })),
  );
  const failed = lists.find(({ ok }) => !ok);
  if (failed?.ok === false) return failed.failure.message;
  const found = lists.flatMap((list, i) =>
    list.ok ? list.value.items.map((item) => refOf(KINDS[i]!.type, item)) : [],
  );
  return new Set(found.map(describeRef));
}

function judge({ kind, object, about }: Wanted, holders: readonly Holder[]): readonly Finding[] {
  const look = { about, tried: TRIED };
  const next = `kubectl --context FEDERATION describe ${kind.type.kind.toLowerCase()} ${object.metadata.name}, and see its Events`;
  const conditions = conditionsOf(kind, object);
  const bad = conditions.find(
    ({ type, status }) => (type === VALID || type === PROPAGATED) && status === 'False',
  );
  if (bad !== undefined) return [wrong(look, `${bad.reason}: ${bad.message}`, next)];
  const placement = readPlacement(object);
  const placed = holders.filter((holder) => isPlaced(placement, holder) === true);
  const missing = placed
    .filter(({ copies }) => typeof copies !== 'string' && !copies.has(about))
    .map(({ name }) => name);
  const isSilent = placed.length > 0 && conditions.length === 0;
  if (missing.length === 0 && isSilent)
    return [
      wrong(
        look,
        'in all of its clusters, and has no condition',
        'see what the log of fedns federate says of it',
      ),
    ];
  if (missing.length === 0) return [];
  const said = isSilent ? 'and nobody says why' : 'though its condition says otherwise';
  return [wrong(look, `not in ${missing.join(', ')}, ${said}`, 'see whether fedns federate runs')];
}

function conditionsOf(
  kind: AnyKind,
  { metadata, status }: KubeObject & { readonly status?: unknown },
): ReturnType<typeof readConditions> {
  if (kind.hasConditions)
    return readConditions((status as { readonly conditions?: unknown } | undefined)?.conditions);
  try {
    return readConditions(JSON.parse(metadata.annotations?.[CONDITIONS_ANNOTATION] ?? '[]'));
  } catch {
    return [];
  }
}
