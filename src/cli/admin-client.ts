/** Owns how commands ask the running server, and how they say that there is none. */

import { isIPv6 } from 'node:net';
import type { ListenAddress } from '../config/settings.ts';
import { findToken } from './admin-token.ts';
import { CommandError } from './environment.ts';
import type { Environment, LoadedConfig } from './environment.ts';
import { followedRows, rowsOf } from './listing.ts';
import type { ListingSerials } from './listing.ts';

/** Time for the first octet of a reply, in milliseconds; the server answers from memory. */
const REPLY_MS_MAX = 10_000;
/** Time for a change, in milliseconds: it is weighed against tens of thousands of Services, and written where others read it. */
const CHANGE_MS_MAX = 60_000;
/** Time between two pieces of a reply, in milliseconds; the server may be at work on something else meanwhile. */
const SILENCE_MS_MAX = 30_000;
const NDJSON = 'application/x-ndjson';

/** Where a command finds the running server: its address, or the configuration that tells it. */
export interface AdminTarget {
  /** Path of the configuration file. */
  readonly config: string;
  /** `http://HOST:PORT` or `HOST:PORT`; then no configuration is read. */
  readonly admin?: string;
  /** The file with the admin token. Default: that of the configuration's stateDir. */
  readonly tokenFile?: string;
}

/** What a query string is made of. */
export type AdminQuery = Readonly<Record<string, string>>;

/** The admin server of one running fedns. Every call throws CommandError when nothing, or something else, answers. */
export interface AdminClient {
  /** Changes something, with the admin token. */
  send(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    content?: { readonly query?: AdminQuery; readonly body?: unknown },
  ): Promise<unknown>;
  json(path: string, query?: AdminQuery): Promise<unknown>;
  /**
   * Reads a listing as it comes; nothing of it is kept.
   *
   * @param onEnd - called once the listing has ended as it should
   */
  rows<Row>(
    path: string,
    query: AdminQuery,
    onEnd: (serials: ListingSerials) => void,
  ): AsyncGenerator<readonly Row[]>;
  /** Reads a listing that goes on for as long as the server runs. */
  follow<Row>(path: string, query: AdminQuery): AsyncGenerator<readonly Row[]>;
}

/** Nothing answers, or it is not known where to ask. */
export class NoServerError extends CommandError {}

/** A server as the commands speak of it. */
interface Place {
  readonly url: URL;
  /** For messages: where, and who said so. */
  readonly where: string;
}

/**
 * Finds out where to ask.
 *
 * @throws CommandError when the address is none, or when the file is refused or has no admin address
 */
export async function openAdminClient(environment: Environment, target: AdminTarget): Promise<AdminClient> {
  const place =
    target.admin === undefined ? await configured(environment, target.config) : named(target.admin);
  const listed = async (path: string, query: AdminQuery): Promise<AsyncGenerator<Uint8Array>> => {
    const silence = new Silence();
    const response = await silence.within(REPLY_MS_MAX, (signal) =>
      request(place, { path, query, signal, accept: NDJSON }),
    );
    if (response.headers.get('content-type') !== NDJSON || response.body === null)
      throw new CommandError(`what answers at ${place.where} is not this fedns: it sent no ${NDJSON}`);
    return watched(response.body, silence, place);
  };
  return {
    async send(method, path, { query = {}, body } = {}) {
      const signal = AbortSignal.timeout(CHANGE_MS_MAX);
      const token = await findToken(environment, target);
      const change = { method, token, ...(body !== undefined && { body: JSON.stringify(body) }) };
      const accept = 'application/json';
      return readJson(await request(place, { path, query, signal, accept, change }), place);
    },
    async json(path, query = {}) {
      const signal = AbortSignal.timeout(REPLY_MS_MAX);
      return readJson(await request(place, { path, query, signal, accept: 'application/json' }), place);
    },
    async *rows<Row>(path: string, query: AdminQuery, onEnd: (serials: ListingSerials) => void) {
      yield* rowsOf<Row>(await listed(path, query), onEnd);
    },
    async *follow<Row>(path: string, query: AdminQuery) {
      yield* followedRows<Row>(await listed(path, query));
    },
  };
}

