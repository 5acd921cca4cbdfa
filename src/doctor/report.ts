/**
 * What the doctor reports: the closed set of its steps, in the order of the Federation guide's troubleshooting list, and what
 * each found. Plain values; how they are printed is cli/doctor.ts.
 */

/** Every step. Ids are stable, for programs. */
export const STEPS = [
  { id: 'configuration', title: 'the configuration is valid, and what it names is there' },
  { id: 'server', title: 'the running server answers at its admin address' },
  { id: 'endpoint', title: 'the federation endpoint answers and takes the credentials' },
  { id: 'members', title: 'clusters are registered and Ready' },
  { id: 'permissions', title: 'fedns may do what it must in each cluster' },
  { id: 'clusters', title: 'the server reads each cluster' },
  { id: 'objects', title: 'federated objects are in their clusters' },
  { id: 'shards', title: 'shards of Services are in the answers' },
  { id: 'answers', title: 'the server answers over UDP and TCP as it says' },
  { id: 'delegation', title: 'the parent zone names the same name servers' },
  { id: 'nameservers', title: 'each name server answers with authority over UDP and TCP' },
  { id: 'agreement', title: 'the name servers answer alike' },
  { id: 'ds', title: "the parent's DS records fit the keys" },
  { id: 'resolution', title: 'a resolver finds the domain' },
] as const;
export type StepId = (typeof STEPS)[number]['id'];

/**
 * What came of something, the better first. `none`: there is nothing of the kind to look at. `untried`: it could not be looked
 * at, so that nothing is known of it, which is not well.
 */
export const OUTCOMES = ['none', 'well', 'untried', 'wrong'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** One thing that was looked at. */
export interface Finding {
  readonly outcome: Outcome;
  /** What it is about: a file, an address, a cluster, a Service. */
  readonly about: string;
  readonly tried: string;
  readonly found: string;
  /** The next thing to do. Absent: nothing. */
  readonly next?: string;
}

/** What a step found. */
export interface StepReport {
  readonly id: StepId;
  readonly title: string;
  /** The worst of its findings. */
  readonly outcome: Outcome;
  readonly findings: readonly Finding[];
}

/** All is well only where every step was tried, or had nothing to try. */
export function isWell(steps: readonly StepReport[]): boolean {
  return steps.every(({ outcome }) => outcome === 'well' || outcome === 'none');
}

export function worst(findings: readonly Finding[]): Outcome {
  const rank = Math.max(0, ...findings.map(({ outcome }) => OUTCOMES.indexOf(outcome)));
  return OUTCOMES[rank]!;
}

/** Something that a step has to know and that cannot be had; `next` says what would help. */
export class Unknowable extends Error {
  readonly tried: string;
  readonly next: string;

  constructor(tried: string, found: string, next: string) {
    super(found);
    this.tried = tried;
    this.next = next;
  }
}

/** What is not known because another step failed. */
export function behind(step: StepId, tried: string): Unknowable {
  return new Unknowable(tried, `not known while the step ${step} is not well`, `mend ${step} first`);
}

/** A text from outside in one line. */
export function lineOf(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** Something to look at: what it is about, and how it is looked at. Each outcome is made of one. */
export interface Look {
  readonly about: string;
  readonly tried: string;
}

export function well(look: Look, found: string): Finding {
  return { outcome: 'well', ...look, found };
}

export function wrong(look: Look, found: string, next: string): Finding {
  return { outcome: 'wrong', ...look, found, next };
}

export function untried(look: Look, found: string, next: string): Finding {
  return { outcome: 'untried', ...look, found, next };
}

/** @param found - why there is nothing to look at */
export function none(look: Look, found: string): Finding {
  return { outcome: 'none', ...look, found };
}

export function messageOf(error: unknown): string {
  return lineOf(error instanceof Error ? error.message : String(error));
}
