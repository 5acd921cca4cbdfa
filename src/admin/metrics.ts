/**
 * Owns the metrics page: names, labels and help texts, and how they follow from counters and reports. The only place
 * that knows prom-client. What is counted on the query path is defined by server/counters.ts and only read here.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ClusterView, ControlPlane } from './control-plane.ts';
import { collectDataPlane } from './data-plane-metrics.ts';
import { collectClusters } from './cluster-metrics.ts';
import { collectJournal } from './journal-metrics.ts';
import { collectDrills } from './drill-metrics.ts';
import { collectDrains } from './drain-metrics.ts';
import { collectGeo } from './geo-metrics.ts';
import { collectQueryWriting } from './query-writing-metrics.ts';
import { PROPAGATION_BOUNDS } from './traffic.ts';
import { collectSigning } from './signing-metrics.ts';
import { collectGuard } from './guard-metrics.ts';
import { collectTransfers } from './transfer-metrics.ts';

type LoopDelay = ReturnType<typeof monitorEventLoopDelay>;

/** Time between two looks at the event loop, in milliseconds. What Node measures is that time and the delay. */
const LOOP_SAMPLE_MS = 20;

export interface MetricsOptions {
  readonly control: ControlPlane;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly version: string;
}

/** Metrics of one server; each has a registry of its own. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #loopDelay: LoopDelay;
  readonly #reloads: Counter;
  readonly #reloadOk: Gauge;
  readonly #faults: Counter;
  readonly #propagation: Histogram<'cluster'>;
  readonly #control: ControlPlane;
  /** As they were when the page was asked for: one look for all metrics. */
  #clusters: readonly ClusterView[] = [];

  constructor(options: MetricsOptions) {
    const registers = [this.#registry];
    this.#control = options.control;
    this.#loopDelay = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
    this.#reloads = new Counter({
      name: 'fedns_config_reloads_total',
      help: 'Configuration reloads by result. After a failed one the old configuration stays in force.',
      labelNames: ['result'],
      registers,
    });
    for (const result of ['success', 'failure']) this.#reloads.inc({ result }, 0);
    this.#reloadOk = new Gauge({
      name: 'fedns_config_last_reload_successful',
      help: '1 when the newest configuration file is in force, 0 when it was refused.',
      registers,
    });
    this.#reloadOk.set(1);
    this.#faults = new Counter({
      name: 'fedns_control_plane_faults_total',
      help: 'Exceptions that nothing in the control plane caught. Each one is a bug.',
      registers,
    });
    this.#propagation = new Histogram({
      name: 'fedns_propagation_seconds',
      help: 'Time from the arrival of a change to its first possible answer.',
      labelNames: ['cluster'],
      buckets: [...PROPAGATION_BOUNDS],
      registers,
    });
    registerVitals(options, registers);
    registerProcess(options, this.#loopDelay, registers);
    collectDataPlane(() => options.control.vitals().counters, registers);
    collectDrains(() => options.control.drains?.view(), options.clock, registers);
    collectGeo(() => options.control.geo?.status(), options.clock, registers);
    collectDrills(() => options.control.drills, registers);
    collectQueryWriting(() => options.control.queryWriting?.(), registers);
    collectJournal(() => options.control.journal?.status(), registers);
    collectSigning(options.control, registers);
    collectGuard(() => options.control.guard?.status(), registers);
    collectTransfers(() => options.control.transfers?.(), registers);
    collectClusters(() => this.#clusters, options.clock, registers);
  }

  start(): void {
    this.#loopDelay.enable();
  }

  stop(): void {
    this.#loopDelay.disable();
    this.#registry.clear();
  }

  reloaded(success: boolean): void {
    this.#reloads.inc({ result: success ? 'success' : 'failure' });
    this.#reloadOk.set(success ? 1 : 0);
  }

  fault(): void {
    this.#faults.inc();
  }

  observePropagation(cluster: string, seconds: number): void {
    this.#propagation.observe({ cluster }, seconds);
  }

  /** The page in the Prometheus text format. */
  text(): Promise<string> {
    this.#clusters = this.#control.clusters();
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}

function registerVitals(options: MetricsOptions, registers: Registry[]): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(read()) });
  };
  const { control } = options;
  gauge('fedns_soa_serial', 'Serial of the served SOA record.', () => control.vitals().serial);
  gauge('fedns_services', 'Federated Services known.', () => control.vitals().services);
  gauge(
    'fedns_restart_pending',
    '1 while the newest configuration has settings that take effect with a restart only.',
    () => (control.vitals().restartPending.length > 0 ? 1 : 0),
  );
  gauge('fedns_image_octets', 'Octets of the answer image in use.', () => control.vitals().imageOctetsUsed);
  gauge(
    'fedns_image_octets_mapped',
    'Octets of the answer image mapped.',
    () => control.vitals().imageOctetsTotal,
  );
}

function registerProcess(options: MetricsOptions, delay: LoopDelay, registers: Registry[]): void {
  const build = new Gauge({
    name: 'fedns_build_info',
    help: 'Always 1; the labels name fedns and its runtime.',
    labelNames: ['version', 'node'],
    registers,
  });
  build.set({ version: options.version, node: process.version }, 1);
  const startSeconds = options.clock() / 1000 - process.uptime();
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the process began, in seconds since the epoch.',
    registers,
  }).set(startSeconds);
  const loop: Gauge<'quantile'> = new Gauge({
    name: 'fedns_event_loop_delay_seconds',
    help: 'Delay of the control plane’s event loop since the last look.',
    labelNames: ['quantile'],
    registers,
    collect: () => {
      loop.set({ quantile: '0.5' }, toDelaySeconds(delay.percentile(50)));
      loop.set({ quantile: '0.99' }, toDelaySeconds(delay.percentile(99)));
      loop.set({ quantile: '1' }, toDelaySeconds(delay.max));
      delay.reset();
    },
  });
  const memory: Gauge<'kind'> = new Gauge({
    name: 'fedns_memory_octets',
    help: 'Memory of the process by kind.',
    labelNames: ['kind'],
    registers,
    collect: () => {
      for (const [kind, octets] of Object.entries(process.memoryUsage())) memory.set({ kind }, octets);
    },
  });
  const cpu: Counter<'mode'> = new Counter({
    name: 'fedns_cpu_seconds_total',
    help: 'Processor time of the process, all threads, by mode.',
    labelNames: ['mode'],
    registers,
    collect: () => {
      const usage = process.cpuUsage();
      cpu.reset();
      cpu.inc({ mode: 'user' }, usage.user / 1e6);
      cpu.inc({ mode: 'system' }, usage.system / 1e6);
    },
  });
}

function toDelaySeconds(measuredNs: number): number {
  return Math.max(0, measuredNs / 1e6 - LOOP_SAMPLE_MS) / 1000;
}
