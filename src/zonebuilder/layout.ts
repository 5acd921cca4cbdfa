/**
 * The layout of the answer image: what the control plane writes and every worker reads. Two pieces of shared memory:
 *
 * ```
 *  control  (one for the life of the process)      arena  (replaced as a whole when it grows)
 *  ┌───────────────────────────────┐               ┌──────────────────────────────────────────┐
 *  │ EPOCH, GENERATION             │               │ header: seed, table, locations, serial … │
 *  │ READERS: one word per worker  │               ├──────────────────────────────────────────┤
 *  └───────────────────────────────┘               │ service table: pairs (hash, blob)        │
 *                                                  ├──────────────────────────────────────────┤
 *                                                  │ blobs, each immutable once published     │
 *                                                  └──────────────────────────────────────────┘
 * ```
 *
 * A blob is named by its position in units of 8 octets, so a word of 32 bits reaches 16 GiB. Publishing one is a
 * single atomic store of that number. Integers are in host order (little-endian on all platforms that Node runs
 * on); what goes into a DNS message is stored in network order.
 */

/** Words of the control memory. */
export const Control = {
  /** Grows whenever a blob is retired; always odd. */
  epoch: 0,
  /** Grows by one whenever the arena is replaced. */
  generation: 1,
  /** First of {@link READERS_MAX}: the epoch that a reader works in, 0 while it holds nothing. */
  readers: 16,
} as const;

/** Workers that can read one image: more than any machine's cores are worth for one DNS server. */
export const READERS_MAX = 240;

/** Octets of control memory. */
export const CONTROL_OCTETS = (Control.readers + READERS_MAX) * 4;

/** Words of the arena's header. */
export const Header = {
  /** Seed of every hash, so that hostile names cannot be chosen to collide. */
  seed: 0,
  /** Position of the service table, in words. */
  table: 1,
  /** Slots of the service table minus one; the number of slots is a power of two. */
  tableMask: 2,
  /** Blob of the location table. Replaced when a cluster brings a new region or zone. */
  locations: 3,
  /** Blob of the static table; never replaced within one arena. */
  statics: 4,
  /** SOA serial. */
  serial: 5,
  /** What is still to come from clusters, bits of {@link Awaited}. */
  awaited: 6,
  /** Longest TTL in seconds of what is answered for Services. */
  ttlMax: 7,
  /** Blob of the cluster table. Replaced when a cluster joins or leaves. */
  clusters: 8,
  /** Blob of the orders of clients' places. Replaced when they change, and with what they lead to. */
  orders: 9,
} as const;

/**
 * What answers have to reckon with because of clusters of which nothing was ever read. A cluster that is out of reach for
 * too long is given up: its shards are not waited for any more, but what it alone could know stays unknown.
 */
export const Awaited = {
  /** Shards: a set of addresses may be incomplete. */
  shards: 1,
  /** Names of Services, at every location that there is. */
  names: 2,
  /** Any region with any zone. */
  places: 4,
  /** Zones, of the regions that are marked open and by their label alone. */
  zones: 8,
} as const;

/** Octets of the arena's header. */
export const HEADER_OCTETS = 64;

/** A table slot whose entry was removed: look-ups go on past it. No blob lies at 1, the header does. */
export const TOMBSTONE = 1;

/**
 * What a blob of the service table stands for. Of a flat Service, a level without addresses answers with those of the level
 * above, if there are any, in place of an alias to it.
 */
export const BlobKind = { emptyNonTerminal: 1, service: 2, flatService: 3 } as const;

/**
 * A blob of the service table: octet offsets from its start. The key is the lower-case wire form of `S.N.F` without
 * root label; an empty non-terminal has `N.F`, `F` or nothing as its key and ends after the key.
 */
export const Blob = {
  /** uint32, seconds: the global level's, and that of every level without another in the extras. */
  ttl: 0,
  kind: 4,
  keyOctets: 5,
  ports: 6,
  /** Where the level entries start, in units of 2 octets. */
  levelsAt: 7,
  /** uint16: level entries for IPv4, then the same for IPv6. */
  v4Levels: 8,
  v6Levels: 10,
  /** uint16: cluster entries, which follow the level entries: of every shard's cluster for IPv4, then those with IPv6. */
  v4Clusters: 12,
  v6Clusters: 14,
  /** uint32: octet offset of the ports, of the IPv4 addresses, of the IPv6 addresses. */
  portsAt: 16,
  v4At: 20,
  v6At: 24,
  /** uint32: octets of the whole blob. */
  octets: 28,
  /** uint32: octet offset of what most Services do not have, {@link Extras}; 0 for none. */
  extrasAt: 32,
  key: 36,
} as const;

/**
 * A level entry: three uint16, location, first address, number of addresses. Sorted by location; global is 0.
 * A cluster entry is the same with the cluster's number, so that the addresses of one cluster are a slice, too.
 */
export const LEVEL_OCTETS = 6;

/** Which of its healthy shards a Service's global name answers with, as far as readers decide it (policy.ts). */
export const PolicyCode = { all: 0, nearest: 1, weighted: 2 } as const;

