/**
 * The shape of the configuration file: every key with its meaning, unit, default and range. Validation, defaults and
 * the JSON Schema for editors all come from here. What keys mean together is checked in `check-*.ts`.
 */
import { z } from 'zod';
import { MAX_ADDRESSES_LIMIT } from '../zonebuilder/facts.ts';
import { POLICIES, WEIGHT_DEFAULT, WEIGHT_MAX } from '../zonebuilder/policy.ts';
import { drillSchema, DRILLS_MAX, planSchema, PLANS_MAX } from './schema-drills.ts';
import { federateSchema } from './schema-federate.ts';
import { dnssecSchema } from './schema-dnssec.ts';
import { guardSchema } from './schema-guard.ts';
import { kubeconfigSchema } from './schema-kubeconfig.ts';
import { text } from './schema-text.ts';
import { transferSchema } from './schema-transfer.ts';
import {
  parseAddressText,
  parseDomainName,
  parseLabel,
  parseListen,
  parseMailbox,
  parseNetwork,
  parseOwnerName,
  parsePeer,
  parseResolver,
} from './values.ts';

/** Largest TTL in seconds (RFC 2181 section 8). */
export const TTL_SECONDS_MAX = 2147483647;
/** Member clusters; above it the topology is no longer one federation, and every cluster costs a watch loop. */
export const CLUSTERS_MAX = 1000;
/** Federations; each one is a label of its own below every location. */
export const FEDERATIONS_MAX = 100;
/** Static records: they are kept whole in memory and checked against each other at every load. */
export const RECORDS_MAX = 100_000;
/** Databases: one per address family, and some to spare. */
export const GEOIP_DATABASES_MAX = 8;
/** Octets of an identity or version in dnstap messages: more than any host name has, and it is in each. */
export const DNSTAP_TEXT_MAX = 255;
/** Entries of any other list. */
export const LIST_MAX = 1000;
/** Least limit of the journal in octets: below, hardly an hour of changes would be kept. */
export const JOURNAL_OCTETS_MIN = 1_048_576;

/** A part of all. */
const share = z.number().min(0).max(1);
const seconds = (max: number) => z.int().min(0).max(max);
/** An hour: a load balancer that needs longer is broken. */
const DRAIN_SECONDS_MAX = 3600;

const ttl = seconds(TTL_SECONDS_MAX);
const label = text(parseLabel);
const network = text(parseNetwork);
const pathText = z.string().min(1);

/** Two lists: what must and what must not be matched. */
function filter<T extends z.ZodType>(entry: T, what: string) {
  return z
    .strictObject({
      allow: z.array(entry).max(LIST_MAX).default([]).describe(`${what} that are taken. Default: any.`),
      deny: z
        .array(entry)
        .max(LIST_MAX)
        .default([])
        .describe(`${what} that are refused, also when allowed. Default: none.`),
    })
    .prefault({});
}

const nameserver = z.strictObject({
  name: text(parseDomainName).describe(
    'Host name of the name server, as in the delegation at the registrar.',
  ),
  addresses: z
    .array(text(parseAddressText))
    .max(LIST_MAX)
    .default([])
    .describe('Its addresses, for glue: needed when the name lies in the domain, refused when it does not.'),
});

