/** Checks of what concerns the server itself: name servers and listeners. */
import { isWithin } from '../zonebuilder/names.ts';
import type { Report } from './fault.ts';
import type { ConfigDraft } from './schema.ts';
import type { ListenAddress } from './settings.ts';
import { formatListen } from './values.ts';

/** Checks name servers and listeners. */
export function checkServer(config: ConfigDraft, report: Report): void {
  checkNameservers(config, report);
  checkListen(config, report);
  checkAdmin(config, report);
  checkTtls(config, report);
}

function checkNameservers({ domain, nameservers = [] }: ConfigDraft, report: Report): void {
  nameservers.forEach(({ name, addresses }, i) => {
    const path = ['nameservers', i];
    const first = nameservers.findIndex((other) => other.name === name);
    if (first < i)
      report('DUPLICATE_NAMESERVER', [...path, 'name'], `nameservers[${first}] is called ${name}, too`);
    addresses.forEach((address, j) => {
      if (addresses.indexOf(address) === j) return;
      report('DUPLICATE_NAMESERVER', [...path, 'addresses', j], `${address} is listed twice`);
    });
    if (domain === undefined) return;
    if (isWithin(name, domain) && addresses.length === 0) {
      report(
        'NAMESERVER_NEEDS_ADDRESS',
        path,
        `${name} lies in ${domain}, so it needs addresses (glue)`,
        'add addresses: [ADDRESS]',
      );
    }
    if (!isWithin(name, domain) && addresses.length > 0) {
      const message = `${name} lies outside ${domain}, so its addresses are not ours to serve`;
      report('NAMESERVER_ADDRESS_OUTSIDE', [...path, 'addresses'], message, 'remove addresses');
    }
  });
}

function checkListen({ listen = [] }: ConfigDraft, report: Report): void {
  listen.forEach((entry, i) => {
    if (entry.port === 0) return;
    for (const [j, other] of listen.entries()) {
      if (j < i && sameSocket(entry, other)) {
        report(
          'DUPLICATE_LISTEN',
          ['listen', i],
          `${formatListen(entry)} is listed twice`,
          'remove one of the two',
        );
      } else if (j !== i && covers(other, entry)) {
        report(
          'LISTEN_OVERLAP',
          ['listen', i],
          `${formatListen(other)} covers ${formatListen(entry)} already`,
          'remove one of the two',
        );
      }
    }
  });
}

function checkAdmin({ listen = [], admin }: ConfigDraft, report: Report): void {
  if (admin === undefined || admin.port === 0) return;
  const taken = listen.find(
    (entry) => sameSocket(entry, admin) || covers(entry, admin) || covers(admin, entry),
  );
  if (!taken) return;
  const message = `${formatListen(admin)} is taken by ${formatListen(taken)} of listen`;
  report('ADMIN_IS_LISTEN', ['admin'], message, 'choose another port');
}

export function sameSocket(a: ListenAddress, b: ListenAddress): boolean {
  return a.port === b.port && a.address === b.address;
}

/** Whether `wide` is the wildcard address that the system refuses beside `narrow` on TCP. */
function covers(wide: ListenAddress, narrow: ListenAddress): boolean {
  if (wide.port !== narrow.port || wide.address === narrow.address) return false;
  return wide.address === (narrow.address.includes(':') ? '::' : '0.0.0.0');
}

function checkTtls({ ttl, ttlDegraded }: ConfigDraft, report: Report): void {
  if (ttl === undefined || ttlDegraded === undefined || ttlDegraded <= ttl) return;
  report('OUT_OF_RANGE', ['ttlDegraded'], `must be at most ${ttl}, the ttl`);
}
