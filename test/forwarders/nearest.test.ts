/**
 * Pods that ask for a nearest name through the DNS servers of their cluster, each server under its own address: what fedns sees
 * is the forwarder's. Every server and Pod is in a network namespace, connected by routes as in a flat network of clusters.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { blocksOf, sectionOf } from '../docs/markdown.ts';
import { MAIN, manifest, untapped } from '../process/serving.ts';
import { needCommand } from '../support/commands.ts';
import { coreDns, CoreDnsMissing } from './coredns.ts';
import { scratch } from '../support/scratch.ts';

/** Building CoreDNS, where it is not in the cache, in milliseconds. */
const MS_MAX = 1_000_000;
t.setTimeout(MS_MAX);

const PAGE = readFileSync(new URL('../../docs/pods.md', import.meta.url), 'utf8');
const NODE_DNS = '169.254.20.10';
const SHARDS = { us: '198.51.100.1', eu: '198.51.100.2', asia: '198.51.100.3' };
const ALL = Object.values(SHARDS).join(' ');
/** Of a Service that has no load balancer. */
const CLUSTER_IPS = { us: '10.96.7.1', eu: '10.97.7.1' };

/** One cluster says its networks in the configuration, one by its Nodes; asia has none. */
const CONFIGURATION = {
  domain: 'example.com',
  nameservers: [{ name: 'ns1.example.com', addresses: ['192.0.2.1'] }],
  listen: ['192.0.2.1:53', '192.0.2.2:53'],
  stateDir: false,
  workers: 1,
  federations: [{ name: 'myfederation', policy: 'nearest' }],
  ecs: { trust: ['172.31.0.0/24'] },
  clusters: [
    {
      name: 'us',
      region: 'us-central1',
      manifests: './us',
      clients: ['10.1.0.0/16', '172.16.1.0/24'],
      publish: 'clusterIP',
    },
    { name: 'eu', manifests: './eu', publish: 'clusterIP' },
    { name: 'asia', region: 'asia-east1', manifests: './asia' },
  ],
};

const NODE = `---
apiVersion: v1
kind: Node
metadata:
  name: eu-1
  labels: { topology.kubernetes.io/region: europe-west1, topology.kubernetes.io/zone: europe-west1-b }
spec: { podCIDR: 10.2.0.0/16, podCIDRs: [10.2.0.0/16] }
status:
  addresses: [{ type: InternalIP, address: 172.16.2.1 }]
  conditions: [{ type: Ready, status: 'True' }]
`;

/** The Service `inner` of a cluster. */
function inner(address: string): string {
  const type = `type: ClusterIP\n  clusterIP: ${address}\n  clusterIPs: [${address}]`;
  const text = manifest(address).replace('type: LoadBalancer', type).replaceAll('nginx', 'inner');
  return `---\n${text.replace(/status:\n.*\n.*\n/, '')}`;
}

/** Hosts: the address that they ask from, and those of Pods on them. */
const HOSTS = [
  ['usdns', '10.1.0.10', ''],
  ['usnode', '172.16.1.1', `10.1.1.7 ${NODE_DNS}`],
  ['eudns', '10.2.0.10', ''],
  ['eunode', '172.16.2.1', `10.2.1.7 ${NODE_DNS}`],
  ['hub', '172.31.0.10', ''],
] as const;
const POD = { us: ['usnode', '10.1.1.7'], eu: ['eunode', '10.2.1.7'] } as const;

/** What a section's block is, at a port. */
function block(heading: string, port = 53): string {
  const { text } = blocksOf(sectionOf(PAGE, heading))[0]!;
  return text.replace('example.com:53', `example.com:${port}`);
}

const COREFILES = {
  usdns: block('CoreDNS') + block('The nearest shards', 54),
  usnode: block('NodeLocal DNSCache')
    .replace('__PILLAR__LOCAL__DNS__', NODE_DNS)
    .replace('__PILLAR__CLUSTER__DNS__', '10.1.0.10'),
  // As it makes one of the stubDomains of kube-dns: past the cluster's server.
  eunode: block('CoreDNS').replace('    errors\n', `    errors\n    bind ${NODE_DNS}\n`),
  hub:
    block('The nearest shards') +
    block('The nearest shards', 54).replace('    errors\n', '    errors\n    cache 30\n') +
    block('CoreDNS', 55),
};

