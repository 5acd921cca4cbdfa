/**
 * From the YAML file to settings, or to the list of everything that is wrong with it.
 *
 *     text ─ document.ts ─► values ─ schema.ts ─► ConfigFile ─ check-*.ts ─► normalise.ts ─► Settings
 *                 │ syntax             │ shape, texts          │ meaning
 *                 └────────────────────┴───────────────────────┴──────────► Fault[]
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { checkClusters, type FileKind, type LookAtFile } from './check-clusters.ts';
import { checkDrills } from './check-drills.ts';
import { checkGeography } from './check-geography.ts';
import { checkNames } from './check-names.ts';
import { checkPolicies } from './check-policies.ts';
import { checkRecords } from './check-records.ts';
import { checkServer } from './check-server.ts';
import { checkTraffic } from './check-traffic.ts';
import { checkTransfer, type LookAtSecret } from './check-transfer.ts';
import { isWarning, readDocument, type ConfigDocument } from './document.ts';
import { soundPart, type Draft } from './draft.ts';
import { ConfigError, formatPath, type Fault, type FaultCode, type Report } from './fault.ts';
import { shapeFaults } from './issues.ts';
import { normalise } from './normalise.ts';
import { settingsSchema, type ConfigFile } from './schema.ts';
import type { Settings } from './settings.ts';
import { KeyFileError, readKeySecret } from '../tsig/key-file.ts';
import type { StaticRecord } from '../zonebuilder/static-set.ts';

/** Octets of a configuration file: a hundred thousand records fit, a device file or a wrong path does not run on. */
export const FILE_OCTETS_MAX = 32 * 1024 * 1024;

/** Valid settings, and what is doubtful about them. */
export interface LoadedSettings {
  readonly settings: Settings;
  readonly warnings: readonly Fault[];
  /** Clusters whose manifests or kubeconfig are not there; always empty unless that was to be tolerated. */
  readonly absent: readonly AbsentCluster[];
}

/** A cluster that cannot be read for want of a file. */
export interface AbsentCluster {
  readonly cluster: string;
  readonly fault: Fault;
}

export interface LoadOptions {
  /**
   * Take manifests and kubeconfigs that are not there for clusters out of reach, which may have a state from the
   * last run, and not for faults. Default: false.
   */
  readonly tolerateAbsent?: boolean;
}

/**
 * Reads and checks a configuration file, and that the files it names exist.
 *
 * @throws ConfigError with every fault
 */
export function loadSettings(file: string, options: LoadOptions = {}): LoadedSettings {
  const folder = dirname(resolve(file));
  return parseSettings(readText(file), {
    ...options,
    file,
    lookAt: (path) => fileKind(resolve(folder, path)),
    lookAtSecret: (path) => secretFault(resolve(folder, path)),
  });
}

/** How {@link parseSettings} treats what is outside the text. */
export interface ParseOptions extends LoadOptions {
  /** What the text is called in faults, and what its relative paths are relative to. */
  readonly file: string;
  /** Looks at a file that the text names. Default: every file exists. */
  readonly lookAt?: LookAtFile;
  /** Looks at a file with a secret. Default: every one is good. */
  readonly lookAtSecret?: LookAtSecret;
}

/**
 * The same from a text.
 *
 * @throws ConfigError with every fault
 */
export function parseSettings(
  text: string,
  { file, lookAt = () => 'file', lookAtSecret = () => undefined, tolerateAbsent = false }: ParseOptions,
): LoadedSettings {
  const document = readDocument(text, file);
  if (document.value === undefined) throw new ConfigError(sorted(document.faults));
  const shape = settingsSchema.safeParse(document.value);
  const misshapen = shape.success ? [] : shapeFaults(shape.error.issues, document);
  const draft = shape.success ? wholeOf(shape.data) : soundPart(document.value);
  const found = [...document.faults, ...misshapen];
  const meaning = draft && checkMeaning(draft, document, misshapen, { lookAt, lookAtSecret });
  found.push(...(meaning?.faults ?? []));
  const faults = sorted(found.filter((fault) => !isWarning(fault)));
  const fatal = tolerateAbsent ? faults.filter((fault) => absentIndex(fault) === undefined) : faults;
  const warnings = sorted(found.filter((fault) => isWarning(fault)));
  if (!shape.success || fatal.length > 0) throw new ConfigError(faults, warnings, draft?.config.admin);
  const absent = faults.map((fault) => ({ cluster: shape.data.clusters[absentIndex(fault)!]!.name, fault }));
  return { settings: normalise(shape.data, file, meaning?.records ?? []), warnings, absent };
}

