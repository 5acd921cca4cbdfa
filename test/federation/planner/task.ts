/** A division in the short notation of its tables: `A w1 min2 max5; * w3`, `A=1 B=2`. */

import { divide, type DivisionName } from '../../../src/federation/planner/division.ts';
import type { ClusterPreferences } from '../../../src/federation/planner/preferences.ts';

export interface Row {
  readonly title: string;
  readonly preferences: string;
  /** False without it. */
  readonly rebalance?: true;
  readonly replicas: number;
  /** `A B C` without it. */
  readonly clusters?: string;
  readonly current?: string;
  readonly capacity?: string;
  /** `ns/app` without it. */
  readonly key?: string;
  readonly plan: string;
  readonly overflow?: string;
}

/** Divides as a row says. @returns plan and overflow in the row's notation */
export function divided(
  by: DivisionName,
  row: Omit<Row, 'title' | 'plan'>,
): { plan: string; overflow: string } {
  const clusters = words(row.clusters ?? 'A B C');
  const { plan, overflow } = divide(by, {
    replicas: row.replicas,
    clusters,
    preferences: { rebalance: row.rebalance ?? false, clusters: preferencesOf(row.preferences) },
    current: counts(row.current),
    capacity: counts(row.capacity),
    key: row.key ?? 'ns/app',
  });
  return { plan: written(plan), overflow: written(overflow) };
}

function preferencesOf(text: string): Map<string, ClusterPreferences> {
  const entries = text.split(';').flatMap((entry) => {
    const [name, ...fields] = words(entry);
    return name === undefined ? [] : [[name, entryOf(fields)] as const];
  });
  return new Map(entries);
}

function entryOf(fields: readonly string[]): ClusterPreferences {
  const number = (name: string): number | undefined => {
    const field = fields.find((each) => each.startsWith(name));
    return field === undefined ? undefined : Number(field.slice(name.length));
  };
  const maxReplicas = number('max');
  return {
    minReplicas: number('min') ?? 0,
    weight: number('w') ?? 0,
    ...(maxReplicas !== undefined && { maxReplicas }),
  };
}

function counts(text = ''): Map<string, number> {
  return new Map(words(text).map((word) => [word.split('=')[0]!, Number(word.split('=')[1])]));
}

function written(map: ReadonlyMap<string, number>): string {
  const sorted = [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, replicas]) => `${name}=${replicas}`).join(' ');
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}
