/**
 * The run that the Kubernetes blog showed in October 2016 ("Building Globally Distributed Services using Kubernetes Cluster
 * Federation"), as acts: nine clusters on three continents, a Service, an Ingress and a ReplicaSet of nine. What the API has
 * given up since is as it is today; the ConfigMap, which v1 did not federate, is created once, too.
 */

import type { Act } from '../test/cluster/federation-play.ts';
import { HOST, type Place, type Stage } from '../test/cluster/federation-stage.ts';
import { eventually } from '../test/cluster/processes.ts';

const ZONES = {
  'asia-east1': ['a', 'b', 'c'],
  'europe-west1': ['b', 'c', 'd'],
  'us-central1': ['a', 'b', 'c'],
} as const;

/** The clusters of the blog; their addresses are of RFC 5737. */
export const NINE: readonly Place[] = Object.entries(ZONES)
  .flatMap(([region, zones]) => zones.map((zone) => ({ region, zone: `${region}-${zone}` })))
  .map(({ region, zone }, index) => ({
    name: `gce-${zone}`,
    region,
    zone,
    address: `198.51.100.${index + 1}`,
  }));
const NAMES = NINE.map(({ name }) => name);
const FEDERATION = 'global';
const SERVICE = `nginx.default.${FEDERATION}.svc`;
const [FIRST] = NINE as [Place];

const FILES: Readonly<Record<string, string>> = {
  'services/nginx.yaml': `apiVersion: v1
kind: Service
metadata: { name: nginx, labels: { app: nginx } }
spec:
  type: LoadBalancer
  selector: { app: nginx }
  ports: [{ name: http, port: 80 }]
`,
  'ingress/ingress.yaml': `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: nginx }
spec: { defaultBackend: { service: { name: nginx, port: { number: 80 } } } }
`,
  'configmaps/zonefetch.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: zone-fetch }\ndata: { zonefetch.sh: "echo zone" }\n',
  'replicasets/nginx-rs.yaml': replicaSet('nginx', 9, ''),
  'replicasets/nginx-us.yaml': replicaSet(
    'nginx-us',
    6,
    `
  annotations:
    federation.kubernetes.io/replica-set-preferences: |
      {
        "rebalance": true,
        "clusters": {
          "gce-us-central1-a": { "minReplicas": 2, "maxReplicas": 4, "weight": 1 },
          "gce-us-central1-b": { "minReplicas": 2, "maxReplicas": 4, "weight": 1 }
        }
      }`,
  ),
};

function replicaSet(name: string, replicas: number, annotations: string): string {
  return `apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: ${name}
  labels: { app: ${name}, type: demo }${annotations}
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - name: frontend
          image: nginx
          ports: [{ containerPort: 80 }]
          volumeMounts: [{ name: html-dir, mountPath: /usr/share/nginx/html }]
        - name: zone-fetcher
          image: busybox
          command: ["/bin/sh", "-c", "/zonefetch/zonefetch.sh"]
          volumeMounts: [{ name: zone-fetch, mountPath: /zonefetch }, { name: html-dir, mountPath: /usr/share/nginx/html }]
      volumes:
        - { name: zone-fetch, configMap: { defaultMode: 0777, name: zone-fetch } }
        - { name: html-dir, emptyDir: { medium: "" } }
`;
}

const federation = (rest: string): string => `kubectl --context=${HOST} ${rest}`;
const everywhere = (rest: string): string =>
  `for c in ${NAMES.join(' ')}; do kubectl --context=$c ${rest}; done`;
const nine = (pattern: string): RegExp => new RegExp(`(?:[^]*${pattern}){9}`);
const dig = (where: string): string => `dig $DNS +noall +answer ${SERVICE}${where}.example.com`;
/** Each address of some clusters, in any order. */
const addresses = (places: readonly Place[]): RegExp[] =>
  places.map(({ address }) => new RegExp(`${address.replaceAll('.', '\\.')}(?!\\d)`));

const SETTING_UP: readonly Act[] = [
  {
    part: 'Nine clusters in three regions are federated',
    happens: (stage) => Object.entries(FILES).forEach(([file, text]) => stage.write(file, text)),
    types: `fedns init ${FEDERATION} --context ${HOST} --domain example.com --select all --nameserver ns1.example.com=127.0.0.1 --write fedns.yaml`,
    shows: [/domain example\.com/],
  },
  {
    types: `for c in ${NAMES.join(' ')}; do fedns join $c --context $c --host-context ${HOST} | tail -1; done`,
    shows: [nine('is a member')],
  },
  {
    happens: (stage) => {
      stage.adapt('fedns.yaml');
      stage.run('federate', ['federate']);
      stage.run('serve', ['serve']);
    },
    types: federation('get clusters'),
    looks: true,
    shows: [nine('gce-\\S+ +Ready')],
  },
];

