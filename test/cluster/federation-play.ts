/**
 * The guide of Kubernetes Cluster Federation v1 as a play: what people type, from the first command to the last, and what
 * they see. kubectl's own verbs of today stand for those that are gone; whatever was `kubefed` is `fedns`. The commands run
 * on the stage of federation-stage.ts; the test holds what they show to what stands here, the transcript prints it.
 */

import { setTimeout } from 'node:timers/promises';
import { HOST, type Place, type Said, Stage } from './federation-stage.ts';

export const PLACES: readonly Place[] = [
  { name: 'gce-us-central1', region: 'us-central1', zone: 'us-central1-a', address: '104.197.247.191' },
  { name: 'gce-europe-west1', region: 'europe-west1', zone: 'europe-west1-b', address: '104.199.1.11' },
  { name: 'gce-asia-east1', region: 'asia-east1', zone: 'asia-east1-a', address: '130.211.57.243' },
];
const [US, EU, ASIA] = PLACES.map(({ name }) => name) as [string, string, string];
const FEDERATION = 'fellowship';
const SERVICE = `nginx.mynamespace.${FEDERATION}.svc`;
/** Time for what a command asks about to become so: a loaded machine is slow, a broken one is slower. */
const PATIENCE_MS = 120_000;
const ASK_AGAIN_MS = 200;

/** One thing that is done. */
export interface Act {
  /** Over a part of the guide: its title. */
  readonly part?: string;
  /** As it is typed. Absent: something happens in the clusters that nobody types. */
  readonly types?: string;
  /** What it has to show. Of a command that only looks, it is given time to show it. */
  readonly shows?: readonly RegExp[];
  /** What it must not show. */
  readonly hides?: readonly RegExp[];
  /** Whether it may be typed again until it shows that. */
  readonly looks?: boolean;
  readonly code?: number;
  readonly happens?: (stage: Stage) => Promise<void> | void;
}

/** Plays one act. @returns what it said, and what was wrong with it; empty: nothing */
export async function play(
  stage: Stage,
  act: Act,
): Promise<{ readonly said: Said; readonly faults: readonly string[] }> {
  await act.happens?.(stage);
  if (act.types === undefined) return { said: { text: '', code: 0 }, faults: [] };
  const line = act.types.replaceAll('$DNS', `@127.0.0.1 -p ${stage.dnsPort}`);
  const endMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const said = await stage.shell(line);
    const faults = faultsOf(act, said);
    if (faults.length === 0 || act.looks !== true || Date.now() > endMs) return { said, faults };
    await setTimeout(ASK_AGAIN_MS);
  }
}

function faultsOf({ shows = [], hides = [], code = 0 }: Act, said: Said): string[] {
  return [
    ...(said.code === code ? [] : [`it ends with ${said.code} and not ${code}`]),
    ...shows
      .filter((pattern) => !pattern.test(said.text))
      .map((pattern) => `it does not show ${String(pattern)}`),
    ...hides.filter((pattern) => pattern.test(said.text)).map((pattern) => `it shows ${String(pattern)}`),
  ];
}

/** Files that the reader has. */
const FILES: Readonly<Record<string, string>> = {
  'myns.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: { name: mynamespace, labels: { team: rohan } }\n',
  'services/nginx.yaml': `apiVersion: v1
kind: Service
metadata: { name: nginx, namespace: mynamespace, labels: { run: nginx } }
spec:
  type: LoadBalancer
  selector: { run: nginx }
  ports: [{ name: http, port: 80, targetPort: 80 }]
`,
  'myconfigmap.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: myconfigmap, namespace: mynamespace }\ndata: { colour: grey }\n',
  'mysecret.yaml':
    'apiVersion: v1\nkind: Secret\nmetadata: { name: mysecret, namespace: mynamespace }\nstringData: { word: mellon }\n',
  'mydaemonset.yaml': workload('DaemonSet', 'mydaemonset'),
  'mydeployment.yaml': workload('Deployment', 'mydep', 9),
  'myrs.yaml': workload('ReplicaSet', 'myrs', 9),
  'myingress.yaml': `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: myingress, namespace: mynamespace }
spec:
  rules:
    - host: shop.example.com
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: nginx, port: { number: 80 } } } }] }
`,
  'mypci.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: mypci
  namespace: mynamespace
  annotations:
    federation.alpha.kubernetes.io/cluster-selector: '[{"key": "pci", "operator": "In", "values": ["true"]}, {"key": "environment", "operator": "NotIn", "values": ["test"]}]'
data: { card: none }
`,
};

function workload(kind: string, name: string, replicas?: number): string {
  const count = replicas === undefined ? '' : `  replicas: ${replicas}\n`;
  return `apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name}, namespace: mynamespace }
