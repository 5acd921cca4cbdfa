/** Which Service, and which place of it, a name means. */
import { splitServiceName } from '../zonebuilder/service-statics.ts';

/** The parts of a name of a Service. */
export interface ServiceName {
  /** `S.N.F`. */
  readonly service: string;
  /** What stands behind `svc`: `''`, `region`, `zone`, `zone.region`. */
  readonly location: string;
  /** The cluster's label or the port's labels in front; `''` for none. */
  readonly prefix: string;
}

const BARE = /^[^._][^.]*\.[^._][^.]*\.[^._][^.]*$/;

/**
 * Takes a name apart that an operator has typed.
 *
 * @param name - lower case without trailing dot; outside of the domain, `S.N.F` alone is the Service's global name
 * @returns undefined: it is no name of a Service
 */
export function parseServiceName(name: string, domain: string): ServiceName | undefined {
  const parts = splitServiceName(name, domain);
  if (parts !== undefined || name.endsWith(`.${domain}`) || !BARE.test(name)) return parts;
  return { service: name, location: '', prefix: '' };
}
