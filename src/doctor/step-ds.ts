/** DS records in the parent zone against the DNSKEY records that the domain's own servers give. */

import { findAuthorities } from './authoritative.ts';
import { askWhole } from './dns/ask.ts';
import { dsText, entryKeys, isDigestOf, keyTag } from './dns/ds.ts';
import type { DnsRecord } from './dns/message.ts';
import { recordsOf } from './dns/resolver.ts';
import type { Facts } from './facts.ts';
import { type Finding, type Look, Unknowable, well, wrong } from './report.ts';
import { knownDelegation } from './step-delegation.ts';

const DNSKEY = 48;

export async function checkDs(facts: Facts): Promise<readonly Finding[]> {
  const { domain } = await facts.settings();
  const look = { about: domain, tried: 'DS at the parent, DNSKEY at the name servers' };
  const { servers } = await knownDelegation(facts, look.tried);
  const words = servers.flatMap(({ word }) => (word.kind === 'delegated' ? (word.ds ?? []) : []));
  const isHeard = servers.some(({ word }) => word.kind === 'delegated' && word.ds !== undefined);
  if (!isHeard)
    throw new Unknowable(look.tried, 'no server of the parent tells its DS records', 'mend delegation first');
  const ds = [...new Map(words.map((record) => [record.data, record])).values()];
  return judge(look, { domain, ds, keys: entryKeys(await keysOf(facts, domain)) });
}

/** From the first server that answers with authority. */
async function keysOf(facts: Facts, domain: string): Promise<readonly DnsRecord[]> {
  for (const { address } of await findAuthorities(facts)) {
    if (address === undefined) continue;
    const server = { address, port: facts.dnsPort };
    const asked = await askWhole(facts.ask, server, { name: domain, type: DNSKEY });
    if (asked.kind === 'reply' && asked.reply.isAuthoritative)
      return recordsOf(asked.reply.answers, domain, DNSKEY);
  }
  throw new Unknowable('DNSKEY at the name servers', 'none of them answers', 'mend nameservers first');
}

interface Chain {
  readonly domain: string;
  readonly ds: readonly DnsRecord[];
  readonly keys: readonly Buffer[];
}

/** RFC 4035 section 5.2: one DS record that fits a key is enough; with none, every validating resolver says SERVFAIL. */
function judge(look: Look, { domain, ds, keys }: Chain): readonly Finding[] {
  const wanted = keys.map((key) => dsText(key, domain));
  if (ds.length === 0 && keys.length === 0) return [well(look, 'unsigned, and the parent has no DS record')];
  if (ds.length === 0)
    return [
      wrong(
        look,
        'signed, and the parent has no DS record: nobody validates',
        `give the registrar DS ${wanted[0]}`,
      ),
    ];
  if (keys.length === 0)
    return [
      wrong(
        look,
        `the parent has DS ${tagsOf(ds)}, and there is no key`,
        'have the DS records removed at the registrar',
      ),
    ];
  const fitting = ds.filter(({ rdata }) => keys.some((key) => isDigestOf(rdata, key, domain) !== false));
  if (fitting.length === 0) {
    const found = `the parent has DS ${tagsOf(ds)}, and the keys are ${keys.map(keyTag).join(', ')}`;
    return [wrong(look, found, `give the registrar DS ${wanted[0]}`)];
  }
  const idle = ds.length - fitting.length;
  return [
    well(look, `DS ${tagsOf(fitting)} fits${idle > 0 ? `; ${idle} other without a key, as in a roll` : ''}`),
  ];
}

function tagsOf(ds: readonly DnsRecord[]): string {
  return ds.map(({ rdata }) => rdata.readUInt16BE(0)).join(', ');
}
