/** Owns turning what the configuration loader returns or throws into lines for the terminal. */

import { ConfigError, formatFault } from '../config/fault.ts';
import { loadSettings, type LoadOptions } from '../config/load.ts';
import type { LoadedConfig } from './environment.ts';

export async function loadConfig(file: string, options?: LoadOptions): Promise<LoadedConfig> {
  try {
    const { settings, warnings, absent } = loadSettings(file, options);
    return {
      kind: 'loaded',
      settings,
      warnings: warnings.map((warning) => formatFault(warning)),
      absent: absent.map(({ cluster, fault }) => ({ cluster, fault: formatFault(fault) })),
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {
      kind: 'refused',
      faults: error.faults.map((fault) => formatFault(fault)),
      warnings: error.warnings.map((warning) => formatFault(warning)),
      ...(error.admin && { admin: error.admin }),
    };
  }
}
