/**
 * Real Kubernetes control planes on loopback for tests: one etcd, and per cluster an API server with TLS and RBAC and
 * a controller manager that makes EndpointSlices of Pods. There is no kubelet and no scheduler: a test binds its Pods
 * to Nodes and patches them ready itself.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { Admin, type Json } from './admin.ts';
import { programFolder, type Program } from './binaries.ts';
import { issueCertificate, makeSigningKey, type Identity } from './certificates.ts';
import { eventually, freePort, startProgram, type Running } from './processes.ts';

/** The manifest that users apply. */
export const RBAC_FILE = join(import.meta.dirname, '../../config/rbac.yaml');

/** Everything fedns does in a cluster is written to the audit log, and nothing else. */
const AUDIT_POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    users: ['system:serviceaccount:fedns:fedns']
  - level: None
`;

const ACCOUNT_CONTROLLER = 'serviceaccount-token-controller';
const WORKLOAD_CONTROLLERS = [
  'endpointslice-controller',
  'deployment-controller',
  'replicaset-controller',
  'daemonset-controller',
] as const;

export interface ClusterOptions {
  readonly granted?: boolean;
  readonly controllers?: boolean | 'accounts';
}

/** Three seconds on an idle machine. */
const START_MS_MAX = 180_000;

/** etcd, for any number of clusters. */
export class Etcd {
  readonly url: string;
  readonly #process: Running;

  private constructor(url: string, process: Running) {
    this.url = url;
    this.#process = process;
  }

  static async start(folder: string): Promise<Etcd> {
    const [client, peer] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${client}`;
    const peerUrl = `http://127.0.0.1:${peer}`;
    const args = [
      '--data-dir=' + join(folder, 'etcd'),
      '--listen-client-urls=' + url,
      '--advertise-client-urls=' + url,
      '--listen-peer-urls=' + peerUrl,
      '--initial-advertise-peer-urls=' + peerUrl,
      '--initial-cluster=default=' + peerUrl,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ];
    const started = startProgram(program('etcd'), args, join(folder, 'etcd.log'));
    await eventually(async () => {
      const reply = await fetch(`${url}/health`);
      if (!reply.ok) throw new Error(`etcd is not healthy: ${started.log()}`);
    });
    return new Etcd(url, started);
  }

  stop(): Promise<void> {
    return this.#process.stop(true);
  }
}

/** One member cluster. */
export class MemberCluster {
  readonly name: string;
  readonly url: string;
  readonly ca: Identity;
  readonly admin: Admin;
  readonly folder: string;
  #etcd: string;
  readonly #port: number;
  #apiServer: Running | undefined;
  #controllers: Running | undefined;

  private constructor(name: string, folder: string, etcd: string, port: number) {
    this.name = name;
    this.folder = join(folder, name);
    this.#etcd = etcd;
    this.#port = port;
    this.url = `https://127.0.0.1:${port}`;
    mkdirSync(this.folder);
    this.ca = issueCertificate({ commonName: `${name} authority` });
    const administrator = this.#issue('admin', ['system:masters']);
    this.admin = new Admin(this.url, this.ca.cert, administrator);
    this.#writeFiles(administrator);
  }

  /**
   * Starts a cluster, with the permissions of config/rbac.yaml granted unless `granted` is false, and a controller manager unless
   * `controllers` is; `accounts` is one that gives ServiceAccounts their tokens and runs no workloads.
   */
  static async start(
    name: string,
    folder: string,
    etcd: Etcd,
    { granted = true, controllers = true }: ClusterOptions = {},
  ): Promise<MemberCluster> {
    const cluster = new MemberCluster(name, folder, etcd.url, await freePort());
    await cluster.startApiServer();
    if (controllers !== false) await cluster.#startControllers(controllers === 'accounts');
    if (granted) await cluster.grant();
    return cluster;
  }

  /** An administrator's kubeconfig, for kubectl. */
  get kubeconfig(): string {
    return join(this.folder, 'admin.kubeconfig');
  }

