/** Checks of `transfer`: keys that exist and can be used, rules that let somebody in on purpose only. */
import { isWithin } from '../zonebuilder/names.ts';
import type { KeyFileError } from '../tsig/key-file.ts';
import type { Report } from './fault.ts';
import type { ConfigDraft } from './schema.ts';

/** Looks whether a file, relative to the configuration, holds a secret; undefined: it does. */
export type LookAtSecret = (file: string) => KeyFileError | undefined;

/** Checks keys, allow, notify, tls and catalog. */
export function checkTransfer(config: ConfigDraft, report: Report, lookAtSecret: LookAtSecret): void {
  const { transfer } = config;
  if (transfer === undefined) return;
  checkKeys(transfer.keys, report, lookAtSecret);
  const known = new Set(transfer.keys.map(({ name }) => name));
  const checkKey = (key: string | undefined, path: readonly (string | number)[]): void => {
    if (key === undefined || known.has(key)) return;
    report('UNKNOWN_KEY_NAME', path, `no entry of transfer.keys is called ${key}`, 'add it to transfer.keys');
  };
  transfer.allow.forEach(({ networks, key }, i) => {
    checkKey(key, ['transfer', 'allow', i, 'key']);
    if (networks.length > 0 || key !== undefined) return;
    const message = 'the rule would let everybody have the zone';
    report('TRANSFER_OPEN', ['transfer', 'allow', i], message, 'add networks: [CIDR], key: NAME, or both');
  });
  transfer.notify.forEach((entry, i) => {
    if ('key' in entry) checkKey(entry.key, ['transfer', 'notify', i, 'key']);
  });
  checkTransferTls(config, report);
  checkCatalog(config, report);
}

function checkKeys(
  keys: NonNullable<ConfigDraft['transfer']>['keys'],
  report: Report,
  lookAtSecret: LookAtSecret,
): void {
  keys.forEach(({ name, secretFile }, i) => {
    const first = keys.findIndex((other) => other.name === name);
    if (first < i)
      report(
        'DUPLICATE_KEY_NAME',
        ['transfer', 'keys', i, 'name'],
        `transfer.keys[${first}] is called ${name}, too`,
      );
    const fault = lookAtSecret(secretFile);
    if (fault === undefined) return;
    const fix = fault.code === 'SECRET_FILE_OPEN' ? `chmod 0600 ${secretFile}` : undefined;
    report(fault.code, ['transfer', 'keys', i, 'secretFile'], fault.message, fix);
  });
}

function checkTransferTls({ transfer, tls }: ConfigDraft, report: Report): void {
  if (transfer?.tls !== 'require' || tls !== undefined) return;
  const message = 'transfers are to go over TLS only, and TLS is off';
  report('MISSING_KEY', ['transfer', 'tls'], message, 'add tls: { certificate: FILE, key: FILE }');
}

function checkCatalog({ transfer, domain }: ConfigDraft, report: Report): void {
  const catalog = transfer?.catalog;
  if (catalog === undefined || domain === undefined) return;
  if (!isWithin(catalog, domain) && !isWithin(domain, catalog)) return;
  const message = `${catalog} and the domain ${domain} lie one in the other, a catalog is a zone of its own`;
  report(
    'CATALOG_IN_DOMAIN',
    ['transfer', 'catalog'],
    message,
    'choose another name, such as catalog.invalid',
  );
}
