/** What load balancers publish, of Services and Ingresses alike: an object's entries, and those of all clusters together. */

import type { Fields, MemberView } from '../sync/kind.ts';

/** An entry of `status.loadBalancer.ingress`. */
export type EntryPoint = Fields & { readonly ip?: string; readonly hostname?: string };

/** What is kept of a member's object. */
export interface SeenEntryPoints {
  readonly ingress: readonly EntryPoint[];
}

export function entryPointsOf(status: Fields | undefined): readonly EntryPoint[] {
  const ingress = (status?.['loadBalancer'] as Fields | undefined)?.['ingress'];
  return Array.isArray(ingress) ? (ingress as EntryPoint[]) : [];
}

/** Of the clusters that count, sorted, each entry once: two clusters may share an address (anycast). */
export function unionOf(members: readonly MemberView<SeenEntryPoints>[]): readonly EntryPoint[] {
  const entries = members.filter(({ ready }) => ready).flatMap(({ seen }) => seen?.ingress ?? []);
  const byText = new Map(entries.map((entry) => [sortText(entry), entry]));
  return [...byText].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

/** Addresses before names, and by number where they are IPv4. */
function sortText({ ip, hostname }: EntryPoint): string {
  if (ip === undefined) return `2 ${hostname ?? ''}`;
  return ip.includes(':')
    ? `1 ${ip}`
    : `0 ${ip
        .split('.')
        .map((part) => part.padStart(3, '0'))
        .join('.')}`;
}
