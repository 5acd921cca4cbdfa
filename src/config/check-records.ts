/**
 * Checks of the static records against each other and against what fedns serves itself: aliases, delegations,
 * RRsets, wildcards, glue. The form of a single record's data is for `zonebuilder/rr-types.ts` to judge.
 */
import { isWithin } from '../zonebuilder/names.ts';
import {
  formatRdata,
  parseRdata,
  RdataError,
  targetOffset,
  typeText,
  WRITABLE_TYPES,
} from '../zonebuilder/rr-types.ts';
import { decodeName } from '../zonebuilder/names.ts';
import type { StaticRecord } from '../zonebuilder/static-set.ts';
import { checkAlias } from './check-alias.ts';
import { checkCname } from './check-cname.ts';
import { checkRecordData } from './check-record-data.ts';
import type { Path, Report } from './fault.ts';
import { nearestWord } from './nearest.ts';
import type { ConfigDraft, ConfigFile, RecordEntry } from './schema.ts';

const ALIAS = 0;
const A = 1;
const NS = 2;
const CNAME = 5;
const PTR = 12;
const MX = 15;
const AAAA = 28;
const SRV = 33;
const DS = 43;
const CDS = 59;
const CDNSKEY = 60;

/** Aliases followed when looking for a loop: no answer holds more, and the check stays linear. */
const ALIAS_STEPS_MAX = 100;

interface ParsedRecord extends StaticRecord {
  /** The name in the data, lower case; undefined: there is none, or it is the root. */
  readonly target: string | undefined;
  readonly path: Path;
}

/** All records with the indexes that the checks share. */
interface RecordSet {
  readonly domain: string;
  readonly records: readonly ParsedRecord[];
  readonly byName: ReadonlyMap<string, readonly ParsedRecord[]>;
  /** Names with records, and the empty non-terminals above them. */
  readonly existing: ReadonlySet<string>;
  /** Names that are delegated away. */
  readonly cuts: ReadonlySet<string>;
  /** Names that a delegation points to, which may need glue. */
  readonly nsTargets: ReadonlySet<string>;
  readonly nameservers: ConfigFile['nameservers'];
}

/**
 * Checks the static records.
 *
 * @returns those that could be read, in wire form; all of them where nothing was reported
 */
export function checkRecords(config: ConfigDraft, report: Report): readonly StaticRecord[] {
  const { domain, nameservers = [], ttl = 0 } = config;
  if (domain === undefined) return [];
  const parsed = (config.records ?? []).flatMap(
    (entry, i) => parseEntry(entry, i, ttl, domain, report) ?? [],
  );
  const set = indexRecords(domain, parsed, nameservers);
  for (const record of parsed) {
    checkApex(record, set, report);
    checkSignal(record, report);
    if (record.type === ALIAS) checkAlias(record, { ...set, federations: config.federations ?? [] }, report);
    if (record.type === CNAME) checkCname(record, config, report);
    checkDelegated(record, set, report);
    checkTarget(record, set, report);
    checkLoop(record, set, report);
    checkNameserverName(record, set, report);
  }
  for (const records of set.byName.values()) checkName(records, report);
  checkHidden(config, set, report);
  return parsed;
}

/** Whether a record says what `nameservers` says already. */
export function isNameserverGlue(record: StaticRecord, nameservers: ConfigFile['nameservers']): boolean {
  const server = nameservers.find(({ name }) => name === record.name);
  return (
    server !== undefined &&
    isAddressType(record.type) &&
    server.addresses.includes(formatRdata(record.type, record.rdata))
  );
}

function parseEntry(
  entry: RecordEntry,
  index: number,
  defaultTtl: number,
  domain: string,
  report: Report,
): ParsedRecord | undefined {
  const path = ['records', index];
  const { name } = entry;
  if (!isWithin(name, domain)) {
    const fix = name.includes('.') ? undefined : `names are written in full: ${name}.${domain}`;
    report('RECORD_OUTSIDE_DOMAIN', [...path, 'name'], `${name} does not lie in ${domain}`, fix);
  }
  const data = parseData(entry, path, report);
  if (!data || !isWithin(name, domain)) return undefined;
  checkRecordData({ ...data, dataText: entry.data }, path, report);
  return {
    name,
    ...data,
    ttlSeconds: entry.ttl ?? defaultTtl,
    target: targetOf(data.type, data.rdata),
    path,
  };
}

