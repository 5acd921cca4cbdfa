/** What `init`, `join` and `unjoin` are given from outside: whoever does it. */

import type { InitChoice } from '../federation/members/init.ts';
import type { JoinChoice } from '../federation/members/join.ts';
import type { UnjoinChoice } from '../federation/members/unjoin.ts';

/** Says line by line what it does, and returns what is to be printed beside. @throws FederationError */
export interface Registration {
  readonly init: (federation: string, choice: InitChoice) => Promise<string>;
  readonly join: (name: string, choice: JoinChoice) => Promise<string>;
  readonly unjoin: (name: string, choice: UnjoinChoice) => Promise<void>;
}