const federation = z.strictObject({
  name: label.describe('The label F of S.N.F.svc.D. A DNS label, not svc.'),
  select: z
    .enum(['label', 'export', 'all'])
    .default('label')
    .describe(
      'Which Services belong to it. label: those labelled fedns.io/federation: NAME; export: those with a ' +
        'ServiceExport (multicluster.x-k8s.io); all: every Service of type LoadBalancer. Default: label.',
    ),
  policy: z
    .enum(POLICIES)
    .default('all')
    .describe(
      'Which healthy shards the global name answers with. all: every one; nearest: those nearest to the client; ' +
        'weighted: those of one region or cluster, by weights; failover: those of the first region of a list. The ' +
        'annotation fedns.io/policy says otherwise for a Service. Default: all.',
    ),
  weights: z
    .record(label, z.int().min(0).max(WEIGHT_MAX))
    .refine((weights) => Object.keys(weights).length <= LIST_MAX, `has more than ${LIST_MAX} entries`)
    .optional()
    .describe(
      `For policy weighted: the share of replies of a region or cluster, by name, 0 to ${WEIGHT_MAX}. A cluster's own ` +
        `comes before its region's. Default: ${WEIGHT_DEFAULT} for each region.`,
    ),
  failover: z
    .array(label)
    .max(LIST_MAX)
    .optional()
    .describe(
      'For policy failover: regions, the first that has a healthy shard answers; where none has, every healthy shard ' +
        'does. Default: none.',
    ),
  failback: z
    .enum(['auto', 'manual'])
    .optional()
    .describe(
      'For policy failover: whether an earlier region of the list is gone back to once it is healthy again (auto), or ' +
        'the one in use stays until it fails (manual). Default: auto.',
    ),
  hosts: z
    .boolean()
    .default(false)
    .describe(
      'Whether hosts inside the domain that Ingresses and Gateways name are answered with their entry points, by the policy. ' +
        'These objects are selected as Services are: by the label fedns.io/federation, or all of them with select: all. ' +
        'Needs the permissions of config/rbac-hosts.yaml. Default: false.',
    ),
  flatten: z
    .boolean()
    .default(false)
    .describe(
      'Whether a region or zone without a healthy shard answers with the addresses of the level above itself, in place of an ' +
        'alias to it: resolvers ask once, not once for each alias. Whoever looks sees no alias, and a cache keeps the ' +
        'addresses once for each name that has them. Default: false.',
    ),
  maxAddresses: z
    .int()
    .min(1)
    .max(MAX_ADDRESSES_LIMIT)
    .optional()
    .describe(
      `Most A and most AAAA records of one reply about a Service of this federation, 1 to ${MAX_ADDRESSES_LIMIT}; comes before ` +
        "the maxAddresses of the whole configuration, and a Service's own fedns.io/max-addresses before both. " +
        'Default: that of the configuration.',
    ),
});

const limits = z
  .strictObject({
    objects: z
      .int()
      .min(1)
      .max(10_000_000)
      .default(300_000)
      .describe('Services, EndpointSlices, Nodes and ServiceExports together. Default: 300000.'),
    objectOctets: z
      .int()
      .min(1024)
      .max(67_108_864)
      .default(4_194_304)
      .describe('Octets of one object, 1024 to 67108864. Default: 4194304.'),
    changesPerSecond: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(2000)
      .describe('Changes taken in per second, 1 to 1000000; further ones wait. Default: 2000.'),
  })
  .prefault({});

/** One entry of `clusters`. */
export const clusterSchema = z.strictObject({
  name: label.describe('What the cluster is called in commands, logs and metrics. A DNS label.'),
  region: label
    .optional()
    .describe('Its region, the label R of names. Default: topology.kubernetes.io/region of its nodes.'),
  zones: z
    .array(label)
    .min(1)
    .max(LIST_MAX)
    .optional()
    .describe(
      'Its zones, the labels Z of names. Default: the zones of its nodes; where no node has one, of its endpoints.',
    ),
  manifests: pathText
    .optional()
    .describe(
      'A file or folder of Service, EndpointSlice and Node objects, as kubectl get -A -o yaml prints; re-read on change.',
    ),
  kubeconfig: kubeconfigSchema.optional().describe('How to reach the API server of the cluster.'),
  inCluster: z
    .literal(true)
    .optional()
    .describe('The cluster that fedns itself runs in, by its service account.'),
  clients: z
    .array(network)
    .max(LIST_MAX)
    .default([])
    .describe(
      'Networks (CIDR) of the Pods and nodes of this cluster, whose clients get its shard first. Default: what its nodes say ' +
        '(their podCIDRs and addresses), as far as that can be only theirs.',
    ),
  publish: z
    .enum(['loadBalancer', 'clusterIP'])
    .default('loadBalancer')
    .describe(
      'loadBalancer: only addresses of load balancers. clusterIP: also cluster IPs and Pod addresses, for flat ' +
        'networks. Default: loadBalancer.',
    ),
  addresses: filter(network, 'Networks (CIDR) of published addresses').describe(
    'Which addresses the cluster may publish.',
  ),
  hostnames: filter(text(parseDomainName), 'Domains of load-balancer host names').describe(
    'Which host names its load balancers may have.',
  ),
  namespaces: filter(label, 'Namespaces').describe(
    'Which namespaces may hold a federated Service. Where the credentials may not read all namespaces, those of ' +
      'allow (at most 50) are read each by itself; then region and zones must be configured.',
  ),
  limits: limits.describe('What the cluster may cost at most, so that it can only harm itself.'),
});

