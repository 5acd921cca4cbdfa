/**
 * Reads of a MaxMind DB record what tells a place, and skips the rest: names in nine languages are most of a record, and
 * decoding them is most of the time that a whole database takes. Follows pointers only to what it looks for, so that no
 * record can make it work long.
 *
 * Two schemas are in use: MaxMind's own, with maps in maps, and flat ones, where the fields stand at the top, numbers
 * sometimes as text.
 */
import { GeoError } from './geo-error.ts';

/** What a record tells. A field that it does not have is NaN or empty. */
export interface GeoRecord {
  latitude: number;
  longitude: number;
  /** Kilometres within which the client is, with the database's certainty. */
  radiusKm: number;
  /** ISO 3166-1 alpha-2, upper case. */
  country: string;
}

/** Types of the data section (MaxMind DB File Format Specification 2.0); those that stand behind a 0 are 8 and up. */
const Kind = { pointer: 1, text: 2, double: 3, bytes: 4, map: 7, array: 11, boolean: 14, float: 15 } as const;

/** Fields by the name that a schema has for them. */
const FIELDS: Readonly<Record<string, keyof GeoRecord>> = {
  latitude: 'latitude',
  lat: 'latitude',
  longitude: 'longitude',
  lng: 'longitude',
  lon: 'longitude',
  accuracy_radius: 'radiusKm',
  iso_code: 'country',
  country_code: 'country',
};

/** Lengths of the keys that matter: of all others no text is made. */
const KEY_LENGTHS: ReadonlySet<number> = new Set(
  [...Object.keys(FIELDS), 'location', 'country'].map(({ length }) => length),
);

/** Maps in which fields stand, in MaxMind's schema; `country` is the code itself in some flat ones. */
const GROUPS: ReadonlySet<string> = new Set(['location', 'country']);

/** Reads records of one data section. */
export class RecordReader {
  readonly #data: Buffer;
  /** Keys by where they stand; a database has each once and points to it. */
  readonly #keys = new Map<number, string>();
  /** Behind what was read last. */
  #at = 0;
  #kind = 0;
  #size = 0;

  /** @param data - from the start of the data section, to which pointers count */
  constructor(data: Buffer) {
    this.#data = data;
  }

  /**
   * Reads the record at a position of the data section.
   *
   * @throws GeoError `GEOIP_MALFORMED` when it ends outside of the section
   */
  read(at: number): GeoRecord {
    const record: GeoRecord = { latitude: NaN, longitude: NaN, radiusKm: NaN, country: '' };
    try {
      this.#at = at;
      this.#readMap(record, '', 0);
    } catch (cause) {
      if (cause instanceof RangeError) throw malformed(at, cause);
      throw cause;
    }
    return record;
  }

