/** The view that says of any name how it is answered, and by which steps. */

import { h, type ComponentChild } from 'preact';
import type { Explanation } from '../control-plane.ts';
import { Blank, Failure, HeadRow, Loading, Panel, ScrollBox } from './panel.ts';
import { hrefOf } from './router.ts';
import { useAsk } from './use-ask.ts';

/** Types that are offered; any other can be typed. */
const TYPES = ['A', 'AAAA', 'CNAME', 'SRV', 'NS', 'SOA', 'MX', 'TXT', 'CAA', 'HTTPS', 'ANY'];

interface Props {
  readonly name: string;
  readonly type: string;
  readonly client: string;
}

export function ExplainView({ name, type, client }: Props): ComponentChild {
  return h(
    'div',
    { class: 'explain' },
    h('h1', null, 'Why does a name answer that?'),
    h(Question, { name, type, client }),
    name === '' ? null : h(Answer, { name, type, client }),
  );
}

/** What was typed becomes the address, and the address the answer: it can be sent to somebody. */
function onSubmit(event: SubmitEvent): void {
  event.preventDefault();
  const form = new FormData(event.currentTarget as HTMLFormElement);
  const text = (key: string): string => String(form.get(key) ?? '').trim();
  location.hash = hrefOf({
    view: 'explain',
    name: text('name'),
    type: text('type').toUpperCase(),
    client: text('client'),
  });
}

function Question({ name, type, client }: Props): ComponentChild {
  return h(
    'form',
    { class: 'question', onSubmit },
    h(Field, {
      name: 'name',
      label: 'Name',
      value: name,
      hint: 'nginx.mynamespace.myfederation.svc.example.com',
      isRequired: true,
    }),
    h(Field, { name: 'type', label: 'Type', value: type, hint: 'A', list: 'types' }),
    h(Field, { name: 'client', label: 'Client', value: client, hint: 'anybody, or an address' }),
    h(
      'datalist',
      { id: 'types' },
      TYPES.map((each) => h('option', { key: each, value: each })),
    ),
    h('button', { type: 'submit', class: 'main' }, 'Explain'),
  );
}

function Field(props: {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly hint: string;
  readonly list?: string;
  readonly isRequired?: boolean;
}): ComponentChild {
  return h(
    'label',
    { class: `field ${props.name}` },
    h('span', null, props.label),
    h('input', {
      name: props.name,
      defaultValue: props.value,
      placeholder: props.hint,
      list: props.list,
      required: props.isRequired,
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: false,
    }),
  );
}

function Answer({ name, type, client }: Props): ComponentChild {
  const query = { name, type, ...(client !== '' && { client }) };
  const { reply, fault, again } = useAsk<Explanation>('explain', query);
  if (fault !== undefined) return h(Failure, { text: fault, retry: again });
  if (reply === undefined) return h(Loading, { what: 'It is being worked out' });
  return h('div', { class: 'columns', 'aria-live': 'polite' }, h(Steps, { reply }), h(Records, { reply }));
}

function Steps({ reply: { steps } }: { readonly reply: Explanation }): ComponentChild {
  return h(
    Panel,
    { title: 'Steps', class: 'steps' },
    h(
      'ol',
      null,
      steps.map(({ rule, text }, i) =>
        h(
          'li',
          { key: i, class: rule },
          h('span', { class: 'rule' }, rule),
          h('span', { class: 'text' }, text),
        ),
      ),
    ),
  );
}

function Records({ reply: { rcode, answer } }: { readonly reply: Explanation }): ComponentChild {
  const aside = h('span', { class: `rcode ${rcode}` }, rcode);
  return h(
    Panel,
    { title: 'Answer', class: 'records', aside },
    answer.length === 0 ? h(Blank, null, 'The answer section is empty.') : h(RecordTable, { answer }),
  );
}

/** A row for each RRset, as they stand in the answer section. */
function RecordTable({ answer }: Pick<Explanation, 'answer'>): ComponentChild {
  return h(
    ScrollBox,
    { label: 'Answer' },
    h(
      'table',
      null,
      h(HeadRow, { titles: ['Name', 'TTL', 'Type', 'Data'] }),
      h(
        'tbody',
        null,
        answer.map(({ name, type, ttlSeconds, data }, i) =>
          h('tr', { key: i }, [
            h('th', { scope: 'row', class: 'name' }, name),
            h('td', { class: 'number' }, ttlSeconds),
            h('td', { class: 'type' }, type),
            h(
              'td',
              { class: 'name' },
              data.map((text) => h('div', { key: text }, text)),
            ),
          ]),
        ),
      ),
    ),
  );
}
