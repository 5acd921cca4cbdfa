/** The federation of the Federation user guide: thirteen clusters, one nginx Service, some shards down. */
import type { Federation, FederationOptions } from './federation.ts';
import { makeFederation } from './federation.ts';

export const NGINX = 'nginx.mynamespace.myfederation';

interface GuideShard {
  readonly region: string;
  readonly zone: string;
  readonly address: string;
  readonly ready: boolean;
}

/** The shards as rows: region, zone letter, load-balancer address, whether an endpoint is ready. */
export const GUIDE_SHARDS: readonly GuideShard[] = (
  [
    ['us-central1', 'a', '104.197.247.191', true],
    ['us-central1', 'b', '104.197.244.180', true],
    ['us-central1', 'c', '104.197.245.170', true],
    ['us-central1', 'f', '104.197.246.190', false],
    ['asia-east1', 'a', '130.211.57.243', true],
    ['asia-east1', 'b', '104.199.136.89', false],
    ['asia-east1', 'c', '130.211.56.221', true],
    ['europe-west1', 'b', '104.199.1.11', false],
    ['europe-west1', 'c', '104.199.1.12', false],
    ['europe-west1', 'd', '104.199.1.13', false],
    ['us-east1', 'b', '104.196.14.231', true],
    ['us-east1', 'c', '104.196.14.232', true],
    ['us-east1', 'd', '104.196.14.233', true],
  ] as const
).map(([region, letter, address, ready]) => ({ region, zone: `${region}-${letter}`, address, ready }));

export function makeGuide(options?: FederationOptions): Federation {
  const federation = makeFederation(options);
  for (const { region, zone, address, ready } of GUIDE_SHARDS) {
    federation.cluster(`gce-${zone}`, region, [zone]);
    federation.shard(`gce-${zone}`, NGINX, {
      addresses: [address],
      ready,
      readyZones: ready ? [zone] : [],
      ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
    });
  }
  return federation;
}
