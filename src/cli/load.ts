/** Owns turning what the configuration loader returns or throws into lines for the terminal. */

import { ConfigError, formatFault } from '../config/fault.ts';
import { loadSettings } from '../config/load.ts';
import type { LoadedConfig } from './environment.ts';

export async function loadConfig(file: string): Promise<LoadedConfig> {
  try {
    const { settings, warnings } = await loadSettings(file);
    return { kind: 'loaded', settings, warnings: warnings.map((warning) => formatFault(warning)) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {
      kind: 'refused',
      faults: error.faults.map((fault) => formatFault(fault)),
      warnings: error.warnings.map((warning) => formatFault(warning)),
    };
  }
}
