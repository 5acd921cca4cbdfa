/**
 * Reads one context of a kubeconfig as kubectl does: entries that it does not use are not looked at, empty fields count
 * as absent, files are relative to its folder. Before @kubernetes/client-node sees the context, everything that would
 * make it read files or run programs is taken out and judged here. The only file that knows that package, which is
 * loaded when the first kubeconfig is read: it costs 90 MB and a third of a second.
 */

import type { Cluster, User } from '@kubernetes/client-node';
import { isAbsolute, resolve, sep } from 'node:path';
import {
  checkServer,
  CredentialError,
  type AccessRules,
  type ClusterAccess,
  type CredentialErrorCode,
  type ExecSettings,
  type Impersonation,
  type Material,
} from './cluster-access.ts';
import { decodeData } from './pem.ts';
import { parseProxyUrl } from './proxy.ts';
import {
  kindOf,
  readKubeconfigDocument,
  type Fields,
  type KubeconfigDocument,
  type KubeconfigPath,
} from './kubeconfig-document.ts';

export { KUBECONFIG_CHARS_MAX } from './kubeconfig-document.ts';

const EXEC_ARGS_MAX = 64;
/** Names of contexts listed in a message. */
const NAMES_MAX = 8;
/** Longest hint of a plugin's installation that is shown, in characters. */
const HINT_CHARS_MAX = 1000;

/**
 * Reads one context of a kubeconfig.
 *
 * @param context - absent: the kubeconfig's current one
 * @throws CredentialError when it is malformed or asks for what its origin may not
 */
export async function readKubeconfig(
  text: string,
  context: string | undefined,
  rules: AccessRules,
): Promise<ClusterAccess> {
  const used = usedPart(parseOnce(text), context);
  return { ...(await clusterPart(used, rules)), ...userPart(used, rules) };
}

let last: { readonly text: string; readonly document: KubeconfigDocument } | undefined;

/** Many clusters share one file, and parsing a large one takes a tenth of a second: the last one is kept. */
function parseOnce(text: string): KubeconfigDocument {
  if (last?.text !== text) last = { text, document: readKubeconfigDocument(text) };
  return last.document;
}

/** An entry of `clusters` or `users`, and how its fields are read. */
class Entry {
  readonly name: string;
  readonly #document: KubeconfigDocument;
  readonly #path: KubeconfigPath;
  readonly #fields: Fields;

  constructor(document: KubeconfigDocument, path: KubeconfigPath, name: string, fields: Fields) {
    this.name = name;
    this.#document = document;
    this.#path = path;
    this.#fields = fields;
  }

  fault(code: CredentialErrorCode, key: string, message: string): CredentialError {
    return new CredentialError(
      code,
      `${this.label(key)}: ${message}`,
      this.#document.lineOf([...this.#path, ...key.split('.')]),
    );
  }

  label(key: string): string {
    return `${this.#path[0] === 'users' ? 'user' : 'cluster'} ${shortened(this.name)}, ${key}`;
  }

  /** @returns undefined also for what is empty */
  text(key: string): string | undefined {
    const value = this.#fields[key];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value === 'string') return value;
    throw this.fault('KUBECONFIG_MALFORMED', key, `holds ${kindOf(value)} and not a text: put it in quotes`);
  }

  /** YAML 1.1, which kubectl reads, has more words for it than YAML 1.2. */
  flag(key: string): boolean {
    const value = this.#fields[key] ?? false;
    const known = FLAGS.get(String(value).toLowerCase());
    if (known === undefined)
      throw this.fault('KUBECONFIG_MALFORMED', key, `is ${shortened(String(value))}: say true or false`);
    return known;
  }

  fields(key: string): Fields | undefined {
    const value = this.#fields[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'object' || Array.isArray(value))
      throw this.fault('KUBECONFIG_MALFORMED', key, `holds ${kindOf(value)} and not a mapping`);
    return value as Fields;
  }

  /** An entry for a mapping within this one. */
  inner(key: string, fields: Fields): Entry {
    return new InnerEntry(this, key, fields);
  }

  list(key: string): readonly unknown[] {
    const value = this.#fields[key];
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    throw this.fault('KUBECONFIG_MALFORMED', key, `holds ${kindOf(value)} and not a list`);
  }

  texts(key: string): string[] {
    return this.list(key).map((value, i) => {
      if (typeof value === 'string') return value;
      throw this.fault(
        'KUBECONFIG_MALFORMED',
        `${key}.${i}`,
        `holds ${kindOf(value)} and not a text: put it in quotes`,
      );
    });
  }
}

/** Faults of an inner mapping are those of the entry around it, under a longer key. */
class InnerEntry extends Entry {
  readonly #outer: Entry;
  readonly #key: string;

