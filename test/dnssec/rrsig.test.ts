import { createPrivateKey, type KeyObject } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { ALGORITHM_NAMES, ALGORITHMS } from '../../src/dnssec/algorithms.ts';
import { canonicalRdata, canonicalRdatas, countLabels } from '../../src/dnssec/canonical.ts';
import { dnskeyRdata, keyTag, readDnskey, SEP_FLAGS, ZSK_FLAGS } from '../../src/dnssec/dnskey.ts';
import { DIGEST_TYPES, dsRdata, type DigestName } from '../../src/dnssec/ds.ts';
import { signRrset, verifyRrset, type Rrset, type SigningKey } from '../../src/dnssec/rrsig.ts';
import { encodeName, encodeNameLower } from '../../src/zonebuilder/names.ts';
import { formatRdata, parseRdata, typeText } from '../../src/zonebuilder/rr-types.ts';
import { needCommand } from '../support/commands.ts';
import { scratch } from '../support/scratch.ts';
import { signedZone, type ZoneName } from '../support/signed-zone.ts';

interface Vector {
  readonly title: string;
  readonly zone: string;
  readonly algorithm: number;
  readonly publicKey: string;
  readonly tag: number;
  readonly ds: { readonly digest: DigestName; readonly hex: string };
  readonly rrset: { readonly owner: string; readonly type: string; readonly data: string };
  readonly inceptionSeconds: number;
  readonly expirationSeconds: number;
  readonly signature: string;
  /** PKCS #8 in DER, where the RFC has the private key and its signatures are the same each time. */
  readonly privateKey?: string;
}

const ED25519_PKCS8 = '302e020100300506032b657004220420';
const MX = { owner: 'example.com', type: 'MX', data: '10 mail.example.com.' };
const RFC_8080_PERIOD = { inceptionSeconds: 1438207200, expirationSeconds: 1440021600 };

/** RFC 8080 as its erratum 4935 has it: two labels. */
const VECTORS: readonly Vector[] = [
  {
    title: 'RFC 6605 section 6.1',
    zone: 'example.net',
    algorithm: 13,
    publicKey: 'GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
    tag: 55648,
    ds: { digest: 'SHA-256', hex: 'b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17' },
    rrset: { owner: 'www.example.net', type: 'A', data: '192.0.2.1' },
    inceptionSeconds: 1281607479,
    expirationSeconds: 1284026679,
    signature: 'qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==',
  },
  {
    title: 'RFC 8080 section 6.1, the first key',
    zone: 'example.com',
    algorithm: 15,
    publicKey: 'l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=',
    tag: 3613,
    ds: { digest: 'SHA-256', hex: '3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b' },
    rrset: MX,
    ...RFC_8080_PERIOD,
    signature: 'oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==',
    privateKey: 'ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=',
  },
  {
    title: 'RFC 8080 section 6.1, the second key',
    zone: 'example.com',
    algorithm: 15,
    publicKey: 'zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=',
    tag: 35217,
    ds: { digest: 'SHA-256', hex: '401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c' },
    rrset: MX,
    ...RFC_8080_PERIOD,
    signature: 'zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==',
    privateKey: 'DSSF3o0s0f+ElWzj9E/Osxw8hLpk55chkmx0LYN5WiY=',
  },
];

for (const vector of VECTORS) {
  test(`${vector.title}: key tag, DS record and signature are as printed`, (t) => {
    const dnskey = Buffer.concat([
      Buffer.of(1, 1, 3, vector.algorithm),
      Buffer.from(vector.publicKey, 'base64'),
    ]);
    const read = readDnskey(dnskey)!;
    t.equal(keyTag(dnskey), vector.tag);
    t.strictSame(dnskeyRdata(read.algorithm, read.flags, read.key), dnskey, 'a key is written as it is read');
    const ds = dsRdata(encodeNameLower(vector.zone), dnskey, DIGEST_TYPES[vector.ds.digest]);
    t.equal(ds.subarray(4).toString('hex'), vector.ds.hex);

    const rrset = rrsetOf(vector.rrset);
    const { inceptionSeconds, expirationSeconds } = vector;
    const signer = { zone: encodeName(vector.zone), inceptionSeconds, expirationSeconds };
    const printed = Buffer.from(vector.signature, 'base64');
    const any = signRrset(rrset, { ...signer, key: keyOf(read.algorithm.generate(), ZSK_FLAGS, vector.tag) });
    const rrsig = Buffer.concat([any.subarray(0, -64), printed]);
    t.ok(verifyRrset(rrset, rrsig, read), 'the printed signature holds over our octets');
    t.notOk(verifyRrset({ ...rrset, ttlSeconds: 3599 }, rrsig, read), 'another TTL is another RRset');
    if (vector.privateKey !== undefined) {
      const key = keyOf(ed25519Of(vector.privateKey), SEP_FLAGS);
      t.strictSame(signRrset(rrset, { ...signer, key }), rrsig, 'Ed25519 signs the same each time');
    }
    t.end();
  });
}

