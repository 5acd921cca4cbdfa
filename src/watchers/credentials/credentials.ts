/**
 * The credentials of one cluster as they are right now: token and certificate files read again when they change, exec
 * plugins run again when what they gave expires or is refused. What may be read or run was settled when the
 * {@link ClusterAccess} was made.
 */

import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  CredentialError,
  inClusterAccess,
  type AccessRules,
  type ClusterAccess,
  type Material,
} from './cluster-access.ts';
import { runExecPlugin, type ExecCredential } from './exec-plugin.ts';
import { readKubeconfig } from './kubeconfig.ts';
import type { Clock } from '../../log.ts';
import type { Timers } from '../../timers.ts';
import type { ClusterOrigin } from '../../config/settings.ts';

/** Largest token, certificate or key file: a chain of certificates is a few thousand octets. */
const MATERIAL_OCTETS_MAX = 256 * 1024;
/** Least time between two runs of a plugin, so that one that fails is not run in a loop. */
export const EXEC_SPACING_MS = 5_000;
/** A plugin's credential is renewed this long before it expires, for clocks that differ a little. */
const EXEC_EXPIRY_MARGIN_MS = 30_000;

/** What one request needs. `tlsId` differs whenever `tls` does. */
export interface ApiAccess {
  readonly server: URL;
  readonly authorization?: string;
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
    readonly rejectUnauthorized: boolean;
  };
  readonly tlsId: string;
}

export interface CredentialsOptions {
  /** Called for each request; may throw {@link CredentialError}. */
  readonly load: () => Promise<ClusterAccess>;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface ExecState {
  readonly credential?: ExecCredential;
  readonly error?: unknown;
  readonly atMs: number;
}

/** Credentials that renew themselves. */
export class Credentials {
  readonly #options: CredentialsOptions;
  readonly #stopped = new AbortController();
  #exec: ExecState | undefined;
  #running: Promise<ExecCredential> | undefined;
  #execRefused = false;

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /** @throws CredentialError when there are none to be had at the moment */
  async current(): Promise<ApiAccess> {
    const access = await this.#options.load();
    const given = access.exec === undefined ? {} : await this.#execCredential(access);
    const [ca, cert, key, token] = await Promise.all([
      readMaterial(access.ca),
      given.clientCertificate ?? readMaterial(access.clientCertificate),
      given.clientKey ?? readMaterial(access.clientKey),
      given.token ?? readMaterial(access.token),
    ]);
    return assemble(access, { ca, cert, key, token: token?.trim() });
  }

  /** Says that the server answered 401 to `authorization`: what a plugin gave is not used again. */
  refused(authorization: string | undefined): void {
    const token = this.#exec?.credential?.token;
    if (token === undefined || authorization === `Bearer ${token}`) this.#execRefused = true;
  }

  /** Ends a running plugin. */
  close(): void {
    this.#stopped.abort();
  }

  async #execCredential(access: ClusterAccess): Promise<ExecCredential> {
    const state = this.#exec;
    if (state !== undefined && !this.#isDue(state)) {
      if (state.credential !== undefined) return state.credential;
      throw state.error;
    }
    this.#running ??= this.#runExec(access).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  #isDue(state: ExecState): boolean {
    if (this.#options.timers.now() - state.atMs < EXEC_SPACING_MS) return false;
    if (state.credential === undefined || this.#execRefused) return true;
    const { expiresMs } = state.credential;
    return expiresMs !== undefined && this.#options.clock() >= expiresMs - EXEC_EXPIRY_MARGIN_MS;
  }

  async #runExec(access: ClusterAccess): Promise<ExecCredential> {
    const { timers, env } = this.#options;
    try {
      const credential = await runExecPlugin(access, { timers, env, signal: this.#stopped.signal });
      this.#exec = { credential, atMs: timers.now() };
      this.#execRefused = false;
      return credential;
    } catch (error) {
      this.#exec = { error, atMs: timers.now() };
      throw error;
    }
  }
}

/** How the credentials of an origin are loaded. @throws CredentialError from the returned function */
export function accessLoader(
  origin: Extract<ClusterOrigin, { kind: 'inCluster' | 'kubeconfig' }>,
  env: Readonly<Record<string, string | undefined>>,
): () => Promise<ClusterAccess> {
  if (origin.kind === 'inCluster') return async () => inClusterAccess(env);
  const rules: AccessRules = {
    directory: dirname(origin.path),
    allowInsecure: origin.allowInsecure,
    exec: { allowed: origin.execAllowed },
  };
  return kubeconfigLoader(origin.path, origin.context, rules);
}

/** Parses a kubeconfig again only when its octets have changed; one that breaks leaves the last good one in use. */
function kubeconfigLoader(
  path: string,
  context: string | undefined,
  rules: AccessRules,
): () => Promise<ClusterAccess> {
  let text: string | undefined;
  let good: ClusterAccess | undefined;
  return async () => {
    try {
      const now = await readFile(path, 'utf8');
      if (now !== text || good === undefined) good = await readKubeconfig(now, context, rules);
      text = now;
      return good;
    } catch (error) {
      if (good !== undefined) return good;
      if (error instanceof CredentialError) throw error;
      throw new CredentialError('KUBECONFIG_UNREADABLE', (error as Error).message);
    }
  };
}

async function readMaterial(material: Material | undefined): Promise<string | undefined> {
  if (material === undefined || material.kind === 'text') return material?.text;
  await using file = await open(material.path, 'r');
  const { size } = await file.stat();
  if (size > MATERIAL_OCTETS_MAX) {
    throw new CredentialError(
      'NOT_SUPPORTED',
      `${material.path} is longer than ${MATERIAL_OCTETS_MAX} octets`,
    );
  }
  return file.readFile('utf8');
}

interface Materials {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly token: string | undefined;
}

function assemble(access: ClusterAccess, { ca, cert, key, token }: Materials): ApiAccess {
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(access.tlsServerName === undefined ? {} : { servername: access.tlsServerName }),
    rejectUnauthorized: !access.insecure,
  };
  return {
    server: access.server,
    ...(token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` }),
    tls,
    tlsId: createHash('sha256')
      .update(JSON.stringify([access.server.origin, tls]))
      .digest('base64'),
  };
}
