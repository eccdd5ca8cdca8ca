// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * Draws the bars of jobs on a canvas.
 *
 * States differ by shape as well as by colour: what is queued is thin, what
 * is expected is a dashed outline, failures are hatched and crossed out.
 */

import {selection} from './select.js';
import {STATES} from './states.js';
import {EDGE, beyond, shapeOf} from './timelineshape.js';

const FONT = '11px system-ui, sans-serif';

/** From this width on, and this height, a bar has its mark inside. */
const MARKED = 18;
const TALL = 10;

const FAILURES = new Set(['failed', 'submit-failed']);

/** Marks in bars, in a square from -5 to 5; those with a width are lines. */
const MARKS = {
  running: ['M-2.5-4 4 0-2.5 4Z', 0],
  succeeded: ['M-4 0-1 3 4-3.5', 2],
  failed: ['M-3.5-3.5 3.5 3.5M3.5-3.5-3.5 3.5', 2.2],
  'submit-failed': ['M-3.5-3.5 3.5 3.5M3.5-3.5-3.5 3.5', 2.2],
};

const paths = new Map();
const widths = new Map();

/** The colours in force, for a canvas. */
export function inks() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    text: read('--text'), dim: read('--dim'), back: read('--bg'), line: read('--line'), edge: read('--edge'),
    focus: read('--focus'), chosen: read('--chosen'),
    states: Object.fromEntries(STATES.map((state) => [state, read(`--s-${state}`)])),
    hatches: new Map(),
  };
}

/** The width of a text in a bar. */
export function measure(context, text) {
  let width = widths.get(text);
  if (width === undefined) {
    if (widths.size > 20000) widths.clear();
    context.font = FONT;
    widths.set(text, width = context.measureText(text).width);
  }
  return width;
}

/**
 * Draw the bars of a row.
 * @param {CanvasRenderingContext2D} context - With the top of the row at 0.
 * @param {import('./timelinerows.js').Line} line
 * @param {{scale: import('./timelinescale.js').Scale, now: number, row: number,
 *   ink: object, current: ?string, words: (bar: object) => string}} scene
 */
export function paintLine(context, line, scene) {
  const {scale, now, row} = scene;
  const shapes = line.bars.map((bar) => shapeOf(bar, scale, now, row));
  shapes.forEach((shape, index) => {
    const right = Math.max(shape.end, shape.expected ?? 0);
    if (right < -2 || shape.x > scale.width + 2) return;
    paintBar(context, line.bars[index], shape, scene);
  });
  // Words come last, so that no bar hides them.
  shapes.forEach((shape, index) => {
    const bar = line.bars[index];
    const room = bar.lanes === 1 ? shapes[index + 1]?.x ?? Infinity : shape.end;
    words(context, bar, shape, room, scene);
  });
  hints(context, line, scene);
}

/** Draw one bar. */
export function paintBar(context, bar, shape, scene) {
  const {ink, current} = scene;
  const {state} = bar.job;
  const colour = ink.states[state] ?? ink.states.waiting;
  if (shape.expected !== null) paintExpected(context, shape, colour, scene);
  paintQueued(context, bar, shape, ink);
  if (shape.start !== null) {
    box(context, {...shape, x: Math.min(shape.start, shape.end - 2)}, scene);
    context.fillStyle = colour;
    context.fill();
    if (FAILURES.has(state)) {
      context.fillStyle = hatch(context, ink, state);
      context.fill();
    }
    if (shape.expected !== null && shape.expected < shape.end) paintOverdue(context, shape, ink);
  }
  paintMark(context, bar, shape, ink);
  if (selection.has(bar.node.id) || bar.id === current) {
    box(context, {...shape, x: shape.x - 1.5, end: shape.end + 1.5, y: shape.y - 1.5, height: shape.height + 3}, scene);
    context.strokeStyle = bar.id === current ? ink.text : ink.focus;
    context.lineWidth = 2;
    context.stroke();
  }
}

/** A box with round corners, cut where the view ends. */
function box(context, {x, end, y, height}, {scale}) {
  const [left, right] = [Math.max(-20, x), Math.min(scale.width + 20, end)];
  const radius = Math.max(0, Math.min(3, height / 3, (right - left) / 2));
  context.beginPath();
  context.roundRect(left, y, Math.max(1, right - left), height, radius);
}

/** What waits at the job runner: thin, in the colour of that state. */
function paintQueued(context, bar, {x, start, end, y, height}, ink) {
  const until = start ?? end;
  if (until - x < 0.5 && start !== null) return;
  const state = start === null && bar.job.state === 'submit-failed' ? 'submit-failed' : 'submitted';
  const thin = Math.max(2, Math.min(height, Math.round(height * 0.36)));
  const top = y + (height - thin) / 2;
  const [left, right] = [Math.max(-20, x), Math.max(x + 2, until)];
  context.fillStyle = ink.states[state];
  context.globalAlpha = 0.45;
  context.fillRect(left, top, right - left, thin);
  context.globalAlpha = 1;
  // The moment of the submit.
  if (height >= 8) context.fillRect(left, y + height * 0.18, Math.min(2, Math.max(1, right - left)), height * 0.64);
}

