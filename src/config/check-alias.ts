/**
 * Checks of ALIAS records: where one may stand, and what it may lead to. It stands for addresses, so that nothing else at
 * its name may be or bring some; and it leads to a Service, whose addresses are known here.
 */
import { Type } from '../zonebuilder/dns.ts';
import { splitServiceName } from '../zonebuilder/service-statics.ts';
import type { Path, Report } from './fault.ts';
import { nearestWord } from './nearest.ts';

interface AliasRecord {
  readonly name: string;
  readonly type: number;
  readonly target: string | undefined;
  readonly path: Path;
}

interface AliasSurroundings {
  readonly domain: string;
  readonly federations: readonly { readonly name: string }[];
  readonly byName: ReadonlyMap<string, readonly { readonly type: number }[]>;
}

/** Checks one ALIAS record against the others. A CNAME beside it is found elsewhere: that tolerates no other record. */
export function checkAlias(record: AliasRecord, around: AliasSurroundings, report: Report): void {
  checkOwner(record, around, report);
  checkTarget(record, around, report);
}

function checkOwner({ name, path }: AliasRecord, around: AliasSurroundings, report: Report): void {
  const { byName, domain, federations } = around;
  const types = (byName.get(name) ?? []).map(({ type }) => type);
  if (types.some((type) => type === Type.A || type === Type.AAAA))
    report('BAD_ALIAS', path, `${name} has addresses of its own, so it cannot have those of a Service`);
  if (types.filter((type) => type === Type.ALIAS).length > 1)
    report('BAD_ALIAS', path, `${name} can have the addresses of one Service only`, 'leave one ALIAS');
  const federation = splitServiceName(name, domain)?.service.split('.').at(-1);
  if (federations.some((each) => each.name === federation))
    report('BAD_ALIAS', [...path, 'name'], `${name} is a name of a Service, which has its own addresses`);
}

function checkTarget({ target = '.', path }: AliasRecord, around: AliasSurroundings, report: Report): void {
  const at = [...path, 'data'];
  const { byName, domain, federations } = around;
  const names = federations.map(({ name }) => name);
  const parts = splitServiceName(target, domain);
  const federation = parts?.service.split('.').at(-1) ?? '';
  if (parts === undefined || parts.prefix !== '') {
    const form = `SERVICE.NAMESPACE.${names[0] ?? 'FEDERATION'}.svc.${domain}`;
    const what = `${target} is not the name of a Service at one of its levels`;
    report(
      'BAD_ALIAS',
      at,
      `ALIAS stands for the addresses of a Service, and ${what}`,
      `${form}, or a CNAME`,
    );
  } else if (!names.includes(federation)) {
    const near = nearestWord(federation, names);
    const fix = near === undefined ? undefined : `did you mean ${near}?`;
    report('BAD_ALIAS', at, `there is no federation ${federation}`, fix);
  } else if (byName.get(target)?.some(({ type }) => type === Type.CNAME)) {
    report('BAD_ALIAS', at, `${target} is a CNAME here, so it has no addresses of a Service`);
  }
}
