/** The last changes of answers, each with what led to it. */

import { h, type ComponentChild } from 'preact';
import type { JournalEntry } from '../../journal/entry.ts';
import { textOf } from './change-text.ts';
import { formatTime } from './format.ts';
import { Blank, Panel } from './panel.ts';
import { hrefOf } from './router.ts';
import { journal, nowMs } from './store.ts';

/** Entries in sight at first; the journal has more. */
const SHOWN = 8;

export function ChangesPanel(): ComponentChild {
  const entries = journal.value;
  if (entries === undefined) return null;
  return h(
    Panel,
    { title: 'Last changes', class: 'changes', aside: 'all of them: fedns journal' },
    h(Changes, { entries: entries.slice(0, SHOWN) }),
  );
}

/** A list of entries, the newest first. */
export function Changes({ entries }: { readonly entries: readonly JournalEntry[] }): ComponentChild {
  if (entries.length === 0) return h(Blank, null, 'Nothing has changed yet.');
  return h(
    'ol',
    { class: 'entries' },
    entries.map((entry) => h(Entry, { key: entry.seq, entry })),
  );
}

function Entry({ entry }: { readonly entry: JournalEntry }): ComponentChild {
  const { subject, isService, lines, more, cause } = textOf(entry);
  const title = isService
    ? h('a', { class: 'name', href: hrefOf({ view: 'service', name: subject }) }, subject)
    : h('span', { class: 'name' }, subject);
  return h(
    'li',
    null,
    h(
      'time',
      { class: 'number quiet', dateTime: new Date(entry.timeMs).toISOString() },
      formatTime(entry.timeMs, nowMs.value),
    ),
    h(
      'div',
      null,
      h('div', { class: 'about' }, title, h('span', { class: 'quiet' }, cause)),
      lines.map(({ place, text }) =>
        h(
          'div',
          { key: place, class: 'turn' },
          place === '' ? null : h('span', { class: 'quiet' }, `${place}: `),
          text,
        ),
      ),
      more > 0 ? h('div', { class: 'quiet' }, `and ${more} more places`) : null,
    ),
  );
}
