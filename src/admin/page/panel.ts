/** The boxes that views are made of, and what stands in them while there is nothing to show. */

import { h, type ComponentChild, type ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** A box with a heading; for a screen reader a region of that name. */
export function Panel(props: {
  readonly title: string;
  readonly class?: string;
  /** Beside the heading. */
  readonly aside?: ComponentChildren;
  readonly children?: ComponentChildren;
}): ComponentChild {
  const id = useId();
  return h(
    'section',
    { class: `panel ${props.class ?? ''}`, 'aria-labelledby': id },
    h('header', null, h('h2', { id }, props.title), h('div', { class: 'aside' }, props.aside)),
    props.children,
  );
}

/** A line in place of what is not there. */
export function Blank({ children }: { readonly children?: ComponentChildren }): ComponentChild {
  return h('p', { class: 'blank' }, children);
}

/** Something is on its way. */
export function Loading({ what }: { readonly what: string }): ComponentChild {
  return h('p', { class: 'blank loading', role: 'status' }, `${what}…`);
}

/** What went wrong, and how to go on. */
export function Failure(props: { readonly text: string; readonly retry?: () => void }): ComponentChild {
  const button =
    props.retry === undefined ? null : h('button', { type: 'button', onClick: props.retry }, 'Try again');
  return h('div', { class: 'failure', role: 'alert' }, h('p', null, props.text), button);
}

/** The head of a table. */
export function HeadRow({ titles }: { readonly titles: readonly string[] }): ComponentChild {
  return h(
    'thead',
    null,
    h(
      'tr',
      null,
      titles.map((title) =>
        title === '' ? h('td', { key: title }) : h('th', { key: title, scope: 'col' }, title),
      ),
    ),
  );
}

/** A table that may be wider than the screen: it scrolls by itself, with the arrow keys too. */
export function ScrollBox(props: {
  readonly label: string;
  readonly children?: ComponentChildren;
}): ComponentChild {
  return h('div', { class: 'scroll', role: 'group', tabIndex: 0, 'aria-label': props.label }, props.children);
}
