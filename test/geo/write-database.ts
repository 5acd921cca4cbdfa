/**
 * Writes small MaxMind DB files for tests: any record size, either schema, and, on request, aliases of the IPv4 tree. From the
 * MaxMind DB File Format Specification 2.0; what reads them is our own walk and mmdb-lib.
 */

/** A value of a record. Whole numbers become uint32, others double. */
export type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

export interface DatabaseOptions {
  /** CIDR as address octets, prefix length and record. */
  readonly networks: readonly (readonly [address: readonly number[], prefix: number, record: Value])[];
  readonly ipVersion?: 4 | 6;
  readonly recordBits?: 24 | 28 | 32;
  readonly type?: string;
  /** Seconds since 1970. */
  readonly builtSeconds?: number;
  /** ::ffff:0:0/96 and 2002::/16 lead into the IPv4 tree. */
  readonly aliases?: boolean;
}

const METADATA_START = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
type Slot = { readonly kind: 'node' | 'data'; readonly to: number } | undefined;

/** The octets of a database. */
export function writeDatabase(options: DatabaseOptions): Buffer {
  const {
    networks,
    ipVersion = 6,
    recordBits = 28,
    type = 'Test-City',
    builtSeconds = 1_700_000_000,
  } = options;
  const data: Buffer[] = [];
  let dataOctets = 0;
  const nodes: [Slot, Slot][] = [[undefined, undefined]];
  const put = (bits: readonly number[], last: Slot): void => {
    let at = 0;
    for (const bit of bits.slice(0, -1)) {
      const next = nodes[at]![bit];
      // A network within a wider one: what was there stays around it.
      if (next?.kind !== 'node') nodes[at]![bit] = { kind: 'node', to: nodes.push([next, next]) - 1 };
      at = nodes[at]![bit]!.to;
    }
    nodes[at]![bits.at(-1)!] = last;
  };
  for (const [address, prefix, record] of networks.toSorted((a, b) => a[1] - b[1])) {
    const octets = encode(record);
    const bits = bitsOf(address).slice(0, prefix);
    put(address.length === 4 && ipVersion === 6 ? [...zeros(96), ...bits] : bits, {
      kind: 'data',
      to: dataOctets,
    });
    data.push(octets);
    dataOctets += octets.length;
  }
  if (options.aliases === true) {
    let at = 0;
    for (let i = 0; i < 96; i++) at = nodes[at]![0]!.to;
    put([...zeros(80), ...Array.from({ length: 16 }, () => 1)], { kind: 'node', to: at });
    put(bitsOf([0x20, 0x02]), { kind: 'node', to: at });
  }
  const metadata = {
    node_count: nodes.length,
    record_size: recordBits,
    ip_version: ipVersion,
    database_type: type,
    languages: ['en'],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: builtSeconds,
    description: { en: 'a test' },
  };
  const tree = nodes.map((node) => encodeNode(node, nodes.length, recordBits));
  return Buffer.concat([...tree, Buffer.alloc(16), ...data, METADATA_START, encode(metadata)]);
}

function encodeNode(node: readonly [Slot, Slot], count: number, recordBits: number): Buffer {
  const [left, right] = node.map((slot) =>
    slot === undefined ? count : slot.kind === 'node' ? slot.to : count + 16 + slot.to,
  );
  const octets = Buffer.alloc(recordBits / 4);
  if (recordBits === 32) {
    octets.writeUInt32BE(left!);
    octets.writeUInt32BE(right!, 4);
  } else {
    octets.writeUIntBE(left! & 0xff_ffff, 0, 3);
    octets.writeUIntBE(right! & 0xff_ffff, octets.length - 3, 3);
    if (recordBits === 28) octets[3] = ((left! >>> 24) << 4) | (right! >>> 24);
  }
  return octets;
}

/** Encodes a value: control octets, then the value itself. */
function encode(value: Value): Buffer {
  if (typeof value === 'string')
    return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'boolean') return control(14, value ? 1 : 0);
  if (typeof value === 'number') return encodeNumber(value);
  if (Array.isArray(value))
    return Buffer.concat([control(11, value.length), ...value.map((entry: Value) => encode(entry))]);
  const entries = Object.entries(value as Record<string, Value>);
  return Buffer.concat([
    control(7, entries.length),
    ...entries.flatMap(([key, entry]) => [encode(key), encode(entry)]),
  ]);
}

function encodeNumber(value: number): Buffer {
  const octets = Buffer.alloc(8);
  if (Number.isInteger(value) && value >= 0) {
    octets.writeUInt32BE(value);
    return Buffer.concat([control(6, 4), octets.subarray(0, 4)]);
  }
  octets.writeDoubleBE(value);
  return Buffer.concat([control(3, 8), octets]);
}

function control(kind: number, size: number): Buffer {
  const head = size < 29 ? size : 29;
  const octets = kind < 8 ? [(kind << 5) | head] : [head, kind - 7];
  return Buffer.from(size < 29 ? octets : [...octets, size - 29]);
}

function bitsOf(address: readonly number[]): number[] {
  return address.flatMap((octet) => Array.from({ length: 8 }, (_, i) => (octet >>> (7 - i)) & 1));
}

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0);
}
