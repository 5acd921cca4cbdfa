/** The zone builder of the benchmark's domain, as the fedns under test and the zone export both use it. */

import { makeApex, type Apex } from '../src/zonebuilder/apex.ts';
import { ZoneBuilder } from '../src/zonebuilder/builder.ts';
import type { ImageMemory } from '../src/zonebuilder/image.ts';
import { type FederationPolicy, POLICY_ALL } from '../src/zonebuilder/policy.ts';
import type { ChangeRecorder } from '../src/zonebuilder/recorder.ts';
import { parseRdata } from '../src/zonebuilder/rr-types.ts';
import { packStatics } from '../src/zonebuilder/static-set.ts';

export const DOMAIN = 'example.com';
export const TTL_SECONDS = 180;
const NS = `ns1.${DOMAIN}`;

export const APEX: Apex = makeApex({
  domain: DOMAIN,
  primary: NS,
  hostmaster: `hostmaster.${DOMAIN}`,
  ttlSeconds: 21600,
  negativeTtlSeconds: 15,
  nxdomainWhenNoneHealthy: false,
});

/** @param onMemory - told when the image moves, the first time while it is made */
export function makeBuilder(
  onMemory: (memory: ImageMemory) => void = () => {},
  prepareMemory?: (memory: SharedArrayBuffer) => void,
  policy: FederationPolicy = POLICY_ALL,
  recorder?: ChangeRecorder,
): ZoneBuilder {
  return new ZoneBuilder({
    domain: DOMAIN,
    ttlSeconds: TTL_SECONDS,
    policies: () => policy,
    whenNoneHealthy: 'nodata',
    statics: packStatics(
      [
        { name: DOMAIN, ttlSeconds: 21600, ...parseRdata('NS', `${NS}.`) },
        { name: NS, ttlSeconds: 21600, ...parseRdata('A', '192.0.2.53') },
      ],
      DOMAIN,
    ),
    nextSerial: () => 1,
    clock: Date.now,
    onMemory,
    prepareMemory,
    recorder,
  });
}