/** The same of the Service with ClusterIPs alone. */
const INNER = [
  ['us', '10.1.0.10', 53, CLUSTER_IPS.us, 'a Pod gets the ClusterIP of its own cluster'],
  ['eu', '10.2.0.10', 53, CLUSTER_IPS.eu, 'in each cluster'],
  ['us', '172.31.0.10', 55, `${CLUSTER_IPS.us} ${CLUSTER_IPS.eu}`, 'and whoever is in none, those of all'],
] as const;

/** Who asks whom, in this order, and what comes of it. */
const CASES = [
  ['us', '192.0.2.1', 53, SHARDS.us, 'a Pod that asks fedns itself'],
  ['eu', '192.0.2.1', 53, SHARDS.eu, 'one whose network its Nodes tell'],
  ['us', '10.1.0.10', 53, SHARDS.us, 'by CoreDNS with a forward block'],
  ['us', NODE_DNS, 53, SHARDS.us, 'by the cache of its node, which asks the cluster’s server'],
  ['eu', '10.2.0.10', 53, SHARDS.eu, 'by dnsmasq as kube-dns runs it'],
  ['eu', NODE_DNS, 53, SHARDS.eu, 'by the cache of its node, which asks fedns under the address of the node'],
  ['us', '10.2.0.10', 53, SHARDS.eu, 'by the server of another cluster: the forwarder counts'],
  ['us', '172.31.0.10', 55, ALL, 'by a server that is in no cluster'],
  ['us', '172.31.0.10', 53, SHARDS.us, 'by one that tells the client’s subnet and is trusted'],
  ['eu', '172.31.0.10', 53, SHARDS.eu, 'the same server, a Pod of the other cluster'],
  ['us', '172.31.0.10', 53, SHARDS.us, 'and the first again'],
  ['eu', '10.1.0.10', 54, SHARDS.us, 'by one that tells it and is not trusted: the forwarder counts'],
  ['us', '172.31.0.10', 54, SHARDS.us, 'by one with a cache, for which the first who asks counts'],
  ['eu', '172.31.0.10', 54, SHARDS.us, 'and which knows no scope: the others get the same (docs/pods.md)'],
  ['us', '172.31.0.10', 56, SHARDS.us, 'by dnsmasq that tells subnets'],
  ['eu', '172.31.0.10', 56, SHARDS.eu, 'whose cache does not mix them'],
] as const;

