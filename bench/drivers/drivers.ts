/**
 * The programs that ask: dnsperf as fast as answers come, pace at a steady rate with percentiles, kxdpgun as fast as
 * told past the kernel of its side. All on a core of their own.
 */

import { run, inNamespace } from '../process.ts';

/** Where queries go and how they are asked. */
export interface Target {
  readonly address: string;
  readonly port: number;
  /** Core of the asking program. */
  readonly core: string;
  readonly seconds: number;
  /** Network namespace of the asking program. */
  readonly namespace?: string | undefined;
}

export interface Load {
  readonly answers: number;
  readonly sent: number;
  readonly seconds: number;
}

/** Queries that dnsperf keeps waiting: enough to fill batches, too few to fill a default receive buffer. */
const OUTSTANDING = 200;

export async function dnsperf(
  target: Target,
  queries: string,
  { edns, clients }: { readonly edns: boolean; readonly clients: number },
): Promise<Load> {
  const { address, port, core, seconds, namespace } = target;
  const where = `-s ${address} -p ${port} -d ${queries}`;
  const how = `-l ${seconds} -c ${clients} -T 1 -q ${OUTSTANDING} -t 1${edns ? ' -e' : ''}`;
  const output = await run([
    ...inNamespace(namespace),
    ...words(`taskset -c ${core} dnsperf ${where} ${how}`),
  ]);
  const answers = field(output, /Queries completed:\s+(\d+)/);
  return {
    answers,
    sent: field(output, /Queries sent:\s+(\d+)/),
    seconds: field(output, /Run time \(s\):\s+([\d.]+)/),
  };
}

/** Latencies in microseconds. */
export interface Latency {
  readonly sent: number;
  readonly received: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** @param program - pace.c, compiled */
export async function pace(program: string, target: Target, packets: string, rate: number): Promise<Latency> {
  const { address, port, core, seconds, namespace } = target;
  const command = [program, address, String(port), packets, String(Math.round(rate)), String(seconds), '4'];
  const output = await run([...inNamespace(namespace), 'taskset', '-c', core, ...command]);
  return JSON.parse(output) as Latency;
}

export async function kxdpgun(target: Target, device: string, queries: string, rate: number): Promise<Load> {
  const { address, port, core, seconds, namespace } = target;
  const how = `-F ${core} -t ${seconds} -Q ${rate} -b 64`;
  const command = `taskset -c ${core} kxdpgun ${how} -p ${port} -i ${queries} -I ${device} ${address}`;
  const output = await run([...inNamespace(namespace), ...words(command)]);
  return {
    answers: field(output, /total replies:\s+(\d+)/),
    sent: field(output, /total queries:\s+(\d+)/),
    seconds,
  };
}

/** None of the words has a space. */
function words(command: string): string[] {
  return command.split(' ');
}

function field(output: string, pattern: RegExp): number {
  const found = pattern.exec(output)?.[1];
  if (found === undefined) throw new Error(`${pattern} is not in:\n${output}`);
  return Number(found);
}
