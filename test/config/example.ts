/** A small valid configuration that the tests of this folder change in one place each. */
import { ConfigError, formatFault, type Fault } from '../../src/config/fault.ts';
import { parseSettings, type LoadedSettings } from '../../src/config/load.ts';

/** The parts of the configuration, as YAML text by their first line. */
const PARTS = {
  domain: 'domain: example.com',
  nameservers: 'nameservers:\n  - { name: ns1.example.com, addresses: [192.0.2.1] }',
  federations: 'federations:\n  - { name: fed }',
  clusters: 'clusters:\n  - { name: one, region: r1, zones: [z1], manifests: ./one.yaml }',
};

/** The example with parts replaced or added; an empty text leaves the part out. */
export function example(parts: Record<string, string> = {}): string {
  return Object.values({ ...PARTS, ...parts })
    .filter((part) => part !== '')
    .join('\n');
}

/** The example with these records, one flow mapping a line. */
export function withRecords(...records: string[]): string {
  return example({ records: `records:\n${records.map((record) => `  - { ${record} }`).join('\n')}` });
}

/** The same with clusters. */
export function withClusters(...clusters: string[]): string {
  return example({ clusters: `clusters:\n${clusters.map((cluster) => `  - { ${cluster} }`).join('\n')}` });
}

/** What loading a text comes to. */
export interface Outcome {
  readonly loaded?: LoadedSettings;
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
}

/** Loads a text without looking at files. */
export function outcomeOf(text: string): Outcome {
  try {
    const loaded = parseSettings(text, { file: '/etc/fedns/fedns.yaml' });
    return { loaded, faults: [], warnings: loaded.warnings };
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** `CODE path` of each fault, then of each warning. */
export function codesOf(text: string): string[] {
  const { faults, warnings } = outcomeOf(text);
  return [...faults, ...warnings].map(({ code, path }) => `${code} ${path}`.trim());
}

/** Faults as an operator reads them, without the file. */
export function printed(text: string): string[] {
  return outcomeOf(text).faults.map((fault) => formatFault(fault).replace('/etc/fedns/fedns.yaml:', ''));
}
