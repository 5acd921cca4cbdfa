/** What the doctor makes of a domain's delegation and its name servers: broken worlds of real NSDs, one for each thing that can be wrong. */

import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadSettings } from '../../src/config/load.ts';
import type { NameserverSettings } from '../../src/config/settings.ts';
import { diagnose, type Inputs } from '../../src/doctor/diagnose.ts';
import { asker } from '../../src/doctor/dns/ask.ts';
import type { StepId, StepReport } from '../../src/doctor/report.ts';
import { systemTimers, type Timers } from '../../src/timers.ts';
import { scratch } from '../support/scratch.ts';
import { dsText } from '../../src/doctor/dns/ds.ts';
import { AT, PATIENCE_MS, RFC6605_DS, RFC6605_KEY, startWorld } from './dns-world.ts';

t.setTimeout(180_000);

const port = await startWorld(t);
const TWO = [
  ['ns1', AT.one],
  ['ns2', AT.two],
] as const;
const ONE = [['ns1', AT.one]] as const;

/** Pauses between rounds are no part of what is asked. */
const timers: Timers = { ...systemTimers, after: (ms, run) => systemTimers.after(ms < 10_000 ? 0 : ms, run) };

/** @param servers - label in the domain, or a whole name, and address */
async function examine(
  test: Test,
  domain: string,
  servers: readonly (readonly [label: string, address?: string])[],
  step: StepId,
  more: Partial<Inputs> = {},
): Promise<StepReport> {
  const nameservers: NameserverSettings[] = servers.map(([label, address]) => ({
    name: label.includes('.') ? label : `${label}.${domain}`,
    addresses: address === undefined ? [] : [address],
  }));
  const clusters = [{ name: 'one', manifests: './one' }];
  const text = JSON.stringify({
    domain,
    nameservers,
    stateDir: false,
    federations: [{ name: 'f' }],
    clusters,
  });
  const file = join(scratch(test, { 'fedns.yaml': text, one: {} }), 'fedns.yaml');
  const inputs: Inputs = {
    file,
    config: { kind: 'loaded', settings: loadSettings(file).settings },
    inspect: async () => [],
    askServer: () => Promise.reject(new Error('no fedns answers')),
    ask: asker(PATIENCE_MS),
    resolvers: [{ address: AT.resolver, port }],
    dnsPort: port,
    env: {},
    clock: Date.now,
    timers,
    ...more,
  };
  return (await diagnose(inputs, [step]))[0]!;
}

/** What is not well, each in one line. */
function troubles({ findings }: StepReport): string[] {
  return findings
    .filter(({ outcome }) => outcome === 'wrong' || outcome === 'untried')
    .map(({ outcome, about, found, next }) => `${outcome}: ${about}: ${found} -> ${next}`);
}

interface Case {
  readonly title: string;
  readonly step: StepId;
  readonly domain: string;
  readonly servers: readonly (readonly [label: string, address?: string])[];
  readonly more?: Partial<Inputs>;
  readonly outcome: StepReport['outcome'];
  readonly says: readonly RegExp[];
}

