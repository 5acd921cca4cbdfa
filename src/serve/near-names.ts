/**
 * Which existing thing somebody meant who asked for one that does not exist. Owns the ways in which names of Services
 * are mistaken: misspelt, in another namespace, in another order, without a part. Why an existing thing is not served is
 * absence.ts.
 */

import { editDistance, nearestWord } from '../config/nearest.ts';

/** What exists, to be compared with. */
export interface KnownNames {
  /** Lower case, no trailing dot, as all names here. */
  readonly domain: string;
  readonly federations: readonly string[];
  /** `Z.R`, `R`, and `Z` where it is one place. */
  readonly locations: readonly string[];
  readonly statics: () => Iterable<string>;
  /** `namespace/name` of Services, published or not; each may come several times. */
  readonly services: () => Iterable<string>;
}

/** A Service's name as asked for. */
export interface AskedName {
  readonly service: string;
  readonly namespace: string;
  readonly federation: string;
  /** Empty at the global level. */
  readonly location: string;
  /** `_port._protocol`, or empty. */
  readonly port: string;
}

/** Words that are compared with one: the comparison takes some microseconds. */
const CANDIDATES_MAX = 5000;

/** The parts of a name of a Service; undefined when it has another form. */
export function partsOf(name: string, domain: string): AskedName | undefined {
  const relative = name.slice(0, -domain.length - 1);
  const match =
    /^(?:(_[^.]+\._[^.]+)\.)?([^._][^.]*)\.([^.]+)\.([^.]+)\.svc(?:\.(.+))?$/.exec(relative) ?? undefined;
  if (match === undefined) return undefined;
  const [, port = '', service = '', namespace = '', federation = '', location = ''] = match;
  return { port, service, namespace, federation, location };
}

export function nameOf(
  { port, service, namespace, federation, location }: AskedName,
  domain: string,
): string {
  return [port, service, namespace, federation, 'svc', location, domain]
    .filter((part) => part !== '')
    .join('.');
}

/** A name in the domain for one outside it: the domain was left out, or misspelt. */
export function nearInDomain(name: string, known: KnownNames): string | undefined {
  const labels = name.split('.');
  const { domain, federations } = known;
  const count = domain.split('.').length;
  const end = labels.slice(-count).join('.');
  if (labels.length >= count && nearestWord(end, [domain]) !== undefined)
    return [...labels.slice(0, -count), domain].join('.');
  // Within a cluster a Service has a name like ours.
  const local = /^([^.]+\.[^.]+\.svc)(?:\.cluster\.local)?$/.exec(name)?.[1];
  if (local !== undefined) return nearOfShape(`${local}.${domain}`, known);
  // `web.shop.f`, as kube-dns' search path has it, with or without `svc`, a place and a port.
  if (!federations.includes(labels[2]!) && !federations.includes(labels[4]!)) return undefined;
  return nearOfShape(`${name}.${domain}`, known) ?? `${name}.${domain}`;
}

/** A name of the right form for one in the domain that has another. */
export function nearOfShape(name: string, known: KnownNames): string | undefined {
  const { domain, federations } = known;
  const labels = name.slice(0, -domain.length - 1).split('.');
  const at = labels.findIndex((label) => federations.includes(label));
  if (at >= 2) {
    const next = labels[at + 1];
    const isMisspelt =
      next !== undefined && next !== 'svc' && editDistance(next, 'svc') <= 2 && next.length <= 4;
    const rest = labels.slice(next === 'svc' || isMisspelt ? at + 2 : at + 1);
    const fixed = [...labels.slice(0, at + 1), 'svc', ...rest, domain].join('.');
    if (fixed !== name) return fixed;
  }
  // `web.shop.svc`, as inside a cluster.
  if (labels[2] === 'svc' && federations.length > 0)
    return [...labels.slice(0, 2), federations[0], ...labels.slice(2), domain].join('.');
  return nearestWord(name, [...known.statics()]);
}

/** The location that was meant. */
export function nearLocation(location: string, { locations }: KnownNames): string | undefined {
  const [zone] = location.split('.');
  return locations.find((text) => text.startsWith(`${zone}.`)) ?? nearest(location, locations);
}

/** The places that a short zone name could be; more than one: it stands for none. */
export function placesOf(location: string, { locations }: KnownNames): readonly string[] {
  if (location.includes('.')) return [];
  return locations.filter((text) => text.startsWith(`${location}.`));
}

/** The `namespace/name` of the Service that was meant. */
export function nearService({ service, namespace }: AskedName, known: KnownNames): string | undefined {
  const keys = new Set(known.services());
  if (keys.has(`${namespace}/${service}`)) return `${namespace}/${service}`;
  if (keys.has(`${service}/${namespace}`)) return `${service}/${namespace}`;
  const here: string[] = [];
  const elsewhere: string[] = [];
  const namespaces = new Set<string>();
  for (const key of keys) {
    const [space = '', name = ''] = key.split('/');
    namespaces.add(space);
    if (space === namespace) here.push(name);
    else if (name === service) elsewhere.push(space);
  }
  const space = nearest(namespace, elsewhere);
  if (space !== undefined) return `${space}/${service}`;
  const name = nearest(service, here);
  if (name !== undefined) return `${namespace}/${name}`;
  return nearBoth(service, nearest(namespace, namespaces), keys) ?? inAnother(service, elsewhere);
}

function inAnother(service: string, namespaces: readonly string[]): string | undefined {
  return namespaces.length === 0 ? undefined : `${namespaces[0]}/${service}`;
}

/** Both parts are misspelt. */
function nearBoth(service: string, space: string | undefined, keys: Iterable<string>): string | undefined {
  if (space === undefined) return undefined;
  const names = [...keys]
    .filter((key) => key.startsWith(`${space}/`))
    .map((key) => key.slice(space.length + 1));
  const name = nearest(service, names);
  return name === undefined ? undefined : `${space}/${name}`;
}

/** The closest word, among as many as can be compared in a few milliseconds. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  const candidates: string[] = [];
  for (const candidate of words) {
    if (
      Math.abs(candidate.length - word.length) > Math.max(2, word.length / 3) &&
      !startsAlike(word, candidate)
    )
      continue;
    candidates.push(candidate);
    if (candidates.length === CANDIDATES_MAX) break;
  }
  return nearestWord(word, candidates);
}

function startsAlike(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}
