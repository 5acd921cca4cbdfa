/**
 * The credentials of one cluster as they are right now: token and certificate files read again when they change, exec
 * plugins run again when what they gave expires or is refused. What may be read or run was settled when the
 * {@link ClusterAccess} was made.
 */

import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  CredentialError,
  inClusterAccess,
  type AccessRules,
  type ClusterAccess,
  type Impersonation,
  type Material,
} from './cluster-access.ts';
import { runExecPlugin, type ExecCredential } from './exec-plugin.ts';
import { expiryOf, type Expiry } from './expiry.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { decodeKubeconfig } from './kubeconfig-document.ts';
import { certificatesIn, checkPem, type PemKind } from './pem.ts';
import { proxyFor } from './proxy.ts';
import type { Clock } from '../../log.ts';
import type { Timers } from '../../timers.ts';
import type { ApiOrigin } from '../../config/settings.ts';

/** Largest token, certificate or key file: a chain of certificates is a few thousand octets. */
const MATERIAL_OCTETS_MAX = 256 * 1024;
/** Least time between two runs of a plugin, so that one that fails is not run in a loop; longer as it fails on. */
export const EXEC_SPACING_MS = 5_000;
const EXEC_DOUBLINGS_MAX = 3;
/** A plugin's credential is renewed this long before it expires, for clocks that differ a little. */
const EXEC_EXPIRY_MARGIN_MS = 30_000;

/** What one request needs. `tlsId` differs whenever connections must be others. */
export interface ApiAccess {
  readonly server: URL;
  /** Absent: directly. */
  readonly proxy?: URL;
  readonly authorization?: string;
  /** Further headers: whom to act as. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
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
  /** In a row. */
  readonly failures: number;
}

/** Credentials that renew themselves. */
export class Credentials {
  readonly #options: CredentialsOptions;
  readonly #stopped = new AbortController();
  #exec: ExecState | undefined;
  #running: Promise<ExecCredential> | undefined;
  #execRefused = false;
  #checkedId: string | undefined;
  #expiry: Expiry | undefined;
  #fault: CredentialError | undefined;
  #onRenewed: () => void = () => {};

  constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /** @throws CredentialError when there are none to be had at the moment */
  async current(): Promise<ApiAccess> {
    const access = await this.#options.load();
    this.#fault = access.fault;
    const ca = await readMaterial(access.ca);
    const given = access.exec === undefined ? {} : await this.#execCredential(access, ca);
    const [cert, key, token] = await Promise.all([
      given.clientCertificate ?? readMaterial(access.clientCertificate),
      given.clientKey ?? readMaterial(access.clientKey),
      given.token ?? readToken(access),
    ]);
    const proxy = access.proxy ?? proxyFor(access.server, this.#options.env);
    const materials = { ca, cert, key, token: token?.trim() };
    const assembled = assemble(access, proxy, materials);
    this.#look(access, assembled, materials, given);
    return assembled;
  }

  /** @param onRenewed - called when others are in use than before: what was refused may be taken now */
  follow(onRenewed: () => void): void {
    this.#onRenewed = onRenewed;
  }

  /** When the token or the client certificate in use ends; undefined: it does not say, or a plugin renews it. */
  get expiry(): Expiry | undefined {
    return this.#expiry;
  }

  /** Why credentials read earlier are in use and not what stands there now. */
  get fault(): CredentialError | undefined {
    return this.#fault;
  }

  /** Parsing certificates takes a while: only what is new is looked at. */
  #look(access: ClusterAccess, assembled: ApiAccess, materials: Materials, given: ExecCredential): void {
    const id = `${assembled.tlsId} ${assembled.authorization ?? ''}`;
    if (id === this.#checkedId) return;
    checkMaterials(access, materials);
    const isRenewed = this.#checkedId !== undefined;
    this.#checkedId = id;
    if (isRenewed) this.#onRenewed();
    // A plugin renews what it gives.
    this.#expiry = expiryOfHeld(access, {
      ...materials,
      token: given.token === undefined ? materials.token : undefined,
      cert: given.clientCertificate === undefined ? materials.cert : undefined,
    });
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

