/**
 * The view in which something is drained, or a drain is ended: what would change is shown before anything does, and only what was
 * shown can be ordered.
 */

import { h, type ComponentChild } from 'preact';
import { useState } from 'preact/hooks';
import type { Drain, NameChange } from '../drains.ts';
import { ApiError, ask, messageOf } from './api.ts';
import { targetText } from './drain-text.ts';
import { DrillsPanel } from './drills-panel.ts';
import { GuardPanel } from './guard-panel.ts';
import { DrainsPanel } from './drains-panel.ts';
import { countOf } from './format.ts';
import { Blank, Failure, HeadRow, Loading, Panel, ScrollBox } from './panel.ts';
import { changedFirst, readPreview, type Preview } from './preview.ts';
import { drains } from './store.ts';
import { token, TokenField } from './token-field.ts';

const KINDS = ['zone', 'region', 'cluster', 'service'] as const;
const LENGTHS = [
  ['900', '15 minutes'],
  ['1800', '30 minutes'],
  ['3600', '1 hour'],
  ['14400', '4 hours'],
  ['86400', '1 day'],
  ['', 'until it is ended'],
] as const;

/** What is to be done, as typed. */
interface Order {
  readonly kind: string;
  readonly name: string;
  readonly cluster: string;
  readonly isEnd: boolean;
  readonly forSeconds: string;
  readonly reason: string;
  readonly by: string;
}

/** How far an order is. */
type Stage =
  | { readonly at: 'typing' }
  | { readonly at: 'looking' }
  | { readonly at: 'shown'; readonly order: Order; readonly preview: Preview }
  | { readonly at: 'refused'; readonly text: string }
  | { readonly at: 'done'; readonly text: string };

interface Props {
  readonly kind: string;
  readonly name: string;
  readonly cluster: string;
  readonly end: string;
}

export function SteerView(props: Props): ComponentChild {
  const isEnd = props.end === 'true';
  return h(
    'div',
    { class: 'steer' },
    h('h1', null, isEnd ? 'End a drain' : 'Drain something'),
    h(
      'p',
      { class: 'quiet lead' },
      isEnd
        ? 'What was drained counts again as its endpoints say.'
        : 'What is drained counts as unhealthy for DNS and goes on running: clients are led elsewhere as their answers run out.',
    ),
    drains.value === undefined ? null : h(Desk, { ...props, isEnd }),
    h(DrainsPanel, null),
    h(GuardPanel, null),
    h(DrillsPanel, null),
  );
}

function Desk({ kind, name, cluster, isEnd }: Props & { readonly isEnd: boolean }): ComponentChild {
  const [stage, setStage] = useState<Stage>({ at: 'typing' });
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const order = { ...readOrder(event.currentTarget as HTMLFormElement), cluster, isEnd };
    setStage({ at: 'looking' });
    look(order).then(setStage, (error: unknown) => setStage({ at: 'refused', text: messageOf(error) }));
  };
  return h(
    'div',
    { class: 'desk' },
    h(
      'form',
      { class: 'question', onSubmit, onInput: () => setStage({ at: 'typing' }) },
      h(Choice, {
        name: 'kind',
        label: 'What',
        value: kind || 'zone',
        options: KINDS.map((each) => [each, each] as const),
      }),
      h(Text, {
        name: 'name',
        label: 'Name',
        value: name,
        hint: 'us-central1-a.us-central1',
        isRequired: true,
      }),
      isEnd ? null : h(Choice, { name: 'forSeconds', label: 'For', value: '1800', options: LENGTHS }),
      isEnd ? null : h(Text, { name: 'reason', label: 'Reason', value: '', hint: 'for whoever looks next' }),
      h(Text, { name: 'by', label: 'Who', value: '', hint: 'for the journal' }),
      h('button', { type: 'submit', class: 'main' }, 'What would change?'),
    ),
    h(StageView, { stage, setStage }),
  );
}

function readOrder(form: HTMLFormElement): Omit<Order, 'cluster' | 'isEnd'> {
  const data = new FormData(form);
  const text = (key: string): string => String(data.get(key) ?? '').trim();
  return {
    kind: text('kind'),
    name: text('name'),
    forSeconds: text('forSeconds'),
    reason: text('reason'),
    by: text('by'),
  };
}

/** The dry run. */
async function look(order: Order): Promise<Stage> {
  const { kind, name, cluster, isEnd } = order;
  const preview = await readPreview({
    kind,
    name,
    ...(cluster !== '' && { cluster }),
    ...(isEnd && { end: 'true' }),
  });
  return { at: 'shown', order, preview };
}

interface StageProps {
  readonly stage: Stage;
  readonly setStage: (stage: Stage) => void;
}

function StageView({ stage, setStage }: StageProps): ComponentChild {
  switch (stage.at) {
    case 'typing':
      return null;
    case 'looking':
      return h(Loading, { what: 'It is being worked out what would change' });
    case 'refused':
      return h(Failure, { text: stage.text });
    case 'done':
      return h('p', { class: 'done', role: 'status' }, stage.text);
    case 'shown':
      return h(Shown, { ...stage, setStage });
  }
}

