/**
 * The view in which a Service is found: a search field whose matches are a list that is walked with the arrow keys (the combobox
 * pattern of ARIA), of which only what is in sight is drawn.
 */

import { h, type TargetedKeyboardEvent, type ComponentChild } from 'preact';
import { useEffect, useReducer, useRef, useState } from 'preact/hooks';
import type { ServiceRow } from '../services.ts';
import { countOf } from './format.ts';
import type { Health } from './health.ts';
import { Blank, Failure, Loading } from './panel.ts';
import { hrefOf } from './router.ts';
import { ServiceList } from './service-list.ts';
import { Mark } from './state-mark.ts';
import { tick } from './store.ts';

/** Pixels of a row; the style sheet has the same. */
const ROW = 34;
/** Rows that are drawn beyond those in sight, so that scrolling shows no gap. */
const BEYOND = 8;
/** Between the last letter and the search, in milliseconds. */
const TYPING_MS = 120;
/** Between two looks at rows in sight while Services change, in milliseconds. */
const LOOK_AGAIN_MS = 5000;

const HEALTHS = [
  ['all', 'all'],
  ['degraded', 'not whole'],
  ['down', 'down'],
] as const;

interface Props {
  readonly search: string;
  readonly health: string;
}

export function ServicesView({ search, health }: Props): ComponentChild {
  return h(
    'div',
    { class: 'services' },
    h('h1', null, 'Services'),
    h(Finder, { key: health, search, health }),
  );
}

function Finder({ search, health }: Props): ComponentChild {
  const [text, setText] = useState(search);
  const [active, setActive] = useState(-1);
  const list = useList(text, health);
  const box = useRef<HTMLDivElement>(null);
  const matched = list?.matched ?? 0;
  const go = (index: number): void => {
    const next = Math.max(-1, Math.min(matched - 1, index));
    setActive(next);
    reveal(box.current, next);
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLInputElement>): void => {
    const target = KEYS[event.key]?.(active, matched);
    if (target !== undefined) {
      event.preventDefault();
      go(target);
    } else if (event.key === 'Enter') open(list?.row(Math.max(0, active)));
  };
  const onInput = (event: { currentTarget: HTMLInputElement }): void => {
    setText(event.currentTarget.value);
    setActive(-1);
  };
  return h(
    'div',
    { class: 'finder' },
    h(
      'div',
      { class: 'search' },
      h('label', { for: 'service-search', class: 'unseen' }, 'Find a Service'),
      h('input', {
        id: 'service-search',
        type: 'search',
        role: 'combobox',
        placeholder: 'Find a Service: parts of its name, namespace, federation',
        autocomplete: 'off',
        spellcheck: false,
        value: text,
        'aria-expanded': matched > 0,
        'aria-controls': 'service-list',
        'aria-autocomplete': 'list',
        'aria-activedescendant': active >= 0 ? `service-${active}` : undefined,
        onInput,
        onKeyDown,
      }),
      h(HealthChoice, { search: text, health }),
    ),
    h('p', { class: 'found quiet', role: 'status' }, foundText(list, text)),
    h(Rows, { list, active, box }),
  );
}

/** What a key does to the place in the list. */
const KEYS: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  PageDown: (at) => at + 10,
  PageUp: (at) => Math.max(0, at - 10),
};

function HealthChoice({ search, health }: Props): ComponentChild {
  return h(
    'div',
    { class: 'choice', role: 'group', 'aria-label': 'Which Services' },
    HEALTHS.map(([value, title]) =>
      h(
        'a',
        {
          key: value,
          href: hrefOf({ view: 'services', search, health: value }),
          'aria-current': value === health ? 'true' : undefined,
        },
        title,
      ),
    ),
  );
}

function foundText(list: ServiceList | undefined, text: string): string {
  if (list?.matched === undefined) return '';
  return text.trim() === '' && list.matched === list.total
    ? countOf(list.total, 'Service')
    : `${list.matched.toLocaleString('en')} of ${countOf(list.total, 'Service')}`;
}

