/** Zone files signed with our own signer, for servers and checkers that are not ours. */
import { signRrset, type SigningKey } from '../../src/dnssec/rrsig.ts';
import { encodeName, encodeNameLower } from '../../src/zonebuilder/names.ts';
import { formatRdata, parseRdata, typeCode, typeText } from '../../src/zonebuilder/rr-types.ts';

/** A name with its records, as mnemonic and data. */
export type ZoneName = readonly [owner: string, records: readonly (readonly [type: string, data: string])[]];

export interface ZoneToSign {
  readonly domain: string;
  readonly ttlSeconds: number;
  /** In canonical order, the apex first. */
  readonly names: readonly ZoneName[];
  /** More at the apex: DNSKEY, CDS, CDNSKEY, in wire form. */
  readonly apex: readonly { readonly type: number; readonly rdata: Buffer }[];
  /** Who signs these, and who signs everything else. */
  readonly keySigners: readonly SigningKey[];
  readonly zoneSigners: readonly SigningKey[];
}

const RRSIG = 46;
const NSEC = 47;
/** Types that only the generic form of RFC 3597 is known of. */
const GENERIC: ReadonlySet<number> = new Set([RRSIG, NSEC]);
const KEY_TYPES: ReadonlySet<number> = new Set([48, 59, 60]);
const AN_HOUR = 3600;

/** The zone with signatures from an hour ago to an hour from now. */
export function signedZone(zone: ZoneToSign): string {
  const { domain, names, apex, zoneSigners } = zone;
  const isSigned = zoneSigners.length > 0;
  const lines = names.flatMap(([owner, records], i) => {
    const rdatas = [...records.map(([type, data]) => wireOf(type, data)), ...(i === 0 ? apex : [])];
    const sets = Map.groupBy(rdatas, ({ type }) => type);
    const next = names[(i + 1) % names.length]![0];
    if (isSigned) sets.set(NSEC, [{ type: NSEC, rdata: nsecOf(next, [...sets.keys()]) }]);
    return [...sets].flatMap(([type, set]) =>
      linesOf(zone, { owner, type, rdatas: set.map(({ rdata }) => rdata) }),
    );
  });
  return `$ORIGIN ${domain}.\n${lines.join('')}`;
}

function linesOf(
  { domain, ttlSeconds, keySigners, zoneSigners }: ZoneToSign,
  {
    owner,
    type,
    rdatas,
  }: { readonly owner: string; readonly type: number; readonly rdatas: readonly Buffer[] },
): string[] {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const period = { inceptionSeconds: nowSeconds - AN_HOUR, expirationSeconds: nowSeconds + AN_HOUR };
  const signers = KEY_TYPES.has(type) ? keySigners : zoneSigners;
  const rrset = { owner: encodeName(owner), type, ttlSeconds, rdatas };
  const rrsigs = signers.map((key) => signRrset(rrset, { zone: encodeNameLower(domain), key, ...period }));
  return [
    ...rdatas.map((rdata) => line(owner, type, ttlSeconds, rdata)),
    ...rrsigs.map((rdata) => line(owner, RRSIG, ttlSeconds, rdata)),
  ];
}

/** SOA has no way from text of its own, since fedns makes it. */
function wireOf(type: string, data: string): { type: number; rdata: Buffer } {
  if (type !== 'SOA') return parseRdata(type, data);
  const [primary, hostmaster, ...numbers] = data.split(' ');
  const timers = Buffer.alloc(20);
  numbers.forEach((number, i) => timers.writeUInt32BE(Number(number), i * 4));
  return {
    type: typeCode('SOA')!,
    rdata: Buffer.concat([encodeName(primary!), encodeName(hostmaster!), timers]),
  };
}

function nsecOf(next: string, types: readonly number[]): Buffer {
  const all = [...types, RRSIG, NSEC].toSorted((a, b) => a - b);
  return Buffer.concat([encodeNameLower(next), bitmapOf(all)]);
}

/** Windows of 256 types (RFC 4034 section 4.1.2). */
function bitmapOf(types: readonly number[]): Buffer {
  const windows = Map.groupBy(types, (type) => type >> 8);
  return Buffer.concat(
    [...windows].map(([window, members]) => {
      const bits = Buffer.alloc(32);
      for (const type of members) bits[(type & 0xff) >> 3]! |= 0x80 >> (type & 7);
      const octets = bits.findLastIndex((octet) => octet !== 0) + 1;
      return Buffer.concat([Buffer.of(window, octets), bits.subarray(0, octets)]);
    }),
  );
}

function line(owner: string, type: number, ttlSeconds: number, rdata: Buffer): string {
  const data = GENERIC.has(type) ? `\\# ${rdata.length} ${rdata.toString('hex')}` : formatRdata(type, rdata);
  return `${owner}. ${ttlSeconds} IN ${typeText(type)} ${data}\n`;
}
