/** Where the labels of a map stand, so that they do not cover each other. */

/** On which side of its mark a label stands; `none`: there is no room, and the mark alone has to do. */
export type Label = 'right' | 'left' | 'above' | 'below' | 'none';

/** A mark in percent of the map's width and height. */
export interface Spot {
  readonly name: string;
  readonly left: number;
  readonly top: number;
}

/** The map as it is wide on most screens, and what a label takes there, in pixels. */
const MAP = { width: 560, height: 244 } as const;
const CHARACTER = 6.2;
const LINE = 14;
const MARK = 9;

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
}

/** A side for each spot; one after the other, each takes the first that is free. */
export function placeLabels(spots: readonly Spot[]): Label[] {
  const taken: Box[] = spots.map((spot) => ({
    left: toX(spot) - MARK,
    top: toY(spot) - LINE / 2,
    width: 2 * MARK,
  }));
  return spots.map((spot, own) => {
    const sides = ['right', 'left', 'below', 'above'] as const;
    const side = sides.find((each) => {
      const box = boxOf(spot, each);
      return isWithin(box) && taken.every((other, i) => i === own || !overlaps(box, other));
    });
    if (side === undefined) return 'none';
    taken.push(boxOf(spot, side));
    return side;
  });
}

function toX({ left }: Spot): number {
  return (left / 100) * MAP.width;
}

function toY({ top }: Spot): number {
  return (top / 100) * MAP.height;
}

function boxOf(spot: Spot, side: Exclude<Label, 'none'>): Box {
  const width = spot.name.length * CHARACTER;
  const x = toX(spot);
  const y = toY(spot);
  const boxes = {
    right: { left: x + MARK, top: y - LINE / 2 },
    left: { left: x - MARK - width, top: y - LINE / 2 },
    above: { left: x - width / 2, top: y - MARK - LINE },
    below: { left: x - width / 2, top: y + MARK },
  } as const;
  return { ...boxes[side], width };
}

function isWithin({ left, top, width }: Box): boolean {
  return left >= 0 && left + width <= MAP.width && top >= 0 && top + LINE <= MAP.height;
}

function overlaps(a: Box, b: Box): boolean {
  return a.left < b.left + b.width && b.left < a.left + a.width && Math.abs(a.top - b.top) < LINE;
}
