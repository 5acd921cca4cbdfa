/** What differs between two pictures of one Service, in the words of the journal. */
import { GLOBAL } from '../zonebuilder/layout.ts';
import { addressTexts, type BlobView, policyText, portOctets, portTexts, runOctets } from './blob.ts';
import type { Answer, ChangeEntry, LevelChange } from './entry.ts';
import type { Numbers } from './numbers.ts';

/**
 * Most addresses, before and after together, that are written out whole. Of longer lists only the difference is: a Service
 * with two thousand Pods would otherwise fill the journal with what did not change.
 */
const WHOLE_ADDRESSES_MAX = 32;

/** A Service at one moment; no view: it was not known. */
export interface Picture {
  readonly view: BlobView | undefined;
  readonly numbers: Numbers;
}

/** The part of an entry that says what changed; undefined: nothing that a reply to A, AAAA or SRV shows. */
export type Difference = Pick<ChangeEntry, 'levels' | 'policy' | 'flat' | 'ports'>;

export function compare(before: Picture, after: Picture): Difference | undefined {
  const levels = [...levelChanges(before, after), ...clusterChanges(before, after)];
  const policy = policyChange(before, after);
  const ports = portChange(before, after);
  const flat = isFlat(after) ?? isFlat(before) ?? false;
  const isOther = flat !== (isFlat(before) ?? flat);
  if (levels.length === 0 && policy === undefined && ports === undefined && !isOther) return undefined;
  return { levels, ...(policy && { policy }), ...(flat && { flat }), ...(ports && { ports }) };
}

function isFlat({ view }: Picture): boolean | undefined {
  return view?.isFlat;
}

/** What a place of a Service is answered with; whole lists. */
export function answerAt(picture: Picture, place: string): Answer {
  return answerOf(runsAt(picture, place), picture, place);
}

/** The places at which a picture has addresses, and the global one. */
export function placesOf({ view, numbers }: Picture): string[] {
  if (view === undefined) return [''];
  const places = [...view.v4.keys(), ...view.v6.keys()].map((number) => numbers.place(number));
  const clusters = [...view.v4Clusters.keys()].filter((number) => numbers.isNamed(number));
  return [...new Set(['', ...places]), ...clusters.map((number) => `cluster ${numbers.cluster(number)}`)];
}

/** The octets of both families at a place, and their TTL. */
interface Runs {
  readonly v4: Buffer;
  readonly v6: Buffer;
  readonly ttlSeconds: number;
  /** Of a cluster's own name: whether it is there. */
  readonly isThere: boolean;
}

const NO_OCTETS = Buffer.alloc(0);
const NOWHERE: Runs = { v4: NO_OCTETS, v6: NO_OCTETS, ttlSeconds: 0, isThere: false };

function runsOf(view: BlobView | undefined, location: number | undefined): Runs {
  if (view === undefined || location === undefined) return NOWHERE;
  return {
    v4: runOctets(view, view.v4.get(location), 'v4'),
    v6: runOctets(view, view.v6.get(location), 'v6'),
    ttlSeconds: view.levelTtls.get(location) ?? view.ttlSeconds,
    isThere: true,
  };
}

function clusterRuns(view: BlobView | undefined, cluster: number | undefined): Runs {
  if (view === undefined || cluster === undefined || !view.v4Clusters.has(cluster)) return NOWHERE;
  return {
    v4: runOctets(view, view.v4Clusters.get(cluster), 'v4'),
    v6: runOctets(view, view.v6Clusters.get(cluster), 'v6'),
    ttlSeconds: view.ttlSeconds,
    isThere: true,
  };
}

function runsAt({ view, numbers }: Picture, place: string): Runs {
  if (view === undefined) return NOWHERE;
  const own = numberedBy(view, numbers);
  const number = own.get(place);
  if (place.startsWith(CLUSTER)) return clusterRuns(view, number);
  return number === undefined ? { ...NOWHERE, isThere: true } : runsOf(view, number);
}

const CLUSTER = 'cluster ';

/** The numbers that a view uses, by what they are called. */
function numberedBy(view: BlobView, numbers: Numbers): Map<string, number> {
  const own = new Map<string, number>([['', GLOBAL]]);
  for (const number of [...view.v4.keys(), ...view.v6.keys()]) own.set(numbers.place(number), number);
  for (const number of view.v4Clusters.keys()) own.set(`${CLUSTER}${numbers.cluster(number)}`, number);
  return own;
}

function levelChanges(before: Picture, after: Picture): LevelChange[] {
  const changes: LevelChange[] = [];
  for (const [place, was, is] of pairedLocations(before, after)) {
    const one = was === undefined && place !== '' ? nothingAt(before) : runsOf(before.view, was);
    const other = is === undefined && place !== '' ? nothingAt(after) : runsOf(after.view, is);
    const change = changeOf(place, one, other, before, after);
    if (change !== undefined) changes.push(change);
  }
  return changes.toSorted((a, b) => depthOf(a) - depthOf(b));
}

/** A level without addresses of its own. */
function nothingAt({ view }: Picture): Runs {
  return view === undefined ? NOWHERE : { ...NOWHERE, isThere: true };
}

function depthOf({ place }: LevelChange): number {
  return place === '' ? 0 : place.includes('.') ? 2 : 1;
}

type Paired = readonly [place: string, before: number | undefined, after: number | undefined];

