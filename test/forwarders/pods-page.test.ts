/**
 * The blocks of docs/pods.md as they stand there, in the real CoreDNS, asked by the C library as in a Pod. Everything runs in
 * namespaces of its own, where port 53, the addresses of the page and `/etc/resolv.conf` are free.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { parseDocument } from 'yaml';
import { blocksOf, sectionOf } from '../docs/markdown.ts';
import { MAIN, untapped } from '../process/serving.ts';
import { needCommand } from '../support/commands.ts';
import { coreDns, CoreDnsMissing } from './coredns.ts';
import { scratch } from '../support/scratch.ts';

/** Building CoreDNS, where it is not in the cache, in milliseconds. */
const MS_MAX = 1_000_000;
t.setTimeout(MS_MAX);

const ROOT = new URL('../../', import.meta.url);
const PAGE = readFileSync(new URL('docs/pods.md', ROOT), 'utf8');
/** Where the DNS server of the cluster and the cache of the node listen. */
const CLUSTER_DNS = '10.96.0.10';
const NODE_DNS = '169.254.20.10';
const SEARCH = 'default.svc.cluster.local svc.cluster.local cluster.local';

/** The block of a section, listening at one address only: every server here is on one machine. */
function block(heading: string, address: string): string {
  const { text } = blocksOf(sectionOf(PAGE, heading))[0]!;
  return text.includes(' bind ') ? text : text.replace('    errors\n', `    errors\n    bind ${address}\n`);
}

/** What stands beside the page's blocks: a cluster without any Service of its own. */
const CLUSTER = `.:53 {
    bind ${CLUSTER_DNS}
    template ANY ANY {
        rcode NXDOMAIN
    }
}
`;

/** The block of the cache for the cluster's own names, as it is installed, and one for all others. */
const NODE = `cluster.local:53 {
    errors
    cache 30
    bind ${NODE_DNS}
    forward . ${CLUSTER_DNS} {
        force_tcp
    }
}
.:53 {
    bind ${NODE_DNS}
    template ANY ANY {
        rcode REFUSED
    }
}
`;

/** FOLDER, node, main.ts, CoreDNS and names, each asked for as in a Pod. */
const SCRIPT = `
set -eu
folder=$1 node=$2 main=$3 coredns=$4
shift 4
ip link set lo up
for address in 192.0.2.1 192.0.2.2 ${CLUSTER_DNS} ${NODE_DNS}; do ip address add $address dev lo; done
mount --bind "$folder/resolv.conf" /etc/resolv.conf
pids=
trap 'kill $pids' EXIT
# Each starts when the one that it asks listens: LOG, what it says then, COMMAND.
start() {
  log=$folder/$1 said=$2
  shift 2
  "$@" > "$log" 2>&1 & pids="$pids $!"
  until grep -q "$said" "$log"; do kill -0 $!; sleep 0.1; done
}
start fedns.log '"msg":"listening"' "$node" "$main" serve --config "$folder/fedns.yaml"
start cluster.log CoreDNS- "$coredns" -conf "$folder/Corefile"
start node.log CoreDNS- "$coredns" -conf "$folder/Corefile.node"
for server in ${CLUSTER_DNS} ${NODE_DNS}; do
  printf 'nameserver %s\nsearch ${SEARCH}\noptions ndots:5\n' $server > "$folder/resolv.conf"
  for name; do echo "$name: $(getent -s dns ahosts "$name" | sed -n 's/ *STREAM.*//p' | sort | paste -sd ' ')"; done
done
`;

/** What names come to in a Pod, asked of the cluster's DNS server first and of the node's then. */
function lookUp(test: Test, binary: string, place: string, names: readonly string[]): string[] {
  const short = block('Short names', CLUSTER_DNS).replace('.us-central1-a.us-central1.', place);
  const fillIn = block('NodeLocal DNSCache', NODE_DNS)
    .replace('__PILLAR__LOCAL__DNS__', NODE_DNS)
    .replace('__PILLAR__CLUSTER__DNS__', CLUSTER_DNS);
  const demo = parseDocument(readFileSync(new URL('config/demo.yaml', ROOT), 'utf8'));
  demo.set('listen', ['192.0.2.1:53', '192.0.2.2:53']);
  demo.set('stateDir', false);
  demo.delete('admin');
  const folder = scratch(test, {
    'fedns.yaml': String(demo),
    demo: test.fixture('symlink', new URL('config/demo', ROOT).pathname),
    Corefile: CLUSTER + block('CoreDNS', CLUSTER_DNS) + short,
    'Corefile.node': NODE + fillIn,
    'resolv.conf': '',
  });
  const namespaces = ['--net', '--mount', '--map-root-user', 'sh', '-c', SCRIPT, 'sh'];
  const words = [...namespaces, folder, process.execPath, MAIN, binary, ...names];
  const { stdout, stderr, status } = spawnSync(...untapped('unshare', words), { encoding: 'utf8' });
  if (status !== 0) test.comment(`ended with ${status}: ${stderr}`);
  for (const log of ['cluster', 'node']) {
    test.notMatch(
      readFileSync(`${folder}/${log}.log`, 'utf8'),
      /\[ERROR\]/,
      `nothing to complain of: ${log}`,
    );
  }
  return stdout.split('\n').slice(0, -1);
}

const REGION = '104.197.244.180 104.197.245.170 104.197.247.191';
const FULL = 'nginx.mynamespace.myfederation.svc.us-central1-b.us-central1.example.com';
const FULL_ADDRESSES = '104.197.244.180';

/** What stands for the place of the cluster in the page's rewrite, and what the short name then comes to. */
const PLACES: readonly (readonly [title: string, place: string, addresses: string])[] = [
  ['a zone with a healthy shard', '.us-central1-a.us-central1.', '104.197.247.191'],
  ['a zone without one, by its alias', '.us-central1-f.us-central1.', REGION],
  ['a region', '.us-central1.', REGION],
];

/** Why there is no namespace to test in; false: there is. */
function missingNamespace(): string | false {
  for (const command of ['unshare', 'ip']) needCommand(command);
  const { status } = spawnSync('unshare', ['--net', '--mount', '--map-root-user', 'true']);
  return status !== 0 && 'this system gives no network namespace';
}

t.test(
  'a Pod reaches federated names by the blocks of docs/pods.md',
  { skip: missingNamespace() },
  async (tt) => {
    const binary = await coreDns().catch((error: unknown) => {
      if (error instanceof CoreDnsMissing) return error;
      throw error;
    });
    if (binary instanceof CoreDnsMissing) return void tt.pass(binary.message, { skip: binary.message });
    for (const [title, place, addresses] of PLACES) {
      tt.test(title, async (ttt) => {
        const expected = [
          `nginx.mynamespace.myfederation: ${addresses}`,
          `${FULL}: ${FULL_ADDRESSES}`,
          'nothing.mynamespace.myfederation: ',
          'nginx.mynamespace: ',
        ];
        const names = expected.map((line) => line.split(':')[0]!);
        ttt.strictSame(lookUp(ttt, binary, place, names), [...expected, ...expected]);
      });
    }
  },
);
