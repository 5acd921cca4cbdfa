/** Commands of others that tests run: which Debian package holds each, and where it is on this machine. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A command, and the Debian package that holds it. */
export const COMMANDS: Readonly<Record<string, string>> = {
  chromium: 'chromium',
  dig: 'bind9-dnsutils',
  'named-compilezone': 'bind9-utils',
  'dnssec-verify': 'bind9-utils',
  'dnssec-keygen': 'bind9-utils',
  'dnssec-dsfromkey': 'bind9-utils',
  'dnssec-signzone': 'bind9-utils',
  named: 'bind9',
  nsd: 'nsd',
  knotd: 'knot',
  kdig: 'knot-dnsutils',
  drill: 'ldnsutils',
  'ldns-verify-zone': 'ldnsutils',
  'ldns-key2ds': 'ldnsutils',
  dnsmasq: 'dnsmasq-base',
  openssl: 'openssl',
  ip: 'iproute2',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  'zonemaster-cli': 'zonemaster-cli',
  dnsviz: 'dnsviz',
  faketime: 'faketime',
  script: 'bsdutils',
  fstrm_capture: 'fstrm-bin',
  dnstap: 'golang-github-dnstap-golang-dnstap-cli',
  'dnstap-read': 'bind9-dnsutils',
  unbound: 'unbound',
  kresd: 'knot-resolver',
  pdns_recursor: 'pdns-recursor',
};

/** Debian keeps daemons in folders that an ordinary user's PATH lacks. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];

/** Where a command is; undefined: nowhere. */
export function findCommand(command: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, command)).find(isExecutable);
}

/**
 * Where a command is. A test without it fails and does not pass for done.
 *
 * @throws when the command is not installed, naming the package
 */
export function needCommand(command: string): string {
  const path = findCommand(command);
  if (path === undefined)
    throw new Error(`${command} is not installed: apt-get install ${COMMANDS[command]}`);
  return path;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