test('RFC 4034 section 5.4: a DS record of another algorithm has its key tag', (t) => {
  const key =
    'AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7Or' +
    'zKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==';
  const dnskey = Buffer.concat([Buffer.of(1, 0, 3, 5), Buffer.from(key, 'base64')]);
  t.equal(keyTag(dnskey), 60485);
  t.equal(readDnskey(dnskey), undefined, 'fedns does not sign with RSA');
  t.end();
});

/** Names in rdata in both cases, and what is signed of them (RFC 4034 section 6.2, RFC 6840 section 5.1). */
const CANONICAL: readonly (readonly [title: string, type: string, data: string, canonical: string])[] = [
  ['NS', 'NS', 'NS1.Example.COM.', 'ns1.example.com.'],
  ['MX', 'MX', '10 Mail.Example.COM.', '10 mail.example.com.'],
  ['SRV', 'SRV', '0 5 5060 Sip.Example.COM.', '0 5 5060 sip.example.com.'],
  [
    'NAPTR, but none of its strings',
    'NAPTR',
    '1 2 "U" "SIP+E2U" "" Re.Example.',
    '1 2 "U" "SIP+E2U" "" re.example.',
  ],
  ['TXT is text', 'TXT', '"Some Text"', '"Some Text"'],
  ['SVCB is younger than the rule', 'SVCB', '1 Svc.Example.COM. port=53', '1 Svc.Example.COM. port=53'],
  ['CAA has no names', 'CAA', '0 issue "CA.Example"', '0 issue "CA.Example"'],
];

test('names in rdata are lowered in the old types only', (t) => {
  for (const [title, type, data, canonical] of CANONICAL) {
    const { type: code, rdata } = parseRdata(type, data);
    const before = Buffer.from(rdata);
    t.equal(formatRdata(code, canonicalRdata(code, rdata)), canonical, title);
    t.strictSame(rdata, before, `${title}: what is served keeps its case`);
  }
  const rp = Buffer.concat([encodeName('Boss.Example'), encodeName('Text.Example')]);
  t.strictSame(
    canonicalRdata(17, rp),
    Buffer.concat([encodeName('boss.example'), encodeName('text.example')]),
  );
  const nsec = Buffer.concat([encodeName('Next.Example'), Buffer.of(0, 1, 0x40)]);
  t.equal(canonicalRdata(47, nsec), nsec, 'NSEC is as it is served');
  t.end();
});

test('what is no rdata of its type is signed as it is served', (t) => {
  for (const hex of ['', '41', '3f4141', 'c00c', '0141', '0001', '00000141']) {
    const rdata = Buffer.from(hex, 'hex');
    for (const type of [2, 6, 15, 17, 33, 35])
      t.equal(canonicalRdata(type, rdata).length, rdata.length, `${hex} as ${typeText(type)}`);
  }
  t.end();
});

test('RFC 4034 section 6.3: records are in the order of their octets, each once', (t) => {
  const datas = ['10 b.example.', '10 A.example.', '10 a.example.', '2 z.example.'];
  const rdatas = canonicalRdatas(
    15,
    datas.map((data) => parseRdata('MX', data).rdata),
  );
  t.strictSame(
    rdatas.map((rdata) => formatRdata(15, rdata)),
    ['2 z.example.', '10 a.example.', '10 b.example.'],
  );
  const shorter = canonicalRdatas(16, [Buffer.of(1, 65, 1, 66), Buffer.of(1, 65)]);
  t.strictSame(shorter, [Buffer.of(1, 65), Buffer.of(1, 65, 1, 66)], 'what is missing sorts before zero');
  t.end();
});

test('RFC 4034 section 3.1.3: labels are counted without the root and without a leading asterisk', (t) => {
  const counts = {
    '.': 0,
    example: 1,
    'www.example.com': 3,
    '*.example.com': 2,
    '*': 0,
    '*a.example': 2,
    'a.*.example': 3,
  };
  for (const [name, labels] of Object.entries(counts)) t.equal(countLabels(encodeName(name)), labels, name);
  t.end();
});

