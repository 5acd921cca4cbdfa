/**
 * Owns how the file of a snapshot is read: first as octets, which tells whether it is whole, then line by line, so that
 * no more than a piece of it is ever in memory. Its text: snapshot-format.ts; what becomes of it: snapshot.ts.
 */

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { reasonOf } from './layout.ts';
import {
  SNAPSHOT_LINE_OCTETS_MAX,
  SnapshotError,
  decodeEnd,
  decodeHead,
  decodeLine,
} from './snapshot-format.ts';
import type { SnapshotEnd, SnapshotHead, SnapshotLine } from './snapshot-format.ts';

/**
 * Octets of a snapshot: 50,000 Services in 13 clusters make about 200 MB. A larger file is not ours or would take too
 * long; it is neither written nor read.
 */
export const SNAPSHOT_OCTETS_MAX = 1024 * 1024 * 1024;

/** Octets read at once. */
const PIECE_OCTETS = 256 * 1024;
/** Room for the first and for the last line, which have three numbers and a digest. */
const EDGE_OCTETS = 1024;

/** A snapshot that is whole, and has not been read yet. */
export interface Snapshot extends SnapshotHead {
  /**
   * Reads what stands between its first and its last line, in batches of any size.
   *
   * @throws SnapshotError naming the line
   */
  read(): AsyncIterable<readonly SnapshotLine[]>;
}

/** What a look for a snapshot found. */
export type SnapshotLoad =
  | { readonly kind: 'none' }
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'loaded'; readonly snapshot: Snapshot };

/**
 * Looks at the snapshot in `path`. Nothing of it counts unless its last line is there and the digest fits. Whatever is
 * wrong with it is a value, because the server starts all the same.
 */
export async function loadSnapshot(path: string): Promise<SnapshotLoad> {
  try {
    const { head, end, octets } = await withFile(path, examine);
    return { kind: 'loaded', snapshot: { ...head, read: () => readLines(path, octets, end) } };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { kind: 'none' };
    return { kind: 'broken', reason: reasonOf(error) };
  }
}

interface Examined {
  readonly head: SnapshotHead;
  readonly end: SnapshotEnd;
  /** Octets before the last line. */
  readonly octets: number;
}

async function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'r');
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

async function examine(file: FileHandle): Promise<Examined> {
  const { size } = await file.stat();
  if (size > SNAPSHOT_OCTETS_MAX) throw new SnapshotError(`it has more than ${SNAPSHOT_OCTETS_MAX} octets`);
  const [firstLine = ''] = (await textAt(file, 0)).split('\n', 1);
  const head = inLine('line 1', () => decodeHead(firstLine));
  const tail = (await textAt(file, Math.max(0, size - EDGE_OCTETS))).replace(/\n$/, '');
  const lastLine = tail.slice(tail.lastIndexOf('\n') + 1);
  const end = inLine('the last line', () => decodeEnd(lastLine));
  const octets = Math.max(0, size - EDGE_OCTETS) + tail.length - lastLine.length;
  if ((await digestOf(file, octets)) !== end.sha256)
    throw new SnapshotError('the digest differs: the file is damaged');
  return { head, end, octets };
}

/** Up to {@link EDGE_OCTETS} from a place on, one character for each octet. */
async function textAt(file: FileHandle, position: number): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(EDGE_OCTETS), 0, EDGE_OCTETS, position);
  return buffer.toString('latin1', 0, bytesRead);
}

async function digestOf(file: FileHandle, octets: number): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of piecesOf(file, octets)) hash.update(piece);
  return hash.digest('hex');
}

/** The first octets of a file. Each piece is void with the next: one buffer serves them all. */
async function* piecesOf(file: FileHandle, octets: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(PIECE_OCTETS);
  for (let at = 0; at < octets;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(PIECE_OCTETS, octets - at), at);
    if (bytesRead === 0) throw new SnapshotError('it ends too early');
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

async function* readLines(
  path: string,
  octets: number,
  end: SnapshotEnd,
): AsyncGenerator<readonly SnapshotLine[]> {
  const file = await open(path, 'r');
  try {
    const reader = new LineReader();
    for await (const texts of textLines(file, octets)) yield reader.takeAll(texts);
    if (reader.clusters !== end.clusters || reader.shards !== end.shards)
      throw new SnapshotError('the counts differ');
  } finally {
    await file.close();
  }
}

/** The lines in the first octets of a file, decoded as UTF-8, a batch for each piece that is read. */
async function* textLines(file: FileHandle, octets: number): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const piece of piecesOf(file, octets)) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop()!;
    if (rest.length > SNAPSHOT_LINE_OCTETS_MAX) throw new SnapshotError('a line is too long');
    yield lines;
  }
}

/** Takes the lines of a snapshot in their order. */
class LineReader {
  clusters = 0;
  shards = 0;
  #lines = 0;
  #cluster: string | undefined;

  takeAll(texts: readonly string[]): SnapshotLine[] {
    const lines: SnapshotLine[] = [];
    for (const text of texts) {
      this.#lines++;
      // The first one has been read already.
      if (this.#lines > 1) lines.push(this.#take(text));
    }
    return lines;
  }

  #take(text: string): SnapshotLine {
    const line = inLine(`line ${this.#lines}`, () => decodeLine(text, this.#cluster));
    if (line.kind === 'cluster') {
      this.#cluster = line.cluster.name;
      this.clusters++;
    } else if (line.kind === 'shard') this.shards++;
    return line;
  }
}

function inLine<T>(name: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new SnapshotError(`${name}: ${(error as Error).message}`);
  }
}
