/**
 * What would be answered if other things were drained: every name whose answer would be another one, before and after, and the
 * Services that would be left without addresses. Worked out step by step, so that whoever asks may let others go on between any
 * two; facts may change meanwhile, and each Service is as it is when its turn comes.
 */
import { aliasTargetName } from './alias-records.ts';
import type { ServiceView, ZoneBuilder } from './builder.ts';
import { Type } from './dns.ts';
import { changedTargets, type DrainIndex } from './drains.ts';
import { weightsText } from './explain-policy.ts';
import { decodeName } from './names.ts';
import { PLACEHOLDER_TYPE, type RecordSet } from './record-sets.ts';
import { serviceLister } from './records.ts';
import { walkStatics } from './static-set.ts';

/** What a name leads to. */
export interface NameAnswer {
  /** Where the aliases end: the name itself, or one above it. */
  readonly at: string;
  /** The RRsets there; empty: NODATA, or NXDOMAIN as the configuration says. */
  readonly records: readonly Omit<RecordSet, 'name'>[];
  /** How a reply is chosen among them, where weights say it. */
  readonly weights?: string;
}

/** A name whose answer would be another one. */
export interface NameChange {
  /** `S.N.F` of the Service that it belongs to, or leads to. */
  readonly service: string;
  /** Absolute, with its trailing dot. */
  readonly name: string;
  readonly before: NameAnswer;
  readonly after: NameAnswer;
}

/** A Service that would lose what it has. */
export interface Loss {
  /** `S.N.F`. */
  readonly service: string;
  /** Of which it has some, and would have none. */
  readonly types: readonly ('A' | 'AAAA')[];
}

/** Aliases that are followed within one Service: a zone, its region, the global name. */
const CHAIN_MAX = 8;
/** Names of the configuration that are looked at between two steps. */
const STATICS_A_STEP = 256;

/** The names whose answers would change; undefined is a step that found none. */
export function* changesUnder(builder: ZoneBuilder, drains: DrainIndex): Generator<NameChange | undefined> {
  const leading = new Map<string, string[]>();
  yield* findLeading(builder, leading);
  const list = serviceLister(builder);
  for (const [before, after] of viewPairs(builder, drains)) {
    const { name: service } = before.known;
    const [old, next] = [answersOf(builder, before, list), answersOf(builder, after, list)];
    for (const name of new Set([...old.keys(), ...next.keys()])) {
      const [was, is] = [resolve(old, name), resolve(next, name)];
      if (JSON.stringify(was) === JSON.stringify(is)) continue;
      for (const each of [name, ...allLeadingTo(leading, name)])
        yield { service, name: each, before: was, after: is };
    }
    yield undefined;
  }
}

/** The Services that would have no address of a family any more, of which they have some; undefined is a step. */
export function* lossesUnder(builder: ZoneBuilder, drains: DrainIndex): Generator<Loss | undefined> {
  for (const [before, after] of viewPairs(builder, drains)) {
    const types = (['A', 'AAAA'] as const).filter((type) => has(before, type) && !has(after, type));
    yield types.length > 0 ? { service: before.known.name, types } : undefined;
  }
}

/** The Services that a drain in part would do nothing for, since they are not weighted; undefined is a step. */
export function* unweightedUnder(
  builder: ZoneBuilder,
  drains: DrainIndex,
): Generator<{ readonly service: string; readonly policy: string } | undefined> {
  for (const [, { known, policy }] of viewPairs(builder, drains))
    yield policy.kind === 'weighted' ? undefined : { service: known.name, policy: policy.kind };
}

function* viewPairs(
  builder: ZoneBuilder,
  drains: DrainIndex,
): Generator<readonly [before: ServiceView, after: ServiceView]> {
  for (const service of builder.coveredBy(changedTargets(builder.drains, drains))) {
    const before = builder.view(service);
    const after = builder.viewUnder(service, drains);
    if (before !== undefined && after !== undefined) yield [before, after];
  }
}

/** Whether healthy shards have an address of the family: what is only known from before is none. */
function has(view: ServiceView, type: 'A' | 'AAAA'): boolean {
  const { pool } = type === 'A' ? view.v4 : view.v6;
  return pool.length > 0 && view.verdicts.some(({ counts }) => counts);
}

/** The RRsets of a Service by name; where aliases are, there is nothing else. */
type Answers = ReadonlyMap<string, NameAnswer>;

function answersOf(
  builder: ZoneBuilder,
  view: ServiceView,
  list: (view: ServiceView) => Iterable<RecordSet>,
): Answers {
  const answers = new Map<string, NameAnswer>();
  const weights = weightsText(builder, view);
  for (const { name, ...set } of list(view)) {
    const records = set.type === PLACEHOLDER_TYPE ? [] : [{ ...set, data: set.data.toSorted() }];
    const before = answers.get(name)?.records ?? [];
    const isWeighted = set.policy === 'weighted' && weights !== '';
    answers.set(name, { at: name, records: [...before, ...records], ...(isWeighted && { weights }) });
  }
  return answers;
}

/** Follows a name to where its answer is. */
function resolve(answers: Answers, start: string): NameAnswer {
  let name = start;
  for (let links = 0; links < CHAIN_MAX; links++) {
    const found = answers.get(name);
    if (found === undefined) break;
    const [first] = found.records;
    if (first?.type !== 'CNAME') return found;
    name = first.data[0]!;
  }
  return { at: name, records: [] };
}

/** Finds the names of the configuration that lead to others, by what they lead to. */
function* findLeading(builder: ZoneBuilder, leading: Map<string, string[]>): Generator<undefined> {
  let step = 0;
  for (const record of walkStatics(builder.statics, builder.domain)) {
    if (step++ % STATICS_A_STEP === 0) yield undefined;
    const { type, name, rdata } = record;
    if (type !== Type.CNAME && type !== Type.ALIAS) continue;
    const target = type === Type.ALIAS ? aliasTargetName(record) : decodeName(rdata).toLowerCase();
    leading.set(`${target}.`, [...(leading.get(`${target}.`) ?? []), `${name}.`]);
  }
}

/** All names that lead to one, by however many aliases. */
function allLeadingTo(leading: ReadonlyMap<string, readonly string[]>, name: string): Set<string> {
  const found = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const each of leading.get(next) ?? []) {
      if (!found.has(each)) open.push(each);
      found.add(each);
    }
  }
  return found;
}
