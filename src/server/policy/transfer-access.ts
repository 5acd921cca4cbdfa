/** Who may have the zone whole: the rules of `transfer.allow`. Signatures are judged before, by src/tsig. */
import type { TransferSettings } from '../../config/settings.ts';
import { openKeys, type OpenKey, type TsigKey } from '../../tsig/keys.ts';
import { type CatalogAnswer, type CatalogVersion, openCatalogAnswer } from './catalog-soa.ts';
import { compileNetworks, containsAddress, type NetworkSet } from './access.ts';

/** Plain data, to be handed to threads. */
export interface TransferPolicy {
  readonly keys: readonly TsigKey[];
  readonly allow: TransferSettings['allow'];
  readonly tls: TransferSettings['tls'];
  /** Absent: there is no catalog zone. */
  readonly catalog?: CatalogVersion;
}

/** As a thread works with it. */
export interface TransferAccess {
  readonly keys: readonly OpenKey[];
  readonly rules: readonly { readonly networks: NetworkSet; readonly key: string | undefined }[];
  readonly isTlsRequired: boolean;
  readonly catalog: CatalogAnswer | undefined;
}

/**
 * Makes a thread's view of the rules.
 *
 * @throws NetworkError when a network is none
 */
export function openTransferAccess({ keys, allow, tls, catalog }: TransferPolicy): TransferAccess {
  return {
    keys: openKeys(keys),
    rules: allow.map(({ networks, key }) => ({ networks: compileNetworks(networks), key })),
    isTlsRequired: tls === 'require',
    catalog: catalog && openCatalogAnswer(catalog),
  };
}

/**
 * Whether one of the rules lets a client have the zone.
 *
 * @param client - holds the address at `start`: 4 octets of IPv4 or 16 of IPv6
 * @param key - name of the key that the request is signed with; undefined: it is not signed
 */
export function mayTransfer(
  { rules }: TransferAccess,
  client: Uint8Array,
  start: number,
  length: number,
  key: string | undefined,
): boolean {
  return rules.some((rule) => {
    const isKey = rule.key === undefined || rule.key === key;
    return isKey && (rule.networks.count === 0 || containsAddress(rule.networks, client, start, length));
  });
}