function Shown(props: {
  readonly order: Order;
  readonly preview: Preview;
  readonly setStage: (stage: Stage) => void;
}): ComponentChild {
  const { order, preview, setStage } = props;
  const { count, isMore, changes } = preview;
  const title = isMore
    ? `More than ${count} names would be answered otherwise`
    : `${countOf(count, 'name')} would be answered otherwise`;
  return h(
    Panel,
    { title, class: 'preview', aside: changes.length < count ? `the first ${changes.length}` : '' },
    count === 0 ? h(Blank, null, 'No answer would change.') : h(ChangeTable, { changes }),
    h(Confirm, { order, onDone: (text) => setStage({ at: 'done', text }) }),
  );
}

function ChangeTable({ changes }: { readonly changes: readonly NameChange[] }): ComponentChild {
  return h(
    ScrollBox,
    { label: 'What would change' },
    h(
      'table',
      null,
      h(HeadRow, { titles: ['Name', 'Now', 'Then'] }),
      h(
        'tbody',
        null,
        changes.map(({ name, before, after }) =>
          h('tr', { key: name }, [
            h('th', { scope: 'row' }, h('span', { class: 'name' }, name)),
            h('td', null, answerText(before, after)),
            h(
              'td',
              { class: after.records.length === 0 ? 'none' : '' },
              h('b', null, answerText(after, before)),
            ),
          ]),
        ),
      ),
    ),
  );
}

function answerText(answer: NameChange['before'], other: NameChange['before']): string {
  const data = changedFirst(answer, other);
  if (data.length === 0) return 'no address';
  const text = data.length > 3 ? `${data.slice(0, 3).join(' ')} and ${data.length - 3} more` : data.join(' ');
  return `${text} (${answer.at.split('.svc.')[1] ?? answer.at})`;
}

interface ConfirmProps {
  readonly order: Order;
  readonly onDone: (text: string) => void;
}

/** Nothing is done without the token; what would leave names without addresses needs a second word. */
function Confirm({ order, onDone }: ConfirmProps): ComponentChild {
  const [fault, setFault] = useState('');
  const [isLoss, setLoss] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const onSubmit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const force = new FormData(event.currentTarget as HTMLFormElement).get('force') === 'on';
    setBusy(true);
    setFault('');
    try {
      onDone(await (order.isEnd ? endDrain(order) : setDrain(order, force)));
    } catch (error) {
      setFault(messageOf(error));
      setLoss(error instanceof ApiError && error.status === 409);
    } finally {
      setBusy(false);
    }
  };
  const what = targetText(targetOf(order));
  return h(
    'form',
    { class: 'confirm', onSubmit },
    h(TokenField, null),
    isLoss
      ? h(
          'label',
          { class: 'force' },
          h('input', { type: 'checkbox', name: 'force' }),
          'Drain it all the same',
        )
      : null,
    h(
      'button',
      { type: 'submit', class: 'main', disabled: isBusy },
      order.isEnd ? `End the drain of ${what}` : `Drain ${what}`,
    ),
    fault === '' ? null : h(Failure, { text: fault }),
  );
}

function targetOf({ kind, name, cluster }: Order): { kind: Drain['kind']; name: string; cluster?: string } {
  return { kind: kind as Drain['kind'], name, ...(cluster !== '' && { cluster }) };
}

async function setDrain(order: Order, force: boolean): Promise<string> {
  const { forSeconds, reason, by } = order;
  const body = {
    ...targetOf(order),
    ...(forSeconds !== '' && { forSeconds: Number(forSeconds) }),
    ...(reason !== '' && { reason }),
    ...(by !== '' && { by }),
    ...(force && { force }),
  };
  const reply = await ask<{ drain: Drain; services: number; warnings: readonly string[] }>('drains', {
    method: 'POST',
    body,
    token: token.value,
  });
  return [
    `${targetText(reply.drain)} is drained: the answers of ${countOf(reply.services, 'Service')} changed.`,
    ...reply.warnings,
  ].join(' ');
}

async function endDrain(order: Order): Promise<string> {
  const { by } = order;
  const query = { ...targetOf(order), ...(by !== '' && { by }) };
  const reply = await ask<{ services: number; warnings: readonly string[] }>('drains', {
    method: 'DELETE',
    query,
    token: token.value,
  });
  return [
    `The drain has ended: the answers of ${countOf(reply.services, 'Service')} changed.`,
    ...reply.warnings,
  ].join(' ');
}

function Text(props: {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly hint: string;
  readonly isRequired?: boolean;
}): ComponentChild {
  const { name, label, value, hint, isRequired } = props;
  return h(
    'label',
    { class: `field ${name}` },
    h('span', null, label),
    h('input', {
      name,
      defaultValue: value,
      placeholder: hint,
      required: isRequired,
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: false,
    }),
  );
}

function Choice(props: {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, text: string])[];
}): ComponentChild {
  const { name, label, value, options } = props;
  return h(
    'label',
    { class: `field ${name}` },
    h('span', null, label),
    h(
      'select',
      { name },
      options.map(([each, text]) => h('option', { key: each, value: each, selected: each === value }, text)),
    ),
  );
}