  #readMap(record: GeoRecord, group: string, depth: number): void {
    this.#readHead();
    if (this.#kind === Kind.pointer) return this.#follow(() => this.#readMap(record, group, depth));
    if (this.#kind !== Kind.map) return this.#readValue(record, group);
    const entries = this.#size;
    for (let i = 0; i < entries; i++) {
      const key = this.#readKey();
      if (depth === 0 && GROUPS.has(key)) this.#readMap(record, key, 1);
      else if (Object.hasOwn(FIELDS, key)) this.#readField(record, FIELDS[key]!);
      else this.#skip();
    }
  }

  /** A group that is no map: `country: "DE"` in a flat schema. The head has been read. */
  #readValue(record: GeoRecord, group: string): void {
    if (group === 'country' && this.#kind === Kind.text) record.country ||= this.#text().toUpperCase();
    else this.#skipBody();
  }

  #readField(record: GeoRecord, field: keyof GeoRecord): void {
    this.#readHead();
    if (this.#kind === Kind.pointer) return this.#follow(() => this.#readField(record, field));
    if (field !== 'country') record[field] = this.#number();
    else if (this.#kind === Kind.text) record.country = this.#text().toUpperCase();
    else this.#skipBody();
  }

  /** The next key, or nothing where it is one of no interest. */
  #readKey(): string {
    this.#readHead();
    if (this.#kind !== Kind.pointer) return this.#keyText();
    const target = this.#pointer();
    const known = this.#keys.get(target);
    if (known !== undefined) return known;
    const back = this.#at;
    this.#at = target;
    this.#readHead();
    const key = this.#keyText();
    this.#at = back;
    this.#keys.set(target, key);
    return key;
  }

  #keyText(): string {
    if (this.#kind === Kind.text && KEY_LENGTHS.has(this.#size)) return this.#text();
    this.#skipBody();
    return '';
  }

  /** Goes where a pointer whose head has been read leads, reads there, and comes back. */
  #follow(read: () => void): void {
    const target = this.#pointer();
    const back = this.#at;
    this.#at = target;
    // The specification has no pointer to a pointer; whoever makes one goes round in a circle.
    if (this.#data.readUInt8(target) >>> 5 === Kind.pointer) throw new RangeError('a pointer to a pointer');
    read();
    this.#at = back;
  }

  #pointer(): number {
    const low = this.#size;
    switch (low >>> 3) {
      case 0:
        return (low & 7) * 256 + this.#unsigned(1);
      case 1:
        return (low & 7) * 65_536 + this.#unsigned(2) + 2048;
      case 2:
        return (low & 7) * 16_777_216 + this.#unsigned(3) + 526_336;
      default:
        return this.#unsigned(4);
    }
  }

  /** Reads kind and size. A pointer's size is the low five bits of its first octet. */
  #readHead(): void {
    const control = this.#unsigned(1);
    let kind = control >>> 5;
    if (kind === 0) kind = 7 + this.#unsigned(1);
    this.#kind = kind;
    const size = control & 31;
    if (kind === Kind.pointer || size < 29) this.#size = size;
    else if (size === 29) this.#size = 29 + this.#unsigned(1);
    else if (size === 30) this.#size = 285 + this.#unsigned(2);
    else this.#size = 65_821 + this.#unsigned(3);
  }

  #number(): number {
    if (this.#kind === Kind.double || this.#kind === Kind.float) return this.#float();
    if (this.#kind === Kind.text) {
      const text = this.#text();
      return text === '' ? NaN : Number(text);
    }
    if (this.#kind < 5 || this.#kind > 9 || this.#kind === Kind.map || this.#size > 6) {
      this.#skipBody();
      return NaN;
    }
    return this.#unsigned(this.#size);
  }

  #float(): number {
    const { [this.#kind === Kind.double ? 'readDoubleBE' : 'readFloatBE']: read } = this.#data;
    const value = read.call(this.#data, this.#at);
    this.#at += this.#size;
    return value;
  }

  #text(): string {
    const end = this.#at + this.#size;
    if (end > this.#data.length) throw new RangeError('a text ends outside of the data');
    const text = this.#data.toString('utf8', this.#at, end);
    this.#at = end;
    return text;
  }

  #unsigned(octets: number): number {
    const value = octets === 0 ? 0 : this.#data.readUIntBE(this.#at, octets);
    this.#at += octets;
    return value;
  }

  #skip(): void {
    this.#readHead();
    this.#skipBody();
  }

  /** Goes behind a value whose head has been read. */
  #skipBody(): void {
    if (this.#kind === Kind.pointer) this.#pointer();
    else if (this.#kind === Kind.map) for (let left = this.#size * 2; left > 0; left--) this.#skip();
    else if (this.#kind === Kind.array) for (let left = this.#size; left > 0; left--) this.#skip();
    else if (this.#kind !== Kind.boolean) this.#at += this.#size;
  }
}

function malformed(at: number, cause: RangeError): GeoError {
  return new GeoError('GEOIP_MALFORMED', `the record at ${at} is broken: ${cause.message}`, { cause });
}