function parseData(
  entry: RecordEntry,
  path: Path,
  report: Report,
): { type: number; rdata: Buffer } | undefined {
  try {
    return parseRdata(entry.type, entry.data);
  } catch (error) {
    if (!(error instanceof RdataError)) throw error;
    if (error.code === 'UNKNOWN_TYPE' || error.code === 'TYPE_REFUSED') {
      const nearest = error.code === 'UNKNOWN_TYPE' ? nearestWord(entry.type, WRITABLE_TYPES) : undefined;
      const fix = nearest === undefined ? undefined : `did you mean ${nearest}?`;
      report('BAD_RECORD_TYPE', [...path, 'type'], error.message, fix);
    } else {
      report('BAD_RECORD_DATA', [...path, 'data'], `${entry.type.toUpperCase()} data: ${error.message}`);
    }
    return undefined;
  }
}

function targetOf(type: number, rdata: Buffer): string | undefined {
  const offset = targetOffset(type);
  const name = offset === undefined ? '.' : decodeName(rdata, offset).toLowerCase();
  return name === '.' ? undefined : name;
}

function indexRecords(
  domain: string,
  records: readonly ParsedRecord[],
  nameservers: ConfigFile['nameservers'],
): RecordSet {
  const delegations = records.filter(({ type, name }) => type === NS && name !== domain);
  const owners = [...records, ...nameservers].filter(({ name }) => isWithin(name, domain));
  return {
    domain,
    records,
    byName: Map.groupBy(records, ({ name }) => name),
    existing: new Set([domain, ...owners.flatMap(({ name }) => ancestors(name, domain))]),
    cuts: new Set(delegations.map(({ name }) => name)),
    nsTargets: new Set(delegations.flatMap(({ target }) => target ?? [])),
    nameservers,
  };
}

function checkApex(record: ParsedRecord, { domain }: RecordSet, report: Report): void {
  if (record.name !== domain) return;
  const path = [...record.path, 'type'];
  if (record.type === NS)
    report('APEX_RECORD', path, 'NS records of the domain stand under nameservers', 'move it there');
  // RFC 1912 section 2.4: the apex holds SOA and NS, and RFC 1034 section 3.6.2 wants a CNAME alone.
  if (record.type === CNAME)
    report('APEX_RECORD', path, 'the domain itself cannot be a CNAME', 'use ALIAS, or A and AAAA');
  // RFC 4035 section 2.4: DS stands on the parent's side of a zone cut.
  if (record.type === DS)
    report('APEX_RECORD', path, 'DS of the domain belongs to the parent', 'give it to the registrar');
}

/** `_dsboot.CHILD._signal.NAMESERVER` (RFC 9615 section 2). */
const SIGNALLING = /^_dsboot\..+\._signal\./;

/** What the parent of this domain is to hear follows from its keys; of others only signalling names speak. */
function checkSignal({ name, type, path }: ParsedRecord, report: Report): void {
  if ((type !== CDS && type !== CDNSKEY) || SIGNALLING.test(name)) return;
  const message = `${typeText(type)} records can be given at _dsboot.CHILD._signal.NAMESERVER only (RFC 9615)`;
  report('NO_SIGNALLING_NAME', [...path, 'type'], message, 'those of the domain itself follow from dnssec');
}

function checkDelegated(record: ParsedRecord, set: RecordSet, report: Report): void {
  const { name, type, path } = record;
  // RFC 4592 section 4.2 leaves NS at a wildcard undefined.
  if (type === NS && name.startsWith('*.'))
    report('BAD_WILDCARD', [...path, 'name'], 'a wildcard cannot be delegated');
  if (type === DS && name !== set.domain && !set.cuts.has(name)) {
    report('DS_WITHOUT_DELEGATION', [...path, 'type'], `${name} is not delegated`, 'add its NS records');
  }
  const cut = topCut(name, set);
  if (cut === undefined) return;
  const isGlue = isAddressType(type) && set.nsTargets.has(name);
  if (!isGlue && !(name === cut && (type === NS || type === DS))) {
    report(
      'BELOW_DELEGATION',
      path,
      `${cut} is delegated, so this ${typeText(type)} record would never be served`,
    );
  }
  if (type === NS && record.target !== undefined) checkGlue(record.target, record, set, report);
}

