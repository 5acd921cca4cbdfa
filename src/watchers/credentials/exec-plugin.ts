/**
 * Runs exec credential plugins (client.authentication.k8s.io): without a shell, with a time limit, with an output
 * limit, and with everything they started killed when one is passed. Whether a plugin may run at all was decided
 * in kubeconfig.ts; how long its result is used, in credentials.ts.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { CredentialError, type ClusterAccess, type ExecSettings } from './cluster-access.ts';
import type { Timers } from '../../timers.ts';

/** A plugin that asks the network is given as long as a slow API server. */
export const EXEC_MS_MAX = 10_000;
/** An ExecCredential is a token or a certificate, a few thousand octets. */
export const EXEC_OUTPUT_OCTETS_MAX = 256 * 1024;
/** Of what it says on stderr, the beginning and the end are kept for the error message: either may say why. */
const EXEC_STDERR_CHARS_MAX = 600;

const API_VERSIONS = new Set(['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']);

/** What a plugin gave. */
export interface ExecCredential {
  readonly token?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  /** Milliseconds since the epoch, by the clock of whoever issued it. */
  readonly expiresMs?: number;
}

export interface ExecOptions {
  readonly timers: Timers;
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The cluster's CA, for plugins that are told of their cluster. */
  readonly ca: string | undefined;
}

/** @throws CredentialError `EXEC_FAILED` */
export async function runExecPlugin(access: ClusterAccess, options: ExecOptions): Promise<ExecCredential> {
  const exec = access.exec!;
  if (!API_VERSIONS.has(exec.apiVersion)) throw failed(exec, `unknown apiVersion ${exec.apiVersion}`);
  const output = await collectOutput(exec, spawnPlugin(exec, access, options), options);
  return readCredential(exec, output);
}

function spawnPlugin(
  exec: ExecSettings,
  access: ClusterAccess,
  { env, ca }: Pick<ExecOptions, 'env' | 'ca'>,
): ChildProcess {
  return spawn(exec.command, exec.args, {
    shell: false,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, so that what it starts ends with it.
    detached: true,
    env: { ...env, ...exec.env, KUBERNETES_EXEC_INFO: JSON.stringify(execInfo(exec, access, ca)) },
  });
}

function execInfo(exec: ExecSettings, access: ClusterAccess, ca: string | undefined): object {
  const { server, tlsServerName, insecure, proxy } = access;
  const cluster = {
    // Without the slash that URLs end with: plugins compare it with what stands in the kubeconfig.
    server: server.href.replace(/\/$/, ''),
    ...(tlsServerName === undefined ? {} : { 'tls-server-name': tlsServerName }),
    ...(insecure ? { 'insecure-skip-tls-verify': true } : {}),
    ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
    ...(proxy === undefined ? {} : { 'proxy-url': proxy.href.replace(/\/$/, '') }),
    ...(exec.config === undefined ? {} : { config: exec.config }),
  };
  return {
    apiVersion: exec.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(exec.provideClusterInfo ? { cluster } : {}) },
  };
}

function collectOutput(exec: ExecSettings, child: ChildProcess, options: ExecOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  let octets = 0;
  let complaint = '';
  const give = (reason: string): void => {
    killGroup(child);
    reject(failed(exec, reason));
  };
  const timer = options.timers.after(EXEC_MS_MAX, () => give(`not done after ${EXEC_MS_MAX / 1000} s`));
  const stop = (): void => give('stopped');
  options.signal.addEventListener('abort', stop);
  child.stdout!.on('data', (chunk: Buffer) => {
    octets += chunk.length;
    if (octets > EXEC_OUTPUT_OCTETS_MAX) give(`prints more than ${EXEC_OUTPUT_OCTETS_MAX} octets`);
    else chunks.push(chunk);
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    complaint = shorten(complaint + chunk.toString('utf8'));
  });
  child.on('error', (error: NodeJS.ErrnoException) => give(absentOr(exec, error)));
  child.on('close', (code, signal) => {
    if (code === 0) resolve(Buffer.concat(chunks).toString('utf8'));
    else reject(failed(exec, `${signal ?? `exit code ${code}`}: ${complaint.trim() || 'it said nothing'}`));
  });
  const settle = (): void => {
    timer.cancel();
    options.signal.removeEventListener('abort', stop);
  };
  return promise.finally(settle);
}

/** Escape sequences of terminals. */
// oxlint-disable-next-line no-control-regex
const COLOURS = /\u001B\[[0-9;]*[A-Za-z]/g;

/** Keeps the beginning and the end of what is said. */
function shorten(text: string): string {
  if (text.length <= EXEC_STDERR_CHARS_MAX) return text;
  const half = EXEC_STDERR_CHARS_MAX / 2;
  return `${text.slice(0, half)} … ${text.slice(-half)}`;
}

/** A program that is not there: the kubeconfig may say where to get it. */
function absentOr({ command, installHint }: ExecSettings, error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') return error.message;
  const place = command.includes('/') ? '' : ' on the path of fedns';
  return `there is no such program${place} (ENOENT)${installHint === undefined ? '' : `; ${installHint}`}`;
}

/** Kills the plugin and all it started, and lets go of the pipes that a grandchild may still hold. */
function killGroup(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

function readCredential(exec: ExecSettings, output: string): ExecCredential {
  const reply = parseReply(exec, output);
  if (reply?.kind !== 'ExecCredential' || reply.apiVersion !== exec.apiVersion) {
    throw failed(exec, `prints no ExecCredential of ${exec.apiVersion}`);
  }
  const status = reply.status ?? {};
  const expiresMs = Date.parse(String(status['expirationTimestamp']));
  const credential = {
    ...textField('token', status['token']),
    ...textField('clientCertificate', status['clientCertificateData']),
    ...textField('clientKey', status['clientKeyData']),
    ...(Number.isNaN(expiresMs) ? {} : { expiresMs }),
  };
  if (!('token' in credential) && !('clientCertificate' in credential)) {
    throw failed(exec, 'prints neither a token nor a certificate');
  }
  return credential;
}

interface ExecReply {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly status?: Readonly<Record<string, unknown>>;
}

function parseReply(exec: ExecSettings, output: string): ExecReply | null {
  try {
    return JSON.parse(output) as ExecReply | null;
  } catch {
    // Not quoted: what it printed may be half a credential.
    throw failed(exec, 'prints no JSON');
  }
}

function textField<K extends string>(key: K, value: unknown): { readonly [P in K]?: string } {
  return (typeof value === 'string' && value !== '' ? { [key]: value } : {}) as {
    readonly [P in K]?: string;
  };
}

/** What it said goes on one line, for a log or a terminal: no control characters. */
function failed(exec: ExecSettings, reason: string): CredentialError {
  const line = `exec plugin ${exec.command}: ${reason}`
    .replaceAll(COLOURS, '')
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  return new CredentialError('EXEC_FAILED', line);
}
