/**
 * The layout of the tables that tell where a client is: one piece of shared memory, compiled as a whole and never written again.
 *
 * ```
 *  header │ IPv4 index, a word per /16 │ IPv4 scopes │ IPv4 blocks, two octets per /24
 *         │ IPv6 index, a word per /16 │ IPv6 scopes │ IPv6 nodes
 *         │ IPv4 networks of clients   │ IPv6 networks of clients
 * ```
 *
 * A place is a row (network-tree.ts). What a row means, locations in the order in which a client there wants them, stands in the answer
 * image, so that a region that fails or comes needs no new table.
 */

/** Words of the header; positions are in octets from the start of the memory. */
export const GeoHeader = {
  /** Uint16 per /16: the number of a block. */
  v4Index: 0,
  /** Octet per /16: the prefix length of the block with one row around it, up to 16; {@link NO_SCOPE} where it has several. */
  v4Scopes: 1,
  /** 256 Uint16 per block: the row of each /24, and above it the prefix length of the block with that row around it, 16 to 24. */
  v4Blocks: 2,
  /** Int32 per /16: a node's position in words, or a leaf (network-tree.ts). */
  v6Index: 3,
  v6Scopes: 4,
  v6Nodes: 5,
  /** Uint32 each: where the ranges of clients' networks start, ascending, the first at 0. */
  v4Clients: 6,
  /** Uint16 each: the row of a range, or {@link NO_CLIENT}. */
  v4ClientRows: 7,
  /** Number of ranges. */
  v4ClientRanges: 8,
  /** As for IPv4, with four words per start, most significant first. */
  v6Clients: 9,
  v6ClientRows: 10,
  v6ClientRanges: 11,
  /** Which set of rows this is; orders of another set say nothing of these. */
  version: 12,
} as const;

/** Words of the header. */
export const GEO_HEADER_WORDS = 16;

/** /16 networks, with which every look-up begins. */
export const INDEX_SLOTS = 65536;

/** Cells of an IPv4 block: the /24 networks of a /16. */
export const BLOCK_CELLS = 256;

/** Where a cell has its scope, above its row. */
export const CELL_SCOPE_SHIFT = 8;

/** The scope of a /16 whose addresses have several rows. */
export const NO_SCOPE = 255;

/** The value of a range in which no network of clients lies. */
export const NO_CLIENT = 65535;

/**
 * Longest prefixes that answers differ by. Databases place few networks more finely, and resolvers are asked not to tell
 * more of a client than this (RFC 7871 section 11.1).
 */
export const SCOPE4_MAX = 24;
export const SCOPE6_MAX = 56;

/** Bits that one node of the IPv6 trie decides. */
export const STRIDE = 4;