  constructor(outer: Entry, key: string, fields: Fields) {
    super({ value: {}, lineOf: () => 0 }, [], outer.name, fields);
    this.#outer = outer;
    this.#key = key;
  }

  override fault(code: CredentialErrorCode, key: string, message: string): CredentialError {
    return this.#outer.fault(code, `${this.#key}.${key}`, message);
  }
}

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'on', 'y'].map((word) => [word, true] as const),
  ...['false', 'no', 'off', 'n'].map((word) => [word, false] as const),
]);

interface Used {
  readonly cluster: Entry;
  readonly user: Entry;
}

function usedPart(document: KubeconfigDocument, wanted: string | undefined): Used {
  const { value } = document;
  checkKind(document);
  const name = wanted ?? value['current-context'];
  if (typeof name !== 'string' || name === '') {
    throw new CredentialError(
      'CONTEXT_UNKNOWN',
      `no current-context, and none is configured; ${namesIn(value)}`,
    );
  }
  const context = entryOf(document, 'contexts', name, 'context');
  if (context === undefined) {
    throw new CredentialError(
      'CONTEXT_UNKNOWN',
      `there is no context ${shortened(name)}; ${namesIn(value)}`,
      wanted === undefined ? document.lineOf(['current-context']) : document.lineOf(['contexts']),
    );
  }
  const named = (kind: 'cluster' | 'user'): Entry => {
    const target = context.text(kind);
    const entry = target === undefined ? undefined : entryOf(document, `${kind}s`, target, kind);
    if (entry !== undefined) return entry;
    const problem =
      target === undefined
        ? `names no ${kind}`
        : `names ${kind} ${shortened(target)}, which is not in the file`;
    throw new CredentialError(
      'CONTEXT_UNKNOWN',
      `context ${shortened(name)} ${problem}`,
      document.lineOf(['contexts']),
    );
  };
  return { cluster: named('cluster'), user: named('user') };
}

/** Both may be absent; what is there must be what kubectl takes. */
function checkKind(document: KubeconfigDocument): void {
  for (const [key, want] of [
    ['apiVersion', 'v1'],
    ['kind', 'Config'],
  ] as const) {
    const value = document.value[key];
    if (value === undefined || value === null || value === '' || value === want) continue;
    const message = `${key} is ${shortened(String(value))}, a kubeconfig has ${want}`;
    throw new CredentialError('KUBECONFIG_MALFORMED', message, document.lineOf([key]));
  }
}

function entryOf(document: KubeconfigDocument, list: string, name: string, key: string): Entry | undefined {
  const entries: unknown = document.value[list];
  const index = Array.isArray(entries) ? entries.findIndex((entry) => isNamed(entry, name)) : -1;
  if (index < 0) return undefined;
  const value = ((entries as unknown[])[index] as Fields)[key];
  if (value !== undefined && value !== null && (typeof value !== 'object' || Array.isArray(value))) {
    throw new CredentialError(
      'KUBECONFIG_MALFORMED',
      `${key} ${shortened(name)} holds ${kindOf(value)} and not a mapping`,
      document.lineOf([list, index]),
    );
  }
  return new Entry(document, [list, index, key], name, (value ?? {}) as Fields);
}

function isNamed(entry: unknown, name: string): boolean {
  return typeof entry === 'object' && entry !== null && (entry as Fields)['name'] === name;
}

function namesIn(value: Fields): string {
  const contexts: unknown = value['contexts'];
  const names = (Array.isArray(contexts) ? contexts : [])
    .map((entry: unknown) => (entry as Fields | null)?.['name'])
    .filter((name) => typeof name === 'string');
  if (names.length === 0) return 'it has no contexts';
  const shown = names.slice(0, NAMES_MAX).map(shortened).join(', ');
  return `it has ${shown}${names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : ''}`;
}

function shortened(text: string): string {
  return JSON.stringify(text.length > 128 ? `${text.slice(0, 128)}…` : text).slice(1, -1);
}

async function clusterPart(
  { cluster, user }: Used,
  rules: AccessRules,
): Promise<Pick<ClusterAccess, 'server' | 'insecure'>> {
  const known = (await contextOf(cluster, user)).cluster;
  if (known === null) throw cluster.fault('KUBECONFIG_MALFORMED', 'server', 'no server is given');
  const insecure = cluster.flag('insecure-skip-tls-verify');
  if (insecure && !rules.allowInsecure) {
    throw cluster.fault(
      'INSECURE_NOT_ALLOWED',
      'insecure-skip-tls-verify',
      'is set, and allowInsecure of the configuration is not',
    );
  }
  const ca = material(cluster, 'certificate-authority', rules);
  if (insecure && ca !== undefined) {
    throw cluster.fault(
      'KUBECONFIG_MALFORMED',
      'insecure-skip-tls-verify',
      'is set beside certificate-authority: remove one of the two',
    );
  }
  const proxy = cluster.text('proxy-url');
  return {
    server: attempt(cluster, 'server', () => checkServer(withScheme(known.server), rules)),
    insecure,
    ...(ca === undefined ? {} : { ca }),
    ...(known.tlsServerName === undefined ? {} : { tlsServerName: known.tlsServerName }),
    ...(proxy === undefined ? {} : { proxy: attempt(cluster, 'proxy-url', () => parseProxyUrl(proxy)) }),
  };
}

