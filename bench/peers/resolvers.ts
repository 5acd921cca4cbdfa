/** Resolvers of others, as Debian has them: how each is configured to start at a root server on loopback, and to ask from an address of its own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtCoreDns } from '../../test/forwarders/coredns.ts';
import { findProgram } from './peers.ts';

/** Where a resolver stands. */
export interface ResolverPlace {
  /** A folder of its own. */
  readonly folder: string;
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** The address that it asks from. */
  readonly source: string;
  /** The address of the root server, port 53. */
  readonly root: string;
  /** The domains, each with the address of its server, for those that do not start at the root. */
  readonly domains: readonly (readonly [domain: string, address: string])[];
}

export interface Resolver {
  readonly name: string;
  /** Undefined where it is not installed. */
  readonly program: string | undefined;
  /** Whether it follows delegations itself; otherwise it asks the domain's server only. */
  readonly isRecursive: boolean;
  /** Writes its configuration and says with which arguments it is started. */
  readonly prepare: (place: ResolverPlace) => readonly string[];
}

export const RESOLVERS: readonly Resolver[] = [
  { name: 'Unbound', program: findProgram('unbound'), isRecursive: true, prepare: prepareUnbound },
  { name: 'BIND', program: findProgram('named'), isRecursive: true, prepare: prepareBind },
  { name: 'Knot Resolver', program: findProgram('kresd'), isRecursive: true, prepare: prepareKnotResolver },
  {
    name: 'PowerDNS Recursor',
    program: findProgram('pdns_recursor'),
    isRecursive: true,
    prepare: preparePdnsRecursor,
  },
  { name: 'dnsmasq', program: findProgram('dnsmasq'), isRecursive: false, prepare: prepareDnsmasq },
  { name: 'CoreDNS', program: builtCoreDns(), isRecursive: false, prepare: prepareCoreDns },
];

function write(folder: string, name: string, text: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function hints(root: string): string {
  return `. 3600000 NS a.root.\na.root. 3600000 A ${root}\n`;
}

function prepareUnbound({ folder, port, source, root }: ResolverPlace): readonly string[] {
  write(folder, 'root.hints', hints(root));
  const file = write(
    folder,
    'unbound.conf',
    `server:
  interface: 127.0.0.1
  port: ${port}
  outgoing-interface: ${source}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  do-ip6: no
  do-not-query-localhost: no
  root-hints: "${folder}/root.hints"
  module-config: "iterator"
remote-control:
  control-enable: no
`,
  );
  return ['-d', '-c', file];
}

function prepareBind({ folder, port, source, root }: ResolverPlace): readonly string[] {
  write(folder, 'root.hints', hints(root));
  const file = write(
    folder,
    'named.conf',
    `options {
  directory "${folder}";
  pid-file none;
  session-keyfile none;
  lock-file none;
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  query-source address ${source};
  recursion yes;
  dnssec-validation no;
  empty-zones-enable no;
};
controls { };
zone "." { type hint; file "root.hints"; };
`,
  );
  return ['-g', '-4', '-n', '1', '-c', file];
}

function prepareKnotResolver({ folder, port, source, root }: ResolverPlace): readonly string[] {
  write(folder, 'root.hints', hints(root));
  const file = write(
    folder,
    'kresd.conf',
    `net.listen('127.0.0.1', ${port}, { kind = 'dns' })
net.ipv6 = false
net.outgoing_v4('${source}')
cache.open(50 * MB, 'lmdb://${folder}')
modules.unload('ta_signal_query')
modules.unload('ta_update')
modules.unload('priming')
modules.load('hints')
hints.root_file('${folder}/root.hints')
trust_anchors.remove('.')
policy.add(policy.all(policy.FLAGS('ALLOW_LOCAL')))
`,
  );
  return ['-n', '-c', file, folder];
}

function preparePdnsRecursor({ folder, port, source, root }: ResolverPlace): readonly string[] {
  write(folder, 'root.hints', hints(root));
  const settings = {
    'config-dir': folder,
    'socket-dir': folder,
    'local-address': '127.0.0.1',
    'local-port': port,
    'hint-file': join(folder, 'root.hints'),
    'dont-query': '',
    dnssec: 'off',
    daemon: 'no',
    'write-pid': 'no',
    threads: 1,
    'security-poll-suffix': '',
    'query-local-address': source,
  };
  return Object.entries(settings).map(([key, value]) => `--${key}=${value}`);
}

/** As the dnsmasq container of kube-dns runs it, with a cache for all that is asked, and of denials too. */
function prepareDnsmasq({ folder, port, source, domains }: ResolverPlace): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const apart = [
    '--no-resolv',
    '--no-hosts',
    '--conf-file=/dev/null',
    '--pid-file=',
    '--user=',
    '--bind-interfaces',
  ];
  const servers = domains.map(([domain, address]) => `--server=/${domain}/${address}#53@${source}`);
  return ['-k', '--cache-size=10000', '--listen-address=127.0.0.1', `--port=${port}`, ...apart, ...servers];
}

/** The block of docs/pods.md for each domain; it asks from 127.0.0.1. */
function prepareCoreDns({ folder, port, domains }: ResolverPlace): readonly string[] {
  const blocks = domains.map(
    ([domain, address]) => `${domain}:${port} {
  bind 127.0.0.1
  cache 3600
  forward . ${address}
}
`,
  );
  return ['-conf', write(folder, 'Corefile', blocks.join(''))];
}