/** A name server inside what it serves cannot be found without glue (RFC 1034 section 4.2.1). */
function checkGlue(target: string, record: ParsedRecord, set: RecordSet, report: Report): void {
  if (!isWithin(target, record.name)) return;
  if (set.byName.get(target)?.some(({ type }) => isAddressType(type))) return;
  report(
    'MISSING_GLUE',
    [...record.path, 'data'],
    `${target} needs an address record here (glue)`,
    `add an A or AAAA record of ${target}`,
  );
}

/** The delegation nearest to the apex that `name` stands at or below. */
function topCut(name: string, { cuts, domain }: RecordSet): string | undefined {
  let top: string | undefined;
  if (cuts.size === 0) return top;
  for (const ancestor of ancestors(name, domain)) if (cuts.has(ancestor)) top = ancestor;
  return top;
}

/** The name and every name above it, up to but without the domain. */
function ancestors(name: string, domain: string): string[] {
  const labels = name === domain ? [] : name.slice(0, -domain.length - 1).split('.');
  return labels.map((_, i) => `${labels.slice(i).join('.')}.${domain}`);
}

function checkTarget(record: ParsedRecord, set: RecordSet, report: Report): void {
  const { target, type } = record;
  if (target === undefined) return;
  const path = [...record.path, 'data'];
  if (!target.includes('.') && set.domain.includes('.')) {
    report(
      'RELATIVE_TARGET',
      path,
      `${target} means the top-level name ${target}.`,
      `in full: ${target}.${set.domain}`,
    );
  }
  if (![NS, CNAME, MX, SRV].includes(type) || !isWithin(target, set.domain)) return;
  const there = set.byName.get(target) ?? [];
  if (type !== CNAME && there.some((other) => other.type === CNAME)) {
    // RFC 2181 section 10.3: NS and MX must not point to an alias; RFC 2782 says the same of SRV.
    report('TARGET_IS_ALIAS', path, `${target} is an alias, which ${typeText(type)} must not point to`);
  } else if (!mayExist(target, type, set)) {
    report('TARGET_WITHOUT_ADDRESS', path, `${target} has no ${type === CNAME ? 'record' : 'address'} here`);
  }
}

/** An alias that leads back to itself has no answer (RFC 1034 section 3.6.2). */
function checkLoop(record: ParsedRecord, set: RecordSet, report: Report): void {
  if (record.type !== CNAME || record.target === undefined) return;
  const seen = new Set<string>();
  let next: string | undefined = record.target;
  while (next !== undefined && !seen.has(next) && seen.size < ALIAS_STEPS_MAX) {
    seen.add(next);
    next = aliasAt(next, set)?.target;
  }
  if (next === undefined || !seen.has(next) || ![...seen].some((name) => aliasAt(name, set) === record))
    return;
  report('ALIAS_LOOP', [...record.path, 'data'], `${record.target} leads back to ${record.name}`);
}

/** The static alias that answers for a name. */
function aliasAt(name: string, set: RecordSet): ParsedRecord | undefined {
  if (!isWithin(name, set.domain)) return undefined;
  const records = set.byName.get(name) ?? wildcardFor(name, set);
  return records?.find(({ type }) => type === CNAME);
}

/** The records of the wildcard at a name's closest encloser (RFC 4592 section 3.3.1). */
function wildcardFor(
  name: string,
  { byName, existing, domain }: RecordSet,
): readonly ParsedRecord[] | undefined {
  if (isServiceName(name)) return undefined;
  const encloser = ancestors(name, domain).find((ancestor) => existing.has(ancestor)) ?? domain;
  return encloser === name ? undefined : byName.get(`*.${encloser}`);
}

/** Which Services there are is known to the clusters only, so any may exist. */
function isServiceName(name: string): boolean {
  return `.${name}`.includes('.svc.');
}

/** Whether a target in the domain is known, or may come from a Service, a wildcard or a delegation. */
function mayExist(target: string, type: number, set: RecordSet): boolean {
  const there = set.byName.get(target) ?? [];
  if (there.some((other) => type === CNAME || other.type === ALIAS || isAddressType(other.type))) return true;
  if (set.nameservers.some(({ name }) => name === target)) return true;
  if (target === set.domain) return type === CNAME;
  if (isServiceName(target) || topCut(target, set) !== undefined) return true;
  return wildcardFor(target, set) !== undefined;
}