const record = z.strictObject({
  name: text(parseOwnerName).describe('Owner name, in full; the first label may be *.'),
  type: z
    .string()
    .min(1)
    .describe(
      'A, AAAA, ALIAS (the addresses of a Service), CAA, CNAME, DS, HTTPS, LOC, MX, NAPTR, NS, PTR, SRV, SSHFP, SVCB, TLSA, TXT, or TYPEnnn (RFC 3597).',
    ),
  data: z
    .string()
    .describe(
      'The data as in a zone file; names are absolute with or without the dot. For TYPEnnn: \\# LENGTH HEX.',
    ),
  ttl: ttl.optional().describe(`TTL in seconds, 0 to ${TTL_SECONDS_MAX}. Default: ttl of the configuration.`),
});

/** Degrees, north and east positive. */
const place = z
  .tuple([z.number().min(-90).max(90), z.number().min(-180).max(180)], {
    error: 'must be [LATITUDE, LONGITUDE] in degrees, north and east positive, for example [50.11, 8.68]',
  })
  .describe('Its latitude (-90 to 90) and longitude (-180 to 180) in degrees, as [50.11, 8.68].');

const region = z.strictObject({
  name: label.describe('The label R of names.'),
  place: place
    .optional()
    .describe(
      'Its latitude and longitude in degrees, north and east positive, as [50.11, 8.68]. Default: what fedns knows of ' +
        'the regions of cloud providers.',
    ),
  countries: z
    .array(
      z
        .string()
        .regex(/^[A-Za-z]{2}$/, 'must be a country as two letters (ISO 3166-1), for example DE')
        .transform((code) => code.toUpperCase()),
    )
    .max(LIST_MAX)
    .default([])
    .describe(
      'Countries (ISO 3166-1, two letters) whose clients belong here, whatever the distance says; also what vague points of a ' +
        'database go by. Where several regions list a country, the nearest of them has its clients, and the first those whose ' +
        'point is vague. Default: none.',
    ),
  near: z
    .array(label)
    .max(LIST_MAX)
    .default([])
    .describe(
      'Regions that clients of this one go to when it fails, in order, for example by cost; the others follow by distance. ' +
        'Default: by distance.',
    ),
  zones: z
    .array(
      z.strictObject({
        name: label.describe('The label Z of names.'),
        place: place.describe('Its latitude and longitude in degrees, north and east positive.'),
      }),
    )
    .max(LIST_MAX)
    .default([])
    .describe(
      'Zones that lie far from their region, such as AWS Local Zones. Default: those that fedns knows; others lie where their region does.',
    ),
});

const access = filter(network, 'Networks (CIDR) of clients').describe(
  'Which clients are answered. Others get REFUSED. Default: all clients.',
);

const rateLimit = z.strictObject({
  perSecond: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('Alike replies per second to one IPv4 /24 or IPv6 /56, 1 to 10000. Default: 100.'),
  windowSeconds: z
    .int()
    .min(1)
    .max(60)
    .default(5)
    .describe('How long excess is remembered, in seconds, 1 to 60. Default: 5.'),
  slip: z
    .int()
    .min(0)
    .max(10)
    .default(2)
    .describe(
      'Every nth limited reply is sent truncated, so that a real client comes back over TCP; 0: none. Default: 2.',
    ),
  exempt: z
    .array(network)
    .max(LIST_MAX)
    .default([])
    .describe('Networks (CIDR) that are never limited: forwarders, the cluster itself. Default: none.'),
});

