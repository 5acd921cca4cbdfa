import t from 'tap';
import { GUIDE_SHARDS, makeGuide, NGINX } from '../../support/guide.ts';
import { lines } from '../../support/message.ts';

const guide = makeGuide();
const base = `${NGINX}.svc`;
const healthy = (region?: string): string[] =>
  GUIDE_SHARDS.filter((shard) => shard.ready && (region === undefined || shard.region === region)).map(
    (shard) => shard.address,
  );

/** The listing of the guide: location, then the alias it is or the addresses it has. */
const LISTING: readonly (readonly [string, string | readonly string[]])[] = [
  ['', healthy()],
  ['asia-east1.', healthy('asia-east1')],
  ['asia-east1-a.', ['130.211.57.243']],
  ['asia-east1-b.', 'asia-east1.'],
  ['asia-east1-c.', ['130.211.56.221']],
  ['europe-west1.', ''],
  ['europe-west1-b.', 'europe-west1.'],
  ['europe-west1-c.', 'europe-west1.'],
  ['europe-west1-d.', 'europe-west1.'],
  ['us-central1.', healthy('us-central1')],
  ['us-central1-a.', ['104.197.247.191']],
  ['us-central1-b.', ['104.197.244.180']],
  ['us-central1-c.', ['104.197.245.170']],
  ['us-central1-f.', 'us-central1.'],
  ['us-east1.', healthy('us-east1')],
  ['us-east1-b.', ['104.196.14.231']],
  ['us-east1-c.', ['104.196.14.232']],
  ['us-east1-d.', ['104.196.14.233']],
];

/** The answer section for a location: the alias chain, then the addresses of the level it ends at. */
function expected(location: string, domain: string): string[] {
  const rows = new Map(LISTING);
  const answer: string[] = [];
  let at = location;
  for (let row = rows.get(at)!; typeof row === 'string'; row = rows.get(at)!) {
    answer.push(`${base}.${at}${domain} CNAME ${base}.${row}${domain}.`);
    at = row;
  }
  const addresses = rows.get(at) as readonly string[];
  return [...answer, ...addresses.map((address) => `${base}.${at}${domain} A ${address}`)].toSorted();
}

t.test('the names of the guide answer as its listing says', (t) => {
  for (const [location] of LISTING) {
    const reply = guide.ask(`${base}.${location}example.com`, 'A');
    t.equal(reply.rcode, 'NOERROR', location);
    t.strictSame(reply.flags, ['AA', 'QR'], location);
    t.strictSame(lines(reply.answer), expected(location, 'example.com'), location);
    t.ok(
      reply.answer.every((rr) => rr.ttl === 180),
      'every record has the TTL of the guide',
    );
    t.strictSame(reply.authority, [], 'a positive answer has no authority section');
  }
  t.end();
});

t.test('a zone is reached below its region as well', (t) => {
  for (const { region, zone } of GUIDE_SHARDS) {
    const short = guide.ask(`${base}.${zone}.example.com`, 'A');
    const long = guide.ask(`${base}.${zone}.${region}.example.com`, 'A');
    const renamed = lines(long.answer).map((line) => line.replace(`${zone}.${region}.`, `${zone}.`));
    t.strictSame(renamed, lines(short.answer), zone);
  }
  t.end();
});

t.test('a query for CNAME stops at the alias', (t) => {
  const alias = guide.ask(`${base}.europe-west1-d.example.com`, 'CNAME');
  t.strictSame(lines(alias.answer), [
    `${base}.europe-west1-d.example.com CNAME ${base}.europe-west1.example.com.`,
  ]);
  const none = guide.ask(`${base}.us-central1-a.example.com`, 'CNAME');
  t.strictSame(none.answer, []);
  t.strictSame(
    none.authority.map((rr) => [rr.type, rr.ttl]),
    [['SOA', 180]],
    'a level with addresses is no alias: NODATA',
  );
  t.end();
});
