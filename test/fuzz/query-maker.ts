/**
 * Makes queries to try a server with: valid ones about names that exist or nearly do, and from there on one mutation after
 * another, down to plain random octets. The same seed makes the same queries.
 */
import type { Random } from './random.ts';

/** Room for the largest message. */
const QUERY_OCTETS_MAX = 65_535;

/** Types worth asking for: those served, those that are special, some that are neither. */
const TYPES = [
  1, 28, 33, 6, 2, 5, 16, 15, 257, 255, 43, 64, 65, 12, 41, 46, 48, 128, 249, 250, 251, 252, 253, 254, 0, 13,
  99, 666, 65_535,
];
const CLASSES = [1, 1, 1, 1, 3, 4, 254, 255, 0, 65_535];
/** Options with the lengths that mean something to somebody; others are made up. */
const OPTIONS: readonly (readonly [number, readonly number[]])[] = [
  [3, [0, 1, 16]],
  [8, [0, 3, 4, 7, 8, 11, 20]],
  [9, [0, 4]],
  [10, [0, 3, 7, 8, 9, 12, 15, 16, 24, 40, 41]],
  [11, [0, 2, 3]],
  [12, [0, 8, 200]],
  [15, [0, 2]],
  [65_001, [0, 5]],
];

export class QueryMaker {
  /** The query that was made last begins at 0. */
  readonly octets = new Uint8Array(QUERY_OCTETS_MAX);
  readonly #random: Random;
  readonly #names: readonly Uint8Array[];
  #end = 0;
  /** Where the question's name begins and ends, for mutations that aim at it. */
  #nameEnd = 0;

  /** @param names - in wire form: names the server has something to say about */
  constructor(random: Random, names: readonly Uint8Array[]) {
    this.#random = random;
    this.#names = names;
  }

  /** Makes the next query. @returns its length in octets */
  next(): number {
    const random = this.#random;
    if (random(64) === 0) return this.#makeNoise();
    this.#makeQuery();
    // Half of the queries are valid, as many as it takes to get behind the parser.
    for (let mutations = [0, 0, 1, 1, 2, 5][random(6)]!; mutations > 0; mutations--) this.#mutate();
    return this.#end;
  }

  #makeNoise(): number {
    const random = this.#random;
    this.#end = random(random(8) === 0 ? 4096 : 64);
    for (let i = 0; i < this.#end; i++) this.octets[i] = random(256);
    // As a query, or no more than one in two would be looked at.
    if (this.#end > 2) this.octets[2] = this.octets[2]! & 0x7f;
    return this.#end;
  }

  #makeQuery(): void {
    const random = this.#random;
    this.#end = 0;
    this.#put16(random(65_536));
    this.#put16(random(4) === 0 ? random(65_536) & 0x07ff : 0x0100 * random(2));
    this.#put16(1);
    this.#put16(0);
    this.#put16(0);
    const withOpt = random(3) > 0;
    this.#put16(withOpt ? 1 : 0);
    this.#putName();
    this.#nameEnd = this.#end;
    this.#put16(this.#pick(TYPES));
    this.#put16(random(8) === 0 ? this.#pick(CLASSES) : 1);
    if (withOpt) this.#putOpt();
  }