const CASES: readonly Case[] = [
  {
    title: 'a delegation with the same name servers and glue is well',
    step: 'delegation',
    domain: 'good.net',
    servers: TWO,
    outcome: 'well',
    says: [],
  },
  {
    title: 'a name server that the parent does not have is named, with what to add',
    step: 'delegation',
    domain: 'good.net',
    servers: [...TWO, ['ns3', AT.two]],
    outcome: 'wrong',
    says: [/a\.net .*ns3\.good\.net is not among the NS records -> add NS ns3\.good\.net\./],
  },
  {
    title: 'a name server that only the parent has is named',
    step: 'delegation',
    domain: 'good.net',
    servers: ONE,
    outcome: 'wrong',
    says: [
      /ns2\.good\.net is among the NS records and not in nameservers -> have NS ns2\.good\.net\. removed/,
    ],
  },
  {
    title: 'glue that is another address is told with both',
    step: 'delegation',
    domain: 'good.net',
    servers: [
      ['ns1', AT.one],
      ['ns2', AT.one],
    ],
    outcome: 'wrong',
    says: [new RegExp(`glue of ns2.good.net is ${AT.two}, and nameservers has ${AT.one}`)],
  },
  {
    title: 'a domain that nobody has registered is told as such',
    step: 'delegation',
    domain: 'nobody.net',
    servers: ONE,
    outcome: 'wrong',
    says: [/net has no delegation of nobody\.net \(NXDOMAIN\) -> register the domain/],
  },
  {
    title: 'with a resolver that does not answer, nothing is known of the parent, which is not well',
    step: 'delegation',
    domain: 'good.net',
    servers: TWO,
    more: { resolvers: [{ address: AT.nobody, port }] },
    outcome: 'untried',
    says: [/no resolver answers: .*ECONNREFUSED -> name a resolver/],
  },
  {
    title: 'name servers that answer with AA over UDP and TCP are well',
    step: 'nameservers',
    domain: 'good.net',
    servers: TWO,
    outcome: 'well',
    says: [],
  },
  {
    title: 'RFC 1912 2.8: servers without the zone are lame',
    step: 'nameservers',
    domain: 'lame.net',
    servers: TWO,
    outcome: 'wrong',
    says: [/ns1\.lame\.net .*UDP: lame, it says REFUSED.*; TCP: lame/, /ns2\.lame\.net .*lame/],
  },
  {
    title: 'a server that only refers is lame, and the other one is well',
    step: 'nameservers',
    domain: 'referred.net',
    servers: [
      ['ns1', AT.one],
      ['ns2', AT.parent],
    ],
    outcome: 'wrong',
    says: [/ns2\.referred\.net .*lame, it answers without AA/],
  },
  {
    title: 'a server that only the parent names is asked, too',
    step: 'nameservers',
    domain: 'down.net',
    servers: ONE,
    outcome: 'wrong',
    says: [
      /ns2\.down\.net \(127\.53\.7\.14\): UDP: .*ECONNREFUSED; TCP: .*ECONNREFUSED.* -> start fedns there/,
    ],
  },
  {
    title: 'a server without TCP is told to open it',
    step: 'nameservers',
    domain: 'half.net',
    servers: [
      ['ns1', AT.one],
      ['ns2', AT.half],
    ],
    outcome: 'wrong',
    says: [/ns2\.half\.net .*: TCP: .*ECONNREFUSED.* -> open port 53 of ns2\.half\.net for both UDP and TCP/],
  },
  {
    title: 'a name server whose name has no address is missing',
    step: 'nameservers',
    domain: 'lost.net',
    servers: [['ns1', AT.one], ['ns.nowhere.net']],
    outcome: 'wrong',
    says: [/ns\.nowhere\.net \(no address\): its name has no address/],
  },
  {
    title: 'servers with the same answers agree, whatever their serials',
    step: 'agreement',
    domain: 'good.net',
    servers: TWO,
    more: { name: 'www.good.net' },
    outcome: 'well',
    says: [],
  },
  {
    title: 'servers with other answers do not, and both are shown',
    step: 'agreement',
    domain: 'split.net',
    servers: TWO,
    more: { name: 'www.split.net' },
    outcome: 'wrong',
    says: [/www\.split\.net A: ns1\.split\.net .*A 192\.0\.2\.1; ns2\.split\.net .*A 192\.0\.2\.2/],
  },
  {
    title: 'one name server has nobody to agree with',
    step: 'agreement',
    domain: 'example.net',
    servers: ONE,
    outcome: 'none',
    says: [],
  },
  {
    title: 'no key and no DS record is well',
    step: 'ds',
    domain: 'good.net',
    servers: TWO,
    outcome: 'well',
    says: [],
  },
  {
    title: 'RFC 6605 6.1: the DS record of a key fits it',
    step: 'ds',
    domain: 'example.net',
    servers: ONE,
    outcome: 'well',
    says: [],
  },
  {
    title: 'RFC 4035 5.2: DS records of other keys make the domain bogus',
    step: 'ds',
    domain: 'rolled.net',
    servers: ONE,
    outcome: 'wrong',
    says: [/the parent has DS 1, and the keys are 55648 -> give the registrar DS 55648 13 2 [0-9A-F]{64}/],
  },
  {
    title: 'DS records without any key make the domain bogus',
    step: 'ds',
    domain: 'stripped.net',
    servers: ONE,
    outcome: 'wrong',
    says: [/the parent has DS 1, and there is no key -> have the DS records removed/],
  },
  {
    title: 'a key without DS record is validated by nobody',
    step: 'ds',
    domain: 'unchained.net',
    servers: ONE,
    outcome: 'wrong',
    says: [/signed, and the parent has no DS record.* -> give the registrar DS 55648 13 2 [0-9A-F]{64}/],
  },
  {
    title: 'a domain that a resolver finds is well',
    step: 'resolution',
    domain: 'good.net',
    servers: TWO,
    outcome: 'well',
    says: [],
  },
  {
    title: 'a domain that is not there is told with what the resolver says',
    step: 'resolution',
    domain: 'nobody.net',
    servers: ONE,
    outcome: 'wrong',
    says: [/NXDOMAIN, no SOA record -> mend delegation/],
  },
  {
    title: 'RFC 4035 4.7: SERVFAIL that CD takes away is a failed validation',
    step: 'resolution',
    domain: 'bogus.net',
    servers: ONE,
    outcome: 'wrong',
    says: [/SERVFAIL.* -> it answers with CD set, so validation fails/],
  },
  {
    title: 'SERVFAIL with CD, too, is about the name servers',
    step: 'resolution',
    domain: 'lame.net',
    servers: ONE,
    outcome: 'wrong',
    says: [/SERVFAIL.* -> mend nameservers/],
  },
  {
    title: 'a resolver that does not answer leaves it untried',
    step: 'resolution',
    domain: 'good.net',
    servers: TWO,
    more: { resolvers: [{ address: AT.nobody, port }] },
    outcome: 'untried',
    says: [/no resolver answers/],
  },
];

for (const { title, step, domain, servers, more, outcome, says } of CASES) {
  t.test(`${step}: ${title}`, async (tt) => {
    const report = await examine(tt, domain, servers, step, more);
    tt.equal(report.outcome, outcome, report.findings.map(({ found }) => found).join('; '));
    const lines = troubles(report);
    tt.equal(lines.length, says.length, lines.join('\n'));
    for (const pattern of says)
      tt.ok(
        lines.some((line) => pattern.test(line)),
        `${String(pattern)}: ${lines.join('\n')}`,
      );
  });
}

t.test('RFC 6605 6.1: the DS record that is asked for is the one of the key', (tt) => {
  const key = Buffer.from(RFC6605_KEY.split(' ')[3]!, 'base64');
  tt.equal(dsText(Buffer.concat([Buffer.from([1, 1, 3, 13]), key]), 'example.net'), RFC6605_DS);
  tt.end();
});
