/** Owns how a name is read that an operator has typed. */

import { QuestionError } from '../admin/control-plane.ts';
import { decodeName, encodeNameLower } from '../zonebuilder/names.ts';

/**
 * The name in lower case without its trailing dot, as the zone builder knows names.
 *
 * @throws QuestionError when it is none
 */
export function readName(nameText: string): string {
  try {
    return decodeName(encodeNameLower(nameText));
  } catch (error) {
    throw new QuestionError((error as Error).message);
  }
}
