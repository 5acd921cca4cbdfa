/** What the guard keeps in the answers although its data went missing, for how long still, and how it is let go of. */

import { h, type ComponentChild } from 'preact';
import { useState } from 'preact/hooks';
import type { GuardStopView } from '../guard-control.ts';
import { ask, messageOf } from './api.ts';
import { countOf, formatSpan } from './format.ts';
import { Blank, Failure, Panel } from './panel.ts';
import { hrefOf } from './router.ts';
import { Mark } from './state-mark.ts';
import { guard } from './store.ts';
import { token, TokenField } from './token-field.ts';

interface Props {
  /** Only where something is held, and only to be looked at. */
  readonly isQuiet?: boolean;
}

export function GuardPanel({ isQuiet = false }: Props): ComponentChild {
  const status = guard.value;
  if (status === undefined || (isQuiet && status.stops.length === 0)) return null;
  const aside = status.enabled ? `${countOf(status.shards, 'shard')} held` : 'off, as the configuration says';
  return h(
    Panel,
    { title: 'Guard', class: 'drains guard', aside },
    status.stops.length === 0
      ? h(Blank, null, 'Nothing is held back.')
      : h(
          'ul',
          null,
          status.stops.map((stop) => h(StopLine, { key: stop.id, stop, isQuiet })),
        ),
    isQuiet || status.stops.length === 0 ? null : h(Release, { stops: status.stops }),
  );
}

function StopLine({
  stop,
  isQuiet,
}: {
  readonly stop: GuardStopView;
  readonly isQuiet: boolean;
}): ComponentChild {
  const { id, cluster, shards, why, missing, cause, isRunning, leftSeconds, services } = stop;
  const left = isRunning
    ? `believed in ${formatSpan(leftSeconds * 1000)}`
    : 'time stands still while the cluster is out of contact';
  const steer = hrefOf({ view: 'steer', kind: '', name: '', cluster: '', end: '' });
  return h(
    'li',
    null,
    h(Mark, { health: 'held' }),
    h(
      'div',
      null,
      h('span', { class: 'name' }, `${cluster}: ${countOf(shards, 'shard')}`),
      h('div', null, `${missing} (${why})`),
      h(
        'div',
        { class: 'quiet' },
        [left, cause, services.join(', ')].filter((part) => part !== '').join(' · '),
      ),
    ),
    isQuiet
      ? h('a', { href: steer, 'aria-label': `Release stop ${id} of ${cluster}` }, 'Release…')
      : h('span', { class: 'quiet' }, id),
  );
}

/** Lets go of one stop, or of all. */
function Release({ stops }: { readonly stops: readonly GuardStopView[] }): ComponentChild {
  const [fault, setFault] = useState('');
  const onSubmit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const id = String(new FormData(event.currentTarget as HTMLFormElement).get('id') ?? '');
    setFault('');
    try {
      await ask('guard/release', { method: 'POST', body: id === '' ? {} : { id }, token: token.value });
    } catch (error) {
      setFault(messageOf(error));
    }
  };
  return h(
    'form',
    { class: 'confirm', onSubmit },
    h(
      'label',
      { class: 'field' },
      h('span', null, 'Stop'),
      h(
        'select',
        { name: 'id' },
        stops.map(({ id, cluster }) => h('option', { key: id, value: id }, `${id}, ${cluster}`)),
        h('option', { value: '' }, 'all of them'),
      ),
    ),
    h(TokenField, null),
    h('button', { type: 'submit', class: 'main' }, 'Release what is held'),
    fault === '' ? null : h(Failure, { text: fault }),
  );
}