/** Every level that has addresses in one of the pictures, with its number in both, and the global level. */
function pairedLocations(before: Picture, after: Picture): Iterable<Paired> {
  const paired = new Map<string, [string, number | undefined, number | undefined]>([
    ['', ['', GLOBAL, GLOBAL]],
  ]);
  for (const number of locationsOf(before)) {
    const place = before.numbers.place(number);
    paired.set(place, [place, number, undefined]);
  }
  for (const number of locationsOf(after)) {
    const place = after.numbers.place(number);
    const pair = paired.get(place);
    if (pair === undefined) paired.set(place, [place, undefined, number]);
    else pair[2] = number;
  }
  const global = paired.get('')!;
  global[1] = global[2] = GLOBAL;
  return paired.values();
}

function locationsOf({ view }: Picture): Set<number> {
  return view === undefined ? NONE : new Set([...view.v4.keys(), ...view.v6.keys()]);
}

const NONE: Set<number> = new Set();

function clusterChanges(before: Picture, after: Picture): LevelChange[] {
  const paired = new Map<string, [number | undefined, number | undefined]>();
  for (const number of before.view?.v4Clusters.keys() ?? [])
    paired.set(before.numbers.cluster(number), [number, undefined]);
  for (const number of after.view?.v4Clusters.keys() ?? []) {
    const name = after.numbers.cluster(number);
    paired.set(name, [paired.get(name)?.[0], number]);
  }
  return [...paired].flatMap(([name, [was, is]]) => {
    const numbers = is === undefined ? before.numbers : after.numbers;
    if (!numbers.isNamed(is ?? was!)) return [];
    const one = clusterRuns(before.view, was);
    const other = clusterRuns(after.view, is);
    return changeOf(`${CLUSTER}${name}`, one, other, before, after) ?? [];
  });
}

function changeOf(
  place: string,
  was: Runs,
  is: Runs,
  before: Picture,
  after: Picture,
): LevelChange | undefined {
  // Most levels are the same octets, and need no text.
  if (was.isThere === is.isThere && was.v4.equals(is.v4) && was.v6.equals(is.v6) && sameTtl(was, is))
    return undefined;
  const one = answerOf(was, before, place);
  const other = answerOf(is, after, place);
  if (sameAnswer(one, other)) return undefined;
  return { place, ...shortened(one, other) };
}

/** The TTL of aliases and of negative answers is no part of what is compared. */
function sameTtl(was: Runs, is: Runs): boolean {
  return was.ttlSeconds === is.ttlSeconds || was.v4.length + was.v6.length === 0;
}

function answerOf({ v4, v6, ttlSeconds, isThere }: Runs, { numbers }: Picture, place: string): Answer {
  if (!isThere) return { kind: 'absent' };
  if (v4.length + v6.length > 0)
    return { kind: 'addresses', ttlSeconds, a: addressTexts(v4, 'v4'), aaaa: addressTexts(v6, 'v6') };
  if (place === '' || place.startsWith(CLUSTER))
    return { kind: numbers.isAbsentWithout ? 'nxdomain' : 'nodata' };
  return { kind: 'alias', to: numbers.above(place) };
}

function sameAnswer(one: Answer, other: Answer): boolean {
  if (one.kind !== other.kind) return false;
  if (one.kind === 'alias' && other.kind === 'alias') return one.to === other.to;
  if (one.kind !== 'addresses' || other.kind !== 'addresses') return true;
  return one.ttlSeconds === other.ttlSeconds && sameTexts(one.a, other.a) && sameTexts(one.aaaa, other.aaaa);
}

/** Each address is there once, and replies rotate them: their order says nothing. */
function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  const set = new Set(other);
  return one.every((text) => set.has(text));
}

function shortened(before: Answer, after: Answer): { before: Answer; after: Answer } {
  if (before.kind !== 'addresses' || after.kind !== 'addresses') return { before, after };
  const count = before.a.length + before.aaaa.length + after.a.length + after.aaaa.length;
  if (count <= WHOLE_ADDRESSES_MAX) return { before, after };
  const old = new Set([...before.a, ...before.aaaa]);
  const fresh = new Set([...after.a, ...after.aaaa]);
  const kept = [...old].filter((address) => fresh.has(address)).length;
  if (kept === 0) return { before, after };
  return { before: without(before, fresh, kept), after: without(after, old, kept) };
}

function without(
  answer: Answer & { kind: 'addresses' },
  common: ReadonlySet<string>,
  kept: number,
): Answer & { kind: 'addresses' } {
  const differs = (address: string): boolean => !common.has(address);
  return { ...answer, a: answer.a.filter(differs), aaaa: answer.aaaa.filter(differs), kept };
}

function policyChange(one: Picture, other: Picture): Difference['policy'] {
  const before = one.view === undefined ? '' : policyText(one.view, one.numbers);
  const after = other.view === undefined ? '' : policyText(other.view, other.numbers);
  // A Service that comes or goes need not say that it had the policy of most.
  if (before === after || (one.view === undefined && after === 'all')) return undefined;
  return other.view === undefined && before === 'all' ? undefined : { before, after };
}

function portChange(one: Picture, other: Picture): Difference['ports'] {
  const isSame =
    one.view !== undefined &&
    other.view !== undefined &&
    one.numbers === other.numbers &&
    portOctets(one.view).equals(portOctets(other.view));
  if (isSame) return undefined;
  const before = one.view === undefined ? [] : portTexts(one.view, one.numbers);
  const after = other.view === undefined ? [] : portTexts(other.view, other.numbers);
  return before.join('\n') === after.join('\n') ? undefined : { before, after };
}
