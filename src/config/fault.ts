/**
 * What can be wrong with a configuration: the closed set of codes, and how a fault is reported and printed.
 * Who finds them is elsewhere: `document.ts` (YAML), `issues.ts` (shape), `values.ts` (texts), `check-*.ts` (meaning).
 */
import type { ListenAddress } from './settings.ts';

/** Every code, and whether it stops fedns from starting. Codes are stable. */
export const FAULT_CODES = {
  FILE_UNREADABLE: 'fault',
  FILE_TOO_LARGE: 'fault',
  NOT_UTF8: 'fault',
  YAML_SYNTAX: 'fault',
  YAML_DUPLICATE_KEY: 'fault',
  YAML_ALIAS: 'fault',
  YAML_DOCUMENTS: 'fault',
  EMPTY_FILE: 'fault',
  UNKNOWN_KEY: 'fault',
  MISSING_KEY: 'fault',
  WRONG_TYPE: 'fault',
  WRONG_VALUE: 'fault',
  OUT_OF_RANGE: 'fault',
  BAD_LABEL: 'fault',
  BAD_NAME: 'fault',
  BAD_ADDRESS: 'fault',
  BAD_NETWORK: 'fault',
  BAD_LISTEN: 'fault',
  BAD_MAILBOX: 'fault',
  NO_SUCH_FILE: 'fault',
  RESERVED_NAME: 'fault',
  NO_ROOM_FOR_NAMES: 'fault',
  LITTLE_ROOM_FOR_NAMES: 'warning',
  SINGLE_LABEL_DOMAIN: 'warning',
  DUPLICATE_NAMESERVER: 'fault',
  NAMESERVER_NEEDS_ADDRESS: 'fault',
  NAMESERVER_ADDRESS_OUTSIDE: 'fault',
  DUPLICATE_LISTEN: 'fault',
  LISTEN_OVERLAP: 'fault',
  ADMIN_IS_LISTEN: 'fault',
  DUPLICATE_FEDERATION: 'fault',
  FEDERATION_IS_NAMESPACE: 'warning',
  UNKNOWN_FEDERATION: 'fault',
  POLICY_NEEDS_LIST: 'fault',
  POLICY_UNUSED: 'warning',
  POLICY_PLACE_UNKNOWN: 'warning',
  FAILOVER_REPEATED: 'warning',
  SEVERAL_DATABASES: 'fault',
  SEVERAL_DESTINATIONS: 'fault',
  SOCKET_PATH_TOO_LONG: 'fault',
  DUPLICATE_REGION: 'fault',
  UNKNOWN_REGION: 'fault',
  NEAR_REPEATED: 'fault',
  COUNTRY_TAKEN: 'fault',
  PLACE_UNKNOWN: 'warning',
  NEAREST_WITHOUT_GEOIP: 'warning',
  DUPLICATE_CLUSTER: 'fault',
  NO_CLUSTER: 'fault',
  NO_ORIGIN: 'fault',
  SEVERAL_ORIGINS: 'fault',
  SAME_ORIGIN: 'warning',
  DUPLICATE_ZONE: 'fault',
  ZONE_IS_REGION: 'warning',
  ZONE_AMBIGUOUS: 'warning',
  RECORD_OUTSIDE_DOMAIN: 'fault',
  BAD_WILDCARD: 'fault',
  BAD_RECORD_TYPE: 'fault',
  BAD_RECORD_DATA: 'fault',
  TXT_UNQUOTED: 'warning',
  ODD_DIGEST: 'warning',
  RELATIVE_TARGET: 'warning',
  APEX_RECORD: 'fault',
  NO_SIGNALLING_NAME: 'fault',
  CNAME_NOT_ALONE: 'fault',
  CNAME_HIDES_SERVICE: 'warning',
  ALIAS_LOOP: 'fault',
  BAD_ALIAS: 'fault',
  DUPLICATE_RECORD: 'fault',
  RRSET_TTL: 'fault',
  BELOW_DELEGATION: 'fault',
  DS_WITHOUT_DELEGATION: 'fault',
  MISSING_GLUE: 'fault',
  DELEGATION_HIDES_SERVICES: 'fault',
  NAMESERVER_CONTRADICTED: 'fault',
  RECORD_TTL_UNUSED: 'warning',
  TARGET_IS_ALIAS: 'warning',
  TARGET_WITHOUT_ADDRESS: 'warning',
  BAD_TARGET: 'fault',
  BAD_DURATION: 'fault',
  BAD_WINDOW: 'fault',
  BAD_CRON: 'fault',
  BAD_TIME_ZONE: 'fault',
  DUPLICATE_DRILL: 'fault',
  DUPLICATE_PLAN: 'fault',
  PLAN_STEP: 'fault',
  DRAIN_PLACE_UNKNOWN: 'warning',
  SECRET_FILE_OPEN: 'fault',
  BAD_SECRET: 'fault',
  UNKNOWN_KEY_NAME: 'fault',
  DUPLICATE_KEY_NAME: 'fault',
  TRANSFER_OPEN: 'fault',
  CATALOG_IN_DOMAIN: 'fault',
} as const satisfies Record<string, 'fault' | 'warning'>;
export type FaultCode = keyof typeof FAULT_CODES;

/** Where in the configuration: keys, and indexes of lists. */
export type Path = readonly (string | number)[];

/** One thing that is wrong or doubtful, and where. */
export interface Fault {
  readonly code: FaultCode;
  readonly file: string;
  /** From 1; 0: the file as a whole. */
  readonly line: number;
  /** From 1; 0: the file as a whole. */
  readonly column: number;
  /** For example `clusters[2].zones[0]`; empty: the whole configuration. */
  readonly path: string;
  readonly message: string;
  /** What would likely mend it. */
  readonly fix?: string;
}

/** Where checks leave what they find. */
export type Report = (code: FaultCode, path: Path, message: string, fix?: string) => void;

/** The configuration is refused; `faults` are all that is wrong with it, in the order of the file. */
export class ConfigError extends Error {
  readonly faults: readonly Fault[];
  /** What is only doubtful, as far as it was found. */
  readonly warnings: readonly Fault[];
  /** Where a fedns that runs with an earlier content of the file can be asked, as far as that can be read. */
  readonly admin: ListenAddress | undefined;

  constructor(faults: readonly Fault[], warnings: readonly Fault[] = [], admin?: ListenAddress) {
    super(faults.map((fault) => formatFault(fault)).join('\n'));
    this.name = 'ConfigError';
    this.faults = faults;
    this.warnings = warnings;
    this.admin = admin;
  }
}

/** One line: `file:line:column: path: message (fix)`. */
export function formatFault(fault: Fault): string {
  const place = fault.line === 0 ? fault.file : `${fault.file}:${fault.line}:${fault.column}`;
  const path = fault.path === '' ? '' : `${fault.path}: `;
  const fix = fault.fix === undefined ? '' : ` (${fault.fix})`;
  return `${place}: ${path}${fault.message}${fix}`;
}

/** `clusters[2].zones[0]`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}
