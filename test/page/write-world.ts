/**
 * Writes src/admin/page/world-map.ts, the outline of all land for the page's map: `npm run world`. The data is Natural Earth's
 * (public domain) as world-atlas carries it; d3-geo and topojson-client are needed here alone, and no browser loads them.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { geoEqualEarth, geoPath } from 'd3-geo';
import { feature } from 'topojson-client';

type Topology = Parameters<typeof feature>[0];

/** Width of the drawing; a pixel on a phone, a third of one on a large screen. */
export const WIDTH = 960;
/** Antarctica has no region of anybody's. */
const SOUTH_DEGREES = -57;

export const MAP_FILE = fileURLToPath(new URL('../../src/admin/page/world-map.ts', import.meta.url));

/** The projection that the outline is drawn in. */
export const projection = geoEqualEarth().fitWidth(WIDTH, { type: 'Sphere' });

/** The module's text. */
export function worldMap(): string {
  const file = createRequire(import.meta.url).resolve('world-atlas/land-110m.json');
  const atlas = JSON.parse(readFileSync(file, 'utf8')) as Topology;
  const land = feature(atlas, atlas.objects['land']!);
  const height = Math.round(projection([0, SOUTH_DEGREES])![1]);
  const path = northOf(height, geoPath(projection).digits(0)(land)!);
  return `/** The land of the Earth as an outline, written by \`npm run world\` from Natural Earth's data. */

export const WORLD = { width: ${WIDTH}, height: ${height} } as const;

/** Where the equator and the meridian of Greenwich cross, and how long the unit of the projection is. */
export const ORIGIN = ${JSON.stringify(projection.translate().map(round))} as const;
export const SCALE = ${round(projection.scale())};

export const LAND =
  '${path}';
`;
}

/** The outlines of which some part is to be seen. */
function northOf(bottom: number, path: string): string {
  const outlines = path.split('Z').slice(0, -1);
  const isSeen = (outline: string): boolean =>
    outline.split('L').some((point) => Number(point.split(',')[1]) < bottom);
  return outlines
    .filter(isSeen)
    .map((outline) => `${outline}Z`)
    .join('');
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

if (process.argv[1] === import.meta.filename) writeFileSync(MAP_FILE, worldMap());
