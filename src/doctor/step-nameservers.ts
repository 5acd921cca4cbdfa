/** Each authoritative server at each of its addresses: whether it answers for the domain with authority, over UDP and over TCP. */

import { Rcode, Type } from '../zonebuilder/dns.ts';
import { type Authority, findAuthorities } from './authoritative.ts';
import { type Asked, TRANSPORTS } from './dns/ask.ts';
import { recordsOf, statusText } from './dns/resolver.ts';
import type { Facts } from './facts.ts';
import { type Finding, untried, well, wrong } from './report.ts';
import { serialOf } from './step-answers.ts';

export async function checkNameservers(facts: Facts): Promise<readonly Finding[]> {
  const { domain } = await facts.settings();
  const authorities = await findAuthorities(facts);
  return Promise.all(authorities.map((authority) => askAuthority(facts, domain, authority)));
}

async function askAuthority(facts: Facts, domain: string, authority: Authority): Promise<Finding> {
  const { name, address } = authority;
  const look = { about: `${name} (${address ?? 'no address'})`, tried: `SOA of ${domain}, over UDP and TCP` };
  if (address === undefined)
    return wrong(
      look,
      'its name has no address',
      `give ${name} an A or AAAA record, or take it out everywhere`,
    );
  const server = { address, port: facts.dnsPort };
  const asked = await Promise.all(
    TRANSPORTS.map((over) => facts.ask(server, { name: domain, type: Type.SOA }, over)),
  );
  const faults = asked.map((one) => faultOf(one, domain));
  if (asked.every((one) => one.kind === 'silence' && one.isUnreachable))
    return untried(
      look,
      `this machine has no way there: ${faults[0]}`,
      'run fedns doctor where there is one',
    );
  const lines = TRANSPORTS.flatMap((over, i) => (faults[i] === undefined ? [] : [`${over}: ${faults[i]}`]));
  if (lines.length > 0) return wrong(look, lines.join('; '), nextFor(authority, asked));
  return well(look, `AA over UDP and TCP, serial ${serialIn(asked[0]!, domain)}`);
}

/** RFC 1912 section 2.8: a server that is delegated to and does not answer with authority is lame. */
function faultOf(asked: Asked, domain: string): string | undefined {
  if (asked.kind === 'silence') return asked.message;
  const { reply } = asked;
  if (reply.rcode !== Rcode.NOERROR) return `lame, it says ${statusText(reply)}`;
  if (!reply.isAuthoritative) return 'lame, it answers without AA';
  return recordsOf(reply.answers, domain, Type.SOA).length > 0
    ? undefined
    : 'lame, it has no SOA record of the domain';
}

function nextFor({ name, by }: Authority, asked: readonly Asked[]): string {
  const isSilent = asked.every(({ kind }) => kind === 'silence');
  const isHalf = !isSilent && asked.some(({ kind }) => kind === 'silence');
  if (isHalf) return `open port 53 of ${name} for both UDP and TCP`;
  if (isSilent)
    return `start fedns there and open port 53, or take ${name} out of nameservers and the registrar`;
  const where =
    by === 'nameservers' ? 'nameservers and at the registrar' : 'the parent zone, at the registrar';
  return `serve the domain there, or take ${name} out of ${where}`;
}

function serialIn(asked: Asked, domain: string): string {
  if (asked.kind === 'silence') return '';
  return serialOf(recordsOf(asked.reply.answers, domain, Type.SOA)[0]?.data ?? '');
}
