/** The domain through a recursive resolver, as any client sees it. */

import { Rcode, Type } from '../zonebuilder/dns.ts';
import { NoResolver, recordsOf, resolve, serverText, statusText } from './dns/resolver.ts';
import type { Facts } from './facts.ts';
import { type Finding, untried, well, wrong } from './report.ts';
import { serialOf } from './step-answers.ts';

export async function checkResolution(facts: Facts): Promise<readonly Finding[]> {
  const { domain } = await facts.settings();
  const tried = `SOA of ${domain} at ${facts.resolvers.map(serverText).join(', ')}`;
  const look = { about: domain, tried };
  try {
    const { reply, from } = await resolve(facts, domain, Type.SOA);
    const [soa] = recordsOf(reply.answers, domain, Type.SOA);
    if (soa !== undefined)
      return [well(look, `found through ${serverText(from)}, serial ${serialOf(soa.data)}`)];
    if (reply.rcode !== Rcode.SERVFAIL)
      return [
        wrong(
          look,
          `${statusText(reply)}, no SOA record`,
          'mend delegation; then wait for the negative TTL of the parent',
        ),
      ];
    return [wrong(look, statusText(reply), (await isBogus(facts, domain)) ? BOGUS : 'mend nameservers')];
  } catch (error) {
    if (!(error instanceof NoResolver)) throw error;
    return [untried(look, error.message, 'name a resolver that answers here with --resolver')];
  }
}

const BOGUS = 'it answers with CD set, so validation fails: mend ds';

/** RFC 4035 section 4.7: with CD set, a resolver hands out what fails validation. */
async function isBogus(facts: Facts, domain: string): Promise<boolean> {
  const { reply } = await resolve(facts, domain, Type.SOA, true);
  return recordsOf(reply.answers, domain, Type.SOA).length > 0;
}
