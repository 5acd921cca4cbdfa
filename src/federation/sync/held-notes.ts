/**
 * Owns how removals that wait are told and confirmed: on the Lease of the active replica, which both it and `fedns federate
 * --confirm` can reach, wherever each runs. A confirmation is of what was shown; where it has become more since, it counts for
 * nothing.
 */

import type { Annotations } from './leadership.ts';
import type { Hold } from './removal-gate.ts';

export const HELD_ANNOTATION = 'federation.fedns.io/held-removals';
export const CONFIRM_ANNOTATION = 'federation.fedns.io/confirmed-removals';

/** A cluster's removals that wait, as they are told. */
export interface HeldNote {
  readonly removals: number;
  readonly objects: number;
  /** Stands for just these. */
  readonly id: string;
}

export type HeldNotes = Readonly<Record<string, HeldNote>>;

/** @param holder - the replica: what another one holds is not the same */
export function notesOf(holds: ReadonlyMap<string, Hold>, holder: string): HeldNotes {
  const notes = [...holds].map(([cluster, { removals, objects, sinceMs }]) => {
    const id = `${holder}/${Math.round(sinceMs)}/${removals}`;
    return [cluster, { removals, objects, id }] as const;
  });
  return Object.fromEntries(notes);
}

export function readNotes(annotations: Annotations): HeldNotes {
  return readJson(annotations[HELD_ANNOTATION]) as HeldNotes;
}

/** Clusters whose removals have been confirmed as they are now. */
export function confirmedIn(annotations: Annotations, notes: HeldNotes): string[] {
  const confirmed = readJson(annotations[CONFIRM_ANNOTATION]);
  return Object.entries(notes).flatMap(([cluster, { id }]) => (confirmed[cluster] === id ? [cluster] : []));
}

/** What stands on the Lease from now on: what waits, and no confirmation, which is taken once. */
export function withNotes(annotations: Annotations, notes: HeldNotes): Annotations {
  const { [HELD_ANNOTATION]: _held, [CONFIRM_ANNOTATION]: _confirmed, ...others } = annotations;
  return Object.keys(notes).length === 0 ? others : { ...others, [HELD_ANNOTATION]: JSON.stringify(notes) };
}

/** The confirmation of what is shown. */
export function confirmationOf(notes: HeldNotes): Annotations {
  const ids = Object.entries(notes).map(([cluster, { id }]) => [cluster, id]);
  return { [CONFIRM_ANNOTATION]: JSON.stringify(Object.fromEntries(ids)) };
}

/** People may write there, too: what is no object says nothing. */
function readJson(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
