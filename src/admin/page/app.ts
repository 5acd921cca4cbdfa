/** The frame around every view: its head, the ways to the others, and which of them is shown. */

import { h, type ComponentChild, type ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ExplainView } from './explain-view.ts';
import { formatTime } from './format.ts';
import { LinkState, StaleBar } from './link-state.ts';
import { Overview } from './overview.ts';
import { hrefOf, type Route } from './router.ts';
import { ServiceView } from './service-view.ts';
import { ServicesView } from './services-view.ts';
import { SteerView } from './steer-view.ts';
import { drains, guard, nowMs, picture, route } from './store.ts';

/** The views that the head leads to; further ones are reached from these. */
const TABS: readonly {
  readonly title: string;
  readonly route: Route;
  readonly views: readonly Route['view'][];
}[] = [
  { title: 'Overview', route: { view: 'overview' }, views: ['overview'] },
  {
    title: 'Services',
    route: { view: 'services', search: '', health: 'all' },
    views: ['services', 'service'],
  },
  { title: 'Explain', route: { view: 'explain', name: '', type: 'A', client: '' }, views: ['explain'] },
  { title: 'Steer', route: { view: 'steer', kind: '', name: '', cluster: '', end: '' }, views: ['steer'] },
];

export function App(): ComponentChild {
  const shown = route.value;
  const main = useRef<HTMLElement>(null);
  const wasShown = useRef(false);
  const place = shown.view === 'service' ? `service ${shown.name}` : shown.view;
  useEffect(() => {
    document.title = `${titleOf(shown)} · fedns`;
    // Not at the first: nobody has gone anywhere.
    if (wasShown.current) main.current?.focus();
    wasShown.current = true;
  }, [place]);
  return h(
    'div',
    { class: 'frame' },
    h(
      'a',
      { class: 'skip', href: '#main', onClick: (event: Event) => skip(event, main.current) },
      'To the content',
    ),
    h(Head, null),
    h(StaleBar, null),
    h('main', { id: 'main', ref: main, tabIndex: -1 }, viewOf(shown)),
    h(Foot, null),
  );
}

/** An address after `#` is a view here, so the browser's own way would lose the view. */
function skip(event: Event, main: HTMLElement | null): void {
  event.preventDefault();
  main?.focus();
}

function titleOf(shown: Route): string {
  if (shown.view === 'service') return shown.name.split('.')[0] ?? 'Service';
  return TABS.find(({ views }) => views.includes(shown.view))!.title;
}

function viewOf(shown: Route): ComponentChildren {
  switch (shown.view) {
    case 'overview':
      return h(Overview, null);
    case 'services':
      return h(ServicesView, { search: shown.search, health: shown.health });
    case 'service':
      return h(ServiceView, { key: shown.name, name: shown.name });
    case 'steer':
      return h(SteerView, { key: hrefOf(shown), ...shown });
    case 'explain':
      return h(ExplainView, { key: hrefOf(shown), ...shown });
  }
}

/** A server whose parts cannot be steered has no such view. */
function canSteer(): boolean {
  return drains.value !== undefined || guard.value !== undefined;
}

function Head(): ComponentChild {
  const { view } = route.value;
  return h(
    'header',
    { class: 'head' },
    h('a', { class: 'brand', href: '#/' }, 'fedns'),
    h('span', { class: 'domain' }, picture.value?.domain ?? ''),
    h(
      'nav',
      { 'aria-label': 'Views' },
      TABS.filter((tab) => tab.route.view !== 'steer' || canSteer()).map((tab) =>
        h(
          'a',
          {
            key: tab.title,
            href: hrefOf(tab.route),
            'aria-current': tab.views.includes(view) ? 'page' : undefined,
          },
          tab.title,
        ),
      ),
    ),
    h(LinkState, null),
  );
}

function Foot(): ComponentChild {
  const known = picture.value;
  const text =
    known === undefined
      ? ''
      : `fedns ${known.version}, running since ${formatTime(known.startedMs, nowMs.value)}`;
  return h('footer', { class: 'foot' }, text);
}
