/** Ordinary name servers of Debian as secondaries, each in a folder of its own, kept by one primary or several. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { freePort, untapped } from '../process/serving.ts';
import { needCommand } from '../support/commands.ts';
import { DOMAIN, SECRET } from './primary.ts';

export const KINDS = ['nsd', 'knotd', 'named'] as const;
export type Kind = (typeof KINDS)[number];

export interface Secondary {
  readonly kind: Kind;
  readonly port: number;
}

/** Starts one on a port that is known before, so that the primary can be told. */
export function startSecondary(
  t: Test,
  kind: Kind,
  { port, primaries }: { readonly port: number; readonly primaries: readonly number[] },
): Secondary {
  // Knot makes a socket there, and a folder of tap's is too long a path for one.
  const home = mkdtempSync(join(tmpdir(), `fedns-${kind}-`));
  const file = join(home, 'conf');
  writeFileSync(file, CONFIGURATIONS[kind](home, port, primaries));
  const [command, args] = untapped(needCommand(kind), ARGUMENTS[kind](file));
  const child = spawn(command, args, { stdio: 'ignore', cwd: home });
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(home, { recursive: true, force: true });
  });
  return { kind, port };
}

export const secondaryPort = freePort;

const ARGUMENTS: Record<Kind, (file: string) => string[]> = {
  nsd: (file) => ['-d', '-c', file],
  knotd: (file) => ['-c', file],
  named: (file) => ['-f', '-c', file],
};

const CONFIGURATIONS: Record<Kind, (home: string, port: number, primaries: readonly number[]) => string> = {
  nsd: (home, port, primaries) => `server:
  ip-address: 127.0.0.1@${port}
  do-ip6: no
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${home}"
  pidfile: ""
  xfrdfile: ""
  xfrdir: "${home}"
  zonelistfile: "${home}/zone.list"
  xfrd-reload-timeout: 0
  rrl-ratelimit: 0
  minimal-responses: yes
remote-control:
  control-enable: no
key:
  name: k1
  algorithm: hmac-sha256
  secret: "${SECRET}"
zone:
  name: ${DOMAIN}
  zonefile: zone
${primaries.map((primary) => `  request-xfr: 127.0.0.1@${primary} k1\n`).join('')}  allow-notify: 127.0.0.1 k1
`,
  knotd: (home, port, primaries) => `server:
    listen: 127.0.0.1@${port}
    rundir: ${home}
database:
    storage: ${home}
key:
  - id: k1
    algorithm: hmac-sha256
    secret: ${SECRET}
remote:
${primaries.map((primary) => `  - id: p${primary}\n    address: 127.0.0.1@${primary}\n    key: k1\n`).join('')}acl:
  - id: notify
    address: 127.0.0.1
    key: k1
    action: notify
zone:
  - domain: ${DOMAIN}
    storage: ${home}
    zonefile-sync: -1
    master: [${primaries.map((primary) => `p${primary}`).join(', ')}]
    acl: notify
`,
  named: (home, port, primaries) => `options {
  directory "${home}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile "${home}/session.key";
  recursion no;
  notify no;
  minimal-responses yes;
  rrset-order { order fixed; };
};
controls {};
key k1 { algorithm hmac-sha256; secret "${SECRET}"; };
zone "${DOMAIN}" {
  type secondary;
  primaries { ${primaries.map((primary) => `127.0.0.1 port ${primary} key k1; `).join('')}};
  file "zone";
  masterfile-format text;
  min-refresh-time 1;
  allow-notify { key k1; };
};
`,
};
