/** The admin token as it is typed: kept while the page is open, and nowhere else. */

import { signal } from '@preact/signals';
import { h, type ComponentChild } from 'preact';

export const token = signal('');

export function TokenField(): ComponentChild {
  return h(
    'label',
    { class: 'field' },
    h('span', null, 'Admin token'),
    h('input', {
      type: 'password',
      autocomplete: 'off',
      required: true,
      placeholder: 'admin.token in the state folder',
      value: token.value,
      onInput: ({ currentTarget }: { currentTarget: HTMLInputElement }) =>
        (token.value = currentTarget.value.trim()),
    }),
  );
}