/** kubectl takes a server without a scheme too, but over http: a token is not sent in the clear for a slip. */
function withScheme(server: string): string {
  return server.includes('://') ? server : `https://${server}`;
}

/** The package's view of the one context, without anything that it would open, run or stumble over. */
async function contextOf(
  cluster: Entry,
  user: Entry,
): Promise<{ readonly cluster: Cluster | null; readonly user: User | null }> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const server = cluster.text('server');
  if (server === undefined) return { cluster: null, user: null };
  const config = new KubeConfig();
  config.loadFromString(
    JSON.stringify({
      'current-context': 'used',
      contexts: [{ name: 'used', context: { cluster: cluster.name, user: user.name } }],
      clusters: [
        { name: cluster.name, cluster: { server, 'tls-server-name': cluster.text('tls-server-name') } },
      ],
      users: [{ name: user.name, user: {} }],
    }),
  );
  return { cluster: config.getCurrentCluster(), user: config.getCurrentUser() };
}

/** Errors of parsers get the name and the line of the field. */
function attempt<T>(entry: Entry, key: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    throw entry.fault(error.code, key, error.message);
  }
}

function userPart({ user, cluster }: Used, rules: AccessRules): Partial<ClusterAccess> {
  const exec = user.fields('exec');
  refuseProvider(user);
  const clientCertificate = material(user, 'client-certificate', rules);
  const clientKey = material(user, 'client-key', rules);
  if (clientCertificate !== undefined && clientKey === undefined)
    throw user.fault('KUBECONFIG_MALFORMED', 'client-key', 'is missing: a client certificate needs its key');
  const impersonate = readImpersonation(user);
  return {
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(clientCertificate === undefined || clientKey === undefined ? {} : { clientKey }),
    ...tokenPart(user, rules),
    ...(impersonate === undefined ? {} : { impersonate }),
    ...(exec === undefined ? {} : { exec: readExec(user.inner('exec', exec), cluster, rules) }),
  };
}

/** kubectl too prefers tokenFile to token: the file is the one that rotates. */
function tokenPart(user: Entry, rules: AccessRules): Partial<ClusterAccess> {
  const token = user.text('token');
  const tokenFile = user.text('tokenFile');
  const username = user.text('username');
  const password = user.text('password');
  if (username !== undefined || password !== undefined) {
    if (token !== undefined)
      throw user.fault('KUBECONFIG_MALFORMED', 'username', 'stands beside a token: remove one of the two');
    if (tokenFile === undefined) return { basic: `${username ?? ''}:${password ?? ''}` };
  }
  if (tokenFile === undefined)
    return token === undefined ? {} : { token: { kind: 'text', text: token, field: user.label('token') } };
  return {
    token: attempt(user, 'tokenFile', () => fileMaterial(tokenFile, user.label('tokenFile'), rules)),
    ...(token === undefined ? {} : { fallbackToken: token }),
  };
}

/** What took the place of the providers that kubectl once had. */
const PROVIDER_SUCCESSORS: Readonly<Record<string, string>> = {
  gcp: 'gke-gcloud-auth-plugin',
  azure: 'kubelogin',
  oidc: 'kubectl-oidc_login',
  openstack: 'client-keystone-auth',
};

function refuseProvider(user: Entry): void {
  const provider = user.fields('auth-provider');
  if (provider === undefined) return;
  const name = String(provider['name'] ?? '');
  const successor = Object.hasOwn(PROVIDER_SUCCESSORS, name) ? ` such as ${PROVIDER_SUCCESSORS[name]}` : '';
  throw user.fault(
    'NOT_SUPPORTED',
    'auth-provider',
    `${shortened(name)} is not supported: use an exec plugin${successor}, or a token of a service account`,
  );
}