const DEPLOYING: readonly Act[] = [
  {
    part: 'A Service is created once',
    types: federation('create -f services/nginx.yaml'),
    shows: [/created/],
  },
  {
    happens: (stage) => stage.giveAddress('/api/v1/namespaces/default/services/nginx'),
    types: federation('describe services nginx'),
    looks: true,
    shows: addresses(NINE),
  },
  {
    part: 'An Ingress is created once; each cluster has its own address, where v1 had one for all of a cloud',
    types: federation('create -f ingress/ingress.yaml'),
    shows: [/created/],
  },
  {
    happens: (stage) => stage.giveAddress('/apis/networking.k8s.io/v1/namespaces/default/ingresses/nginx'),
    types: everywhere('get ingress --no-headers'),
    looks: true,
    shows: addresses(NINE),
  },
  { types: federation('describe ingress nginx'), looks: true, shows: addresses(NINE) },
  {
    part: 'The ConfigMap is federated, too',
    types: federation('create -f configmaps/zonefetch.yaml'),
    shows: [/created/],
  },
  {
    part: 'A ReplicaSet of nine is spread evenly',
    types: federation('create -f replicasets/nginx-rs.yaml'),
    shows: [/created/],
  },
  { types: everywhere('get rs nginx --no-headers'), looks: true, shows: [nine('nginx +1 +1')] },
  {
    happens: (stage) => runPods(stage, 'nginx'),
    types: everywhere('get po --no-headers'),
    looks: true,
    shows: [nine('nginx-\\S+ +\\S+ +Running')],
  },
  { types: federation('get rs nginx'), looks: true, shows: [/nginx +9 +9 +9/] },
];

const ASKING: readonly Act[] = [
  { part: 'Names of all, of a region, of a zone', types: dig(''), looks: true, shows: addresses(NINE) },
  {
    types: dig('.asia-east1'),
    looks: true,
    shows: addresses(NINE.slice(0, 3)),
    hides: addresses(NINE.slice(3)),
  },
  {
    types: dig(`.${FIRST.zone}.${FIRST.region}`),
    looks: true,
    shows: addresses([FIRST]),
    hides: addresses(NINE.slice(1)),
  },
  {
    part: 'A Pod fails: its cluster is passed over for those of its region',
    happens: (stage) => failPods(stage, FIRST.name),
    types: dig(`.${FIRST.zone}.${FIRST.region}`),
    looks: true,
    shows: [/CNAME/, ...addresses(NINE.slice(1, 3))],
    hides: addresses([FIRST]),
  },
  { types: federation('get rs nginx'), looks: true, shows: [/nginx +9 +9 +8/] },
  { happens: (stage) => runPods(stage, 'nginx'), types: dig(''), looks: true, shows: addresses(NINE) },
];

const PREFERRING: readonly Act[] = [
  {
    part: 'A ReplicaSet with preferences goes to two clusters only',
    types: federation('create -f replicasets/nginx-us.yaml'),
    shows: [/created/],
  },
  {
    types: everywhere('get rs nginx-us -o jsonpath="{.spec.replicas} "'),
    looks: true,
    shows: [/^0 0 0 0 0 0 3 3 0 $/],
  },
  { types: federation('scale rs nginx-us --replicas 10'), shows: [/scaled/] },
  {
    types: everywhere('get rs nginx-us -o jsonpath="{.spec.replicas} "'),
    looks: true,
    shows: [/^0 0 0 0 0 0 4 4 0 $/],
  },
];

const LOSING: readonly Act[] = [
  {
    part: 'A cluster is lost: after a minute its replica runs elsewhere',
    happens: (stage) => stage.clusters.get(FIRST.name)!.stopApiServer(),
    types: federation('get clusters'),
    looks: true,
    shows: [new RegExp(`${FIRST.name} +Offline`)],
  },
  {
    types: everywhere('get rs nginx -o jsonpath="{.spec.replicas} " 2>/dev/null'),
    looks: true,
    shows: [/^(?=.*2)(?:[12] ){8}$/],
  },
  {
    part: 'It comes back',
    happens: (stage) => stage.clusters.get(FIRST.name)!.startApiServer(),
    types: federation('get clusters'),
    looks: true,
    shows: [nine('gce-\\S+ +Ready')],
  },
];

/** From the first command to the last. */
export const ACTS: readonly Act[] = [...SETTING_UP, ...DEPLOYING, ...ASKING, ...PREFERRING, ...LOSING];

interface Pods {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

const PODS = '/api/v1/namespaces/default/pods';

/** What scheduler and kubelet of each cluster do. */
async function runPods(stage: Stage, app: string): Promise<void> {
  for (const name of NAMES) {
    const { items } = await eventually(async () => {
      const pods = (await stage.admin(name).get(`${PODS}?labelSelector=app%3D${app}`)) as unknown as Pods;
      if (pods.items.length === 0) throw new Error(`no Pod of ${app} in ${name} yet`);
      return pods;
    });
    for (const { metadata } of items) await stage.runPod(name, `${PODS}/${metadata.name}`);
  }
}

async function failPods(stage: Stage, name: string): Promise<void> {
  const admin = stage.admin(name);
  const { items } = (await admin.get(PODS)) as unknown as Pods;
  const status = { conditions: [{ type: 'Ready', status: 'False' }] };
  for (const { metadata } of items) await admin.patch(`${PODS}/${metadata.name}/status`, { status });
}