async function configured(environment: Environment, file: string): Promise<Place> {
  const config = await environment.load(file);
  const admin = config.kind === 'loaded' ? config.settings.admin : adminDespite(config, environment, file);
  if (admin === undefined)
    throw new NoServerError(
      `${file} has no admin address, so a running fedns cannot be asked; --admin names one`,
    );
  const target = formatAddress(reachable(admin));
  return { url: new URL(`http://${target}`), where: `${target} (from ${file})` };
}

function named(text: string): Place {
  const url = URL.parse(/^https?:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null) throw new CommandError(`--admin ${text}: not a URL such as http://127.0.0.1:9153`);
  return { url, where: url.host };
}

/** A file that is broken now must not keep the operator from asking what still runs with its last good content. */
function adminDespite(
  { faults, admin }: LoadedConfig & { kind: 'refused' },
  { err }: Environment,
  file: string,
): ListenAddress {
  if (admin === undefined) throw new CommandError(faults.join('\n'));
  err(`fedns: ${file} has faults, which fedns check lists; asking the running fedns all the same\n`);
  return admin;
}

/** `address:port`, IPv6 in brackets. */
export function formatAddress({ address, port }: ListenAddress): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

/** A wildcard can be listened on but not connected to everywhere. */
function reachable(listen: ListenAddress): ListenAddress {
  if (listen.address === '0.0.0.0') return { ...listen, address: '127.0.0.1' };
  if (listen.address === '::') return { ...listen, address: '::1' };
  return listen;
}

interface Request {
  readonly path: string;
  readonly query: AdminQuery;
  readonly accept: string;
  readonly signal: AbortSignal;
  /** Absent: it reads. */
  readonly change?: { readonly method: string; readonly token: string; readonly body?: string };
}

async function request(place: Place, { path, query, accept, signal, change }: Request): Promise<Response> {
  const url = new URL(path, place.url);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  let response: Response;
  try {
    response = await fetch(url, { signal, redirect: 'error', ...sent(accept, change) });
  } catch (error) {
    throw new NoServerError(explainFailure(error, place));
  }
  if (!response.ok) throw new CommandError(await errorOf(response, place));
  return response;
}

function sent(accept: string, change: Request['change']): RequestInit {
  if (change === undefined) return { headers: { accept } };
  const { method, token, body } = change;
  const headers = { accept, authorization: `Bearer ${token}` };
  if (body === undefined) return { method, headers };
  return { method, body, headers: { ...headers, 'content-type': 'application/json' } };
}

function explainFailure(error: unknown, { where }: Place): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ECONNREFUSED') return `no fedns answers at ${where}: is it running?`;
  return `no fedns answers at ${where}: ${reasonOf(error)}`;
}

async function errorOf(response: Response, { where }: Place): Promise<string> {
  try {
    const { error } = (await response.json()) as { error?: unknown };
    if (typeof error === 'string') return error;
  } catch {
    // Not our JSON: something else listens there.
  }
  return `what answers at ${where} is not fedns: it replied ${response.status}`;
}

async function readJson(response: Response, { where }: Place): Promise<unknown> {
  const text = await response.text().catch((error: unknown) => {
    throw new CommandError(`the reply from ${where} broke off: ${String(error)}`);
  });
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandError(`what answers at ${where} is not fedns: it sent no JSON`);
  }
}

/** Gives a request up when something that is waited for takes too long. */
class Silence {
  readonly #abort = new AbortController();

  async within<T>(ms: number, wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const reason = new Error(`nothing came for ${ms / 1000} s`);
    const timer = setTimeout(() => this.#abort.abort(reason), ms);
    try {
      return await wait(this.#abort.signal);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The pieces of a body. Time counts only while one is waited for: whoever reads this may take as long as they like. */
async function* watched(
  body: ReadableStream<Uint8Array>,
  silence: Silence,
  { where }: Place,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const read = (): ReturnType<typeof reader.read> =>
    silence.within(SILENCE_MS_MAX, () =>
      reader.read().catch((error: unknown) => {
        throw new CommandError(`the listing from ${where} broke off: ${reasonOf(error)}`);
      }),
    );
  try {
    for (let piece = await read(); !piece.done; piece = await read()) yield piece.value;
  } finally {
    // After an early end nobody reads on, and the server is to know.
    await reader.cancel().catch(() => {});
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
