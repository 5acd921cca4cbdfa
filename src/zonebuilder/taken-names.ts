/** Names that static records have for themselves: those with a CNAME, and all at or below a zone cut. */
import { Type } from './dns.ts';
import { delegations } from './service-statics.ts';
import { namesWith, type StaticSet } from './static-set.ts';

/** Tells such names. */
export function takenNames(builder: {
  readonly statics: StaticSet;
  readonly domain: string;
}): (name: string) => boolean {
  const { statics, domain } = builder;
  const names = new Set(namesWith(statics, Type.CNAME, domain));
  const isDelegated = delegations(statics, domain);
  return (name) => names.has(name) || isDelegated(name);
}