/** The time that it may still take: an outline of dashes. */
function paintExpected(context, {end, expected, y, height}, colour, scene) {
  if (expected <= end + 1) return;
  box(context, {x: end - 3, end: expected, y: y + 0.5, height: height - 1}, scene);
  context.fillStyle = context.strokeStyle = colour;
  context.globalAlpha = 0.13;
  context.fill();
  context.globalAlpha = 0.85;
  context.lineWidth = 1;
  context.setLineDash([3, 3]);
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/** What runs longer than others did: a line where it should have ended. */
function paintOverdue(context, {expected, y, height}, ink) {
  context.fillStyle = ink.back;
  context.fillRect(expected - 1, y, 2, height);
}

function hatch(context, ink, state) {
  let pattern = ink.hatches.get(state);
  if (pattern) return pattern;
  const tile = document.createElement('canvas');
  tile.width = tile.height = 8;
  const pen = tile.getContext('2d');
  pen.strokeStyle = ink.back;
  pen.globalAlpha = 0.42;
  pen.lineWidth = 2;
  pen.beginPath();
  for (const at of [-8, 0, 8]) {
    pen.moveTo(at - 1, 9);
    pen.lineTo(at + 9, -1);
  }
  pen.stroke();
  pattern = context.createPattern(tile, 'repeat');
  ink.hatches.set(state, pattern);
  return pattern;
}

/** A mark at the left of a bar; of a failure even where there is no room. */
function paintMark(context, {job: {state}}, shape, ink) {
  const mark = MARKS[state];
  if (!mark) return;
  const left = Math.max(2, shape.start ?? shape.x);
  const fits = shape.start !== null && shape.end - left >= MARKED && shape.height >= TALL;
  const failure = FAILURES.has(state);
  if (!fits && !(failure && shape.height >= 5)) return;
  const size = Math.min(1, shape.height / 14);
  context.save();
  context.translate(fits ? left + 9 : shape.start === null ? shape.end : (Math.max(shape.x, shape.start) + shape.end) / 2,
    shape.y + shape.height / 2);
  context.scale(size, size);
  context.lineCap = 'round';
  if (!fits) draw(context, mark, ink.back, 3.4);
  else if (failure) draw(context, mark, ink.states[state], 4);
  draw(context, mark, fits ? ink.back : ink.states[state]);
  context.restore();
}

function draw(context, [d, width], colour, more = 0) {
  let path = paths.get(d);
  if (!path) paths.set(d, path = new Path2D(d));
  context.fillStyle = context.strokeStyle = colour;
  context.lineWidth = width + more;
  if (width) context.stroke(path);
  else context.fill(path);
}

/** What stands in a bar or, where that is too short and there is room, behind it. */
function words(context, bar, shape, room, scene) {
  const {scale, ink} = scene;
  const text = scene.words(bar);
  if (!text || shape.height < TALL || shape.end < 0 || shape.x > scale.width) return;
  const width = measure(context, text);
  const left = Math.max(2, shape.start ?? shape.x) + (MARKS[bar.job.state] ? MARKED : 6);
  context.textBaseline = 'middle';
  context.font = FONT;
  const y = shape.y + shape.height / 2 + 0.5;
  if (shape.start !== null && Math.min(shape.end, scale.width) - left >= width + 4) {
    if (FAILURES.has(bar.job.state)) {
      context.fillStyle = ink.states[bar.job.state];
      context.fillRect(left - 3, shape.y + 1, width + 7, shape.height - 2);
    }
    context.fillStyle = ink.back;
    context.fillText(text, left, y);
    return;
  }
  const behind = Math.max(shape.end, shape.expected ?? 0) + (FAILURES.has(bar.job.state) ? 9 : 5);
  if (behind < 0 || behind + width > Math.min(scale.width, room - 6)) return;
  context.strokeStyle = ink.back;
  context.lineWidth = 4;
  context.lineJoin = 'round';
  context.strokeText(text, behind, y);
  context.fillStyle = ink.dim;
  context.fillText(text, behind, y);
}

/** Arrows at the edges: what there is of this row is beyond them. */
function hints(context, line, {scale, now, row, ink}) {
  const {before, after} = beyond(line, scale, now);
  context.strokeStyle = ink.edge;
  context.lineWidth = 1.8;
  context.lineCap = 'round';
  for (const [bar, x, way] of [[before, EDGE / 2, -1], [after, scale.width - EDGE / 2, 1]]) {
    if (!bar) continue;
    context.beginPath();
    context.moveTo(x - 2 * way, row / 2 - 4);
    context.lineTo(x + 2 * way, row / 2);
    context.lineTo(x - 2 * way, row / 2 + 4);
    context.stroke();
  }
}
