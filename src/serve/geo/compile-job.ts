/** Starts the thread that compiles tables, and brings its outcome home. */
import { Worker } from 'node:worker_threads';
import type { GeoInput, GeoTables } from '../../geo/compile.ts';

/** What is to be compiled. */
export interface CompileOrder extends Omit<GeoInput, 'files'> {
  readonly paths: readonly string[];
  /** When the databases in use were built, by path: older ones are refused. */
  readonly builtMs: Readonly<Record<string, number>>;
}

/** Tables, or why there are none: a stable code and a message for the operator. */
export type CompileOutcome =
  | { readonly kind: 'compiled'; readonly tables: GeoTables }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** Compiles elsewhere. Never rejects. */
export type Compile = (order: CompileOrder, signal: AbortSignal) => Promise<CompileOutcome>;

/** A compilation of the largest databases takes seconds, on a machine that is busy a minute. */
const COMPILE_MS_MAX = 300_000;
/** MiB of a thread's heap: with the largest databases it needs 300. */
const HEAP_MIB_MAX = 1024;

/** Compiles in a thread of its own. */
export const compileInThread: Compile = (order, signal) => {
  const { promise, resolve } = Promise.withResolvers<CompileOutcome>();
  const worker = new Worker(threadUrl(), {
    name: 'geoip',
    workerData: order,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
  });
  const fail = (code: string, message: string): void => resolve({ kind: 'failed', code, message });
  const limit = setTimeout(() => {
    fail('GEOIP_FAILED', `compiling took more than ${COMPILE_MS_MAX / 1000} s`);
    void worker.terminate();
  }, COMPILE_MS_MAX);
  const abort = (): void => void worker.terminate();
  signal.addEventListener('abort', abort);
  worker.on('message', (message: unknown) => {
    // Whatever else comes is not ours: `node --watch` has each thread tell here which files it loads.
    if (isOutcome(message)) resolve(message);
  });
  worker.on('error', (cause) => fail('GEOIP_FAILED', String(cause)));
  worker.on('exit', () => fail('GEOIP_FAILED', 'the thread that compiles has ended early'));
  return promise.finally(() => {
    clearTimeout(limit);
    signal.removeEventListener('abort', abort);
  });
};

function isOutcome(message: unknown): message is CompileOutcome {
  return (
    typeof message === 'object' &&
    message !== null &&
    'kind' in message &&
    (message.kind === 'compiled' || message.kind === 'failed')
  );
}

function threadUrl(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith('.ts') ? './compile-thread.ts' : './compile-thread.js', here);
}