/** Which cluster's file is not there, by its index; undefined: the fault is another one. */
function absentIndex({ code, path }: Fault): number | undefined {
  const index = code === 'NO_SUCH_FILE' ? /^clusters\[(\d+)\]/.exec(path)?.[1] : undefined;
  return index === undefined ? undefined : Number(index);
}

/** A configuration without a fault in its shape is its own sound part. */
function wholeOf(config: ConfigFile): Draft {
  return { config, originalPath: (path) => path };
}

function checkMeaning(
  { config, originalPath }: Draft,
  document: ConfigDocument,
  known: readonly Fault[],
  { lookAt, lookAtSecret }: { readonly lookAt: LookAtFile; readonly lookAtSecret: LookAtSecret },
): { readonly faults: readonly Fault[]; readonly records: readonly StaticRecord[] } {
  const found: Fault[] = [];
  const report: Report = (code, path, message, fix) => {
    found.push(document.locate(code, originalPath(path), message, fix));
  };
  checkServer(config, report);
  checkNames(config, report);
  checkPolicies(config, report);
  checkClusters(config, report, lookAt);
  checkTraffic(config, report, lookAt);
  checkTransfer(config, report, lookAtSecret);
  checkGeography(config, report, lookAt);
  checkDrills(config, report);
  const records = checkRecords(config, report);
  const left = [...known, ...found.filter(({ code }) => LEAVES_OUT.has(code))];
  return { faults: found.filter((fault) => !isConsequence(fault, left)), records };
}

/** Faults of a record that leave it out of the checks of records against each other. */
const LEAVES_OUT: ReadonlySet<FaultCode> = new Set([
  'BAD_RECORD_TYPE',
  'BAD_RECORD_DATA',
  'RECORD_OUTSIDE_DOMAIN',
]);

/** Faults that say something is absent, and the part of the file where a fault may have hidden it. */
const ABSENCES: Partial<Record<FaultCode, RegExp>> = {
  MISSING_KEY: /^geoip/,
  PLAN_STEP: /^plans\[\d+\]\.steps\[\d+\]/,
  NO_CLUSTER: /^clusters/,
  NO_ORIGIN: /^clusters\[\d+\]/,
  NAMESERVER_NEEDS_ADDRESS: /^nameservers\[\d+\]/,
  MISSING_GLUE: /^records/,
  DS_WITHOUT_DELEGATION: /^records/,
  TARGET_WITHOUT_ADDRESS: /^records/,
  BELOW_DELEGATION: /^records/,
};

/** Whether a fault is only there because something else with a fault was left out of account. */
function isConsequence(fault: Fault, known: readonly Fault[]): boolean {
  const part = ABSENCES[fault.code]?.exec(fault.path)?.[0];
  return part !== undefined && known.some(({ path }) => path.startsWith(part));
}

function sorted(faults: readonly Fault[]): Fault[] {
  return faults.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function readText(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readOctets(file));
  } catch (error) {
    if (error instanceof TypeError) throw wholeFile(file, 'NOT_UTF8', 'the file is not UTF-8 text');
    throw error;
  }
}

function readOctets(file: string): Buffer {
  try {
    const stats = statSync(file);
    if (!stats.isFile() && !stats.isFIFO()) throw wholeFile(file, 'FILE_UNREADABLE', 'this is not a file');
    if (stats.size > FILE_OCTETS_MAX) {
      throw wholeFile(
        file,
        'FILE_TOO_LARGE',
        `the file has ${stats.size} octets, the limit is ${FILE_OCTETS_MAX}`,
      );
    }
    return readFileSync(file);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw wholeFile(
      file,
      'FILE_UNREADABLE',
      code === 'ENOENT' ? 'there is no such file' : `cannot be read: ${code}`,
    );
  }
}

function wholeFile(file: string, code: FaultCode, message: string): ConfigError {
  return new ConfigError([{ code, file, line: 0, column: 0, path: formatPath([]), message }]);
}

function fileKind(path: string): FileKind {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return 'folder';
  return stats?.isFile() ? 'file' : undefined;
}

function secretFault(path: string): KeyFileError | undefined {
  try {
    readKeySecret(path);
    return undefined;
  } catch (error) {
    if (error instanceof KeyFileError) return error;
    throw error;
  }
}
