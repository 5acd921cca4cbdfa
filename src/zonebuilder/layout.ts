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

/** What a blob of the service table stands for. */
export const BlobKind = { emptyNonTerminal: 1, service: 2 } as const;

/**
 * A blob of the service table: octet offsets from its start. The key is the lower-case wire form of `S.N.F` without
 * root label; an empty non-terminal has `N.F`, `F` or nothing as its key and ends after the key.
 */
export const Blob = {
  /** uint32, seconds. */
  ttl: 0,
  kind: 4,
  keyOctets: 5,
  ports: 6,
  /** uint16: level entries for IPv4, then the same for IPv6. */
  v4Levels: 8,
  v6Levels: 10,
  /** uint16: octet offset of the level entries, IPv4 first, IPv6 behind. */
  levelsAt: 12,
  /** uint16: octet offset of the ports. */
  portsAt: 14,
  /** uint32: octet offset of the IPv4 addresses, of the IPv6 addresses. */
  v4At: 16,
  v6At: 20,
  /** uint32: octets of the whole blob. */
  octets: 24,
  key: 28,
} as const;

/** A level entry: three uint16, location, first address, number of addresses. Sorted by location; global is 0. */
export const LEVEL_OCTETS = 6;

/** A port: uint16 port, uint16 octets of `_name._proto` in wire form, those octets, padded to even length. */
export const PORT_HEADER_OCTETS = 4;

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
