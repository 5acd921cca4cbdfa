/** Replies a second by RCODE over the last minutes: a chart, and its newest figures in words. */

import { effect } from '@preact/signals';
import { h, type ComponentChild } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { formatClock, formatCount } from './format.ts';
import { Loading, Panel } from './panel.ts';
import { samples, traffic } from './store.ts';

/** Pixels. */
const HEIGHT = 168;
/** As long as the server remembers. */
const SHOWN_SECONDS = 300;
/** Replies a second at the top of the chart, at least: of none the line lies at the bottom. */
const RATE_MIN = 4;
/** Between two lines of the grid: no part of a reply. */
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6];
/** Lines are told apart by their dashes too. */
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [8, 3, 2, 3], [1, 4], [4, 4]];
const TONES = ['ok', 'drained', 'down', 'warn', 'quiet', 'down'] as const;

export function TrafficPanel(): ComponentChild {
  const names = [...(traffic.value?.rcodes ?? []), 'no reply'];
  return h(
    Panel,
    { title: 'Replies a second', class: 'traffic', aside: 'last 5 minutes' },
    traffic.value === undefined
      ? h(Loading, { what: 'The figures are being asked for' })
      : [h(Chart, { key: 'chart', names }), h(Legend, { key: 'legend', names })],
  );
}

function Legend({ names }: { readonly names: readonly string[] }): ComponentChild {
  const last = samples.value.at(-1);
  const values = last === undefined ? [] : [...last.replies, last.dropped];
  return h(
    'ul',
    { class: 'legend', 'aria-label': 'Replies in the last second' },
    names.map((name, i) =>
      h(
        'li',
        { key: name, class: values[i] ? '' : 'quiet' },
        h(
          'svg',
          { width: 20, height: 8, 'aria-hidden': 'true' },
          h('line', {
            x1: 0,
            y1: 4,
            x2: 20,
            y2: 4,
            class: `stroke ${TONES[i]}`,
            'stroke-dasharray': DASHES[i]!.join(' '),
          }),
        ),
        `${name} `,
        h('b', null, values[i] === undefined ? '–' : formatCount(values[i])),
      ),
    ),
  );
}

/** The drawing; who does not see it has the legend. */
function Chart({ names }: { readonly names: readonly string[] }): ComponentChild {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current!;
    let plot = draw(element, names);
    const endData = effect(() => plot.setData(dataOf(names.length)));
    const sizes = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    sizes.observe(element);
    // Colours stand in the canvas, and do not follow the style sheet by themselves.
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = (): void => {
      plot.destroy();
      plot = draw(element, names);
      plot.setData(dataOf(names.length));
    };
    dark.addEventListener('change', redraw);
    return () => {
      dark.removeEventListener('change', redraw);
      sizes.disconnect();
      endData();
      plot.destroy();
    };
  }, [names.length]);
  return h('div', { class: 'chart', ref: box, 'aria-hidden': 'true' });
}

function dataOf(lines: number): uPlot.AlignedData {
  const all = samples.value;
  const series = Array.from({ length: lines }, (_, i) =>
    all.map(({ replies, dropped }) => (i < replies.length ? replies[i]! : dropped)),
  );
  return [all.map(({ atMs }) => atMs / 1000), ...series];
}

function draw(element: HTMLElement, names: readonly string[]): uPlot {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colour('dim'),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
  };
  const options: uPlot.Options = {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: {
      x: { range: (_plot, _min, max) => [max - SHOWN_SECONDS, max] },
      y: { range: (_plot, _min, max) => [0, Math.max(RATE_MIN, max * 1.1)] },
    },
    axes: [
      {
        ...axis,
        space: 70,
        size: 26,
        values: (_plot, values) => values.map((seconds) => formatClock(seconds * 1000)),
      },
      { ...axis, size: 44, incrs: STEPS, values: (_plot, values) => values.map(formatCount) },
    ],
    series: [{}, ...names.map((label, i) => lineOf(label, colour(TONES[i]!), i))],
  };
  return new uPlot(options, [[], ...names.map(() => [])], element);
}

function lineOf(label: string, stroke: string, i: number): uPlot.Series {
  return {
    label,
    stroke,
    width: i === 0 ? 1.75 : 1.5,
    dash: [...DASHES[i]!],
    points: { show: false },
    ...(i === 0 && { fill: `${stroke}22` }),
  };
}
