/** What a packet of a batch has for its record besides the messages: whose it is, and which address it came to. */

import type { Recorder } from '../recorder.ts';
import {
  CONTROL_HEADER_OCTETS,
  CONTROL_OCTETS,
  CONTROLS,
  NAME_OCTETS,
  NAMES,
  type BatchSocket,
} from './batch-layout.ts';

/** `struct in_pktinfo`: the address in the packet's header, behind the interface and the address that it was taken by. */
const IPV4_DESTINATION = 8;
/** `struct in6_pktinfo`. */
const IPV6_DESTINATION = 0;

/** Tells both ends of packet `i`. To be called before its reply is sent: by then the control data says where it goes. */
export function recordEnds(recorder: Recorder, batch: BatchSocket, i: number): void {
  const { octets, socket } = batch;
  const name = NAMES + i * NAME_OCTETS;
  const isSix = socket.family === 6;
  const clientPort = (octets[name + 2]! << 8) | octets[name + 3]!;
  recorder.client(octets, name + (isSix ? 8 : 4), isSix ? 16 : 4, clientPort);
  const { port } = socket.listen;
  if (socket.wildcard) {
    const data = CONTROLS + i * CONTROL_OCTETS + CONTROL_HEADER_OCTETS;
    recorder.server(octets, data + (isSix ? IPV6_DESTINATION : IPV4_DESTINATION), isSix ? 16 : 4, port);
  } else {
    recorder.server(batch.address, 0, batch.address.length, port);
  }
}
