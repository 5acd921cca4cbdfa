/**
 * The thread that compiles tables: reads the files, compiles, tells the outcome and ends. It takes seconds and some hundred MiB,
 * which go with it.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { compileGeo, type GeoFile, type GeoInput } from '../../geo/compile.ts';
import { GeoError } from '../../geo/geo-error.ts';
import type { CompileOrder, CompileOutcome } from './compile-job.ts';

/** Octets of one database: the largest in use have less than half of it. */
export const DATABASE_OCTETS_MAX = 512 * 1024 * 1024;
/** Octets that are read at a time. */
const PIECE_OCTETS = 16 * 1024 * 1024;

const port = parentPort!;
const message = outcomeOf(workerData as CompileOrder);
port.postMessage(message);

function outcomeOf({ paths, builtMs, ...rest }: CompileOrder): CompileOutcome {
  try {
    const files = paths.map(readDatabase);
    const tables = compileGeo({ ...rest, files } satisfies GeoInput);
    for (const file of tables.files) {
      const before = builtMs[file.path];
      if (before !== undefined && file.builtMs < before) throw tooOld(file.path, file.builtMs, before);
    }
    return { kind: 'compiled', tables };
  } catch (cause) {
    const code = cause instanceof GeoError ? cause.code : (cause as NodeJS.ErrnoException).code;
    return { kind: 'failed', code: code ?? 'GEOIP_FAILED', message: (cause as Error).message };
  }
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function tooOld(path: string, builtMs: number, beforeMs: number): GeoError {
  return new GeoError(
    'GEOIP_OLDER',
    `${path} was built on ${day(builtMs)}, the one in use on ${day(beforeMs)}`,
  );
}

/** Reads a whole file, which may change meanwhile: what is cut is found out when it is compiled. */
function readDatabase(path: string): GeoFile {
  const file = openSync(path, 'r');
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new GeoError('GEOIP_MALFORMED', `${path} is no file`);
    if (stats.size > DATABASE_OCTETS_MAX) {
      const size = `${path} has ${stats.size} octets, the limit is ${DATABASE_OCTETS_MAX}`;
      throw new GeoError('GEOIP_TOO_LARGE', size);
    }
    const octets = Buffer.alloc(stats.size);
    let at = 0;
    for (let read = -1; read !== 0 && at < octets.length; at += read)
      read = readSync(file, octets, at, Math.min(PIECE_OCTETS, octets.length - at), at);
    return { path, octets: octets.subarray(0, at) };
  } finally {
    closeSync(file);
  }
}
