/** Owns metrics that are read anew for each scrape, so that what is gone leaves no series behind. */

import { Counter, Gauge, type Registry } from 'prom-client';

/** Adds to the series with these labels, which begins at nought. */
export type Put = (labels: Readonly<Record<string, string>>, value: number) => void;

export interface ScrapedMetric {
  readonly name: string;
  readonly help: string;
  /** Default: none. */
  readonly labelNames?: readonly string[];
}

/** @param read - called for each scrape; what it does not put is not there, without labels 0 */
export function scrapedGauge(metric: ScrapedMetric, registers: Registry[], read: (put: Put) => void): void {
  const made: Gauge<string> = new Gauge({ ...metric, registers, collect: () => renew(made, read) });
}

/** As {@link scrapedGauge}, of what is counted elsewhere. */
export function scrapedCounter(metric: ScrapedMetric, registers: Registry[], read: (put: Put) => void): void {
  const made: Counter<string> = new Counter({ ...metric, registers, collect: () => renew(made, read) });
}

function renew(made: Gauge<string> | Counter<string>, read: (put: Put) => void): void {
  made.reset();
  read((labels, value) => made.inc(labels, value));
}
