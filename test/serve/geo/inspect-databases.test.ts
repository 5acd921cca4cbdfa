/** What `fedns check` finds wrong with databases. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { inspectDatabases } from '../../../src/serve/geo/inspect-databases.ts';
import { writeDatabase } from '../../geo/write-database.ts';
import { scratch } from '../../support/scratch.ts';

t.test(
  'each database that cannot be used is a fault of its own, with its type where it tells one',
  async (t) => {
    const folder = scratch(t, {});
    const files = [
      ['good.mmdb', writeDatabase({ networks: [[[8, 0, 0, 0], 8, { country: { iso_code: 'US' } }]] })],
      ['asn.mmdb', writeDatabase({ networks: [[[8, 0, 0, 0], 8, { asn: 1 }]], type: 'Some-ASN' })],
      ['cut.mmdb', writeDatabase({ networks: [] }).subarray(0, 100)],
    ] as const;
    for (const [name, octets] of files) await writeFile(join(folder, name), octets);
    const databases = files.map(([name]) => join(folder, name));
    t.match(await inspectDatabases({ geoip: { databases } }), [
      /asn\.mmdb: Some-ASN tells neither coordinates nor countries.*\(GEOIP_NO_PLACES\)/,
      /cut\.mmdb: this is no MaxMind DB file \(GEOIP_MALFORMED\)/,
    ]);
    t.same(await inspectDatabases({ geoip: { databases: databases.slice(0, 1) } }), []);
    t.same(await inspectDatabases({}), []);
  },
);
