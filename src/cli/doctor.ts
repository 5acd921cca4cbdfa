/** Owns `fedns doctor`: what it is told of the command line, how its report is printed, and the exit code. */

import type { Complaint } from '../doctor/complaint.ts';
import { type Finding, isWell, type Outcome, type StepId, type StepReport } from '../doctor/report.ts';
import { type AdminClient, type AdminTarget, openAdminClient } from './admin-client.ts';
import { CommandError, type Environment } from './environment.ts';
import { formatData } from './output.ts';
import { formatTable, printable } from './table.ts';

export const DOCTOR_OUTPUTS = ['table', 'wide', 'json', 'yaml'] as const;
export type DoctorOutput = (typeof DOCTOR_OUTPUTS)[number];

export interface DoctorChoice {
  readonly output: DoctorOutput;
  /** A Service, or a name of one. */
  readonly name?: string | undefined;
  /** Ids of the steps that are wanted. */
  readonly step?: readonly StepId[] | undefined;
  /** `ADDRESS` or `ADDRESS:PORT`. */
  readonly resolver?: string | undefined;
}

/** @returns the exit code: 0 only when all is well */
export async function runDoctor(
  environment: Environment,
  target: AdminTarget,
  { output, name, resolver, step }: DoctorChoice,
): Promise<number> {
  if (environment.doctor === undefined) throw new CommandError('not here');
  const config = await environment.load(target.config);
  let client: Promise<AdminClient> | undefined;
  const complaint: Complaint = {
    file: target.config,
    config,
    inspect: async (settings) => (await environment.inspect?.(settings, false))?.faults ?? [],
    askServer: async (path, query) =>
      (await (client ??= openAdminClient(environment, target))).json(path, query),
    ...(name !== undefined && { name }),
    ...(resolver !== undefined && { resolver }),
    ...(step !== undefined && { steps: step }),
  };
  const steps = await environment.doctor(complaint);
  await environment.out(formatSteps(steps, output));
  return isWell(steps) ? 0 : 1;
}

export function formatSteps(steps: readonly StepReport[], output: DoctorOutput): string {
  switch (output) {
    case 'table':
      return `${formatTable(['STEP', 'STATUS', 'FOUND'], steps.map(stepRow))}${steps.map(formatTroubles).join('')}`;
    case 'wide':
      return formatTable(['STEP', 'STATUS', 'ABOUT', 'TRIED', 'FOUND', 'NEXT'], steps.flatMap(findingRows));
    case 'json':
    case 'yaml':
      return formatData({ well: isWell(steps), steps }, output);
  }
}

/** How an outcome is called on a terminal. */
const STATUS: Readonly<Record<Outcome, string>> = {
  none: '-',
  well: 'well',
  untried: 'UNTRIED',
  wrong: 'WRONG',
};

function stepRow({ id, outcome, findings }: StepReport): readonly string[] {
  return [id, STATUS[outcome], findings.length === 1 ? findings[0]!.found : sumOf(findings)];
}

function sumOf(findings: readonly Finding[]): string {
  const well = findings.filter(isFine);
  if (well.length === findings.length) return `${well.length} of ${well.length}: ${aboutText(well)}`;
  return `${well.length} of ${findings.length} well; not: ${aboutText(findings.filter((one) => !isFine(one)))}`;
}

/** Names in one cell; all of them are in the wide form. */
const ABOUT_SHOWN = 4;

function aboutText(findings: readonly Finding[]): string {
  const names = [...new Set(findings.map(({ about }) => about))];
  const more = names.length - ABOUT_SHOWN;
  return `${names.slice(0, ABOUT_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function isFine({ outcome }: Finding): boolean {
  return outcome === 'well' || outcome === 'none';
}

function findingRows({ id, findings }: StepReport): readonly (readonly string[])[] {
  return findings.map(({ outcome, about, tried, found, next = '' }) => [
    id,
    STATUS[outcome],
    about,
    tried,
    found,
    next,
  ]);
}

/** What is not well, in full, with what to do about it. */
function formatTroubles({ id, findings }: StepReport): string {
  return findings
    .filter((finding) => !isFine(finding))
    .map(({ about, tried, found, next = '' }) => {
      const lines = [`${id}: ${about}`, `  tried  ${tried}`, `  found  ${found}`, `  next   ${next}`];
      return `\n${lines.map(printable).join('\n')}\n`;
    })
    .join('');
}
