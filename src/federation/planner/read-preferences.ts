/**
 * The annotation in which an owner writes preferences, in the JSON of Federation v1. Departing from v1, what it passed over is a
 * fault here: a misspelt key (`{"cluster": …}` was no cluster at all), a key that stands twice, a number below zero.
 */

import { nearestWord } from '../../config/nearest.ts';
import { expectEnd, JsonFault, readEntries, readToken, skipBlanks, type JsonCursor } from './json-cursor.ts';
import type { ClusterPreferences, ReplicaPreferences } from './preferences.ts';

/** Why preferences cannot be taken, and where in the annotation. */
export interface PreferencesFault {
  /** From 1. */
  readonly line: number;
  /** In characters, from 1. */
  readonly column: number;
  /** The key at fault, as `clusters.us.weight`; empty for the whole. */
  readonly key: string;
  readonly message: string;
}

/** What an annotation says. */
export type PreferencesReading =
  | { readonly kind: 'preferences'; readonly preferences: ReplicaPreferences }
  | { readonly kind: 'fault'; readonly fault: PreferencesFault };

/** Where the reader is: in the text, and below which keys. */
interface Reader extends JsonCursor {
  readonly path: string[];
}

/** The keys of an object, each with what reads its value. */
type Fields = Readonly<Record<string, () => void>>;

/**
 * Reads an annotation. `{}` names no cluster, so that none gets anything.
 *
 * @param text - the annotation's value
 */
export function readPreferences(text: string): PreferencesReading {
  const reader: Reader = { text, at: 0, path: [] };
  try {
    const preferences = readAll(reader);
    expectEnd(reader);
    return { kind: 'preferences', preferences };
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    const fault = { ...placeOf(text, error.at), key: reader.path.join('.'), message: error.message };
    return { kind: 'fault', fault };
  }
}

/** In one line: where, at which key, and what. */
export function preferencesFaultText({ line, column, key, message }: PreferencesFault): string {
  return `line ${line}, column ${column}${key === '' ? '' : `, ${key}`}: ${message}`;
}

function placeOf(text: string, at: number): { readonly line: number; readonly column: number } {
  const lines = text.slice(0, at).split(/\r\n|\n|\r/);
  return { line: lines.length, column: [...lines.at(-1)!].length + 1 };
}

function readAll(reader: Reader): ReplicaPreferences {
  let rebalance = false;
  const clusters = new Map<string, ClusterPreferences>();
  const at = skipBlanks(reader);
  const found = readFields(reader, {
    rebalance: () => (rebalance = readBoolean(reader) ?? false),
    clusters: () => readClusters(reader, clusters),
  });
  if (!found) throw new JsonFault('an object is wanted, not null', at);
  return { rebalance, clusters };
}

function readClusters(reader: Reader, clusters: Map<string, ClusterPreferences>): void {
  if (!beginObject(reader)) return;
  readEntries(reader, (cluster, at) => {
    reader.path.push(cluster);
    if (clusters.has(cluster)) throw new JsonFault('stands twice', at);
    clusters.set(cluster, readCluster(reader));
    reader.path.pop();
  });
}

function readCluster(reader: Reader): ClusterPreferences {
  let minReplicas = 0;
  let maxReplicas: number | undefined;
  let weight = 0;
  readFields(reader, {
    minReplicas: () => (minReplicas = readWhole(reader) ?? 0),
    maxReplicas: () => (maxReplicas = readWhole(reader)),
    weight: () => (weight = readWhole(reader) ?? 0),
  });
  return { minReplicas, weight, ...(maxReplicas !== undefined && { maxReplicas }) };
}

/** Keys count in whatever case, as they did for v1. @returns false for null */
function readFields(reader: Reader, fields: Fields): boolean {
  if (!beginObject(reader)) return false;
  const names = Object.keys(fields);
  const seen = new Set<string>();
  readEntries(reader, (key, at) => {
    reader.path.push(key);
    const name = names.find((known) => known.toLowerCase() === key.toLowerCase());
    if (name === undefined) throw new JsonFault(unknownKey(key, names), at);
    if (seen.has(name)) throw new JsonFault('stands twice', at);
    seen.add(name);
    fields[name]!();
    reader.path.pop();
  });
  return true;
}

function unknownKey(key: string, names: readonly string[]): string {
  const nearest = nearestWord(key, names);
  return nearest === undefined ? `no such key; there are ${names.join(', ')}` : `no such key; ${nearest}?`;
}

/** @returns false for null, which is as if there were nothing */
function beginObject(reader: Reader): boolean {
  const at = skipBlanks(reader);
  const token = readToken(reader);
  if (token.kind === 'null') return false;
  if (token.kind !== 'an object') throw new JsonFault(`an object is wanted, not ${token.kind}`, at);
  return true;
}

function readBoolean(reader: Reader): boolean | undefined {
  const at = skipBlanks(reader);
  const token = readToken(reader);
  if (token.kind === 'null') return undefined;
  if (token.kind !== 'true or false') throw new JsonFault(`true or false is wanted, not ${token.kind}`, at);
  return token.value;
}

/** A number of 0 or more, without fraction or exponent. */
function readWhole(reader: Reader): number | undefined {
  const at = skipBlanks(reader);
  const token = readToken(reader);
  if (token.kind === 'null') return undefined;
  if (token.kind !== 'a number') throw new JsonFault(`a whole number is wanted, not ${token.kind}`, at);
  if (!/^\d+$/.test(token.text))
    throw new JsonFault(`a whole number of 0 or more is wanted, not ${token.text}`, at);
  const value = Number(token.text);
  if (!Number.isSafeInteger(value)) throw new JsonFault(`${token.text} is too large`, at);
  return value;
}
