/**
 * Finds what a name stands for: look-up only, composing the reply is another step (compose.ts).
 *
 * ```
 *   _http._tcp . nginx.mynamespace.myfederation . svc . us-central1-a.us-central1 . example.com
 *   └─ port ─┘   └────────── Service ─────────┘         └──────── location ─────┘   └ domain ─┘
 *
 *   gce-us-central1-a . nginx.mynamespace.myfederation . svc . example.com
 *   └──── cluster ──┘
 * ```
 *
 * The Service part and the location part are one hash probe each. A location is never called `svc`, so the
 * rightmost label `svc` among the last three below the domain separates them.
 */
import { Type } from '../../zonebuilder/dns.ts';
import { depthBit } from '../../zonebuilder/static-set.ts';
import { BlobKind, GLOBAL } from '../../zonebuilder/layout.ts';
import type { ImageView } from './image-view.ts';
import type { Name } from './name.ts';

/** What a name turned out to be. */
export const Kind = {
  nxdomain: 0,
  /** An empty non-terminal (RFC 8020): the name exists and has no data. */
  emptyNonTerminal: 1,
  /** A Service at some level. */
  service: 2,
  /** A port of a Service at some level. */
  port: 3,
  /** A name with static records, the apex included. */
  static: 4,
  /** A name at or below a zone cut. */
  cut: 5,
  /** A Service in one cluster. */
  cluster: 6,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** Where the last look-up ended. Reused. */
export class Found {
  /** Labels of the name below the domain. */
  below = 0;
  /** Blob of the Service, for `service`, `port` and `cluster`. */
  blob = 0;
  /** Number of the location, and its entry (0 for the global level). */
  location = GLOBAL;
  locationEntry = 0;
  /** Index of the label `svc`. */
  svcLabel = 0;
  /** Entry of the port, 0 for the name above ports. */
  port = 0;
  /** Number of the cluster. */
  cluster = 0;
  /** Entry of the static name, for `static` and `cut`; what stands beside a Service at its name, 0 for nothing. */
  entry = 0;
  /** Index of the first label of the zone cut. */
  cutLabel = 0;
  /** Whether the static name came from a wildcard. */
  isWildcard = false;
  /** Index of the label behind the wildcard's `*`. */
  wildcardLabel = 0;
}

const UNDERSCORE = 0x5f;

/** `*.` and the rest of a name, for the look-up of a wildcard. */
const wildcardKey = new Uint8Array(260);
const wildcardData = new DataView(wildcardKey.buffer);

/**
 * Looks a name up.
 *
 * @param below - labels of the name below the domain, as labelsBelow gives them
 * @param wantsParent - the query is for DS, which the parent side of a cut answers (RFC 4035 section 3.1.4.1)
 */
export function find(view: ImageView, name: Name, below: number, wantsParent: boolean, found: Found): Kind {
  found.below = below;
  found.isWildcard = false;
  if (view.cutDepths !== 0 && findCut(view, name, below, wantsParent, found)) return Kind.cut;
  let kind: Kind = Kind.nxdomain;
  found.entry = 0;
  if ((view.staticDepths & depthBit(below)) !== 0) {
    found.entry = view.findStatic(name.data, 0, name.labels[below]!);
    if (found.entry !== 0) {
      if (view.rrsetCount(found.entry) !== 0) return findBeside(view, name, below, found);
      found.entry = 0;
      kind = Kind.emptyNonTerminal;
    }
  }
  if (below === 0) return Kind.emptyNonTerminal;
  const dynamic = findFederated(view, name, 0, below, found);
  if (dynamic !== Kind.nxdomain) return dynamic;
  if (kind === Kind.nxdomain && view.hasWildcards) return findWildcard(view, name, below, found);
  return kind;
}

/**
 * RFC 1034 section 3.6.2: a CNAME has its name for itself, records of other types stand beside those of a Service.
 */
function findBeside(view: ImageView, name: Name, below: number, found: Found): Kind {
  if (below === 0 || view.findRrset(found.entry, Type.CNAME) !== 0) return Kind.static;
  const dynamic = findFederated(view, name, 0, below, found);
  const hasRecords = dynamic === Kind.service || dynamic === Kind.cluster || dynamic === Kind.port;
  // `_tcp.S.…` is a name without data of its own.
  return hasRecords && (dynamic !== Kind.port || found.port !== 0) ? dynamic : Kind.static;
}

/** The topmost zone cut at or above the name. */
function findCut(view: ImageView, name: Name, below: number, wantsParent: boolean, found: Found): boolean {
  const last = wantsParent ? 1 : 0;
  for (let label = below - 1; label >= last; label--) {
    if ((view.cutDepths & depthBit(below - label)) === 0) continue;
    const entry = view.findStatic(name.data, name.labels[label]!, name.labels[below]!);
    if (entry === 0 || view.findRrset(entry, 2) === 0) continue;
    found.entry = entry;
    found.cutLabel = label;
    return true;
  }
  return false;
}

/** Whether static records decide about a name, so that what is known of Services does not. */
export function isStatic(view: ImageView, name: Name, below: number, found: Found): boolean {
  if (view.cutDepths !== 0 && findCut(view, name, below, false, found)) return true;
  if ((view.staticDepths & depthBit(below)) === 0) return false;
  const entry = view.findStatic(name.data, 0, name.labels[below]!);
  return entry !== 0 && view.rrsetCount(entry) !== 0;
}

/** Whether a name belongs to static records alone: an alias, or anything at or below a zone cut. */
export function isTaken(view: ImageView, name: Name, below: number, found: Found): boolean {
  if (view.cutDepths !== 0 && findCut(view, name, below, false, found)) return true;
  if ((view.staticDepths & depthBit(below)) === 0) return false;
  const entry = view.findStatic(name.data, 0, name.labels[below]!);
  return entry !== 0 && view.findRrset(entry, Type.CNAME) !== 0;
}

/**
 * Looks up the name that starts at label `from` among Services and locations. Names exist by the Services known,
 * not by the healthy ones, and every known Service exists at every registered location.
 */
function findFederated(view: ImageView, name: Name, from: number, below: number, found: Found): Kind {
  const { data, labels } = name;
  const svc = findSvcLabel(name, from, below);
  if (svc < 0) return findBareLocation(view, name, from, below);
  if (svc + 1 === below) {
    found.location = GLOBAL;
    found.locationEntry = 0;
  } else {
    const entry = view.findLocation(data, labels[svc + 1]!, labels[below]!);
    if (entry === 0) return Kind.nxdomain;
    found.location = view.locationId(entry);
    found.locationEntry = entry;
  }
  found.svcLabel = svc;
  const extra = svc - from - 3;
  if (extra > 2) return Kind.nxdomain;
  const blob = view.findBlob(data, labels[extra > 0 ? from + extra : from]!, labels[svc]!);
  if (blob === 0) return Kind.nxdomain;
  found.blob = blob;
  if (view.blobKind(blob) === BlobKind.emptyNonTerminal)
    return extra > 0 ? Kind.nxdomain : Kind.emptyNonTerminal;
  if (extra === 0) return Kind.service;
  if (extra === 1 && data.getUint8(labels[from]! + 1) !== UNDERSCORE)
    return findCluster(view, name, from, blob, found);
  // Below a level that is NXDOMAIN there is nothing (RFC 8020); the composer decides that for ports.
  return findPort(view, name, from, extra, blob, found);
}

/** Names of one cluster lie below the global name: where a cluster is needs no saying. */
function findCluster(view: ImageView, name: Name, from: number, blob: number, found: Found): Kind {
  if (found.location !== GLOBAL) return Kind.nxdomain;
  const { data, labels } = name;
  const entry = view.findCluster(data, labels[from]!, labels[from + 1]!);
  // Of a cluster that was never read nobody knows anything, whatever it has begun to tell.
  if (entry === 0 || view.isClusterUnread(entry)) return Kind.nxdomain;
  found.cluster = view.clusterNumber(entry);
  return view.clusterV4(blob, found.cluster) === 0 ? Kind.nxdomain : Kind.cluster;
}

function findPort(
  view: ImageView,
  name: Name,
  from: number,
  extra: number,
  blob: number,
  found: Found,
): Kind {
  const { data, labels } = name;
  const start = labels[from]!;
  const end = labels[from + extra]!;
  if (extra === 1) {
    found.port = 0;
    return view.hasProtocol(blob, data, start, end) ? Kind.port : Kind.nxdomain;
  }
  found.port = view.findPort(blob, data, start, end);
  return found.port === 0 ? Kind.nxdomain : Kind.port;
}

/** `R.D`, `Z.R.D` and `Z.D` exist because Services exist below them. */
function findBareLocation(view: ImageView, name: Name, from: number, below: number): Kind {
  if (below - from > 2) return Kind.nxdomain;
  const entry = view.findLocation(name.data, name.labels[from]!, name.labels[below]!);
  return entry !== 0 && view.findBlob(name.data, 0, 0) !== 0 ? Kind.emptyNonTerminal : Kind.nxdomain;
}

/** The rightmost label `svc` where it parts a Service from a location; -1: the name has none there. */
export function findSvcLabel(name: Name, from: number, below: number): number {
  const { data, labels } = name;
  for (let label = below - 1; label >= from && label >= below - 3; label--) {
    // The length octet 3 and `svc`; a word that reaches behind a shorter name's end is still inside the buffer.
    if (data.getInt32(labels[label]!) === 0x03737663) return label;
  }
  return -1;
}

/** RFC 4592 section 3.3: only the wildcard directly below the closest encloser can match. */
function findWildcard(view: ImageView, name: Name, below: number, found: Found): Kind {
  const { lower, labels } = name;
  for (let label = 1; label <= below; label++) {
    if (label < below && !exists(view, name, label, below, found)) continue;
    const start = labels[label]!;
    const end = labels[below]!;
    wildcardKey[0] = 1;
    wildcardKey[1] = 0x2a;
    for (let i = start; i < end; i++) wildcardKey[2 + i - start] = lower[i]!;
    found.entry = view.findStatic(wildcardData, 0, 2 + end - start);
    found.isWildcard = found.entry !== 0;
    found.wildcardLabel = label;
    return found.isWildcard ? Kind.static : Kind.nxdomain;
  }
  return Kind.nxdomain;
}

function exists(view: ImageView, name: Name, label: number, below: number, found: Found): boolean {
  const isInTable =
    (view.staticDepths & depthBit(below - label)) !== 0 &&
    view.findStatic(name.data, name.labels[label]!, name.labels[below]!) !== 0;
  return isInTable || findFederated(view, name, label, below, found) !== Kind.nxdomain;
}
