// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * The canvases of the timeline: one in the head, one behind the rows.
 *
 * That of the rows is a little higher than what is seen and scrolls with
 * them, so that bars never lag behind their names.
 */

import {el, unseen, write} from './dom.js';
import {time} from './format.js';
import {inks, measure, paintLine} from './timelinepaint.js';
import {paintAxis, paintGrid, paintNow, paintPointer} from './timelineaxis.js';
import {Scale, ticksOf} from './timelinescale.js';
import {label} from './timelinetip.js';

/** Pixels above and below what is seen. */
const SPARE = 120;

/** Beside a name: its icon and the space around it; a tick, a cycle, a menu. */
const BESIDE = {name: 84, task: 110};

/** Names and cycles are written larger than what stands in bars. */
const LARGER = {name: 14 / 11, cycle: 12 / 11};

/** By how much a row is taller for each further lane, where there is room. */
const LANE = 15;

/** The least width of names, and the most as a part of all. */
const NARROW = 118;
const WIDE = 0.36;

export class Screen {
  /** @param {object} view - Of timeline.js. */
  constructor(view) {
    this._view = view;
    const {rows} = view;
    this._axis = el('canvas', {'aria-hidden': 'true'});
    this._canvas = el('canvas', {class: 'sheet', 'aria-hidden': 'true'});
    this._said = unseen('Jobs');
    rows.head.lastChild.replaceChildren(this._said, this._axis);
    rows.element.append(this._canvas);
    this._names = NARROW;
    /** From where to where the scale glides now. */
    this.glide = null;
    this.recolour();
  }

  /** Read the colours again. */
  recolour() {
    this.ink = inks();
  }

  /** Where the bars begin in the field. */
  get chart() {
    return {left: this._names, head: this._view.rows.heights.head};
  }

  /** Give the rows and their names the room that they take. */
  fit(lines) {
    const {by, rows} = this._view;
    const {element} = rows;
    this._fitRows(lines);
    const context = this._canvas.getContext('2d');
    let longest = 0;
    for (const {name, lead, grouped} of lines) {
      const cycle = grouped ? 0 : measure(context, lead.cycle) * LARGER.cycle;
      longest = Math.max(longest, measure(context, name) * LARGER.name + cycle);
    }
    this._names = Math.round(Math.max(NARROW, Math.min(element.clientWidth * WIDE, longest + BESIDE[by])));
    element.style.setProperty('--names', `${this._names}px`);
  }

  /** Where all rows fit, those with several lanes are taller. */
  _fitRows(lines) {
    const {rows} = this._view;
    const least = Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--row')) || 28;
    const lanes = lines.reduce((most, line) => Math.max(most, line.lanes), 1);
    const tall = least + (lanes - 1) * LANE;
    const fits = lines.length * tall <= rows.element.clientHeight - rows.heights.head;
    rows.element.style.setProperty('--row', `${fits ? tall : least}px`);
    rows.measure();
  }

  /** The scale as it is seen now, on the way to where it is to be. */
  get scale() {
    const {scale} = this._view;
    if (!this.glide) return scale;
    const {before, part} = this.glide;
    const seen = Object.assign(new Scale(), scale);
    seen.from = before[0] + (scale.from - before[0]) * part;
    seen.to = before[1] + (scale.to - before[1]) * part;
    return seen;
  }

  /** Say which part of time is seen, to those who do not see it. */
  _say({from, to}) {
    const seconds = `${Math.round(from / 1000)} ${Math.round(to / 1000)}`;
    if (this._told === seconds) return;
    this._told = seconds;
    write(this._said, `Jobs from ${time(from / 1000).text} to ${time(to / 1000).text}`);
  }

  /** The lines in view, with the top of each below the head. */
  between(top, bottom) {
    const {lines: {all}, rows: {heights: {row}}} = this._view;
    const first = Math.max(0, Math.floor(top / row));
    return all.slice(first, Math.ceil(bottom / row)).map((line, index) => [line, (first + index) * row]);
  }

  /** Draw what is in view. */
  paint(now) {
    const {rows: {element, heights: {row, head}}, lines, scale: wanted, pointer, current, drag} = this._view;
    const width = wanted.width = Math.max(1, element.clientWidth - this._names);
    const {scale, ink} = this;
    if (!this.glide) this._say(scale);
    const seen = {
      scale, now, ink, row, current, pointer: drag?.dragging ? null : pointer, lines: ticksOf(scale),
      words: (bar) => label(bar, this._view.by === 'name'),
    };
    const axis = size(this._axis, width, head);
    paintAxis(axis, {...seen, height: head});
    const end = Math.max(lines.all.length * row, element.clientHeight - head);
    const top = Math.max(0, Math.min(element.scrollTop - SPARE, end - element.clientHeight - 2 * SPARE));
    const height = Math.min(end - top, element.clientHeight + 2 * SPARE);
    const context = size(this._canvas, width, height);
    this._canvas.style.transform = `translate(${this._names}px, ${head + top}px)`;
    context.clearRect(0, 0, width, height);
    paintGrid(context, {...seen, height});
    paintNow(context, {...seen, height});
    for (const [line, y] of this.between(top, top + height)) {
      context.save();
      context.translate(0, y - top);
      paintLine(context, line, seen);
      context.restore();
    }
    paintPointer(context, {...seen, height});
  }
}

/** Make a canvas as large as this, and give its pen. */
function size(canvas, width, height) {
  const scale = devicePixelRatio;
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext('2d');
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return context;
}
