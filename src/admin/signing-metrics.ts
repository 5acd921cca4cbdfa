/** Owns how the state of signing becomes metrics; without keys it has no series. */
import type { Registry } from 'prom-client';
import type { ControlPlane } from './control-plane.ts';
import { scrapedCounter, scrapedGauge } from './scraped.ts';

export function collectSigning(control: ControlPlane, registers: Registry[]): void {
  const status = () => control.signing?.();
  const octets = {
    name: 'fedns_signing_octets',
    help: 'Memory for signatures and for queries that wait for one; it does not grow.',
  };
  scrapedGauge({ ...octets, labelNames: [] }, registers, (put) => {
    const signing = status();
    if (signing !== undefined) put({}, signing.octets);
  });
  const kept = {
    name: 'fedns_signatures_kept',
    help: 'Signatures that are kept: of what exists, and of denials of what does not.',
  };
  scrapedGauge({ ...kept, labelNames: ['of'] }, registers, (put) => {
    for (const [of, number] of Object.entries(status()?.kept ?? {})) put({ of }, number);
  });
  const waiting = {
    name: 'fedns_signature_queue',
    help: 'Queries that wait for a signature, by what they wait for.',
  };
  scrapedGauge({ ...waiting, labelNames: ['for'] }, registers, (put) => {
    for (const [what, number] of Object.entries(status()?.waiting ?? {})) put({ for: what }, number);
  });
  const behind = {
    name: 'fedns_clock_behind_seconds',
    help: 'How far the clock is behind a moment that is known to be past.',
  };
  scrapedGauge({ ...behind, labelNames: [] }, registers, (put) => {
    const clock = control.clockStatus?.();
    if (clock !== undefined) put({}, clock.behindMs / 1000);
  });
  const steps = {
    name: 'fedns_clock_steps_back_total',
    help: 'How often the clock was set back by more than a second.',
  };
  scrapedCounter({ ...steps, labelNames: [] }, registers, (put) => {
    const clock = control.clockStatus?.();
    if (clock !== undefined) put({}, clock.stepsBack);
  });
}