/** A list that follows what is typed; the one before stays in sight until the next has its first rows. */
function useList(search: string, health: string): ServiceList | undefined {
  const [shown, setShown] = useState<ServiceList | undefined>(undefined);
  const [, draw] = useReducer<number, void>((count) => count + 1, 0);
  useEffect(() => {
    const list: ServiceList = new ServiceList({ search, health }, () => {
      setShown(list);
      draw();
    });
    const timer = setTimeout(() => list.need(0, 0), TYPING_MS);
    return () => {
      clearTimeout(timer);
      list.stop();
    };
  }, [search, health]);
  return shown;
}

interface RowsProps {
  readonly list: ServiceList | undefined;
  readonly active: number;
  readonly box: { readonly current: HTMLDivElement | null };
}

function Rows({ list, active, box }: RowsProps): ComponentChild {
  const [top, setTop] = useState(0);
  const count = list?.matched ?? 0;
  const height = box.current?.clientHeight ?? 600;
  const first = Math.max(0, Math.floor(top / ROW) - BEYOND);
  const last = Math.min(count - 1, Math.ceil((top + height) / ROW) + BEYOND);
  useEffect(() => {
    if (count > 0) list?.need(first, last);
  }, [list, first, last, count]);
  useFreshRows(list, first, last);
  if (list?.fault !== undefined) return h(Failure, { text: list.fault, retry: () => list.need(0, 0, true) });
  if (list?.matched === undefined) return h(Loading, { what: 'Services are being looked for' });
  if (count === 0) return h(Blank, null, list.total === 0 ? NONE_KNOWN : 'No Service is like that.');
  const rows = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  return h(
    'div',
    {
      class: 'rows',
      ref: box as never,
      onScroll: (event: { currentTarget: HTMLDivElement }) => setTop(event.currentTarget.scrollTop),
    },
    h(
      'div',
      {
        id: 'service-list',
        role: 'listbox',
        'aria-label': 'Services',
        style: { height: `${count * ROW}px` },
      },
      rows.map((index) =>
        h(Option, { key: index, index, count, row: list.row(index), isActive: index === active }),
      ),
    ),
  );
}

const NONE_KNOWN = 'No Service is known. fedns clusters -o wide says of each cluster what it publishes.';

/** Looks again at what is in sight while Services change. */
function useFreshRows(list: ServiceList | undefined, first: number, last: number): void {
  const lookedMs = useRef(0);
  const now = tick.value;
  useEffect(() => {
    if (now === undefined || list === undefined || (!now.more && now.changed.length === 0)) return;
    if (now.nowMs - lookedMs.current < LOOK_AGAIN_MS) return;
    lookedMs.current = now.nowMs;
    list.need(first, last, true);
  }, [now]);
}

interface OptionProps {
  readonly index: number;
  readonly count: number;
  readonly row: ServiceRow | undefined;
  readonly isActive: boolean;
}

function Option({ index, count, row, isActive }: OptionProps): ComponentChild {
  return h(
    'div',
    {
      id: `service-${index}`,
      role: 'option',
      class: isActive ? 'row active' : 'row',
      style: { transform: `translateY(${index * ROW}px)` },
      'aria-selected': isActive,
      'aria-posinset': index + 1,
      'aria-setsize': count,
      onClick: () => open(row),
    },
    row === undefined ? h('span', { class: 'quiet' }, '…') : h(RowText, { row }),
  );
}

function RowText({ row: { name, shards, healthyShards } }: { readonly row: ServiceRow }): ComponentChild {
  const [service = '', namespace = '', federation = ''] = name.split('.');
  const health: Health = healthyShards === shards ? 'ok' : healthyShards === 0 ? 'down' : 'warn';
  return h(
    'span',
    { class: 'cells' },
    h(Mark, { health }),
    h(
      'span',
      { class: 'name' },
      h('b', null, service),
      h('span', { class: 'quiet' }, `.${namespace}.${federation}`),
    ),
    h(
      'span',
      { class: 'number' },
      h('b', null, healthyShards),
      h('span', { class: 'quiet' }, ` of ${shards} shards`),
    ),
  );
}

function open(row: ServiceRow | undefined): void {
  if (row !== undefined) location.hash = hrefOf({ view: 'service', name: row.name });
}

/** Scrolls as little as shows the row. */
function reveal(box: HTMLDivElement | null, index: number): void {
  if (box === null || index < 0) return;
  const top = index * ROW;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + ROW > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW - box.clientHeight;
}