function readImpersonation(user: Entry): Impersonation | undefined {
  const as = user.text('as');
  const uid = user.text('as-uid');
  const groups = user.texts('as-groups');
  const extra = user.fields('as-user-extra') ?? {};
  if (as === undefined) {
    if (uid === undefined && groups.length === 0 && Object.keys(extra).length === 0) return undefined;
    throw user.fault(
      'KUBECONFIG_MALFORMED',
      'as',
      'is missing, and as-uid, as-groups or as-user-extra is given',
    );
  }
  const values = user.inner('as-user-extra', extra);
  return {
    user: as,
    ...(uid === undefined ? {} : { uid }),
    groups,
    extra: Object.fromEntries(Object.keys(extra).map((key) => [key, values.texts(key)])),
  };
}

/** A field and its twin with `-data`, which holds base64. */
function material(entry: Entry, key: string, rules: AccessRules): Material | undefined {
  const data = entry.text(`${key}-data`);
  const path = entry.text(key);
  if (data !== undefined && path !== undefined)
    throw entry.fault('KUBECONFIG_MALFORMED', `${key}-data`, `stands beside ${key}: remove one of the two`);
  const kind = key === 'client-key' ? 'key' : 'certificate';
  if (data !== undefined) {
    const dataKey = `${key}-data`;
    const text = attempt(entry, dataKey, () => decodeData(data, kind));
    return { kind: 'text', text, field: entry.label(dataKey) };
  }
  return path === undefined
    ? undefined
    : attempt(entry, key, () => fileMaterial(path, entry.label(key), rules));
}

function fileMaterial(path: string, field: string, { directory }: AccessRules): Material {
  if (directory === undefined) {
    throw new CredentialError('FILE_NOT_ALLOWED', 'names a file, and this kubeconfig may not');
  }
  return { kind: 'file', path: resolve(directory, path), field };
}

const INTERACTIVE_MODES = new Set(['Never', 'IfAvailable', 'Always']);

function readExec(exec: Entry, cluster: Entry, rules: AccessRules): ExecSettings {
  if (rules.exec === 'off') {
    throw exec.fault(
      'EXEC_NOT_ALLOWED',
      'command',
      'is an exec plugin, and this kubeconfig may not have one',
    );
  }
  const command = allowedCommand(exec, rules.exec, rules.directory);
  const apiVersion = exec.text('apiVersion');
  if (apiVersion === undefined) throw exec.fault('KUBECONFIG_MALFORMED', 'apiVersion', 'is missing');
  const mode = exec.text('interactiveMode') ?? 'IfAvailable';
  if (!INTERACTIVE_MODES.has(mode))
    throw exec.fault(
      'KUBECONFIG_MALFORMED',
      'interactiveMode',
      `${shortened(mode)} is no mode that kubectl knows`,
    );
  if (mode === 'Always')
    throw exec.fault('EXEC_NOT_ALLOWED', 'interactiveMode', 'the plugin wants a terminal (Always)');
  const hint = exec.text('installHint');
  const config = pluginConfig(cluster);
  return {
    apiVersion,
    command,
    args: exec.texts('args').slice(0, EXEC_ARGS_MAX),
    env: readEnv(exec),
    provideClusterInfo: exec.flag('provideClusterInfo'),
    ...(hint === undefined ? {} : { installHint: hint.slice(0, HINT_CHARS_MAX) }),
    ...(config === undefined ? {} : { config }),
  };
}

/** A command with a slash is a file beside the kubeconfig; one without is looked for on the path. */
function allowedCommand(
  exec: Entry,
  rule: Exclude<AccessRules['exec'], 'off'>,
  directory: string | undefined,
): string {
  const written = exec.text('command');
  if (written === undefined) throw exec.fault('KUBECONFIG_MALFORMED', 'command', 'is missing');
  const command = written.includes(sep) ? resolve(directory ?? '', written) : written;
  if (rule === 'any' || isAbsolute(written)) return command;
  if (rule.allowed.includes(written) || rule.allowed.includes(command)) return command;
  throw exec.fault(
    'EXEC_NOT_ALLOWED',
    'command',
    `${shortened(written)} is no absolute path and not in execAllowed of the configuration`,
  );
}

function readEnv(exec: Entry): Record<string, string> {
  return Object.fromEntries(
    exec.list('env').map((value, i) => {
      const fields = typeof value === 'object' && value !== null ? (value as Fields) : {};
      const variable = exec.inner(`env.${i}`, fields);
      const name = variable.text('name');
      if (name === undefined) throw variable.fault('KUBECONFIG_MALFORMED', 'name', 'is missing');
      return [name, variable.text('value') ?? ''];
    }),
  );
}

const PLUGIN_EXTENSION = 'client.authentication.k8s.io/exec';

function pluginConfig(cluster: Entry): unknown {
  const found = cluster.list('extensions').find((entry) => isNamed(entry, PLUGIN_EXTENSION));
  return (found as Fields | undefined)?.['extension'];
}