test('times beyond 2106 go round', (t) => {
  const key = keyOf(ALGORITHMS.ED25519.generate(), SEP_FLAGS);
  const times = { inceptionSeconds: 2 ** 32 - 10, expirationSeconds: 2 ** 32 + 10 };
  const rrsig = signRrset(rrsetOf(MX), { zone: encodeName('example.com'), key, ...times });
  t.equal(rrsig.readUInt32BE(8), 10);
  t.equal(rrsig.readUInt32BE(12), 2 ** 32 - 10);
  t.end();
});

const ZONE = 'example.com';
/** Names in canonical order, each with its records; mixed case, a wildcard, an RRset of many, types old and new. */
const NAMES: readonly ZoneName[] = [
  [
    ZONE,
    [
      ['NS', 'Ns.Example.COM.'],
      ['SOA', 'Ns.Example.COM. Host.Example.COM. 1 300 60 604800 15'],
    ],
  ],
  [
    '*.example.com',
    [
      ['TXT', '"Wild"'],
      ['MX', '10 Mail.Example.ORG.'],
    ],
  ],
  [
    'Many.example.com',
    [
      ['A', '192.0.2.30'],
      ['A', '192.0.2.4'],
      ['A', '192.0.2.100'],
      ['AAAA', '2001:db8::1'],
    ],
  ],
  ['ns.example.com', [['A', '192.0.2.1']]],
  [
    'svc.example.com',
    [
      ['SRV', '0 0 80 Many.Example.COM.'],
      ['SVCB', '1 Many.Example.COM. port=53'],
      ['CAA', '0 issue "CA"'],
    ],
  ],
  ['www.example.com', [['CNAME', 'Many.Example.COM.']]],
];

for (const name of ALGORITHM_NAMES) {
  test(`dnssec-verify and ldns-verify-zone take a zone signed with ${name}`, (t) => {
    const file = join(scratch(t), 'zone');
    const { text, tag } = signedBy(name);
    writeFileSync(file, text);
    const bind = spawnSync(needCommand('dnssec-verify'), ['-z', '-o', ZONE, file], { encoding: 'utf8' });
    t.equal(bind.status, 0, bind.stdout + bind.stderr);
    const ldns = spawnSync(needCommand('ldns-verify-zone'), [file], { encoding: 'utf8' });
    t.equal(ldns.status, 0, ldns.stdout + ldns.stderr);
    const ds = spawnSync(needCommand('ldns-key2ds'), ['-n', '-2', file], { encoding: 'utf8' });
    t.match(ds.stdout, new RegExp(`DS\\s${tag}\\s`), 'ldns has the same key tag');
    writeFileSync(file, text.replace('192.0.2.100', '192.0.2.101'));
    const forged = spawnSync(needCommand('dnssec-verify'), ['-z', '-o', ZONE, file], { encoding: 'utf8' });
    t.not(forged.status, 0, 'and not what was changed behind the signature');
    t.end();
  });
}

function rrsetOf({ owner, type, data }: Vector['rrset']): Rrset {
  const { type: code, rdata } = parseRdata(type, data);
  return { owner: encodeName(owner), type: code, ttlSeconds: 3600, rdatas: [rdata] };
}

function keyOf(privateKey: KeyObject, flags: number, tag?: number): SigningKey {
  const algorithm = Object.values(ALGORITHMS).find(({ fits }) => fits(privateKey))!;
  return { algorithm, privateKey, tag: tag ?? keyTag(dnskeyRdata(algorithm, flags, privateKey)) };
}

function ed25519Of(seedBase64: string): KeyObject {
  const key = Buffer.concat([Buffer.from(ED25519_PKCS8, 'hex'), Buffer.from(seedBase64, 'base64')]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

function signedBy(name: (typeof ALGORITHM_NAMES)[number]): { text: string; tag: number } {
  const privateKey = ALGORITHMS[name].generate();
  const rdata = dnskeyRdata(ALGORITHMS[name], SEP_FLAGS, privateKey);
  const key = keyOf(privateKey, SEP_FLAGS);
  const signers = { keySigners: [key], zoneSigners: [key] };
  const text = signedZone({
    domain: ZONE,
    ttlSeconds: 15,
    names: NAMES,
    apex: [{ type: 48, rdata }],
    ...signers,
  });
  return { text, tag: key.tag };
}
