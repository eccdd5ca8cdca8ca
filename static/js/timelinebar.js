// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The bar above the timeline: what a row is, and which part of time is seen. */

import {attribute, el, write} from './dom.js';
import {plural} from './format.js';
import {inks, paintBar} from './timelinepaint.js';

const ROWS = [
  ['name', 'By name', 'One row for all tasks of a name'],
  ['task', 'By task', 'One row for each task in a cycle'],
];

const ORDERS = [['first', 'Earliest first'], ['last', 'Latest first'], ['name', 'By name']];

/** The key: a bar of each kind, as it is drawn. */
const KINDS = [
  ['Queued at the job runner', {job: {state: 'submitted'}}, {start: null, end: 60}],
  ['Running; dashed until its mean run time', {job: {state: 'running'}}, {start: 12, end: 40, expected: 60}],
  ['Running longer than the mean', {job: {state: 'running'}}, {start: 12, end: 60, expected: 44}],
  ['Succeeded', {job: {state: 'succeeded'}}, {start: 12, end: 60}],
  ['Failed', {job: {state: 'failed'}}, {start: 12, end: 60}],
  ['Submit failed', {job: {state: 'submit-failed'}}, {start: null, end: 52}],
];

const KEYS = [
  ['drag, or Shift and wheel', 'go through time'],
  ['Ctrl and wheel, or wheel over the axis', 'zoom; with fingers, pinch'],
  ['+ −', 'zoom'], ['Shift ← →', 'go through time'], ['0', 'fit all'], ['n', 'follow now'],
  ['↑ ↓ ← →', 'from row to row, from job to job'], ['Enter', 'details and logs'],
  ['Space', 'select'], ['m', 'actions'],
];

export class Bar {
  /**
   * @param {{choose: (what: object) => void, zoom: (factor: number) => void,
   *   fit: () => void, hour: () => void, follow: () => void}} actions
   */
  constructor({choose, zoom, fit, hour, follow}) {
    const button = (label, click, more = {}) => el('button', {type: 'button', on: {click}, ...more}, label);
    this._rows = ROWS.map(([by, label, title]) => button(label, () => choose({by}), {title, data: {by}}));
    this._order = el('select', {
      'aria-label': 'Order of rows', on: {change: () => choose({order: this._order.value})},
    }, ...ORDERS.map(([value, label]) => el('option', {value}, label)));
    this._fit = button('Fit all', fit, {title: 'Show all jobs (0)'});
    this._hour = button('Last hour', hour, {title: 'Show the last hour, and go on with it'});
    this._follow = button('Follow now', follow, {title: 'Go on with time (n)'});
    this._said = el('span', {class: 'dim said'});
    this._key = el('details', {class: 'legend', on: {toggle: () => this._drawKey()}},
      el('summary', {}, 'Key'), el('div', {class: 'legendbox'}));
    this.element = el('div', {class: 'timebar', role: 'group', 'aria-label': 'Timeline'},
      el('span', {class: 'switch', role: 'group', 'aria-label': 'Rows'}, ...this._rows), this._order, this._said,
      el('span', {class: 'gap'}),
      el('span', {class: 'zooms', role: 'group', 'aria-label': 'Time'},
        button('−', () => zoom(1.6), {title: 'See more (-)', 'aria-label': 'Zoom out'}),
        button('+', () => zoom(1 / 1.6), {title: 'See closer (+)', 'aria-label': 'Zoom in'}),
        this._fit, this._hour, this._follow),
      this._key);
    this._close = (event) => {
      if (!this._key.contains(event.target)) this._key.open = false;
    };
    document.addEventListener('pointerdown', this._close, true);
    this._key.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      this._key.open = false;
      this._key.firstChild.focus();
      event.stopPropagation();
    });
  }

  end() {
    document.removeEventListener('pointerdown', this._close, true);
  }

  /** Show what is chosen, and what is not to be seen. */
  tell({by, order, mode, hour, idle, untimed}) {
    for (const one of this._rows) attribute(one, 'aria-pressed', one.dataset.by === by);
    if (this._order.value !== order) this._order.value = order;
    attribute(this._fit, 'aria-pressed', mode === 'fit');
    attribute(this._hour, 'aria-pressed', mode === 'follow' && hour);
    attribute(this._follow, 'aria-pressed', mode === 'follow');
    const parts = [];
    if (idle) parts.push(`${plural(idle, 'task')} without jobs`);
    if (untimed) parts.push(`${plural(untimed, 'job')} without times`);
    write(this._said, parts.join(', '));
  }

  _drawKey() {
    if (!this._key.open) return;
    const ink = inks();
    this._key.lastChild.replaceChildren(
      el('h2', {}, 'Bars'), el('ul', {}, ...KINDS.map(([label, bar, shape]) => el('li', {}, sample(bar, shape, ink), label))),
      el('h2', {}, 'Mouse, fingers and keys'),
      el('dl', {}, ...KEYS.flatMap(([key, what]) => [el('dt', {}, key), el('dd', {}, what)])),
    );
  }
}

/** A bar as an example. */
function sample(bar, shape, ink) {
  const canvas = el('canvas', {'aria-hidden': 'true'});
  const scale = devicePixelRatio;
  canvas.width = 66 * scale;
  canvas.height = 22 * scale;
  canvas.style.width = '66px';
  canvas.style.height = '22px';
  const context = canvas.getContext('2d');
  context.scale(scale, scale);
  paintBar(context, {id: '', node: {id: ''}, ...bar}, {x: 2, expected: null, y: 2, height: 18, ...shape},
    {ink, current: null, scale: {width: 66}});
  return canvas;
}