/** FOLDER, node, main.ts, CoreDNS and dnsmasq; each case is a line of standard input. */
const SCRIPT = `
set -eu
folder=$1 node=$2 main=$3 coredns=$4 dnsmasq=$5
mount -t tmpfs none /run
mkdir -p /run/netns
ip link set lo up
echo 1 > /proc/sys/net/ipv4/ip_forward
for address in 192.0.2.1 192.0.2.2; do ip address add $address dev lo; done
# A host has its addresses and a way out, as a Pod in a routed network.
host() {
  name=$1 own=$2
  shift 2
  ip netns add $name
  ip link add v$name type veth peer name eth0 netns $name
  ip link set v$name up
  ip address add 169.254.1.1/32 dev v$name
  ip -n $name link set lo up
  ip -n $name link set eth0 up
  for address in $own $*; do ip -n $name address add $address/32 dev eth0; done
  ip -n $name route add 169.254.1.1 dev eth0
  ip -n $name route add default via 169.254.1.1 dev eth0 src $own
  for address in $own $*; do
    case $address in ${NODE_DNS}) ;; *) ip route add $address/32 dev v$name ;; esac
  done
}
${HOSTS.map((words) => `host ${words.join(' ')}`).join('\n')}
pids=
trap 'kill $pids' EXIT
# Each starts when the one that it asks listens: LOG, what it says then, COMMAND.
start() {
  log=$folder/$1 said=$2
  : > "$log"
  shift 2
  "$@" > "$log" 2>&1 & pids="$pids $!"
  until grep -q "$said" "$log"; do kill -0 $!; sleep 0.1; done
}
on() {
  name=$1
  shift
  nsenter --net=/run/netns/$name "$@"
}
ask() { on $1 dig -b $2 @$3 -p $4 +short +tries=2 +time=3 $5.mynamespace.myfederation.svc.example.com A; }
start fedns.log '"msg":"listening"' "$node" "$main" serve --config "$folder/fedns.yaml"
# Until the networks of both clusters are known.
until [ $(ask usnode 10.1.1.7 192.0.2.1 53 nginx | wc -l) = 1 ] && [ $(ask eunode 10.2.1.7 192.0.2.1 53 nginx | wc -l) = 1 ]; do
  kill -0 $pids
  sleep 0.1
done
for name in usdns usnode eunode hub; do
  start $name.log CoreDNS- nsenter --net=/run/netns/$name "$coredns" -conf "$folder/$name"
done
kubedns="-k --cache-size=1000 --no-negcache --dns-loop-detect --log-facility=- --no-resolv --no-hosts --conf-file=/dev/null --pid-file= --user= --group= --bind-interfaces"
to=--server=/example.com/192.0.2.1
start eudns.log 'started, version' nsenter --net=/run/netns/eudns "$dnsmasq" $kubedns --listen-address=10.2.0.10 $to
start hub2.log 'started, version' nsenter --net=/run/netns/hub "$dnsmasq" $kubedns --listen-address=172.31.0.10 --port=56 --add-subnet=24,56 $to
while read words; do ask $words | sort | paste -sd ' '; done
`;

/** Why there is no namespace to test in; false: there is. */
function missingNamespace(): string | false {
  for (const command of ['unshare', 'nsenter', 'ip', 'dig']) needCommand(command);
  const { status } = spawnSync('unshare', ['--net', '--mount', '--map-root-user', 'true']);
  return status !== 0 && 'this system gives no network namespace';
}

function logsOf(folder: string): string {
  const names = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return names.map((name) => `\n${name}: ${readFileSync(`${folder}/${name}`, 'utf8')}`).join('');
}

t.test('a Pod gets its own cluster’s shard at the global name', { skip: missingNamespace() }, async (t) => {
  const binary = await coreDns().catch((error: unknown) => {
    if (error instanceof CoreDnsMissing) return error;
    throw error;
  });
  if (binary instanceof CoreDnsMissing) return void t.pass(binary.message, { skip: binary.message });
  const folder = scratch(t, {
    'fedns.yaml': JSON.stringify(CONFIGURATION),
    us: { 'all.yaml': manifest(SHARDS.us) + inner(CLUSTER_IPS.us) },
    eu: { 'all.yaml': manifest(SHARDS.eu) + inner(CLUSTER_IPS.eu) + NODE },
    asia: { 'all.yaml': manifest(SHARDS.asia) },
    ...COREFILES,
  });
  const asked = [
    ...CASES.map((row) => ['nginx', ...row] as const),
    ...INNER.map((row) => ['inner', ...row] as const),
  ];
  const lines = asked.map(
    ([service, pod, server, port]) => `${POD[pod].join(' ')} ${server} ${port} ${service}\n`,
  );
  const words = ['--net', '--mount', '--map-root-user', 'sh', '-c', SCRIPT, 'sh', folder, process.execPath];
  const commands = [MAIN, binary, needCommand('dnsmasq')];
  const options = { encoding: 'utf8', input: lines.join('') } as const;
  const { stdout, stderr, status } = spawnSync(...untapped('unshare', [...words, ...commands]), options);
  if (status !== 0) t.comment(`ended with ${status}: ${stderr}${logsOf(folder)}`);
  const answers = stdout.split('\n');
  asked.forEach(([, pod, server, port, expected, title], i) => {
    t.equal(answers[i], expected, `${title} (${pod}, at ${server}:${port})`);
  });
});
