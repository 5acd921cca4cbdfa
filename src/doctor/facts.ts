/**
 * What several steps have to know, each found out once and only if a step asks: the settings, what the running server says,
 * how the parent zone delegates the domain. Where something cannot be had, whoever needs it is told why (`Unknowable`).
 */

import type { TopologyView } from '../admin/topology.ts';
import type { ApiOrigin, Settings } from '../config/settings.ts';
import type { Timers } from '../timers.ts';
import { accessLoader } from '../watchers/credentials/credentials.ts';
import type { ResolverAddress } from '../watchers/hostnames/resolv-conf.ts';
import type { Ask } from './dns/ask.ts';
import { findDelegation, type Delegation } from './dns/delegation.ts';
import type { Complaint } from './complaint.ts';
import { type Api, Connections } from './connections.ts';
import { findMembers, type MemberCluster } from './member-clusters.ts';
import { behind, messageOf, Unknowable } from './report.ts';

/** What the doctor is given. */
export interface Inputs extends Omit<Complaint, 'resolver' | 'steps'> {
  readonly ask: Ask;
  /** Asked one after the other until one answers. */
  readonly resolvers: readonly ResolverAddress[];
  /** Of authoritative servers; 53, but in tests. */
  readonly dnsPort: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly timers: Timers;
}

/** The inputs, and what follows from them. */
export interface Facts extends Inputs {
  readonly settings: () => Promise<Settings>;
  readonly topology: () => Promise<TopologyView>;
  readonly delegation: () => Promise<Delegation>;
  readonly connections: Connections;
  /** Of the Clusters and their Secrets; undefined: there is none. */
  readonly host: () => Promise<Api | undefined>;
  /** Where federated objects are; undefined: nothing is federated. */
  readonly endpoint: () => Promise<Api | undefined>;
  readonly members: () => Promise<readonly MemberCluster[]>;
}

export function gatherFacts(inputs: Inputs): Facts {
  const { env, clock } = inputs;
  const settings = once(async () => settingsOf(inputs));
  const connections = new Connections({ env, clock });
  const connect = (origin: ApiOrigin | undefined): Api | undefined =>
    origin && connections.open(accessLoader(origin, env));
  const host = once(async () => connect((await settings()).clusterSecrets?.origin));
  return {
    ...inputs,
    settings,
    topology: once(async () => topologyOf(inputs)),
    delegation: once(async () => findDelegation((await settings()).domain, inputs)),
    connections,
    host,
    endpoint: once(async () => {
      const { federate } = await settings();
      if (federate === undefined) return undefined;
      return federate.endpoint === undefined ? host() : connect(federate.endpoint);
    }),
    members: once(async () => findMembers(await settings(), { connections, env, host: await host() })),
  };
}

/** Every caller waits for the first call. */
function once<T>(find: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined;
  return () => (found ??= find());
}

function settingsOf({ config, file }: Inputs): Settings {
  if (config.kind === 'refused') throw behind('configuration', `reading ${file}`);
  return config.settings;
}

async function topologyOf({ askServer }: Inputs): Promise<TopologyView> {
  try {
    return (await askServer('/api/v1/topology')) as TopologyView;
  } catch (error) {
    throw new Unknowable(
      'GET /api/v1/topology',
      messageOf(error),
      'start it with fedns serve, or name its address with --admin',
    );
  }
}
