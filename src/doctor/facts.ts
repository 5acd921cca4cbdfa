/**
 * What several steps have to know, each found out once and only if a step asks: the settings, what the running server says,
 * how the parent zone delegates the domain. Where something cannot be had, whoever needs it is told why (`Unknowable`).
 */

import type { TopologyView } from '../admin/topology.ts';
import type { Settings } from '../config/settings.ts';
import type { Timers } from '../timers.ts';
import type { ResolverAddress } from '../watchers/hostnames/resolv-conf.ts';
import type { Ask } from './dns/ask.ts';
import { findDelegation, type Delegation } from './dns/delegation.ts';
import type { Complaint } from './complaint.ts';
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
}

export function gatherFacts(inputs: Inputs): Facts {
  const settings = once(async () => settingsOf(inputs));
  return {
    ...inputs,
    settings,
    topology: once(async () => topologyOf(inputs)),
    delegation: once(async () => findDelegation((await settings()).domain, inputs)),
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
