/** The smallest exchange that tells a serial: the SOA record of example.com, asked for and read back. */

import { makeQuery, readMessage } from './message.ts';

export function query(id: number): Buffer {
  return makeQuery('example.com', 'SOA', { id });
}

/** The serial of the reply's answer. */
export function soaSerial(reply: Buffer): number {
  const { data } = readMessage(reply).answer[0]!;
  return Number(data.split(' ')[2]);
}