function checkNameserverName(record: ParsedRecord, set: RecordSet, report: Report): void {
  const server = set.nameservers.find(({ name }) => name === record.name);
  if (!server) return;
  if (record.type === CNAME || record.type === ALIAS) {
    // RFC 2181 section 10.3.
    report('NAMESERVER_CONTRADICTED', record.path, `the name server ${server.name} cannot be an alias`);
  }
  if (!isAddressType(record.type)) return;
  const address = formatRdata(record.type, record.rdata);
  if (!server.addresses.includes(address)) {
    const message = `nameservers gives ${server.name} the addresses ${server.addresses.join(', ')}, not ${address}`;
    report('NAMESERVER_CONTRADICTED', record.path, message, 'say it in one place');
  }
}

/** What holds among the records of one name. */
function checkName(records: readonly ParsedRecord[], report: Report): void {
  const alias = records.find(({ type }) => type === CNAME);
  if (alias && records.length > 1) {
    // RFC 1034 section 3.6.2: if a CNAME RR is present at a node, no other data should be present.
    report('CNAME_NOT_ALONE', alias.path, `${alias.name} has other records, too, so it cannot be an alias`);
  }
  if (records.length === 1) return;
  for (const rrset of Map.groupBy(records, ({ type }) => type).values()) checkRrset(rrset, report);
}

function checkRrset(rrset: readonly ParsedRecord[], report: Report): void {
  const seen = new Set<string>();
  const first = rrset[0]!;
  for (const record of rrset) {
    const key = comparable(record);
    if (seen.has(key))
      report('DUPLICATE_RECORD', record.path, 'the same record is given twice', 'remove one of the two');
    seen.add(key);
    // RFC 2181 section 5.2: the TTLs of all RRs in an RRSet must be the same.
    if (record.ttlSeconds === first.ttlSeconds) continue;
    const message = `TTL ${record.ttlSeconds} differs from the ${first.ttlSeconds} of another ${typeText(record.type)} record of this name`;
    report('RRSET_TTL', [...record.path, 'ttl'], message, 'give all of them one ttl');
  }
}

/** RFC 4034 section 6.2: names in these types compare without case. */
function comparable({ type, rdata }: ParsedRecord): string {
  const text = formatRdata(type, rdata);
  return [NS, CNAME, PTR, MX, SRV].includes(type) ? text.toLowerCase() : text;
}

/** A delegation above or inside the names of Services would take them away. */
function checkHidden(config: ConfigDraft, set: RecordSet, report: Report): void {
  if (set.cuts.size === 0 && set.nameservers.length === 0) return;
  const services = serviceNames(config, set.domain);
  const above = new Set(services.flatMap((name) => ancestors(name, set.domain)));
  for (const { type, name, path } of set.records) {
    if (type !== NS || name === set.domain) continue;
    if (above.has(name) || services.some((service) => isWithin(name, service))) {
      report('DELEGATION_HIDES_SERVICES', path, `names of federated Services lie at or below ${name}`);
    }
  }
  set.nameservers.forEach(({ name }, i) => {
    const cut = isWithin(name, set.domain) ? topCut(name, set) : undefined;
    if (cut !== undefined)
      report('BELOW_DELEGATION', ['nameservers', i, 'name'], `${cut} is delegated by a static record`);
  });
}

/** `F.svc.D`, `F.svc.R.D`, `F.svc.Z.D` and `F.svc.Z.R.D` of every federation and configured location. */
function serviceNames({ federations = [], clusters = [] }: ConfigDraft, domain: string): string[] {
  const locations = new Set(['']);
  for (const { region, zones = [] } of clusters) {
    const suffix = region === undefined ? '' : `${region}.`;
    for (const location of ['', ...zones.map((zone) => `${zone}.`)]) locations.add(location + suffix);
    for (const zone of zones) locations.add(`${zone}.`);
  }
  return federations.flatMap(({ name }) =>
    [...locations].map((location) => `${name}.svc.${location}${domain}`),
  );
}

function isAddressType(type: number): boolean {
  return type === A || type === AAAA;
}