const cookies = z
  .strictObject({
    policy: z
      .enum(['off', 'offer', 'require'])
      .default('offer')
      .describe(
        'DNS cookies (RFC 7873). off: ignored; offer: given to clients that know them; require: over UDP only clients ' +
          'that show one are answered, others are sent to TCP. Default: offer.',
      ),
    secretFile: pathText
      .optional()
      .describe(
        'File with the secret of replicas behind one address, relative to this file: 32 hexadecimal digits, the previous ' +
          'one in a second line. Re-read on change. Default: a random secret, changed twice a day.',
      ),
  })
  .prefault({})
  .describe('How clients prove that their address is no forgery.');

const tcp = z
  .strictObject({
    connections: z
      .int()
      .min(1)
      .max(65_535)
      .default(1000)
      .describe('Connections at a time over TCP and TLS together, 1 to 65535. Default: 1000.'),
    connectionsPerClient: z
      .int()
      .min(1)
      .max(65_535)
      .default(100)
      .describe('Of these, of one IPv4 address or IPv6 /56, 1 to 65535. Default: 100.'),
    idleSeconds: z
      .int()
      .min(1)
      .max(600)
      .default(10)
      .describe(
        'How long a connection may stay without a query, in seconds, 1 to 600; less while there are many. Default: 10.',
      ),
  })
  .prefault({})
  .describe('What clients may hold over TCP and TLS.');

const tls = z.strictObject({
  listen: z
    .array(text(parseListen))
    .min(1)
    .max(LIST_MAX)
    .default([
      { address: '0.0.0.0', port: 853 },
      { address: '::', port: 853 },
    ])
    .describe(
      'Where DNS over TLS is served: ADDRESS:PORT or [ADDRESS]:PORT. Default: port 853 of all addresses.',
    ),
  certificate: pathText.describe('Certificate and chain, PEM, relative to this file; re-read on change.'),
  key: pathText.describe('Its private key, PEM, relative to this file; re-read on change.'),
});

const identity = z
  .strictObject({
    nsid: z
      .string()
      .max(64)
      .optional()
      .describe(
        'Which of several servers this is, for clients that ask with NSID (RFC 5001), at most 64 octets; empty: not ' +
          'told. Default: eight digits that stand for the host name.',
      ),
    version: z
      .string()
      .max(255)
      .default('')
      .describe('Answer to version.bind and version.server (RFC 4892). Default: empty, REFUSED.'),
    hostname: z
      .string()
      .max(255)
      .default('')
      .describe('Answer to hostname.bind and id.server (RFC 4892). Default: empty, REFUSED.'),
  })
  .prefault({})
  .describe('What the server tells of itself.');

const dnstap = z.strictObject({
  socket: pathText
    .optional()
    .describe('Unix socket that a reader of dnstap listens on, relative to this file.'),
  tcp: text(parseListen)
    .optional()
    .describe('The same over TCP: ADDRESS:PORT or [ADDRESS]:PORT. Without encryption.'),
  file: pathText
    .optional()
    .describe(
      'File that messages are written to, relative to this file. What is there already becomes FILE.1.',
    ),
  rotateOctets: z
    .int()
    .min(1_048_576)
    .max(1_099_511_627_776)
    .default(134_217_728)
    .describe(
      'Size from which on another file is begun, in octets, 1048576 to 1099511627776. Default: 134217728, 128 MiB.',
    ),
  keep: z
    .int()
    .min(0)
    .max(LIST_MAX)
    .default(5)
    .describe(`Files that are kept besides the one that is written, 0 to ${LIST_MAX}. Default: 5.`),
  identity: z
    .string()
    .max(DNSTAP_TEXT_MAX)
    .optional()
    .describe('Which server this is, in each message; empty: not told. Default: the host name.'),
  version: z
    .string()
    .max(DNSTAP_TEXT_MAX)
    .optional()
    .describe('Its version, in each message; empty: not told. Default: fedns and its version.'),
  messages: z
    .array(z.enum(['auth-query', 'auth-response']))
    .min(1)
    .max(2)
    .default(['auth-query', 'auth-response'])
    .describe('What is told of a query: auth-query, auth-response, or both. Default: both.'),
  sample: share.default(1).describe('Which part of all queries is told, 0 to 1. Default: 1, all.'),
});

