/** The thread that writes queries down: the entry that query-writer.ts starts. Joins the reader of the rings to its outputs. */

import assert from 'node:assert/strict';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { DnstapSettings } from '../../config/settings.ts';
import { CONTROL_PLANE_NICENESS, becomeAsNiceAs, niceness } from '../../server/linux/thread-priority.ts';
import { systemTimers } from '../../timers.ts';
import type { MessageSource } from '../dnstap/messages.ts';
import { LineOutput } from '../lines/line-output.ts';
import { DnstapOutputs } from './dnstap-outputs.ts';
import { QueryReader, type Outputs } from './query-reader.ts';
import type { FromThread, ThreadStart, ToThread, WritingOrder } from './thread-protocol.ts';

/** Faults that are told in the life of a thread; the others are counted. */
const FAULTS_TOLD_MAX = 5;

assert(parentPort !== null, 'thread.ts runs as a worker thread');
run(parentPort, workerData as ThreadStart);

function run(port: MessagePort, { tally: memory }: ThreadStart): void {
  // Answers and changes go first.
  becomeAsNiceAs(niceness() + CONTROL_PLANE_NICENESS);
  const tally = new Float64Array(memory);
  const say = (level: FromThread['level'], fields: object, message: string): void =>
    port.postMessage({ level, fields, message } satisfies FromThread);
  const lines = new LineOutput(tally);
  const outputs = new DnstapOutputs({ tally, say });
  const onFault = tellSome((error) =>
    say('error', { code: 'FAULT', error }, 'a query could not be written down: a bug'),
  );
  const reader = new QueryReader({ domain: new Uint8Array(0) }, { timers: systemTimers, tally, onFault });
  port.on('message', (message: ToThread) => {
    if (message.kind === 'adopt') {
      const { rings, order } = message;
      reader.adopt(rings, outputsOf(order, lines, outputs));
    } else {
      reader.stop();
      void outputs.stop().then(() => port.close());
    }
  });
}

function outputsOf(
  { domain, form, dnstap }: WritingOrder,
  lines: LineOutput,
  outputs: DnstapOutputs,
): Outputs {
  const output = outputs.adopt(dnstap);
  return {
    domain,
    ...(form !== undefined && { log: { lines, form } }),
    ...(output && dnstap && { dnstap: { output, source: sourceOf(dnstap, domain) } }),
  };
}

function sourceOf({ identity, version, messages }: DnstapSettings, domain: Uint8Array): MessageSource {
  return {
    identity: Buffer.from(identity ?? ''),
    version: Buffer.from(version ?? ''),
    domain,
    kinds: new Set(messages),
  };
}

function tellSome(tell: (error: unknown) => void): (error: unknown) => void {
  let told = 0;
  return (error) => {
    if (told++ < FAULTS_TOLD_MAX) tell(error);
  };
}