spec:
${count}  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: main, image: 'nginx:1.11.1-alpine' }] }
`;
}

/** kubectl at the federation endpoint, in the namespace of the guide. */
const federation = (rest: string): string => `kubectl --context=${HOST} -n mynamespace ${rest}`;
const member = (name: string, rest: string): string => `kubectl --context=${name} -n mynamespace ${rest}`;
/** The same in every member. */
const everywhere = (rest: string): string =>
  `for CLUSTER in ${[US, EU, ASIA].join(' ')}; do kubectl --context=$CLUSTER -n mynamespace ${rest}; done`;
const three = (pattern: string): RegExp => new RegExp(`(?:[^]*${pattern}){3}`);
const dig = (name: string): string => `dig $DNS +noall +answer +comments ${name}.example.com`;

const SETTING_UP: readonly Act[] = [
  {
    part: 'Choosing a host cluster',
    happens: (stage) => Object.entries(FILES).forEach(([file, text]) => stage.write(file, text)),
    types: 'kubectl config get-contexts -o name',
    shows: [/federation-cluster/, /gce-asia-east1/],
  },
  {
    part: 'Deploying a federation control plane',
    types: `fedns init ${FEDERATION} --context ${HOST} --domain example.com --select all --nameserver ns1.example.com=127.0.0.1 --write fedns.yaml`,
    shows: [/federation fellowship, domain example\.com/],
  },
  { types: `kubectl --context=${HOST} get namespace`, shows: [/^fedns +Active/m] },
  {
    part: 'Adding a cluster to a federation',
    types: `fedns join ${US} --context ${US} --host-context ${HOST}`,
    shows: [/us-central1/, /^cluster \S+ is a member$/m],
  },
  { types: `fedns join ${EU} --context ${EU} --host-context ${HOST}`, shows: [/^cluster \S+ is a member$/m] },
  {
    types: `fedns join ${ASIA} --context ${ASIA} --host-context ${HOST}`,
    shows: [/^cluster \S+ is a member$/m],
  },
  {
    types: `fedns join ${ASIA} --context ${ASIA} --host-context ${HOST}`,
    shows: [/member already, and nothing was changed/],
  },
  {
    types: `fedns join gondor --context ${ASIA} --host-context ${HOST}`,
    code: 1,
    shows: [/is a member already, as gce-asia-east1/],
  },
  {
    happens: (stage) => stage.adapt('fedns.yaml'),
    types: 'fedns check --config fedns.yaml',
    shows: [/no faults/],
  },
  {
    happens: (stage) => {
      stage.run('federate', ['federate']);
      stage.run('serve', ['serve']);
    },
    types: `kubectl --context=${HOST} get clusters`,
    looks: true,
    shows: [/^NAME +STATUS +VERSION +AGE/, new RegExp(`(?:gce-\\S+ +Ready +v1\\.\\S+[^]*){3}`)],
  },
  {
    types: `kubectl --context=${HOST} describe cluster ${US}`,
    shows: [/Type: +Ready/, /Type: +Offline/, /us-central1/],
  },
];

const SERVICES: readonly Act[] = [
  {
    part: 'Federated Namespaces',
    types: `kubectl --context=${HOST} create -f myns.yaml`,
    shows: [/namespace\/mynamespace created/],
  },
  {
    types: everywhere('get namespaces mynamespace').replaceAll(' -n mynamespace', ''),
    looks: true,
    shows: [three('mynamespace +Active')],
  },
  {
    part: 'Creating a federated Service',
    types: federation('create -f services/nginx.yaml'),
    shows: [/service\/nginx created/],
  },
  { types: everywhere('get services nginx'), looks: true, shows: [three('nginx +LoadBalancer +10\\.96\\.')] },
  {
    happens: (stage) => stage.giveAddress('/api/v1/namespaces/mynamespace/services/nginx'),
    types: federation('describe services nginx'),
    looks: true,
    shows: [/Ingress: +.*104\.197\.247\.191/, /Ingress: +.*104\.199\.1\.11/, /Ingress: +.*130\.211\.57\.243/],
  },
  {
    part: 'Without backend Pods, no shard is healthy',
    types: dig(SERVICE),
    looks: true,
    shows: [/status: NOERROR/, /ANSWER: 0/],
  },
  {
    part: 'Adding backend Pods',
    types: `for CLUSTER in ${US} ${ASIA}; do kubectl --context=$CLUSTER -n mynamespace run nginx --image=nginx:1.11.1-alpine --port=80; done`,
    shows: [/(?:pod\/nginx created\s*){2}/],
  },
  {
    happens: async (stage) => {
      for (const cluster of [US, ASIA])
        await stage.runPod(cluster, '/api/v1/namespaces/mynamespace/pods/nginx');
    },
    types: 'fedns service nginx.mynamespace.fellowship --config fedns.yaml',
    looks: true,
    shows: [/104\.197\.247\.191/],
  },
  {
    part: 'Verifying public DNS records',
    types: dig(SERVICE),
    looks: true,
    shows: [/flags: qr aa/, /ANSWER: 2/, /IN\s+A\s+104\.197\.247\.191/, /IN\s+A\s+130\.211\.57\.243/],
  },
  { types: dig(`${SERVICE}.us-central1-a.us-central1`), looks: true, shows: [/IN\s+A\s+104\.197\.247\.191/] },
  {
    types: dig(`${SERVICE}.europe-west1-b.europe-west1`),
    looks: true,
    shows: [
      /europe-west1-b\.europe-west1\.example\.com\.\s+\d+\s+IN\s+CNAME\s+nginx\.mynamespace\.fellowship\.svc\.europe-west1\.example\.com\./,
      /svc\.europe-west1\.example\.com\.\s+\d+\s+IN\s+CNAME\s+nginx\.mynamespace\.fellowship\.svc\.example\.com\./,
    ],
  },
  { types: 'fedns records --config fedns.yaml -o zone', shows: [/104\.197\.247\.191/] },
  {
    part: 'A Service that was there before is adopted, and one that is deleted in a member comes back',
    types: member(EU, 'delete service nginx'),
    shows: [/deleted/],
  },
  { types: member(EU, 'get services nginx'), looks: true, shows: [/nginx +LoadBalancer/] },
];

const COPIES: readonly Act[] = [
  { part: 'Federated ConfigMaps', types: federation('create -f myconfigmap.yaml'), shows: [/created/] },
  {
    types: everywhere('get configmap myconfigmap -o jsonpath="{.data.colour} "'),
    looks: true,
    shows: [/^(?:grey ){3}$/],
  },
  {
    types: federation(`patch configmap myconfigmap --type merge -p '{"data":{"colour":"white"}}'`),
    shows: [/patched/],
  },
  {
    types: everywhere('get configmap myconfigmap -o jsonpath="{.data.colour} "'),
    looks: true,
    shows: [/^(?:white ){3}$/],
  },
  { types: federation('delete configmap myconfigmap'), shows: [/deleted/] },
  { types: everywhere('get configmap myconfigmap 2>&1 || true'), looks: true, shows: [three('not found')] },
  { part: 'Federated Secrets', types: federation('create -f mysecret.yaml'), shows: [/created/] },
  {
    types: everywhere('get secret mysecret -o jsonpath="{.data.word} "'),
    looks: true,
    shows: [/^(?:bWVsbG9u ){3}$/],
  },
  { part: 'Federated DaemonSets', types: federation('create -f mydaemonset.yaml'), shows: [/created/] },
  { types: everywhere('get daemonset mydaemonset'), looks: true, shows: [three('mydaemonset')] },
];

const replicas = (kind: string, name: string): string =>
  everywhere(`get ${kind} ${name} -o jsonpath="{.spec.replicas} "`);
const EVEN = '{"rebalance": true, "clusters": {"*": {"weight": 1}}}';
const WEIGHTED = `{"rebalance": true, "clusters": {"${US}": {"weight": 2}, "*": {"weight": 1}}}`;

const WORKLOADS: readonly Act[] = [
  { part: 'Federated ReplicaSets', types: federation('create -f myrs.yaml'), shows: [/created/] },
  { types: replicas('rs', 'myrs'), looks: true, shows: [/^3 3 3 $/] },
  {
    part: 'Spreading replicas in underlying clusters',
    types: federation(`annotate rs myrs 'federation.kubernetes.io/replica-set-preferences=${WEIGHTED}'`),
    shows: [/annotated/],
  },
  { types: federation('scale rs myrs --replicas=12'), shows: [/scaled/] },
  { types: replicas('rs', 'myrs'), looks: true, shows: [/^6 3 3 $/] },
  { part: 'Federated Deployments', types: federation('create -f mydeployment.yaml'), shows: [/created/] },
  { types: replicas('deployment', 'mydep'), looks: true, shows: [/^3 3 3 $/] },
  {
    types: federation(`annotate deployment mydep 'federation.kubernetes.io/deployment-preferences=${EVEN}'`),
    shows: [/annotated/],
  },
  { types: federation('delete deployment mydep'), shows: [/deleted/] },
  { types: everywhere('get deployment mydep 2>&1 || true'), looks: true, shows: [three('not found')] },
];

const INGRESS: readonly Act[] = [
  { part: 'Creating a federated Ingress', types: federation('create -f myingress.yaml'), shows: [/created/] },
  { types: everywhere('get ingress myingress'), looks: true, shows: [three('myingress')] },
  {
    happens: (stage) =>
      stage.giveAddress('/apis/networking.k8s.io/v1/namespaces/mynamespace/ingresses/myingress'),
    types: federation('describe ingress myingress'),
    looks: true,
    shows: [/Address: +.*104\.197\.247\.191/, /Address: +.*130\.211\.57\.243/],
  },
  {
    part: 'Discovering a federated Ingress',
    types: dig('shop'),
    looks: true,
    shows: [/flags: qr aa/, /ANSWER: 3/, /IN\s+A\s+104\.199\.1\.11/, /IN\s+A\s+130\.211\.57\.243/],
  },
];

const CLUSTERS: readonly Act[] = [
  {
    part: 'Labelling clusters, and the ClusterSelector annotation',
    types: `kubectl --context=${HOST} label cluster ${US} pci=true environment=live`,
    shows: [/labeled/],
  },
  { types: `kubectl --context=${HOST} label cluster ${ASIA} pci=true environment=test`, shows: [/labeled/] },
  { types: federation('create -f mypci.yaml'), shows: [/created/] },
  { types: member(US, 'get configmap mypci'), looks: true, shows: [/mypci/] },
  {
    types: `for CLUSTER in ${EU} ${ASIA}; do kubectl --context=$CLUSTER -n mynamespace get configmap mypci 2>&1 || true; done`,
    shows: [/(?:[^]*not found){2}/],
  },
  { part: 'Federated Events', types: federation('get events'), looks: true, shows: [/nginx/] },
  {
    types: member(US, 'get events -o jsonpath="{.items[*].source.component}{.items[*].reportingComponent}"'),
    hides: [/fedns/],
  },
];

/** Steps that do not need a registrar, of which there is none on a machine of tests. */
const STEPS = '--step configuration server endpoint members permissions clusters objects answers';

const TROUBLE: readonly Act[] = [
  {
    part: 'Troubleshooting',
    types: `fedns doctor --config fedns.yaml ${STEPS}`,
    looks: true,
    shows: [/members +well/, /objects +well/, /answers +well/],
  },
  {
    types: 'fedns doctor nginx.mynamespace.fellowship --config fedns.yaml --step shards',
    code: 1,
    looks: true,
    shows: [/shards: nginx\.mynamespace\.fellowship in gce-europe-west1/, /noAddress|notReady/],
  },
  {
    part: 'A cluster goes, and is missed',
    happens: (stage) => stage.clusters.get(ASIA)!.stopApiServer(),
    types: `fedns doctor --config fedns.yaml ${STEPS}`,
    code: 1,
    looks: true,
    shows: [/members: gce-asia-east1/, /Offline is True/, /see whether its API server runs/],
  },
  { types: `kubectl --context=${HOST} get clusters`, looks: true, shows: [/gce-asia-east1 +Offline/] },
  {
    happens: (stage) => stage.clusters.get(ASIA)!.startApiServer(),
    types: `kubectl --context=${HOST} get clusters`,
    looks: true,
    shows: [/gce-asia-east1 +Ready/],
  },
];

const END: readonly Act[] = [
  { part: 'Deleting a federated Service', types: federation('delete service nginx'), shows: [/deleted/] },
  { types: everywhere('get service nginx 2>&1 || true'), looks: true, shows: [three('not found')] },
  {
    part: 'The last address of a name does not go by itself',
    types: 'fedns guard --config fedns.yaml',
    looks: true,
    shows: [/empty .*Service mynamespace\/nginx/],
  },
  { types: 'fedns guard release --config fedns.yaml' },
  { types: dig(SERVICE), looks: true, shows: [/status: NXDOMAIN/] },
  {
    part: 'Removing a cluster from a federation',
    types: `fedns unjoin ${ASIA} --context ${ASIA} --host-context ${HOST}`,
    shows: [/gce-asia-east1/],
  },
  { types: `kubectl --context=${HOST} get clusters`, shows: [/gce-us-central1/], hides: [/gce-asia-east1/] },
  {
    types: `fedns clusters --config fedns.yaml`,
    looks: true,
    shows: [/gce-us-central1/],
    hides: [/gce-asia-east1/],
  },
];

/** From the first command to the last. */
export const ACTS: readonly Act[] = [
  ...SETTING_UP,
  ...SERVICES,
  ...COPIES,
  ...WORKLOADS,
  ...INGRESS,
  ...CLUSTERS,
  ...TROUBLE,
  ...END,
];
