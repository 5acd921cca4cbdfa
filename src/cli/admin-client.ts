/** Owns how commands ask the running server, and how they say that there is none. */

import { isIPv6 } from 'node:net';
import type { ListenAddress } from '../config/settings.ts';
import { CommandError } from './environment.ts';
import type { Environment, LoadedConfig } from './environment.ts';

/** Time for the first octet of a reply, in milliseconds; the server answers from memory. */
const REPLY_MS_MAX = 10_000;

/** The admin server that a configuration names. */
export interface AdminClient {
  /** @throws CommandError when nothing, or something other than fedns, answers */
  get(path: string, query?: Readonly<Record<string, string>>): Promise<Response>;
}

/**
 * Reads the configuration for its admin address.
 *
 * @throws CommandError when the file is refused or has no admin address
 */
export async function openAdminClient(environment: Environment, file: string): Promise<AdminClient> {
  const config = await environment.load(file);
  const admin = config.kind === 'loaded' ? config.settings.admin : adminDespite(config, environment, file);
  if (admin === undefined)
    throw new CommandError(`${file} has no admin address, so a running fedns cannot be asked`);
  const target = formatAddress(reachable(admin));
  return { get: (path, query = {}) => request(target, file, path, query) };
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

async function request(
  target: string,
  file: string,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<Response> {
  const url = new URL(path, `http://${target}`);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(REPLY_MS_MAX), redirect: 'error' });
  } catch (error) {
    throw new CommandError(explainFailure(error, target, file));
  }
  if (!response.ok) throw new CommandError(await errorOf(response, target));
  return response;
}

function explainFailure(error: unknown, target: string, file: string): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ECONNREFUSED') return `no fedns answers at ${target} (from ${file}): is it running?`;
  const reason = cause instanceof Error ? cause.message : String(error);
  return `no fedns answers at ${target} (from ${file}): ${reason}`;
}

async function errorOf(response: Response, target: string): Promise<string> {
  try {
    const { error } = (await response.json()) as { error?: unknown };
    if (typeof error === 'string') return error;
  } catch {
    // Not our JSON: something else listens there.
  }
  return `what answers at ${target} is not fedns: it replied ${response.status}`;
}

/** The reply as JSON, or a line saying that it is none. */
export async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw new CommandError(`what answers at ${response.url} is not fedns: it sent no JSON`);
  }
}
