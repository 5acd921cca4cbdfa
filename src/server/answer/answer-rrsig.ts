/** Answers for the type RRSIG: as ANY is answered, with one RRset, of which only the signatures are sent (RFC 8482 section 7). */
import { Type } from '../../zonebuilder/dns.ts';
import { copyOctets } from '../../zonebuilder/octets.ts';
import { answerName } from './answer-name.ts';
import type { Answering } from './answering.ts';
import type { Exchange } from './exchange.ts';
import { RECORD_OCTETS } from './write.ts';

export function answerSignatures(a: Answering): void {
  const { x } = a;
  x.type = Type.ANY;
  answerName(a);
  x.type = Type.RRSIG;
  if (x.authorities === 0) keepSignatures(x);
}

/** Every record of the answer has a compressed owner, so that each begins with a pointer. */
function keepSignatures(x: Exchange): void {
  const { replyData: data } = x;
  let from = x.questionEnd;
  let at = from;
  let kept = 0;
  for (let i = 0; i < x.answers; i++) {
    const octets = RECORD_OCTETS + data.getUint16(from + 10);
    if (data.getUint16(from + 2) === Type.RRSIG) {
      at = copyOctets(data, at, data, from, octets);
      kept++;
    }
    from += octets;
  }
  x.answers = kept;
  x.additionals = 0;
  x.at = at;
}
