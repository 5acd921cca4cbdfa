import t from 'tap';
import { Statics, StaticName, RRSET_HEADER_OCTETS } from '../../src/zonebuilder/layout.ts';
import { decodeName } from '../../src/zonebuilder/names.ts';
import { parseRdata } from '../../src/zonebuilder/rr-types.ts';
import { depthBit, packStatics, type StaticRecord } from '../../src/zonebuilder/static-set.ts';
import { encodeStatics } from '../../src/zonebuilder/static-table.ts';
import { makeFederation } from '../support/federation.ts';
import { lines } from '../support/message.ts';

function record(line: string, ttlSeconds = 300): StaticRecord {
  const [name = '', type = '', ...data] = line.split(' ');
  return { name, ttlSeconds, ...parseRdata(type, data.join(' ')) };
}

interface Table {
  /** Names relative to the domain with their types and numbers of records. */
  readonly names: Record<string, string>;
  readonly depths: number;
  readonly cutDepths: number;
  readonly wildcards: number;
}

function readTable(blob: Buffer): Table {
  const names: Record<string, string> = {};
  for (let i = 0; i <= blob.readUInt32LE(Statics.mask); i++) {
    const at = blob.readUInt32LE(Statics.slots + i * 4);
    if (at === 0) continue;
    const key = blob.subarray(at + StaticName.key, at + StaticName.key + blob[at + StaticName.keyOctets]!);
    names[decodeName(Buffer.concat([key, Buffer.of(0)]))] = readRrsets(blob, at);
  }
  return {
    names,
    depths: blob.readInt32LE(Statics.depths),
    cutDepths: blob.readInt32LE(Statics.cutDepths),
    wildcards: blob.readUInt32LE(Statics.wildcards),
  };
}

function readRrsets(blob: Buffer, entry: number): string {
  const rrsets: string[] = [];
  let at = entry + blob.readUInt16LE(entry + StaticName.rrsetsAt);
  for (let left = blob.readUInt16LE(entry + StaticName.rrsets); left > 0; left--) {
    rrsets.push(`${blob.readUInt16LE(at)}x${blob.readUInt16LE(at + 2)}`);
    at += (RRSET_HEADER_OCTETS + blob.readUInt32LE(at + 4) + 3) & ~3;
  }
  return rrsets.join(' ');
}

function pack(records: readonly StaticRecord[], seed: number): Buffer {
  return encodeStatics(packStatics(records, 'example.com'), seed);
}

function encode(...records: readonly string[]): Table {
  return readTable(
    pack(
      records.map((line) => record(line)),
      77,
    ),
  );
}

t.test('names, and the empty non-terminals above them', (t) => {
  t.strictSame(
    encode('example.com NS ns.example.com', 'a.b.c.example.com A 192.0.2.1', 'a.b.c.example.com A 192.0.2.2'),
    {
      names: { '.': '2x1', 'a.b.c': '1x2', 'b.c': '', c: '' },
      depths: depthBit(0) | depthBit(1) | depthBit(2) | depthBit(3),
      cutDepths: 0,
      wildcards: 0,
    },
  );
  t.strictSame(encode('b.example.com TXT "x"', 'a.b.example.com A 192.0.2.1').names, {
    b: '16x1',
    'a.b': '1x1',
  });
  t.strictSame(encode().names, {}, 'no records, no names');
  t.end();
});

t.test('RRsets keep the order in which their types came', (t) => {
  const { names } = encode('a.example.com TXT "x"', 'a.example.com A 192.0.2.1', 'a.example.com TXT "y"');
  t.strictSame(names, { a: '16x2 1x1' });
  t.end();
});

t.test('zone cuts and wildcards are announced, so that others need not look for them', (t) => {
  t.equal(encode('example.com NS ns.example.com').cutDepths, 0, 'the apex is no cut');
  t.equal(encode('x.sub.example.com NS ns.example.net').cutDepths, depthBit(2));
  t.equal(encode('*.example.com A 192.0.2.1').wildcards, 1);
  t.equal(encode('x.*.example.com A 192.0.2.1').wildcards, 1, 'RFC 4592 section 2.2.1: an empty one too');
  t.equal(encode('a*.example.com A 192.0.2.1', '\\*a.example.com A 192.0.2.1').wildcards, 0);
  t.end();
});

t.test('names are the same by their octets, however they are written', (t) => {
  const { names } = encode(
    'x.\\255.example.com A 192.0.2.1',
    '\\255.example.com TXT "x"',
    '\\120.\\255.example.com TXT "x"',
  );
  t.strictSame(names, { '\\255': '16x1', 'x.\\255': '1x1 16x1' });
  t.strictSame(
    encode('x.a\\.b.example.com A 192.0.2.1').names,
    { 'x.a\\.b': '1x1', 'a\\.b': '' },
    'a dot in a label',
  );
  t.end();
});

t.test('depths of 31 and more share a bit', (t) => {
  const deep = Array.from({ length: 40 }, () => 'x').join('.');
  t.equal(encode(`${deep}.example.com A 192.0.2.1`).depths >>> 0, 0xfffffffe);
  const f = makeFederation({ records: [`${deep}.example.com A 192.0.2.1`] });
  t.strictSame(
    lines(f.ask(`${deep}.example.com`, 'A').answer),
    [`${deep}.example.com A 192.0.2.1`],
    'and are found',
  );
  t.equal(f.ask(`${deep.slice(2)}.example.com`, 'A').rcode, 'NOERROR', 'the name above');
  t.equal(f.ask(`x.${deep}.example.com`, 'A').rcode, 'NXDOMAIN', 'a name below');
  t.end();
});

t.test('many records at one name, and many names', (t) => {
  const one = Array.from({ length: 3000 }, (_, i) => record(`a.example.com A 10.0.${i >> 8}.${i & 255}`));
  t.strictSame(readTable(pack(one, 1)).names, { a: '1x3000' });
  const many = Array.from({ length: 5000 }, (_, i) => record(`n${i}.x.example.com A 192.0.2.1`));
  t.equal(Object.keys(readTable(pack(many, 1)).names).length, 5001);
  t.end();
});
