// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What the reader can choose about the graph, and the buttons that zoom it. */

import {el, write} from './dom.js';
import {filter} from './filter.js';
import {may} from './rights.js';
import {run} from './actions.js';
import {store} from './store.js';

/** Extents of the window that are offered. */
const EXTENTS = [0, 1, 2, 3, 4, 5, 6];

function choice(label, options, value, chosen) {
  const select = el('select', {'aria-label': label, on: {change: () => chosen(select.value)}},
    ...options.map(([id, text]) => el('option', {value: id}, text)));
  select.value = value;
  return {select, row: el('label', {}, label, select)};
}

function tickBox(label, value, chosen, title) {
  const box = el('input', {type: 'checkbox', checked: value, on: {change: () => chosen(box.checked)}});
  return {box, row: el('label', {title}, box, label)};
}

export class Bar {
  /**
   * @param {import('./graphbuild.js').Options} options
   * @param {(part: object) => void} change - Takes what the reader chooses.
   */
  constructor(options, change) {
    const families = choice('Families', [
      ['boxes', 'as boxes'], ['closed', 'closed'], ['none', 'not shown'],
    ], options.families, (value) => change({families: value, toggled: new Set()}));
    const cycles = tickBox('Cycles as boxes', options.cycles, (value) => change({cycles: value}));
    const direction = choice('Direction', [['RIGHT', 'to the right'], ['DOWN', 'down']],
      options.direction, (value) => change({direction: value}));
    const hide = tickBox('Hide what the filter leaves out', options.hide, (value) => change({hide: value}),
      'Otherwise it is only paler');
    this._hide = hide.row;
    this._extent = may('setGraphWindowExtent') ? this._extents() : null;
    this._note = el('p', {class: 'note', role: 'status'});
    this.element = el('div', {class: 'graph-bar', role: 'group', 'aria-label': 'The graph'},
      families.row, cycles.row, direction.row, this._extent?.row, hide.row, this._note);
    this.update();
  }

  _extents() {
    const made = choice('Edges around active tasks', [], '', (value) => {
      run('setGraphWindowExtent', [], {nEdgeDistance: Number(value)});
    });
    made.row.title = 'How far the window reaches: for everybody who looks at this workflow';
    return made;
  }

  /** Show what is so now. */
  update() {
    this._hide.hidden = !filter.active;
    if (!this._extent || document.activeElement === this._extent.select) return;
    const {select} = this._extent;
    const now = store.workflow?.nEdgeDistance ?? 1;
    if (select.value === String(now)) return;
    const all = EXTENTS.includes(now) ? EXTENTS : [...EXTENTS, now];
    select.replaceChildren(...all.map((extent) => el('option', {value: extent}, String(extent))));
    select.value = String(now);
  }

  /** Say something about the picture, or nothing. */
  say(text) {
    write(this._note, text);
  }
}

/**
 * Buttons that zoom, and keep the picture.
 * @param {Object<string, () => void>} does
 */
export function zoomButtons(does) {
  const button = (name, text, title) => el('button', {
    type: 'button', 'aria-label': title, title, data: {zoom: name}, on: {click: does[name]},
  }, text);
  return el('div', {class: 'graph-buttons', role: 'group', 'aria-label': 'The picture'},
    button('save', 'SVG', 'Download the picture as SVG'),
    button('fit', 'Fit', 'Fit: show all of it (0)'), button('actual', '1:1', '1:1, its actual size (1)'),
    button('less', '−', 'Smaller (−)'), button('more', '+', 'Larger (+)'));
}
