/**
 * Signed answers as four validators take them that are not ours, over both UDP transports, with nothing but the root's key: every
 * kind of answer and denial is secure, a delegation without DS is not, and none is bogus while shards flip.
 */
import { test, type Test } from 'tap';
import { dsRdata, DIGEST_TYPES } from '../../../src/dnssec/ds.ts';
import { chooseTransport } from '../../../src/server/workers/udp-transport.ts';
import { WorkerPool } from '../../../src/server/workers/worker-pool.ts';
import { encodeNameLower } from '../../../src/zonebuilder/names.ts';
import { makeFederation, type Federation } from '../../support/federation.ts';
import { makeKey, makeSigning } from '../../support/signing.ts';
import { startLab, VALIDATOR_NAMES, type Lab, type Validator } from '../../support/validators.ts';
import { keepLog, TRANSPORTS } from '../transport-fixture.ts';

const DOMAIN = 'example.com';
const PORTS = [{ name: 'http', protocol: 'tcp', port: 80 }] as const;
/** Services that flip, one for each question of one validator: what is asked for the first time is in no cache. */
const FLIPPING = 24;

interface Case {
  readonly title: string;
  readonly name: string;
  readonly type: string;
  /** Types of the answer, without signatures; default: none. */
  readonly answer?: readonly string[];
  /** The validator vouches for it; default: yes. */
  readonly secure?: boolean;
}

const WEB = 'web.shop.main.svc';
const CASES: readonly Case[] = [
  { title: 'addresses of a level', name: `${WEB}.r9`, type: 'A', answer: ['A', 'A'] },
  { title: 'a chain of two aliases', name: `${WEB}.z1`, type: 'A', answer: ['CNAME', 'CNAME', 'A', 'A'] },
  { title: 'an alias into a chain', name: 'alias', type: 'A', answer: ['CNAME', 'CNAME', 'CNAME', 'A', 'A'] },
  { title: 'SRV', name: `_http._tcp.${WEB}.z9`, type: 'SRV', answer: ['SRV'] },
  { title: 'a static record', name: 'www', type: 'TXT', answer: ['TXT'] },
  { title: 'a wildcard', name: 'a.wild', type: 'A', answer: ['A'] },
  { title: 'a wildcard two labels up', name: 'x.y.wild', type: 'A', answer: ['A'] },
  { title: 'an alias from a wildcard', name: 'q.way', type: 'TXT', answer: ['CNAME', 'TXT'] },
  { title: 'a type that a wildcard does not have', name: 'b.wild', type: 'MX' },
  { title: 'a family that a Service does not have', name: WEB, type: 'AAAA' },
  { title: 'the same at the end of a chain', name: `${WEB}.z1`, type: 'AAAA', answer: ['CNAME', 'CNAME'] },
  { title: 'a Service that is down', name: 'down.shop.main.svc', type: 'A' },
  { title: 'an empty non-terminal', name: 'shop.main.svc', type: 'A' },
  { title: 'a name that does not exist', name: 'nope', type: 'A' },
  { title: 'one below it', name: 'below.nope', type: 'A' },
  { title: 'the apex', name: '@', type: 'SOA', answer: ['SOA'] },
  { title: 'a type that the apex does not have', name: '@', type: 'MX' },
  { title: 'that a zone is not signed', name: 'sub', type: 'DS' },
];

async function startServer(t: Test, lab: Lab, kind: 'batch' | 'portable'): Promise<Federation> {
  const key = makeKey();
  const federation = makeFederation({
    domain: DOMAIN,
    signing: makeSigning([key]),
    statics: [key.record],
    records: [
      'www.example.com TXT "here"',
      'alias.example.com CNAME web.shop.main.svc.z1.example.com',
      '*.wild.example.com A 192.0.2.9',
      '*.way.example.com CNAME www.example.com',
      'sub.example.com NS ns.sub.example.com',
      'ns.sub.example.com A 192.0.2.77',
    ],
  });
  federation.cluster('one', 'r9', ['z9']);
  federation.cluster('two', 'r9', ['z8']);
  federation.cluster('empty', 'r1', ['z1']);
  for (const service of ['web', ...Array.from({ length: FLIPPING * 4 }, (_, i) => `s${i}`)]) {
    federation.shard('one', `${service}.shop.main`, { addresses: ['192.0.2.1'], ports: PORTS });
    federation.shard('two', `${service}.shop.main`, { addresses: ['192.0.2.2'], ports: PORTS });
  }
  federation.shard('two', 'down.shop.main', { addresses: ['192.0.2.3'], ready: false });
  const pool = new WorkerPool({
    transport: await chooseTransport(kind),
    listen: [{ address: lab.address, port: 53 }],
    workers: 1,
    settings: federation.settings(),
    firstReader: 1,
    tcp: {},
    log: keepLog(),
  });
  await pool.start();
  t.teardown(() => pool.stop());
  const ds = dsRdata(encodeNameLower(DOMAIN), key.dnskey, DIGEST_TYPES['SHA-256']);
  await lab.setDs([`${ds.readUInt16BE(0)} ${ds[2]} ${ds[3]} ${ds.toString('hex', 4)}`]);
  return federation;
}

async function askAll(t: Test, validator: Validator): Promise<void> {
  for (const { title, name, type, answer = [], secure = true } of CASES) {
    const full = name === '@' ? DOMAIN : `${name}.${DOMAIN}`;
    const reply = await validator.resolve(full, type, { do: true });
    t.same(
      {
        // Who knows NXNAME may tell of it (RFC 9824 section 5.1).
        rcode: reply.rcode === 'NXDOMAIN' ? 'NOERROR' : reply.rcode,
        secure: reply.flags.includes('AD'),
        answer: reply.answer.map((rr) => rr.type).filter((each) => each !== 'RRSIG'),
      },
      { rcode: 'NOERROR', secure, answer },
      `${validator.name}: ${title}`,
    );
  }
}

/** Each Service is asked for, with its chain, while one of its shards or both have just gone or come back. */
async function askWhileFlipping(
  t: Test,
  validator: Validator,
  federation: Federation,
  from: number,
): Promise<void> {
  for (let i = from; i < from + FLIPPING; i++) {
    const [one, two] = [i % 3 !== 0, i % 2 !== 0];
    federation.shard('one', `s${i}.shop.main`, { addresses: ['192.0.2.1'], ports: PORTS, ready: one });
    federation.shard('two', `s${i}.shop.main`, { addresses: ['192.0.2.2'], ports: PORTS, ready: two });
    const reply = await validator.resolve(`s${i}.shop.main.svc.z8.${DOMAIN}`, 'A', { do: true });
    const addresses = reply.answer.filter(({ type }) => type === 'A').length;
    t.same(
      [reply.rcode, reply.flags.includes('AD'), addresses],
      // z8 has what is in `two`; without it, the region has what is in `one`.
      ['NOERROR', true, two || one ? 1 : 0],
      `${validator.name}: flip ${i}`,
    );
  }
}

for (const kind of TRANSPORTS)
  test(`over the ${kind} transport`, async (t) => {
    const lab = await startLab(t, { domain: DOMAIN });
    const federation = await startServer(t, lab, kind);
    await Promise.all(
      VALIDATOR_NAMES.map(async (name, i) => {
        const validator = await lab.validator(t, name);
        await askAll(t, validator);
        await askWhileFlipping(t, validator, federation, i * FLIPPING);
      }),
    );
  });
