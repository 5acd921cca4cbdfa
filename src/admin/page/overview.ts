/** The first view: the federation, where it is, what is asked, what changed. */

import { h, type ComponentChild } from 'preact';
import { ChangesPanel } from './changes-panel.ts';
import { DrainsPanel } from './drains-panel.ts';
import { FederationTable } from './federation-table.ts';
import { Figures } from './figures.ts';
import { GuardPanel } from './guard-panel.ts';
import { LatencyPanel } from './latency-panel.ts';
import { picture } from './store.ts';
import { TrafficPanel } from './traffic-panel.ts';
import { WorldPanel } from './world-panel.ts';

export function Overview(): ComponentChild {
  return h(
    'div',
    { class: 'overview' },
    h('h1', { class: 'unseen' }, 'Overview'),
    h(Figures, null),
    h(RestartNote, null),
    h(
      'div',
      { class: 'column' },
      h(GuardPanel, { isQuiet: true }),
      h(DrainsPanel, { isQuiet: true }),
      h(FederationTable, null),
      h(ChangesPanel, null),
    ),
    h('div', { class: 'column' }, h(WorldPanel, null), h(TrafficPanel, null), h(LatencyPanel, null)),
  );
}

function RestartNote(): ComponentChild {
  const keys = picture.value?.restartPending ?? [];
  if (keys.length === 0) return null;
  return h(
    'p',
    { class: 'note' },
    `These settings of the configuration wait for a restart: ${keys.join(', ')}`,
  );
}
