/**
 * Processes of the benchmark: started on given cores, asked of the kernel what they cost, ended by their number.
 * What they are is peers.ts.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync, readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';

/** Clock ticks per second in /proc/PID/stat, the same on every Linux. */
export const TICKS_PER_SECOND = 100;

/** How a process is started. */
export interface StartOptions {
  /** Cores that it may use, as taskset lists them. */
  readonly cores: string;
  /** Network namespace; absent: the present one. */
  readonly namespace?: string | undefined;
  /** Takes what it says. */
  readonly logFile: string;
}

/** Starts a program that stays in the foreground. */
export function startPinned(command: readonly string[], options: StartOptions): ChildProcess {
  const { cores, namespace, logFile } = options;
  const [program, ...rest] = [...inNamespace(namespace), 'taskset', '-c', cores, ...command];
  const log = openSync(logFile, 'a');
  const child = spawn(program!, rest, { stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

/** What to put before a command so that it runs in a namespace. Replaces itself, so the process number stays. */
export function inNamespace(namespace: string | undefined): string[] {
  return namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace];
}

/** Ends a process; kills it when it does not end by itself. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const impatient = setTimeout(() => child.kill('SIGKILL'), 3000);
  await exited;
  clearTimeout(impatient);
}

/** Runs a program to its end. @throws Error with what it said when it fails */
export async function run(command: readonly string[], timeoutMs = 120_000): Promise<string> {
  const [program, ...rest] = command;
  const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command.join(' ')}: exit code ${code}\n${errors}${output}`);
  return output + errors;
}

/** User and system time of a process and its children in seconds, ended threads included. */
export function cpuSeconds(pid: number): { user: number; system: number } {
  const sum = { user: 0, system: 0 };
  for (const each of familyOf(pid)) {
    const fields = statFields(each);
    sum.user += Number(fields?.[11] ?? 0) / TICKS_PER_SECOND;
    sum.system += Number(fields?.[12] ?? 0) / TICKS_PER_SECOND;
  }
  return sum;
}

/** Memory of a process and its children in MiB; pages that several share count once. */
export function residentMebibytes(pid: number): number {
  let kibibytes = 0;
  for (const each of familyOf(pid)) {
    const rollup = readOrNothing(`/proc/${each}/smaps_rollup`);
    kibibytes += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
  }
  return kibibytes / 1024;
}

function familyOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (/^\d+$/.test(entry)) parents.set(Number(entry), Number(statFields(Number(entry))?.[1] ?? 0));
  }
  const family = new Set([pid]);
  for (let size = 0; size !== family.size;) {
    size = family.size;
    for (const [child, parent] of parents) if (family.has(parent)) family.add(child);
  }
  return [...family];
}

/** The fields of /proc/PID/stat behind the command's name, which may hold spaces. */
function statFields(pid: number): string[] | undefined {
  const text = readOrNothing(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