  async startApiServer(): Promise<void> {
    const file = (name: string): string => join(this.folder, name);
    const args = [
      '--etcd-servers=' + this.#etcd,
      '--etcd-prefix=/' + this.name,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${this.#port}`,
      '--endpoint-reconciler-type=none',
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--disable-admission-plugins=ServiceAccount',
      '--tls-cert-file=' + file('server.pem'),
      '--tls-private-key-file=' + file('server.key'),
      '--client-ca-file=' + file('ca.pem'),
      '--service-account-issuer=https://kubernetes.default.svc',
      '--service-account-key-file=' + file('accounts.pub'),
      '--service-account-signing-key-file=' + file('accounts.key'),
      '--audit-policy-file=' + file('audit.yaml'),
      '--audit-log-path=' + this.#auditLog,
    ];
    this.#apiServer = startProgram(program('kube-apiserver'), args, file('kube-apiserver.log'));
    await eventually(() => this.admin.get('/readyz'), START_MS_MAX);
  }

  /** Kills it: left to itself, it waits a minute for its clients to go. */
  async stopApiServer(): Promise<void> {
    await this.#apiServer?.stop(true);
    this.#apiServer = undefined;
  }

  /** Starts the API server anew with an empty etcd, as after a disaster. */
  async wipe(empty: Etcd): Promise<void> {
    await Promise.all([this.stopApiServer(), this.#controllers?.stop(true)]);
    this.#etcd = empty.url;
    await this.startApiServer();
    await this.#startControllers();
    await this.grant();
  }

  async stop(): Promise<void> {
    this.admin.close();
    await Promise.all([this.#controllers?.stop(true), this.#apiServer?.stop(true)]);
  }

  /** Applies config/rbac.yaml. */
  async grant(): Promise<void> {
    for (const document of parseAllDocuments(readFileSync(RBAC_FILE, 'utf8'))) {
      await eventually(() => this.admin.apply(document.toJS() as Json));
    }
  }

  /** A token of the service account of config/rbac.yaml. */
  async token(seconds = 3600): Promise<string> {
    const path = '/api/v1/namespaces/fedns/serviceaccounts/fedns/token';
    const spec = { expirationSeconds: seconds };
    const reply = await this.admin.create(path, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec,
    });
    return (reply['status'] as { token: string }).token;
  }

  /** What fedns did: `list services`, `get /readyz`, with the answer's code. */
  audit(): { readonly call: string; readonly code: number }[] {
    const lines = readFileSync(this.#auditLog, 'utf8').trim().split('\n');
    return lines
      .filter((line) => line !== '')
      .map((line) => {
        const { verb, objectRef, requestURI, responseStatus } = JSON.parse(line) as AuditEvent;
        const what = objectRef?.resource ?? requestURI.replace(/\?.*/, '');
        return { call: `${verb} ${what}`, code: responseStatus?.code ?? 0 };
      });
  }

  get #auditLog(): string {
    return join(this.folder, 'audit.log');
  }

  async #startControllers(onlyAccounts = false): Promise<void> {
    const file = (name: string): string => join(this.folder, name);
    const args = [
      '--kubeconfig=' + this.kubeconfig,
      '--controllers=' + [...(onlyAccounts ? [] : WORKLOAD_CONTROLLERS), ACCOUNT_CONTROLLER].join(','),
      '--service-account-private-key-file=' + file('accounts.key'),
      '--root-ca-file=' + file('ca.pem'),
      '--leader-elect=false',
      '--use-service-account-credentials=false',
      '--bind-address=127.0.0.1',
      `--secure-port=${await freePort()}`,
      '--cert-dir=' + file('controllers'),
      '--endpoint-updates-batch-period=0s',
      '--endpointslice-updates-batch-period=0s',
    ];
    this.#controllers = startProgram(program('kube-controller-manager'), args, file('controllers.log'));
  }

  #issue(commonName: string, organizations: readonly string[] = [], names: readonly string[] = []): Identity {
    return issueCertificate({ commonName, organizations, names, issuer: this.ca });
  }

  #writeFiles(administrator: Identity): void {
    const server = this.#issue('kube-apiserver', [], ['127.0.0.1', 'localhost', 'kubernetes']);
    const accounts = makeSigningKey();
    const files = {
      'ca.pem': this.ca.cert,
      'server.pem': server.cert,
      'server.key': server.key,
      'accounts.pub': accounts.publicKey,
      'accounts.key': accounts.privateKey,
      'audit.yaml': AUDIT_POLICY,
      'admin.kubeconfig': kubeconfigText(this, {
        'client-certificate-data': base64(administrator.cert),
        'client-key-data': base64(administrator.key),
      }),
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text);
  }
}

interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly objectRef?: { readonly resource: string };
  readonly responseStatus?: { readonly code: number };
}

/** A kubeconfig with one context, which is called like the cluster. */
export function kubeconfigText(
  { name, url, ca }: Pick<MemberCluster, 'name' | 'url' | 'ca'>,
  user: Json,
): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': base64(ca.cert) } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function program(name: Program): string {
  return join(programFolder(), name);
}
