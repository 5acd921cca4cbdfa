/**
 * How plain scalars of Kubernetes' YAML are read: as Go writes and reads them. Names, labels and tokens are text, and Go leaves one
 * without quotes that looks like a number too large for a float64, such as the short Git hash `54e7123`.
 */

import type { ScalarTag, Tags } from 'yaml';

/** For the `customTags` of the yaml package: what overflows stays the text that it is. */
export function kubernetesScalars(tags: Tags): Tags {
  return tags.map((tag) => (isExponent(tag) ? { ...tag, resolve: finiteOrText } : tag));
}

/** The tag of numbers with an exponent. */
function isExponent(tag: Tags[number]): tag is ScalarTag {
  return typeof tag === 'object' && tag.format === 'EXP';
}

function finiteOrText(text: string): number | string {
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}
