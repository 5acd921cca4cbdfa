/** The map of the regions whose coordinates are known. */

import { h, type ComponentChild } from 'preact';
import type { Branch } from './federation-tree.ts';
import { HEALTHS, type Health } from './health.ts';
import { placeLabels, type Label } from './map-labels.ts';
import { Blank, Panel } from './panel.ts';
import { project } from './projection.ts';
import { Mark } from './state-mark.ts';
import { picture, tree } from './store.ts';
import { LAND, WORLD } from './world-map.ts';

/** A region on the map. */
export interface Pin {
  readonly name: string;
  readonly point: readonly [number, number];
  readonly health: Health;
  /** What else there is to say of it. */
  readonly text: string;
}

export function WorldPanel(): ComponentChild {
  const regions = picture.value?.regions;
  if (regions === undefined) return null;
  const branches = new Map(tree.value?.children.map((branch) => [branch.name, branch]));
  const pins = regions.flatMap(({ name, point }) => {
    const branch = branches.get(name);
    return point === undefined || branch === undefined ? [] : [pinOf(branch, point)];
  });
  const unknown = regions.filter(({ point }) => point === undefined).map(({ name }) => name);
  return h(
    Panel,
    { title: 'Regions', class: 'world' },
    pins.length === 0 ? null : h(WorldMap, { pins }),
    unknown.length === 0
      ? null
      : h(Blank, null, `Not on the map, for want of coordinates: ${unknown.join(', ')}`),
  );
}

function pinOf(branch: Branch, point: readonly [number, number]): Pin {
  const { name, state, healthyShards, shards } = branch;
  return { name, point, health: state.health, text: `${state.word}, ${healthyShards} of ${shards} shards` };
}

/** The land with a mark for each pin; one leads to its row of the table. */
export function WorldMap({ pins }: { readonly pins: readonly Pin[] }): ComponentChild {
  const spots = pins.map((pin) => ({ ...pin, ...project(pin.point) }));
  const labels = placeLabels(spots);
  return h(
    'div',
    { class: 'map' },
    h(
      'svg',
      { viewBox: `0 0 ${WORLD.width} ${WORLD.height}`, 'aria-hidden': 'true' },
      h('path', { class: 'land', d: LAND }),
    ),
    h(
      'ul',
      { 'aria-label': 'Regions on the map' },
      spots.map((spot, i) =>
        h(
          'li',
          { key: spot.name, class: 'pin', style: { left: `${spot.left}%`, top: `${spot.top}%` } },
          h(PinButton, { pin: spot, label: labels[i]! }),
        ),
      ),
    ),
  );
}

function PinButton({ pin, label }: { readonly pin: Pin; readonly label: Label }): ComponentChild {
  return h(
    'button',
    {
      type: 'button',
      class: `label-${label}`,
      title: pin.text,
      'aria-label': `${pin.name}: ${HEALTHS[pin.health].word}, ${pin.text}`,
      onClick: () => goTo(pin.name),
    },
    h(Mark, { health: pin.health }),
    h('span', { class: 'label', 'aria-hidden': 'true' }, pin.name),
  );
}

/** Shows the row of a region. */
function goTo(region: string): void {
  const row = document.getElementById(`place-${region}`);
  row?.scrollIntoView({ block: 'center' });
  row?.querySelector('button')?.focus();
}
