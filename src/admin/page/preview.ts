/** Owns how it is read what an order would change: of a large federation a few hundred names, and how many there are. */

import type { NameChange } from '../drains.ts';
import { ApiError } from './api.ts';

/** Names that are shown, and that are counted: of more it is said that there are more. */
export const SHOWN_MAX = 200;
export const COUNTED_MAX = 5000;

/** What would change. */
export interface Preview {
  readonly changes: readonly NameChange[];
  readonly count: number;
  /** There are more than were counted. */
  readonly isMore: boolean;
}

/** @throws ApiError */
export async function readPreview(query: Readonly<Record<string, string>>): Promise<Preview> {
  const url = `api/v1/drains/preview?${new URLSearchParams(query).toString()}`;
  const response = await fetch(url, { headers: { accept: 'application/x-ndjson' } });
  if (!response.ok) {
    const { error = `the reply was ${response.status}` } = (await response.json()) as { error?: string };
    throw new ApiError(response.status, error);
  }
  const changes: NameChange[] = [];
  let count = 0;
  for await (const line of linesOf(response.body!)) {
    const row = JSON.parse(line) as NameChange | { readonly begin: string } | { readonly end: string };
    if (!('name' in row)) continue;
    if (++count <= SHOWN_MAX) changes.push(row);
    if (count >= COUNTED_MAX) return { changes, count, isMore: true };
  }
  return { changes, count, isMore: false };
}

/** Whoever stops early lets go of the connection. */
async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as never)
    .getReader() as ReadableStreamDefaultReader<string>;
  let rest = '';
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const lines = (rest + piece.value).split('\n');
      rest = lines.pop()!;
      yield* lines.filter((line) => line !== '');
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** @returns what an answer has, what the other one lacks first: so it is among what is shown of a long one */
export function changedFirst(answer: NameChange['before'], other: NameChange['before']): readonly string[] {
  const others = new Set(other.records.flatMap((set) => set.data));
  const all = answer.records.flatMap((set) => set.data);
  return [...all.filter((one) => !others.has(one)), ...all.filter((one) => others.has(one))];
}