  #putName(): void {
    const random = this.#random;
    const name = this.#pick(this.#names);
    let from = 0;
    // A label less or a few more in front: empty non-terminals, names below leaves, names that do not exist.
    if (random(4) === 0) from = random(2) * (name[0] === 0 ? 0 : 1 + name[0]!);
    for (let extra = random(4) === 0 ? 1 + random(3) : 0; extra > 0; extra--) this.#putLabel();
    const mixCase = random(2) === 1;
    for (let i = from; i < name.length; i++) {
      const octet = name[i]!;
      const isLetter = octet >= 0x61 && octet <= 0x7a;
      this.#put8(isLetter && mixCase && random(2) === 1 ? octet - 0x20 : octet);
    }
  }

  #putLabel(): void {
    const random = this.#random;
    const length = this.#pick([1, 1, 3, 5, 9, 30, 63]);
    this.#put8(length);
    const kind = random(3);
    for (let i = 0; i < length; i++)
      this.#put8(kind === 0 ? random(256) : kind === 1 ? 0x2a : 0x61 + random(26));
  }

  #putOpt(): void {
    const random = this.#random;
    this.#put8(0);
    this.#put16(41);
    this.#put16(this.#pick([0, 100, 512, 513, 600, 1232, 1400, 4096, 65_535]));
    this.#put8(random(8) === 0 ? random(256) : 0);
    this.#put8(random(12) === 0 ? random(256) : 0);
    this.#put16(random(3) === 0 ? random(65_536) : 0x8000 * random(2));
    const lengthAt = this.#end;
    this.#put16(0);
    for (let options = this.#pick([0, 0, 1, 1, 2, 3, 30]); options > 0; options--) this.#putOption();
    this.#put16At(lengthAt, this.#end - lengthAt - 2);
  }

  #putOption(): void {
    const random = this.#random;
    const [code, lengths] = this.#pick(OPTIONS);
    const length = this.#pick(lengths);
    this.#put16(random(20) === 0 ? random(65_536) : code);
    this.#put16(length);
    const start = this.#end;
    for (let i = 0; i < length; i++) this.#put8(random(4) === 0 ? random(256) : 1);
    if (code === 8 && length >= 4 && random(3) > 0) this.#shapeSubnet(start, length);
  }

  /** Makes a Client Subnet option that is nearly right: family, source, scope 0, an address of about the right length. */
  #shapeSubnet(start: number, length: number): void {
    const random = this.#random;
    this.octets[start] = 0;
    this.octets[start + 1] = 1 + random(2);
    this.octets[start + 2] = Math.max(0, (length - 4) * 8 - random(9));
    this.octets[start + 3] = random(6) === 0 ? 24 : 0;
    if (length > 4 && random(2) === 1) this.octets[start + length - 1] = 0;
  }

  #mutate(): void {
    const random = this.#random;
    switch (random(11)) {
      case 0: // an octet is another
        if (this.#end > 0) this.octets[random(this.#end)] = random(256);
        return;
      case 1: // a bit is turned
        if (this.#end > 0) this.octets[random(this.#end)]! ^= 1 << random(8);
        return;
      case 2: // the end is missing
        this.#end = random(this.#end + 1);
        return;
      case 3: // there is more behind the end
        for (let more = 1 + random(40); more > 0; more--) this.#put8(random(256));
        return;
      case 4: // a count is a lie
        this.#put16At(4 + 2 * random(4), this.#pick([0, 1, 2, 3, 255, 65_535]));
        return;
      case 5: // another opcode, or a response
        this.octets[2] = (this.octets[2]! & 0x07) | (random(31) << 3);
        return;
      case 6: // a compression pointer somewhere in the name
        this.#put16At(
          12 + random(Math.max(1, this.#nameEnd - 12)),
          0xc000 | random(random(2) === 0 ? 64 : 16_384),
        );
        return;
      case 7: // one more record, of a type that is looked at
        return this.#addRecord();
      case 8: // a part once more
        return this.#repeat();
      case 9: // an octet is gone
        if (this.#end > 0) this.#remove(random(this.#end));
        return;
      default: // a length where lengths stand
        this.#put16At(random(this.#end + 1), this.#pick([0, 1, 63, 64, 255, 0xc00c, 65_535]));
    }
  }

  #addRecord(): void {
    const random = this.#random;
    const section = this.#pick([10, 10, 10, 8, 6]);
    this.#put16At(section, ((this.octets[section]! << 8) | this.octets[section + 1]!) + 1);
    if (random(2) === 0) return this.#putOpt();
    if (random(2) === 0) this.#put16(0xc00c);
    else this.#putName();
    this.#put16(this.#pick([1, 6, 10, 24, 41, 250]));
    this.#put16(this.#pick([1, 255]));
    this.#put16(0);
    this.#put16(60);
    const length = this.#pick([0, 4, 16, 60]);
    this.#put16(random(8) === 0 ? random(65_536) : length);
    for (let i = 0; i < length; i++) this.#put8(random(256));
  }

  #repeat(): void {
    const start = this.#random(this.#end + 1);
    const length = this.#random(Math.min(this.#end - start, 300) + 1);
    for (let times = this.#pick([1, 1, 2, 20]); times > 0; times--) {
      for (let i = start; i < start + length; i++) this.#put8(this.octets[i]!);
    }
  }

  #remove(at: number): void {
    this.octets.copyWithin(at, at + 1, this.#end);
    this.#end--;
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random(choices.length)]!;
  }

  #put8(value: number): void {
    if (this.#end < QUERY_OCTETS_MAX) this.octets[this.#end++] = value;
  }

  #put16(value: number): void {
    this.#put8(value >>> 8);
    this.#put8(value & 255);
  }

  #put16At(at: number, value: number): void {
    if (at + 1 >= this.#end) return;
    this.octets[at] = value >>> 8;
    this.octets[at + 1] = value;
  }
}
