/**
 * How something is, as the page shows it: a word, a tone and a shape each, so that nobody has to tell colours apart. What is in
 * which state follows from what the server reports; nothing is decided here.
 */

import type { ClusterNode } from '../topology.ts';

/** By what an operator has to do about it, the best first. */
export const HEALTHS = {
  ok: { word: 'well' },
  drained: { word: 'drained' },
  warn: { word: 'degraded' },
  held: { word: 'held' },
  idle: { word: 'not read yet' },
  down: { word: 'down' },
} as const;
export type Health = keyof typeof HEALTHS;

/** A state with what there is to say of it. */
export interface State {
  readonly health: Health;
  /** In a word or two. */
  readonly word: string;
  /** Why, where there is more to say. */
  readonly why?: string;
}

/** What a cluster's shards count as, and why. */
export function clusterState(cluster: ClusterNode): State {
  const { condition, status, unread, lastError, drained } = cluster;
  const why = lastError === undefined ? {} : { why: lastError };
  if (unread === true && status === 'withdrawn') return { health: 'down', word: 'never read', ...why };
  if (status === 'withdrawn') return { health: 'down', word: `withdrawn, ${condition}`, ...why };
  if (drained?.extent === 'whole') return { health: 'drained', word: 'drained', why: drained.by.join(', ') };
  if (status === 'pending') return { health: 'idle', word: 'not read yet', ...why };
  if (status === 'held') return { health: 'held', word: `held, ${condition}`, ...why };
  if (condition !== 'Ready') return { health: 'warn', word: condition, ...why };
  return troubleOf(cluster) ?? { health: 'ok', word: 'Ready' };
}

/** What is wrong with a cluster that is in contact. */
function troubleOf(cluster: ClusterNode): State | undefined {
  const { stale, refusals, advice, shards, healthyShards, drained, guardedShards = 0 } = cluster;
  if (guardedShards > 0)
    return { health: 'held', word: 'Ready, guarded', why: `the guard holds ${guardedShards} shards` };
  if (stale > 0)
    return { health: 'held', word: 'Ready, partly stale', why: `${stale} files or lists are held` };
  if (refusals > 0)
    return { health: 'warn', word: 'Ready, refusals', why: `${refusals} objects were refused` };
  if (drained !== undefined)
    return { health: 'drained', word: 'Ready, partly drained', why: drained.by.join(', ') };
  if (shards > 0 && healthyShards === 0) return { health: 'warn', word: 'none healthy' };
  return advice === undefined ? undefined : { health: 'warn', word: 'Ready, empty', why: advice };
}

/** What a place is that these clusters are in: well where all are, down where nothing of it is in the answers. */
export function placeState(clusters: readonly ClusterNode[]): State {
  const states = clusters.map(clusterState);
  const shards = clusters.reduce((sum, cluster) => sum + cluster.shards, 0);
  if (clusters.length === 0) return { health: 'idle', word: 'no cluster' };
  if (states.length === 1 && states[0]!.health !== 'warn') return states[0]!;
  if (states.every(({ health }) => health === 'ok')) return { health: 'ok', word: HEALTHS.ok.word };
  if (states.every(({ health }) => health === 'idle')) return { health: 'idle', word: HEALTHS.idle.word };
  if (states.every(({ health }) => health === 'drained'))
    return { health: 'drained', word: HEALTHS.drained.word };
  if (shards > 0 && clusters.every(({ healthyShards }) => healthyShards === 0))
    return { health: 'down', word: 'no healthy shard' };
  const well = states.filter(({ health }) => health === 'ok').length;
  return { health: 'warn', word: `${well} of ${states.length} well` };
}
