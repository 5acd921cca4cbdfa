/** Objects as YAML, for people who apply them by themselves. */

import { stringify } from 'yaml';
import type { KubeObject } from '../api/object.ts';

/** Parts that are the same are written out each time: people read and change them. */
const FORM = { lineWidth: 0, aliasDuplicateObjects: false } as const;

/** @param comments - lines before the first */
export function documentsText(comments: readonly string[], objects: readonly KubeObject[]): string {
  const head = comments.map((line) => `# ${line}\n`).join('');
  const texts = objects.map((object, i) => `---\n${i === 0 ? head : ''}${stringify(object, FORM)}`);
  return texts.join('');
}
