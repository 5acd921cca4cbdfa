/** Makes the records of hosts: an ALIAS for each, beside the records of the configuration, which come first. */
import { Type } from './dns.ts';
import { HOSTS_NAMESPACE, hostOfLabel } from './host-names.ts';
import { encodeName } from './names.ts';
import { packStatics, StaticIndex, type StaticRecord, type StaticSet, walkStatics } from './static-set.ts';
import { zoneCuts } from './service-statics.ts';

/** A day: the TTL of what the host leads to is shorter, and decides. */
const HOST_TTL_SECONDS = 86_400;

/** Types beside which an ALIAS cannot stand. */
const TAKING: ReadonlySet<number> = new Set([Type.CNAME, Type.A, Type.AAAA, Type.ALIAS]);

/** Records of hosts with those of the configuration. */
export interface HostedStatics {
  readonly statics: StaticSet;
  /** Why the host of a Service is not answered for, by `S.N.F`. */
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * @param services - `S.N.F` of the Services that stand for hosts
 */
export function addHosts(configured: StaticSet, services: Iterable<string>, domain: string): HostedStatics {
  const index = new StaticIndex(configured, domain);
  const cuts = zoneCuts(configured, domain);
  const refused = new Map<string, string>();
  const taken = new Map<string, string>();
  const records: StaticRecord[] = [];
  for (const service of [...services].toSorted()) {
    const name = hostOfLabel(service.slice(0, service.indexOf('.')), domain);
    const reason = refusalOf(name, index, cuts) ?? heldBy(taken.get(name));
    if (reason !== undefined) {
      refused.set(service, `${name}: ${reason}`);
      continue;
    }
    taken.set(name, service);
    const rdata = encodeName(`${service}.svc.${domain}`);
    records.push({ name, type: Type.ALIAS, ttlSeconds: HOST_TTL_SECONDS, rdata: Buffer.from(rdata) });
  }
  if (records.length === 0) return { statics: configured, refused };
  return { statics: packStatics([...walkStatics(configured, domain), ...records], domain), refused };
}

function refusalOf(name: string, index: StaticIndex, cuts: readonly string[]): string | undefined {
  if (index.at(name).some(({ type }) => TAKING.has(type)))
    return 'records of the configuration have the name of this host';
  const cut = cuts.find((each) => name === each || name.endsWith(`.${each}`));
  return cut === undefined ? undefined : `the host lies in ${cut}, which is delegated`;
}

function heldBy(service: string | undefined): string | undefined {
  const federation = service?.slice(service.indexOf(`.${HOSTS_NAMESPACE}.`) + HOSTS_NAMESPACE.length + 2);
  return federation === undefined ? undefined : `the host is answered for federation ${federation}`;
}
