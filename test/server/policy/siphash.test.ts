import { test } from 'tap';
import { createHash } from 'node:crypto';
import { sipDigest, sipHash24, writeSipDigest } from '../../../src/server/policy/siphash.ts';

const key = Uint8Array.from({ length: 16 }, (_, i) => i);
const MASK = (1n << 64n) - 1n;
const little = (octets: Uint8Array) => octets.reduceRight((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
const rotate = (x: bigint, n: bigint) => ((x << n) | (x >> (64n - n))) & MASK;

/** The algorithm once more, on BigInt, as the paper writes it. */
function model(keyOctets: Uint8Array, data: Uint8Array): bigint {
  const k0 = little(keyOctets.subarray(0, 8));
  const k1 = little(keyOctets.subarray(8));
  let [v0, v1, v2, v3] = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const round = () => {
    v0 = (v0 + v1) & MASK;
    v1 = rotate(v1, 13n) ^ v0;
    v0 = rotate(v0, 32n);
    v2 = (v2 + v3) & MASK;
    v3 = rotate(v3, 16n) ^ v2;
    v0 = (v0 + v3) & MASK;
    v3 = rotate(v3, 21n) ^ v0;
    v2 = (v2 + v1) & MASK;
    v1 = rotate(v1, 17n) ^ v2;
    v2 = rotate(v2, 32n);
  };
  const padded = Buffer.alloc(Math.floor(data.length / 8) * 8 + 8);
  padded.set(data);
  padded[padded.length - 1] = data.length & 255;
  for (let i = 0; i < padded.length; i += 8) {
    const m = little(padded.subarray(i, i + 8));
    v3 ^= m;
    round();
    round();
    v0 ^= m;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

function digest(): bigint {
  return (BigInt(sipDigest[1]! >>> 0) << 32n) | BigInt(sipDigest[0]! >>> 0);
}

test("the reference implementation's vectors", async (t) => {
  // Octets 0, 1, 2, … under the key 00 01 … 0f; results as octets, least significant first.
  const vectors: readonly [number, string][] = [
    [0, '310e0edd47db6f72'],
    [1, 'fd67dc93c539f874'],
    [2, '5a4fa9d909806c0d'],
    [7, '37d1018bf50002ab'],
    [8, '6224939a79f5f593'],
    [15, 'e545be4961ca29a1'],
  ];
  for (const [length, expected] of vectors) {
    sipHash24(
      key,
      0,
      Uint8Array.from({ length }, (_, i) => i),
      0,
      length,
    );
    const out = Buffer.alloc(8);
    writeSipDigest(out, 0);
    t.equal(out.toString('hex'), expected, `${length} octets`);
  }
});

test('every length up to 64 octets, at any offset, under any key, equals 64-bit arithmetic', async (t) => {
  let seed = Buffer.from('siphash');
  let wrong = 0;
  for (let i = 0; i < 2000; i++) {
    seed = createHash('sha512').update(seed).digest();
    const data = Buffer.concat([seed, seed]);
    const length = i % 65;
    sipHash24(data, 3, data, i % 50, length);
    if (digest() !== model(data.subarray(3, 19), data.subarray(i % 50, (i % 50) + length))) wrong++;
  }
  t.equal(wrong, 0);
});