  async #execCredential(access: ClusterAccess, ca: string | undefined): Promise<ExecCredential> {
    const state = this.#exec;
    if (state !== undefined && !this.#isDue(state)) {
      if (state.credential !== undefined) return state.credential;
      throw state.error;
    }
    this.#running ??= this.#runExec(access, ca).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  #isDue(state: ExecState): boolean {
    const doublings = Math.min(EXEC_DOUBLINGS_MAX, Math.max(0, state.failures - 1));
    if (this.#options.timers.now() - state.atMs < EXEC_SPACING_MS * 2 ** doublings) return false;
    if (state.credential === undefined || this.#execRefused) return true;
    const { expiresMs } = state.credential;
    return expiresMs !== undefined && this.#options.clock() >= expiresMs - EXEC_EXPIRY_MARGIN_MS;
  }

  async #runExec(access: ClusterAccess, ca: string | undefined): Promise<ExecCredential> {
    const { timers, env } = this.#options;
    try {
      const credential = await runExecPlugin(access, { timers, env, ca, signal: this.#stopped.signal });
      this.#exec = { credential, atMs: timers.now(), failures: 0 };
      this.#execRefused = false;
      return credential;
    } catch (error) {
      this.#exec = { error, atMs: timers.now(), failures: (this.#exec?.failures ?? 0) + 1 };
      throw error;
    }
  }
}

/**
 * Reads and checks what an access holds or names in files, and runs no plugin.
 *
 * @throws CredentialError
 */
export async function readHeld(access: ClusterAccess): Promise<{ readonly expiry: Expiry | undefined }> {
  const [ca, cert, key, token] = await Promise.all([
    readMaterial(access.ca),
    readMaterial(access.clientCertificate),
    readMaterial(access.clientKey),
    readToken(access),
  ]);
  const materials = { ca, cert, key, token: token?.trim() };
  checkMaterials(access, materials);
  return { expiry: expiryOfHeld(access, materials) };
}

function expiryOfHeld(access: ClusterAccess, { token, cert }: Materials): Expiry | undefined {
  return expiryOf(
    { text: token, isFile: access.token?.kind === 'file' },
    { text: cert, isFile: access.clientCertificate?.kind === 'file' },
  );
}

/** How the credentials of an origin are loaded. @throws CredentialError from the returned function */
export function accessLoader(
  origin: ApiOrigin,
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

/**
 * Parses a kubeconfig again only when its octets have changed; one that breaks leaves the last good one in use, with
 * the reason beside it.
 */
function kubeconfigLoader(
  path: string,
  context: string | undefined,
  rules: AccessRules,
): () => Promise<ClusterAccess> {
  let octets: Buffer | undefined;
  let good: ClusterAccess | undefined;
  return async () => {
    try {
      const now = await readFile(path);
      if (octets === undefined || good === undefined || good.fault !== undefined || !now.equals(octets))
        good = await readKubeconfig(decodeKubeconfig(now), context, rules);
      octets = now;
    } catch (error) {
      const fault = placed(error, path, context);
      if (good === undefined) throw fault;
      good = { ...good, fault };
    }
    return good;
  };
}

/** The same error with the file that it stands in. */
function placed(error: unknown, path: string, context: string | undefined): CredentialError {
  if (!(error instanceof CredentialError)) {
    return new CredentialError('KUBECONFIG_UNREADABLE', `${path}: cannot be read: ${reasonOf(error)}`);
  }
  const { code, message, line } = error;
  const where = line === undefined ? path : `${path}:${line}`;
  const named = context === undefined || code === 'CONTEXT_UNKNOWN' ? '' : `context ${context}, `;
  return new CredentialError(code, `${where}: ${named}${message}`, line);
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
}

async function readMaterial(material: Material | undefined): Promise<string | undefined> {
  if (material === undefined || material.kind === 'text') return material?.text;
  try {
    await using file = await open(material.path, 'r');
    const { size } = await file.stat();
    if (size <= MATERIAL_OCTETS_MAX) return await file.readFile('utf8');
  } catch (error) {
    throw new CredentialError('FILE_UNREADABLE', `${labelOf(material)}: cannot be read: ${reasonOf(error)}`);
  }
  throw new CredentialError(
    'NOT_SUPPORTED',
    `${labelOf(material)}: is longer than ${MATERIAL_OCTETS_MAX} octets`,
  );
}

/** As kubectl does: the token beside a token file counts while the file cannot be read. */
async function readToken({ token, fallbackToken }: ClusterAccess): Promise<string | undefined> {
  if (fallbackToken === undefined) return readMaterial(token);
  return readMaterial(token).catch(() => fallbackToken);
}

/** The field and the file, as far as there are such. */
function labelOf(material: Material): string {
  const file = material.kind === 'file' ? material.path : '';
  if (material.field === undefined) return file;
  return file === '' ? material.field : `${material.field} (${file})`;
}

interface Materials {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly token: string | undefined;
}

/** @throws CredentialError when a certificate or key is none, or the two do not belong together */
function checkMaterials(access: ClusterAccess, { ca, cert, key, token }: Materials): void {
  checkMaterial(ca, access.ca, 'certificate');
  checkMaterial(cert, access.clientCertificate, 'certificate');
  checkMaterial(key, access.clientKey, 'key');
  if (cert !== undefined && key !== undefined) checkPair(cert, key, access.clientCertificate);
  if (token !== undefined && /[^\x21-\x7e]/.test(token)) {
    const label = access.token === undefined ? 'token' : labelOf(access.token);
    throw new CredentialError(
      'NOT_SUPPORTED',
      `${label}: holds spaces or other characters that no token has`,
    );
  }
}

function checkMaterial(text: string | undefined, material: Material | undefined, kind: PemKind): void {
  if (text === undefined) return;
  try {
    checkPem(text, kind);
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    const label = material === undefined ? 'what the exec plugin gave' : labelOf(material);
    throw new CredentialError(error.code, `${label}: ${error.message}`);
  }
}

function checkPair(cert: string, key: string, material: Material | undefined): void {
  const label = material === undefined ? 'the exec plugin' : labelOf(material);
  const [own] = certificatesIn(cert) as [X509Certificate];
  let fits: boolean;
  try {
    fits = own.checkPrivateKey(createPrivateKey(key));
  } catch {
    throw new CredentialError('PEM_MALFORMED', `${label}: its key is damaged, or encrypted with a password`);
  }
  if (!fits) throw new CredentialError('PEM_MALFORMED', `${label}: does not belong to its key`);
}

function assemble(access: ClusterAccess, proxy: URL | undefined, materials: Materials): ApiAccess {
  const { ca, cert, key, token } = materials;
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(access.tlsServerName === undefined ? {} : { servername: access.tlsServerName }),
    rejectUnauthorized: !access.insecure,
  };
  const authorization = authorizationOf(token, access.basic);
  return {
    server: access.server,
    ...(proxy === undefined ? {} : { proxy }),
    ...(authorization === undefined ? {} : { authorization }),
    ...(access.impersonate === undefined ? {} : { headers: impersonationHeaders(access.impersonate) }),
    tls,
    tlsId: createHash('sha256')
      .update(JSON.stringify([access.server.origin, proxy?.href, tls]))
      .digest('base64'),
  };
}

function authorizationOf(token: string | undefined, basic: string | undefined): string | undefined {
  if (token !== undefined && token !== '') return `Bearer ${token}`;
  return basic === undefined ? undefined : `Basic ${Buffer.from(basic).toString('base64')}`;
}

/** Kubernetes documentation, "User impersonation": keys of extra fields are percent-encoded header names. */
function impersonationHeaders({
  user,
  uid,
  groups,
  extra,
}: Impersonation): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'Impersonate-User': user };
  if (uid !== undefined) headers['Impersonate-Uid'] = uid;
  if (groups.length > 0) headers['Impersonate-Group'] = [...groups];
  for (const [key, values] of Object.entries(extra)) {
    headers[`Impersonate-Extra-${escapeHeader(key)}`] = [...values];
  }
  return headers;
}

function escapeHeader(key: string): string {
  const octets = [...Buffer.from(key)];
  return octets
    .map((octet) => {
      const char = String.fromCodePoint(octet);
      return /[!#$&'*+\-.^_`|~0-9A-Za-z]/.test(char)
        ? char
        : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
