/** Owns how clusters are registered from a command line: with this machine's kubeconfigs, clock and network. */

import { networkInterfaces } from 'node:os';
import type { Registration } from '../cli/registrar.ts';
import type { World } from '../federation/members/contact.ts';
import { initFederation } from '../federation/members/init.ts';
import { joinCluster } from '../federation/members/join.ts';
import { unjoinCluster } from '../federation/members/unjoin.ts';
import { systemTimers } from '../timers.ts';

/** Without those of loopbacks and links, which mean another machine to others. */
function addresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
}

/** @param say - takes a line without its end */
export function registrationHere(say: (line: string) => void): Registration {
  const world: World = { env: process.env, timers: systemTimers, clock: Date.now, addresses, say };
  return {
    init: (federation, choice) => initFederation(federation, choice, world),
    join: (name, choice) => joinCluster(name, choice, world),
    unjoin: (name, choice) => unjoinCluster(name, choice, world),
  };
}
