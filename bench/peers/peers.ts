/**
 * The servers that are compared: how each is found, configured on a loopback or veth address and a high port from a
 * folder of its own, and started in the foreground. Every one gets the same number of threads for queries.
 */

import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtCoreDns } from '../../test/forwarders/coredns.ts';
import { DOMAIN } from '../domain.ts';
import type { FederationShape } from '../federation.ts';

/** What a server is to serve, and where. */
export interface Task {
  readonly address: string;
  readonly port: number;
  /** A folder of its own. */
  readonly folder: string;
  readonly zoneFile: string;
  readonly workers: number;
  readonly shape: FederationShape;
  /** Changes per second; only fedns takes them. */
  readonly updates: number;
}

/** A server. */
export interface Peer {
  readonly name: string;
  /** The program; undefined where it is not installed. */
  readonly program: string | undefined;
  /** Whether its answers are DNS: the echo's are not. */
  readonly answers: boolean;
  /** Writes its configuration and says how it is started. */
  readonly prepare: (task: Task, program: string) => string[];
  /** False: a reply ends with the first alias, and the client asks again. */
  readonly followsAliases?: boolean;
  /** Peers that fall so far behind that they are left out of the ratio and of large zones. */
  readonly forScale?: boolean;
}

/** Folders that hold servers but are not in everyone's PATH. */
const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin'];

/** The path of a program, or undefined. */
export function findProgram(name: string): string | undefined {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), ...SERVER_FOLDERS]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

function here(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

function configure(task: Task, file: string, text: string): string {
  const path = join(task.folder, file);
  writeFileSync(path, text);
  return path;
}

/** @param echo - the compiled echo, or undefined where there is no C compiler */
export function listPeers(echo: string | undefined): Peer[] {
  return [
    {
      name: 'echo',
      program: echo,
      answers: false,
      prepare: ({ address, port }, program) => [program, address, String(port)],
    },
    { name: 'fedns', program: process.execPath, answers: true, prepare: prepareFedns },
    {
      name: 'gdnsd',
      program: findProgram('gdnsd'),
      answers: true,
      prepare: prepareGdnsd,
      followsAliases: false,
    },
    { name: 'knot', program: findProgram('knotd'), answers: true, prepare: prepareKnot },
    { name: 'nsd', program: findProgram('nsd'), answers: true, prepare: prepareNsd },
    {
      name: 'pdns',
      program: findProgram('pdns_server'),
      answers: true,
      prepare: preparePowerDns,
      forScale: true,
    },
    { name: 'bind', program: findProgram('named'), answers: true, prepare: prepareBind, forScale: true },
    {
      name: 'coredns',
      program: findProgram('coredns') ?? builtCoreDns(),
      answers: true,
      prepare: prepareCoreDns,
      forScale: true,
    },
    { name: 'dns2', program: process.execPath, answers: true, prepare: prepareDns2, forScale: true },
  ];
}

function prepareFedns({ address, port, workers, updates, shape }: Task, program: string): string[] {
  return [program, here('./fedns.ts'), address, String(port), JSON.stringify({ ...shape, workers, updates })];
}

function prepareDns2({ address, port, zoneFile }: Task, program: string): string[] {
  return [program, here('./dns2-server.ts'), address, String(port), zoneFile];
}

function prepareGdnsd(task: Task, program: string): string[] {
  const { address, port, workers, zoneFile, folder } = task;
  mkdirSync(join(folder, 'zones'), { recursive: true });
  mkdirSync(join(folder, 'run'), { recursive: true });
  configure(task, `zones/${DOMAIN}`, `$INCLUDE ${zoneFile}\n`);
  configure(
    task,
    'config',
    `options => {
  listen => { ${address}:${port} => { udp_threads => ${workers}, tcp_threads => 1 } }
  run_dir => "${folder}/run"
  state_dir => "${folder}/run"
  lock_mem => false
  zones_rfc1035_auto => false
}
`,
  );
  return [program, '-c', folder, 'start'];
}

function prepareKnot(task: Task, program: string): string[] {
  const { address, port, workers, zoneFile, folder } = task;
  const path = configure(
    task,
    'knot.conf',
    `server:
  listen: ${address}@${port}
  rundir: ${folder}
  udp-workers: ${workers}
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: warning
database:
  storage: ${folder}
template:
  - id: default
    semantic-checks: off
    zonefile-sync: -1
    journal-content: none
zone:
  - domain: ${DOMAIN}
    file: ${zoneFile}
`,
  );
  return [program, '-c', path];
}

function prepareNsd(task: Task, program: string): string[] {
  const { address, port, workers, zoneFile, folder } = task;
  const path = configure(
    task,
    'nsd.conf',
    `server:
  ip-address: ${address}@${port}
  server-count: ${workers}
  reuseport: yes
  username: ""
  zonesdir: "${folder}"
  database: ""
  xfrdir: "${folder}"
  xfrdfile: "${folder}/xfrd.state"
  zonelistfile: "${folder}/zone.list"
  pidfile: "${folder}/nsd.pid"
  rrl-ratelimit: 0
  minimal-responses: yes
remote-control:
  control-enable: no
zone:
  name: ${DOMAIN}
  zonefile: ${zoneFile}
`,
  );
  return [program, '-d', '-c', path];
}

function preparePowerDns(task: Task, program: string): string[] {
  const { address, port, workers, zoneFile, folder } = task;
  const bind = configure(task, 'named.conf', `zone "${DOMAIN}" { type master; file "${zoneFile}"; };\n`);
  return [
    program,
    `--config-dir=${folder}`,
    '--launch=bind',
    `--bind-config=${bind}`,
    `--local-address=${address}`,
    `--local-port=${port}`,
    `--receiver-threads=${workers}`,
    `--distributor-threads=${workers}`,
    `--reuseport=yes`,
    `--socket-dir=${folder}`,
    '--daemon=no',
    '--guardian=no',
    '--loglevel=3',
  ];
}

function prepareBind(task: Task, program: string): string[] {
  const { address, port, workers, zoneFile, folder } = task;
  const path = configure(
    task,
    'named.conf',
    `options {
  directory "${folder}";
  listen-on port ${port} { ${address}; };
  listen-on-v6 { none; };
  pid-file "${folder}/named.pid";
  session-keyfile "${folder}/session.key";
  managed-keys-directory "${folder}";
  recursion no;
  dnssec-validation no;
  minimal-responses yes;
  notify no;
  check-integrity no;
};
controls { };
zone "${DOMAIN}" { type primary; file "${zoneFile}"; zone-statistics no; };
`,
  );
  return [program, '-f', '-c', path, '-n', String(workers), '-U', String(workers)];
}

function prepareCoreDns(task: Task, program: string): string[] {
  const { address, port, workers, zoneFile } = task;
  const path = configure(task, 'Corefile', `${DOMAIN}:${port} {\n  bind ${address}\n  file ${zoneFile}\n}\n`);
  return ['env', `GOMAXPROCS=${workers}`, program, '-conf', path];
}
