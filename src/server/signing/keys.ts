/** Which keys sign what: the apex's keys are signed by those for keys, everything else by those for the zone. */
import type { SigningKey, SigningSettings } from './settings.ts';

/** The keys of one algorithm: an RRset needs a signature of each algorithm (RFC 4035 section 2.2). */
export interface KeyChoice {
  readonly active: SigningKey;
  /** Whose signatures will do while there is none of the active key. */
  readonly former: readonly SigningKey[];
}

/** Sorts keys by what they sign. */
export function chooseKeys(keys: readonly SigningKey[], part: 'keys' | 'zone'): readonly KeyChoice[] {
  const fit = keys.filter((key) => key.part === part || key.part === 'both');
  return fit
    .filter((key) => key.isActive)
    .map((active) => ({
      active,
      former: fit.filter((key) => !key.isActive && key.algorithm === active.algorithm),
    }));
}

function withoutSecret({ id, algorithm, keyTag, part, isActive }: SigningKey): SigningKey {
  return { id, algorithm, keyTag, part, isActive };
}

/** Workers find signatures; the keys that make them are for signers alone. */
export function withoutSecrets({ keys, ...signing }: SigningSettings): SigningSettings {
  return { ...signing, keys: keys.map(withoutSecret) };
}
