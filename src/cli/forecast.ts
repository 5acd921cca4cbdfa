/** Owns how people are shown what a step would change: each name before and after, and what would be lost. */

import type { Forecast } from '../steering/drills/ground.ts';
import { changeRow } from './drains.ts';
import { formatTable } from './table.ts';

/** Ends in a line feed. */
export function formatForecast({ names, changes, losses }: Forecast): string {
  if (names === 0) return 'no answer would change\n';
  const more = names > changes.length ? `and ${names - changes.length} names more\n` : '';
  const lost = losses.map(
    ({ service, types }) => `warning: ${service} would have no ${types.join(' and no ')}\n`,
  );
  return `${formatTable(['NAME', 'BEFORE', 'AFTER'], changes.map(changeRow))}${more}${lost.join('')}`;
}
