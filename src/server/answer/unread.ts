/**
 * Names that only a cluster could know of which nothing was ever read: about these nothing negative may be said. Looked
 * at only for names that are not known, and only while there is such a cluster.
 *
 * ```
 *   [ [ _port . ] _proto . | cluster . ] [ [ [ Service . ] Namespace . ] federation . ] svc [ . location ] . domain
 * ```
 */
import { Awaited } from '../../zonebuilder/layout.ts';
import type { Answering } from './answering.ts';
import { findSvcLabel } from './find.ts';
import type { ImageView } from './image-view.ts';
import type { Name } from './name.ts';

const UNDERSCORE = 0x5f;
const HYPHEN = 0x2d;

/** Whether the present name, which is not known, may become known with a cluster that has never been read. */
export function couldBeUnread(a: Answering): boolean {
  const { view, name, below } = a;
  if ((view.awaited & Awaited.names) === 0 || below < 1) return false;
  const svc = findSvcLabel(name, 0, below);
  // Any name without `svc` is no Service's; only what lies above a registered location may come with the first Service.
  if (svc < 0) {
    if (a.apex.hasHosts && !hasSvcLabel(name, below)) return true;
    return below <= 2 && view.findLocation(name.data, 0, name.labels[below]!) !== 0;
  }
  return couldBePlace(view, name, svc + 1, below) && couldBeService(a, svc);
}

/** No host has such a label, wherever it stands (watchers/objects/hosts.ts). */
function hasSvcLabel({ lower, labels }: Name, below: number): boolean {
  for (let label = 0; label < below; label++) {
    const at = labels[label]!;
    if (lower[at] === 3 && lower[at + 1] === 0x73 && lower[at + 2] === 0x76 && lower[at + 3] === 0x63)
      return true;
  }
  return false;
}

/** Every Service is at every registered location, and a cluster may be where nobody is yet. */
function couldBePlace(view: ImageView, name: Name, from: number, below: number): boolean {
  const labels = below - from;
  if (labels === 0) return true;
  const end = name.labels[below]!;
  if (labels > 2) return false;
  if (view.findLocation(name.data, name.labels[from]!, end) !== 0) return true;
  for (let label = from; label < below; label++) if (!isHostLabel(name, label)) return false;
  if ((view.awaited & Awaited.places) !== 0) return true;
  if ((view.awaited & Awaited.zones) === 0) return false;
  if (labels === 1) return true;
  const region = view.findLocation(name.data, name.labels[from + 1]!, end);
  return region !== 0 && view.isOpen(region);
}

/** The labels before `svc`: at most a Service with a port, or a Service of one cluster. */
function couldBeService(a: Answering, svc: number): boolean {
  const { name } = a;
  if (svc > 5) return false;
  if (svc >= 1 && !isFederation(a, svc - 1)) return false;
  if (svc >= 2 && !isHostLabel(name, svc - 2)) return false;
  if (svc >= 3 && !isHostLabel(name, svc - 3)) return false;
  if (svc === 4 && !isProtocol(name, 0)) return svc + 1 === a.below && isUnreadCluster(a.view, name);
  if (svc >= 4 && !isProtocol(name, svc - 4)) return false;
  return svc < 5 || isPort(name, 0);
}

function isUnreadCluster(view: ImageView, { data, labels }: Name): boolean {
  const entry = view.findCluster(data, 0, labels[1]!);
  return entry !== 0 && view.isClusterUnread(entry);
}

function isFederation({ name, apex }: Answering, label: number): boolean {
  const { federations } = apex;
  if (federations === undefined) return isHostLabel(name, label);
  for (let i = 0; i < federations.length; i++) if (isLabel(name, label, federations[i]!)) return true;
  return false;
}

function isLabel({ lower, labels }: Name, label: number, wireLabel: Uint8Array): boolean {
  const start = labels[label]!;
  if (labels[label + 1]! - start !== wireLabel.length) return false;
  for (let i = 0; i < wireLabel.length; i++) if (lower[start + i] !== wireLabel[i]) return false;
  return true;
}

/** RFC 1123: letters, digits, and hyphens inside. */
function isHostLabel({ lower, labels }: Name, label: number): boolean {
  return areHostOctets(lower, labels[label]! + 1, labels[label + 1]!);
}

function isPort({ lower, labels }: Name, label: number): boolean {
  const start = labels[label]! + 1;
  return lower[start] === UNDERSCORE && areHostOctets(lower, start + 1, labels[label + 1]!);
}

/** `_tcp`, `_udp`, `_sctp`. */
function isProtocol({ data, labels }: Name, label: number): boolean {
  const start = labels[label]!;
  const length = labels[label + 1]! - start;
  if (length === 5) {
    const last = data.getInt32(start + 1);
    return last === 0x5f746370 || last === 0x5f756470;
  }
  return length === 6 && data.getInt32(start + 1) === 0x5f736374 && data.getUint8(start + 5) === 0x70;
}

function areHostOctets(lower: Uint8Array, start: number, end: number): boolean {
  if (start >= end || lower[start] === HYPHEN || lower[end - 1] === HYPHEN) return false;
  for (let i = start; i < end; i++) {
    const octet = lower[i]!;
    const isLetter = octet >= 0x61 && octet <= 0x7a;
    const isDigit = octet >= 0x30 && octet <= 0x39;
    if (!isLetter && !isDigit && octet !== HYPHEN) return false;
  }
  return true;
}
