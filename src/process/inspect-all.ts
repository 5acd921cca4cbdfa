/** Owns what `fedns check` finds beyond the configuration's own text, put together for it. */

import type { Inspection } from '../cli/environment.ts';
import type { Settings } from '../config/settings.ts';
import { inspect } from '../inspect/inspect.ts';
import { inspectLive } from '../inspect/live.ts';
import { inspectDatabases } from '../serve/geo/inspect-databases.ts';
import { inspectClusters } from '../serve/inspect-clusters.ts';

/** @param live - whether API servers are asked */
export async function inspectAll(settings: Settings, live: boolean): Promise<Inspection> {
  const options = { env: process.env, clock: Date.now };
  const manifests = await inspectClusters(settings);
  const databases = await inspectDatabases(settings);
  const found = await inspect(settings, options);
  const answers = live ? await inspectLive(settings, options) : [];
  const all = [...found, ...answers.flatMap(({ findings }) => findings)];
  const linesOf = (wanted: string): string[] =>
    all.filter(({ severity }) => severity === wanted).map(({ text }) => text);
  const well = answers.filter(({ findings }) => findings.length === 0);
  return {
    faults: [...manifests.faults, ...databases, ...linesOf('fault')],
    warnings: [...manifests.warnings, ...linesOf('warning')],
    notes: well.map(
      ({ cluster, version = '' }) => `cluster ${cluster}: answers and lets fedns read, ${version}`,
    ),
  };
}