/** Turns of weighted Services that a reader keeps apart; above it, two Services share one. */
export const TURNS_MAX = 16_384;

/**
 * What only some Services have. Behind the counts stand the weighted places, uint32 number as in {@link Orders} and uint32
 * sum of the weights up to it, then the TTLs, a uint16 location and a uint32 of seconds each, then
 * the shares of both families: uint16 location, uint16 number of runs, and a uint16 for each run, the number of
 * addresses of the level up to its end. A run is the addresses of one cluster.
 */
export const Extras = {
  /** uint16: most addresses of one reply, 0 for all. */
  maxAddresses: 0,
  /** uint16: TTLs, shares of IPv4 levels, shares of IPv6 levels. */
  ttls: 2,
  v4Shares: 4,
  v6Shares: 6,
  /** uint16: {@link PolicyCode}. */
  policy: 8,
  /** uint16: weighted places. */
  weights: 10,
  /** uint16: which of a reader's turns is the Service's; then the stride of its turns, as uint32. */
  turn: 12,
  stride: 14,
  entries: 18,
} as const;

/** Octets of a weighted place. */
export const WEIGHT_OCTETS = 8;

/** Octets of a level's TTL. */
export const TTL_OCTETS = 6;

/**
 * A port: uint16 port, uint16 octets of `_name._proto` in wire form, those octets, padded to even length. Where the
 * port is 0 a uint32 follows, the octets behind it, and then the levels that have the port, sorted by location: uint16
 * location, uint16 number of targets, uint32 octets of the targets, the targets.
 */
export const PORT_HEADER_OCTETS = 4;
export const PORT_LEVEL_OCTETS = 8;

/** A target of an SRV record, padded to even length. */
export const Target = {
  /** uint16: location, or number of the cluster, whose addresses are the target's. */
  place: 0,
  /** uint16 each. */
  port: 2,
  priority: 4,
  weight: 6,
  kind: 8,
  nameOctets: 9,
  name: 10,
} as const;

/** What the name of a target is: the location of a level, the label in front of the Service, or a whole name. */
export const TargetKind = { level: 0, cluster: 1, name: 2 } as const;

/** What stands for no limit of the TTL: the longest there is (RFC 2181 section 8). */
export const TTL_UNLIMITED = 0x7fffffff;

/** The location of global names. */
export const GLOBAL = 0;

/**
 * The location table: uint32 number of slots minus one, then slots of one uint32 each, the octet offset of an entry
 * from the start of the blob or 0.
 */
export const Locations = { mask: 0, slots: 4 } as const;

/** An entry of the location table. Its key is the lower-case wire form of the location, without root label. */
export const Location = {
  /** uint16: what level entries call it. */
  id: 0,
  /** uint16: the location above, {@link GLOBAL} for a region. */
  parent: 2,
  /** uint32: how many octets before this entry its parent's entry stands; 0 for a region. */
  parentBack: 4,
  /** Whether a cluster that was never read may have any zone of the region. */
  isOpen: 8,
  keyOctets: 9,
  key: 10,
} as const;

/**
 * The cluster table, made as the location table: uint32 number of slots minus one, slots, and entries of a uint16, the
 * number that cluster entries use, an octet that says whether the cluster has never been read, an octet with the length
 * of the key, and the key, the cluster's label in wire form.
 */
export const Clusters = { mask: 0, slots: 4, number: 0, isUnread: 2, keyOctets: 3, key: 4 } as const;

/**
 * The orders of clients' places (orders.ts): uint32 version of the rows, uint32 number of rows, a uint32 for each, the octet
 * offset of its list from the start of the table or 0, and the lists: uint32 number of steps, a uint32 for each step, the
 * number of a location, or that of a cluster with {@link Orders.clusterBit}. The first table of the blob says with `former`, an
 * octet offset or 0, where that of the version before stands: a reader has the tables of one or of the other.
 */
export const Orders = { version: 0, rows: 4, former: 8, entries: 12, clusterBit: 0x10000 } as const;

/**
 * The static table: uint32 number of slots minus one, uint32 mask of the depths at which names lie, uint32 mask of
 * the depths of zone cuts, uint32 number of wildcards, then slots as in the location table. The depth of a name is
 * its number of labels below the apex; depths of 31 and more share the last bit.
 */
export const Statics = { mask: 0, depths: 4, cutDepths: 8, wildcards: 12, slots: 16 } as const;

/** A name with static records, or an empty non-terminal above one (no RRset). Key: lower-case wire form below the apex. */
export const StaticName = {
  /** uint16. */
  rrsets: 0,
  /** uint16: octet offset of the first RRset from the start of the entry. */
  rrsetsAt: 2,
  keyOctets: 4,
  key: 5,
} as const;

/** An RRset: uint16 type, uint16 number of records, uint32 octets of the records, then the records. */
export const RRSET_HEADER_OCTETS = 8;

/** A record as it stands in a message behind its owner name: type, class, TTL, RDLENGTH and RDATA, in network order. */
export const RECORD_HEADER_OCTETS = 10;
