import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import type { ImageHandle } from '../../src/server/responder.ts';

/** The last handle that was posted to this worker, without an event loop. */
export function newestImage(): ImageHandle | undefined {
  let image: ImageHandle | undefined;
  for (
    let got = receiveMessageOnPort(parentPort!);
    got !== undefined;
    got = receiveMessageOnPort(parentPort!)
  )
    image = got.message as ImageHandle;
  return image;
}
