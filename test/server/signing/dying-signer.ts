/** A responder that dies as a signer when it is asked for a name that begins with `die`. */
import { createResponder as createReal } from '../../../src/server/answer/answer.ts';
import type { ResponderSettings, SigningResponder } from '../../../src/server/responder.ts';
import { Slot } from '../../../src/server/signing/waiting.ts';

const FIRST_LABEL = Slot.query + 12;

export function createResponder(settings: ResponderSettings): SigningResponder {
  const responder = createReal(settings);
  const answer = responder.answerWaiting.bind(responder);
  responder.answerWaiting = (waiting, slot, reply) => {
    if (Buffer.from(slot.subarray(FIRST_LABEL, FIRST_LABEL + 4)).equals(Buffer.from('\x03die')))
      throw new Error('as it was asked');
    return answer(waiting, slot, reply);
  };
  return responder;
}
