/**
 * The settings of a fedns process, as every other part reads them: validated, defaults filled in, paths absolute,
 * names lower-cased without a trailing dot. `load.ts` makes them from the YAML file; nothing else does.
 */
import type { TsigAlgorithmName } from '../tsig/algorithms.ts';
import type { DrainKind } from '../zonebuilder/drains.ts';
import type { StaticSet } from '../zonebuilder/static-set.ts';

/** A name server of the served domain, with its addresses where it lies in the domain. */
export interface NameserverSettings {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** How a Service comes to be federated. */
export type Selection = 'label' | 'export' | 'all';

/** Which shards the global name answers with. */
export type Policy = 'all' | 'nearest' | 'weighted' | 'failover';

export interface FederationSettings {
  readonly name: string;
  readonly select: Selection;
  readonly policy: Policy;
  /** By region or cluster. Absent: none. */
  readonly weights?: Readonly<Record<string, number>> | undefined;
  /** Regions in their order. Absent: none. */
  readonly failover?: readonly string[] | undefined;
  /** Absent: auto. */
  readonly failback?: 'auto' | 'manual' | undefined;
  /** Hosts of Ingresses and Gateways are answered for. Absent: they are not. */
  readonly hosts?: boolean | undefined;
  /** Levels without addresses answer with those of the level above. Absent: they are aliases. */
  readonly flatten?: boolean | undefined;
  /** Most addresses of one reply, per family. Absent: that of the settings as a whole. */
  readonly maxAddresses?: number | undefined;
}

/** Limits that one member cluster's data is held to, so that it can only harm itself. */
export interface ClusterLimits {
  /** Services, EndpointSlices, Nodes and exports together. */
  readonly objects: number;
  /** Octets of one object as JSON or YAML. */
  readonly objectOctets: number;
  /** Changes applied per second; further ones wait. */
  readonly changesPerSecond: number;
}

/** An API server: by a kubeconfig, or that of the cluster that fedns runs in. */
export type ApiOrigin = Extract<ClusterOrigin, { readonly kind: 'inCluster' | 'kubeconfig' }>;

/** Where a member cluster's objects come from. */
export type ClusterOrigin =
  | { readonly kind: 'manifests'; readonly path: string }
  | {
      readonly kind: 'kubeconfig';
      readonly path: string;
      readonly context?: string;
      /** Accept a kubeconfig's `insecure-skip-tls-verify`. */
      readonly allowInsecure: boolean;
      /** Exec credential plugins that may run besides those with an absolute path. */
      readonly execAllowed: readonly string[];
    }
  | { readonly kind: 'inCluster' }
  /** A Secret labelled `fedns.io/cluster`; never in the file, but found where `clusterSecrets` says. */
  | { readonly kind: 'secret'; readonly namespace: string; readonly name: string };

export interface ClusterSettings {
  readonly name: string;
  readonly region?: string;
  /** Absent: concluded from Nodes and endpoints. */
  readonly zones?: readonly string[];
  readonly origin: ClusterOrigin;
  /** Networks of the cluster's Pods and Nodes, CIDR text. */
  readonly clients: readonly string[];
  /** `loadBalancer`: only addresses of load balancers; `clusterIP`: also cluster IPs and Pod addresses (flat networks). */
  readonly publish: 'loadBalancer' | 'clusterIP';
  /** Networks that published addresses must (`allow`, empty: any) and must not (`deny`) lie in. */
  readonly addresses: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** Domain suffixes that load-balancer hostnames must (`allow`, empty: any) and must not (`deny`) end in. */
  readonly hostnames: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** Namespaces that must (`allow`, empty: any) and must not (`deny`) hold a federated Service. */
  readonly namespaces: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  readonly limits: ClusterLimits;
}

/** A TSIG key; its secret stays in the file until it is needed. */
export interface TransferKeySettings {
  readonly name: string;
  readonly algorithm: TsigAlgorithmName;
  readonly secretFile: string;
}

/** Secondaries: who may have the zone, and who is told of changes. */
export interface TransferSettings {
  readonly keys: readonly TransferKeySettings[];
  /** `networks` empty: any; then there is a key. */
  readonly allow: readonly { readonly networks: readonly string[]; readonly key?: string }[];
  /** No key: that of the first rule of `allow` whose networks have the address. */
  readonly notify: readonly (ListenAddress & { readonly key?: string })[];
  readonly notifyDelayMs: number;
  readonly journalOctets: number;
  /** Transfers at a time. */
  readonly transfers: number;
  /** `require`: transfers over TCP without TLS are refused. */
  readonly tls: 'allow' | 'require';
  /** Another replica hands the zone out. */
  readonly standby: boolean;
  /** Name of the catalog zone; absent: none. */
  readonly catalog?: string;
}

/** Response rate limiting, see server/rate-limit.ts. */
export interface RateLimitSettings {
  /** Alike replies per second to one client network: 1 to 10,000. */
  readonly perSecond: number;
  /** How many seconds of excess are remembered, in seconds: 1 to 60. So long after a flood replies stay limited. */
  readonly windowSeconds: number;
  /** Every nth limited reply is sent truncated: 1 all, 2 every second, 0 none. */
  readonly slip: number;
  /** Networks that are never limited, as CIDR text. */
  readonly exempt: readonly string[];
}

/** Signing of the domain. */
export interface DnssecSettings {
  /** Folder of the keys (dnssec/keys/key-folder.ts). */
  readonly keys: string;
  /** What new keys are made for. */
  readonly algorithm: 'ECDSAP256SHA256' | 'ED25519';
  /** New keys are a KSK and a ZSK. */
  readonly split: boolean;
  /** TTL of DNSKEY, CDS and CDNSKEY in seconds. */
  readonly dnskeyTtlSeconds: number;
  /** Whether CDS and CDNSKEY are served. */
  readonly cds: boolean;
  /** Longest TTL that comes from annotations, in seconds. */
  readonly longestTtlSeconds: number;
  /** Until every replica and secondary serves a change. */
  readonly propagationSeconds: number;
  readonly parentDsTtlSeconds: number;
  /** How long a signature holds. */
  readonly signatureHours: number;
  /** Signatures that are kept. */
  readonly signatures: number;
  /** Threads that sign. */
  readonly signers: number;
  /** Denials that are signed for clients that may be anybody. */
  readonly denialsPerSecond: number;
}

/** DNS over TLS. */
export interface TlsSettings {
  readonly listen: readonly ListenAddress[];
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
}

/** Queries and replies as dnstap messages. */
export interface DnstapSettings {
  readonly to:
    | { readonly kind: 'socket'; readonly path: string }
    | { readonly kind: 'tcp'; readonly listen: ListenAddress }
    /** `octetsMax`: from this size on another file is begun; `keep` of them stay. */
    | { readonly kind: 'file'; readonly path: string; readonly octetsMax: number; readonly keep: number };
  /** Absent: the host name. */
  readonly identity?: string;
  /** Absent: fedns and its version. */
  readonly version?: string;
  readonly messages: readonly ('auth-query' | 'auth-response')[];
  /** Which part of all queries, 0 to 1. */
  readonly sample: number;
}

/** An address and port to listen on, UDP and TCP. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/** Degrees of latitude and longitude, north and east positive. */
export type PlaceSettings = readonly [latitude: number, longitude: number];

/** What the configuration says of a region. */
export interface RegionSettings {
  readonly name: string;
  readonly place?: PlaceSettings;
  /** ISO 3166-1 alpha-2, upper case: countries whose clients belong here. */
  readonly countries: readonly string[];
  /** Regions that its clients go to next, in order; others follow by distance. */
  readonly near: readonly string[];
  /** Zones that lie elsewhere. */
  readonly zones: readonly { readonly name: string; readonly place: PlaceSettings }[];
}

/** Something that can be drained. */
export interface TargetSettings {
  readonly kind: DrainKind;
  /** Lower case: a label, for a zone also `zone.region`, for a Service `service.namespace.federation`. */
  readonly name: string;
}

/** When a drill does not run, by the clock of its time zone. Minutes of a week count from Monday 00:00. */
export type BlockedWindow =
  /** Whole days, both included, as `YYYY-MM-DD`. */
  | { readonly kind: 'days'; readonly from: string; readonly to: string; readonly text: string }
  /** Of every week: from one minute up to another, past Sunday where that is the earlier one. */
  | {
      readonly kind: 'week';
      readonly fromMinute: number;
      readonly toMinute: number;
      readonly text: string;
    }
  /** Of every day: from one minute up to another, past midnight where that is the earlier one. */
  | {
      readonly kind: 'daily';
      readonly fromMinute: number;
      readonly toMinute: number;
      readonly text: string;
    };

/** A drain for a while, at times of a calendar. */
export interface DrillSettings {
  readonly name: string;
  readonly cron: string;
  /** Of the IANA database. */
  readonly timeZone: string;
  readonly what: TargetSettings;
  readonly forSeconds: number;
  readonly blocked: readonly BlockedWindow[];
}

/** One step of a plan. */
export type PlanStepSettings =
  | {
      readonly verb: 'drain';
      readonly what: TargetSettings;
      /** Absent: until it is ended. */
      readonly forSeconds?: number;
      readonly reason?: string;
      /** Also where a name is left without addresses. */
      readonly force: boolean;
    }
  | { readonly verb: 'undrain'; readonly what: TargetSettings };

/** A list of drains and undrains, each of which somebody approves. */
export interface PlanSettings {
  readonly name: string;
  readonly steps: readonly PlanStepSettings[];
}

export interface SteeringSettings {
  /** Absent: each server drains alone. */
  readonly configMap?: {
    readonly namespace: string;
    readonly name: string;
    readonly origin: ApiOrigin;
  };
  /** Admin servers of the replicas. */
  readonly peers: readonly PeerAddress[];
}

/** What `fedns federate` goes by. */
export interface FederateSettings {
  readonly federation: string;
  /** Absent: the cluster of `clusterSecrets`. */
  readonly endpoint?: Exclude<ClusterOrigin, { readonly kind: 'manifests' | 'secret' }>;
  readonly select: 'label' | 'all';
  /** Of the Lease, in the cluster of `clusterSecrets`. */
  readonly namespace: string;
  readonly admin?: ListenAddress;
  /** How replicas are divided, where an object does not say. */
  readonly division: 'v1' | 'webster';
  /** Requests that write to one cluster at a time. */
  readonly writesPerCluster: number;
  /** More removals of one cluster's objects within `windowSeconds` than `min` and than a part of all wait for a word. */
  readonly deletes: { readonly maxFraction: number; readonly min: number; readonly windowSeconds: number };
}

/** A replica, or a name that stands for some. */
export interface PeerAddress {
  /** A name in lower case, or an address. */
  readonly host: string;
  readonly port: number;
}

export interface Settings {
  /** The file that the settings were read from. */
  readonly file: string;
  /** The served domain: lower case, no trailing dot. */
  readonly domain: string;
  readonly nameservers: readonly NameserverSettings[];
  /** RNAME of the SOA record, as a domain name. */
  readonly hostmaster: string;
  readonly listen: readonly ListenAddress[];
  /** Absent: no admin listener. */
  readonly admin?: ListenAddress;
  /** Names by which it may be asked, lower case. */
  readonly adminHosts: readonly string[];
  readonly ttlSeconds: number;
  /** Least TTL that annotations and host names bring. */
  readonly ttlMinSeconds: number;
  /** Longest TTL of a level while something at or below it is degraded; absent: as always. */
  readonly ttlDegradedSeconds?: number;
  /** Most addresses of one reply, per family; absent: all. */
  readonly maxAddresses?: number;
  /** TTL of negative answers that may be wrong the next moment. */
  readonly negativeTtlSeconds: number;
  /** TTL of NODATA that no change of health ends, and the SOA's MINIMUM; at least the other. */
  readonly nodataTtlSeconds: number;
  /** TTL of NS and SOA. */
  readonly apexTtlSeconds: number;
  /** How long queries are answered on after the signal to end. */
  readonly drainSeconds: number;
  readonly whenNoneHealthy: 'nodata' | 'nxdomain' | 'lastKnown';
  readonly transport: 'auto' | 'batch' | 'portable';
  readonly workers: number | 'auto';
  /** Each worker of the batch transport keeps to one CPU. */
  readonly pinWorkers: boolean;
  /** Largest UDP reply and the size advertised in OPT, in octets (512 to 4096). */
  readonly udpPayloadMax: number;
  /** Absent: no state is kept. */
  readonly stateDir?: string;
  /** How much is kept of what happened; absent: nothing. */
  readonly journal?: { readonly maxOctets: number; readonly maxDays: number };
  readonly federations: readonly FederationSettings[];
  readonly ecs: { readonly trust: readonly string[] };
  /** Paths of databases, at least one. Absent: clients are not found by their address. */
  readonly geoip?: { readonly databases: readonly string[] };
  /** What the configuration says of regions; others are known by their names alone. */
  readonly regions: readonly RegionSettings[];
  /** Networks of clients that are (`allow`, empty: any) and are not (`deny`) answered. */
  readonly access: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** Absent: replies are not limited. */
  readonly rateLimit?: RateLimitSettings;
  readonly cookies: {
    readonly policy: 'off' | 'offer' | 'require';
    /** Absent: a random secret. */
    readonly secretFile?: string;
  };
  /** What clients may hold over TCP and TLS. */
  readonly tcp: {
    readonly connections: number;
    readonly connectionsPerClient: number;
    readonly idleSeconds: number;
  };
  /** Absent: no DNS over TLS. */
  readonly tls?: TlsSettings;
  /** Absent: no transfers. */
  readonly transfer?: TransferSettings;
  /** What the server tells of itself; empty: nothing. */
  readonly identity: {
    /** Absent: something that stands for the host name. */
    readonly nsid?: string;
    readonly version: string;
    readonly hostname: string;
  };
  readonly outage: {
    readonly graceSeconds: number;
    /** For clusters that answer and refuse fedns. */
    readonly refusedGraceSeconds: number;
    readonly failStaticAbove: number;
  };
  /** How long a shard must be down before it leaves; one that is back sooner does not leave. In seconds; 0 turns it off. */
  readonly dampingSeconds: number;
  /** What of a loss without evidence is held back, see steering/guard.ts. */
  readonly guard: {
    readonly enabled: boolean;
    readonly maxWithdrawFraction: number;
    readonly windowSeconds: number;
    readonly minShards: number;
    readonly holdSeconds: number;
  };
  /** Absent: the domain is not signed. */
  readonly dnssec?: DnssecSettings;
  /** Servers that load-balancer hostnames are asked of, `address` or `address:port`; empty: the system's. */
  readonly resolvers: readonly string[];
  readonly clusters: readonly ClusterSettings[];
  /** Where Secrets labelled `fedns.io/cluster` are looked for; absent: nowhere. */
  readonly clusterSecrets?: { readonly namespace: string; readonly origin: ApiOrigin };
  /** Absent: nothing is brought into member clusters. */
  readonly federate?: FederateSettings;
  /** The operator's records, and those that follow from `nameservers`. */
  readonly statics: StaticSet;
  /** How replicas drain together. */
  readonly steering: SteeringSettings;
  readonly drills: readonly DrillSettings[];
  readonly plans: readonly PlanSettings[];
  readonly log: {
    readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
    readonly format: 'auto' | 'json' | 'text' | 'pretty';
    /** Which part of all queries has a line, 0 to 1. */
    readonly queries: number;
  };
  /** Absent: off. */
  readonly dnstap?: DnstapSettings;
}