/** The configuration file. Its output is canonical, with defaults filled in. */
export const settingsSchema = z.strictObject({
  domain: text(parseDomainName).describe('The served domain, as delegated.'),
  nameservers: z.array(nameserver).min(1).max(LIST_MAX).describe('NS records of the domain, at least one.'),
  hostmaster: text(parseMailbox)
    .optional()
    .describe('Who answers for the domain: a mail address, or its DNS form. Default: hostmaster.DOMAIN.'),
  listen: z
    .array(text(parseListen))
    .min(1)
    .max(LIST_MAX)
    .default([
      { address: '0.0.0.0', port: 53 },
      { address: '::', port: 53 },
    ])
    .describe(
      'Where queries are taken, UDP and TCP: ADDRESS:PORT or [ADDRESS]:PORT. Default: port 53 of all addresses.',
    ),
  admin: text(parseListen)
    .optional()
    .describe('Where /metrics, /healthz, /readyz and the JSON API are served. Default: nowhere.'),
  adminHosts: z
    .array(text(parseDomainName))
    .max(LIST_MAX)
    .default([])
    .describe(
      'Host names, besides IP addresses and localhost, by which the admin address may be asked: the Host header ' +
        'of any other request is refused, so that no page in a browser reads it under a name of its own. ' +
        'Default: none.',
    ),
  ttl: ttl.default(180).describe(`TTL of answers in seconds, 0 to ${TTL_SECONDS_MAX}. Default: 180.`),
  ttlMin: ttl
    .default(5)
    .describe(
      "Least TTL in seconds that a Service's annotation fedns.io/ttl or the TTL of a load balancer's host name brings; " +
        'no cluster can ask for less. It does not raise ttl itself. Default: 5.',
    ),
  ttlDegraded: ttl
    .optional()
    .describe(
      `Longest TTL in seconds, 0 to ${TTL_SECONDS_MAX} and at most ttl, while a shard at or below a name's level is not ` +
        'healthy, drained or held, so that what happens next is seen soon; then the full one again. Default: none, always the ' +
        'full one.',
    ),
  maxAddresses: z
    .int()
    .min(1)
    .max(MAX_ADDRESSES_LIMIT)
    .optional()
    .describe(
      `Most A and most AAAA records of one reply, 1 to ${MAX_ADDRESSES_LIMIT}; which ones changes from reply to reply, every ` +
        'cluster has the same share, and every address of a cluster its turn. For clients that cannot take large replies ' +
        '(musl before 1.2.4) or sort what they get (glibc). Annotation of a Service: fedns.io/max-addresses. ' +
        'Default: all addresses.',
    ),
  negativeTtl: ttl
    .default(15)
    .describe(
      `TTL in seconds of negative answers that may be wrong the next moment, 0 to ${TTL_SECONDS_MAX}: of names that are not ` +
        'known, and of Services without a healthy shard. Default: 15, so that recovery is seen soon.',
    ),
  nodataTtl: ttl
    .optional()
    .describe(
      `TTL in seconds, 0 to ${TTL_SECONDS_MAX}, of answers without records that no change of health ends: at names that others ` +
        'lie below, and for types that a name with addresses does not have (AAAA where all are IPv4; not above the TTL of its ' +
        'addresses). Also the MINIMUM of the SOA. Never less than negativeTtl. Default: as ttl, at most 3600.',
    ),
  apexTtl: ttl
    .default(21600)
    .describe(`TTL of NS and SOA in seconds, 0 to ${TTL_SECONDS_MAX}. Default: 21600.`),
  drainSeconds: z
    .int()
    .min(0)
    .max(DRAIN_SECONDS_MAX)
    .default(0)
    .describe(
      'How long queries are answered on after SIGTERM, in seconds, while /readyz says no, so that load balancers and ' +
        'Kubernetes Services stop sending queries before the process ends; a second signal ends it at once. ' +
        `0 to ${DRAIN_SECONDS_MAX}; terminationGracePeriodSeconds of a Pod must be 15 s more. Default: 0.`,
    ),
  whenNoneHealthy: z
    .enum(['nodata', 'nxdomain', 'lastKnown'])
    .default('nodata')
    .describe(
      'The global name of a Service without healthy shard: nodata, nxdomain (as Federation v1 did), or lastKnown ' +
        '(the addresses of all shards). Default: nodata.',
    ),
  transport: z
    .enum(['auto', 'batch', 'portable'])
    .default('auto')
    .describe(
      'How UDP is served. batch: recvmmsg on Linux; portable: anywhere; auto: batch where it works. Default: auto.',
    ),
  workers: z
    .union([z.literal('auto'), z.int().min(1).max(60)], {
      error: 'must be auto, or a whole number from 1 to 60',
    })
    .default('auto')
    .describe('Threads that answer queries: auto (one per core) or 1 to 60. Default: auto.'),
  pinWorkers: z
    .boolean()
    .default(false)
    .describe(
      'Keep each worker on one CPU of those that the process may use. Helps where they are dedicated and each has a ' +
        'receive queue of the network card. Batch transport on Linux only. Default: false.',
    ),
  udpPayloadMax: z
    .int()
    .min(512)
    .max(4096)
    .default(1232)
    .describe('Largest UDP reply in octets, 512 to 4096. Default: 1232, which avoids fragments.'),
  stateDir: z
    .union([pathText, z.literal(false)], { error: 'must be a folder, or false to keep no state' })
    .default('./state')
    .describe(
      'Folder for snapshot, serial, journal and admin token, relative to this file; false keeps no state. ' +
        'Default: ./state.',
    ),
  journal: z
    .strictObject({
      maxOctets: z
        .int()
        .min(0)
        .max(1_099_511_627_776)
        .default(268_435_456)
        .refine((octets) => octets === 0 || octets >= JOURNAL_OCTETS_MIN, {
          error: `must be 0, or at least ${JOURNAL_OCTETS_MIN}`,
        })
        .describe(
          'Octets on the disk, 1048576 to 1099511627776; the oldest entries go first. 0 keeps none. Default: 268435456.',
        ),
      maxDays: z
        .int()
        .min(1)
        .max(3650)
        .default(30)
        .describe('Days after which entries go, 1 to 3650. Default: 30.'),
    })
    .prefault({})
    .describe('What is kept in stateDir of every change of an answer, for fedns journal and explain --at.'),
  federations: z.array(federation).min(1).max(FEDERATIONS_MAX).describe('The federations, at least one.'),
  ecs: z
    .strictObject({
      trust: z
        .array(network)
        .max(LIST_MAX)
        .default([])
        .describe('Networks (CIDR) of resolvers whose EDNS Client Subnet is believed. Default: none.'),
    })
    .prefault({})
    .describe('EDNS Client Subnet (RFC 7871).'),
  geoip: z
    .strictObject({
      database: pathText
        .optional()
        .describe('A GeoIP database (.mmdb), relative to this file; the same as a list of one.'),
      databases: z
        .array(pathText)
        .min(1)
        .max(GEOIP_DATABASES_MAX)
        .optional()
        .describe(
          'GeoIP databases (.mmdb) with coordinates or countries, relative to this file; of each address family the first ' +
            'that has it counts. Re-read on change.',
        ),
    })
    .optional()
    .describe('Where clients are found by their address. Default: not at all.'),
  regions: z
    .array(region)
    .max(LIST_MAX)
    .default([])
    .describe(
      'What fedns is to know of regions, for clients that get what is nearest. Default: what it knows by their names.',
    ),
  access,
  rateLimit: rateLimit
    .optional()
    .describe(
      'Response rate limiting over UDP, against forged source addresses. Default: off; {} turns it on.',
    ),
  cookies,
  tcp,
  tls: tls.optional().describe('DNS over TLS (RFC 7858). Default: off.'),
  transfer: transferSchema.optional(),
  identity,
  outage: z
    .strictObject({
      graceSeconds: seconds(86_400)
        .default(60)
        .describe(
          'How long shards of an unreachable cluster still count, in seconds, 0 to 86400. Default: 60.',
        ),
      refusedGraceSeconds: seconds(604_800)
        .default(43_200)
        .describe(
          'The same for a cluster that answers and refuses fedns, for its credentials have ended or lack a permission, ' +
            'in seconds, 0 to 604800, at least graceSeconds. Default: 43200, 12 hours: a night until people come.',
        ),
      failStaticAbove: z
        .number()
        .min(0)
        .max(1)
        .default(0.5)
        .describe(
          'Hold everything while more than this part of all clusters is unreachable, 0 to 1. Default: 0.5.',
        ),
    })
    .prefault({})
    .describe('What happens when clusters cannot be reached.'),
  damping: seconds(3600)
    .default(0)
    .describe(
      'How long a shard must be down before it leaves, in seconds, 0 to 3600; back sooner, it stays. Default: 0, off.',
    ),
  guard: guardSchema,
  dnssec: dnssecSchema.optional(),
  resolvers: z
    .array(text(parseResolver))
    .max(LIST_MAX)
    .default([])
    .describe(
      'Servers that load-balancer host names are asked of: ADDRESS or ADDRESS:PORT. Default: those of the system.',
    ),
  clusters: z.array(clusterSchema).max(CLUSTERS_MAX).describe('The member clusters.'),
  clusterSecrets: z
    .strictObject({
      namespace: label.describe('The namespace that holds them.'),
      kubeconfig: kubeconfigSchema
        .optional()
        .describe(
          "How to reach the API server that holds them, the federation's host. Default: the cluster that fedns itself runs in.",
        ),
    })
    .optional()
    .describe(
      'Secrets labelled fedns.io/cluster, which fedns join makes, add member clusters. Default: not looked for.',
    ),
  federate: federateSchema.optional(),
  records: z
    .array(record)
    .max(RECORDS_MAX)
    .default([])
    .describe('Static records: vanity names, MX, TXT, delegations, wildcards. Default: none.'),
  steering: z
    .strictObject({
      configMap: z
        .strictObject({
          namespace: label.describe('Its namespace.'),
          name: label.describe('Its name.'),
          kubeconfig: kubeconfigSchema
            .optional()
            .describe('How to reach the API server. Default: the cluster that fedns itself runs in.'),
        })
        .optional()
        .describe(
          'A ConfigMap that all replicas read their drains from, under drains.yaml; fedns drain writes there. Default: each ' +
            'server drains alone.',
        ),
      peers: z
        .array(text(parsePeer))
        .max(LIST_MAX)
        .default([])
        .describe(
          'Admin addresses of the replicas, NAME:PORT or ADDRESS:PORT, this one may be among them; each address of a name is a ' +
            'replica. They are asked whether they serve what was ordered. Default: none.',
        ),
    })
    .prefault({})
    .describe('How replicas drain together.'),
  drills: z
    .array(drillSchema)
    .max(DRILLS_MAX)
    .default([])
    .describe(
      'Drains for a while at times of a calendar, which end at once where something falls. Default: none.',
    ),
  plans: z
    .array(planSchema)
    .max(PLANS_MAX)
    .default([])
    .describe('Lists of drains and undrains that people go through step by step. Default: none.'),
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('The least severe messages that are written. Default: info.'),
      format: z
        .enum(['auto', 'json', 'text', 'pretty'])
        .default('auto')
        .describe(
          'json: a JSON document a line. text (or pretty): lines for people, with colours at a terminal. auto: text at a terminal, ' +
            'json elsewhere. Default: auto.',
        ),
      queries: share
        .default(0)
        .describe(
          'Which part of all queries has a line in the log, 0 to 1, drawn at random; 0.01 is one of a hundred, 1 all. Default: 0, none.',
        ),
    })
    .prefault({})
    .describe('What is written to standard error.'),
  dnstap: dnstap
    .optional()
    .describe('Queries and replies as dnstap messages (https://dnstap.info). Default: off.'),
});

/** A valid configuration file with defaults filled in, before what keys mean together is checked. */
export type ConfigFile = z.output<typeof settingsSchema>;
export type ClusterEntry = ConfigFile['clusters'][number];
export type RegionEntry = ConfigFile['regions'][number];
export type RecordEntry = ConfigFile['records'][number];
export type FederationEntry = ConfigFile['federations'][number];
export type DnstapEntry = z.output<typeof dnstap>;

/** The same without mandatory keys at the top: for checking what is left of a file with faults. */
export const draftSchema = settingsSchema.partial();
export type ConfigDraft = z.output<typeof draftSchema>;

/** JSON Schema of the configuration file, for editors. Draft 7 is what they know best. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(settingsSchema, { target: 'draft-7', io: 'input' });
  return { ...schema, title: 'fedns configuration' };
}
