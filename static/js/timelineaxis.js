// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Draws the axis of time, the lines below it, and where the present is. */

import {time, zoneName} from './format.js';
import {stopped} from './timelinerows.js';

const FONT = '11px system-ui, sans-serif';
const BOLD = `600 ${FONT}`;

/** Where the two lines of the axis are, from its top. */
const ERA = 13;
const TICK = 33;

/**
 * Draw the axis.
 * @param {CanvasRenderingContext2D} context
 * @param {{scale: object, now: number, ink: object, lines: object,
 *   pointer: ?number, height: number}} scene - `pointer` is where the mouse is.
 */
export function paintAxis(context, {scale, now, ink, lines, pointer, height}) {
  context.clearRect(0, 0, scale.width, height);
  context.textBaseline = 'middle';
  paintEras(context, scale, lines.eras, ink);
  context.textAlign = 'center';
  const at = scale.x(now);
  const taken = [];
  if (at >= 0 && at <= scale.width) taken.push(pill(context, at, stopped() ? 'stopped' : 'now', {back: ink.text, text: ink.back}, scale.width));
  if (pointer !== null) {
    const text = time(scale.moment(pointer) / 1000).title.split('\n')[0].split(' ')[1];
    taken.push(pill(context, pointer, text, {back: ink.dim, text: ink.back}, scale.width));
  }
  context.font = FONT;
  for (const {x, text} of lines.ticks) {
    context.fillStyle = ink.edge;
    context.fillRect(Math.round(x), height - 5, 1, 5);
    const half = context.measureText(text).width / 2 + 2;
    const hidden = x < half || x > scale.width - half || taken.some(([left, right]) => x + half > left && x - half < right);
    if (hidden) continue;
    context.fillStyle = ink.dim;
    context.fillText(text, x, TICK);
  }
  context.textAlign = 'left';
}

/** Days, months or years; each stays in view as long as any of it does. */
function paintEras(context, scale, eras, ink) {
  context.font = BOLD;
  context.textAlign = 'left';
  let zone = zoneName();
  eras.forEach(({x, text}, index) => {
    const next = eras[index + 1]?.x ?? Infinity;
    const left = Math.max(6, x + 6);
    const whole = zone ? `${text}  ·  ${zone}` : text;
    const fitting = [whole, text].find((one) => left + context.measureText(one).width < Math.min(next, scale.width) - 6);
    if (x > 0) {
      context.fillStyle = ink.edge;
      context.fillRect(Math.round(x), 3, 1, 20);
    }
    if (!fitting) return;
    context.fillStyle = ink.text;
    context.fillText(fitting, left, ERA);
    if (fitting === whole) zone = '';
  });
  if (!eras.length && zone) {
    context.fillStyle = ink.text;
    context.fillText(zone, 6, ERA);
  }
}

/** Draw a text with round ends; returns from where to where it is. */
function pill(context, at, text, {back, text: colour}, width) {
  context.font = BOLD;
  context.textAlign = 'center';
  const half = context.measureText(text).width / 2 + 6;
  const x = Math.max(half, Math.min(width - half, at));
  context.fillStyle = back;
  context.beginPath();
  context.roundRect(x - half, TICK - 8.5, half * 2, 17, 8.5);
  context.fill();
  context.fillStyle = colour;
  context.fillText(text, x, TICK + 0.5);
  return [x - half, x + half];
}

/** Draw the lines of the ticks behind the rows. */
export function paintGrid(context, {scale, ink, lines, height}) {
  context.fillStyle = ink.line;
  context.globalAlpha = 0.7;
  for (const {x} of lines.ticks) context.fillRect(Math.round(x), 0, 1, height);
  context.fillStyle = ink.edge;
  for (const {x} of lines.eras) if (x > 0 && x < scale.width) context.fillRect(Math.round(x), 0, 1, height);
  context.globalAlpha = 1;
}

/** Draw where the mouse is, across all rows. */
export function paintPointer(context, {ink, pointer, height}) {
  if (pointer === null) return;
  context.fillStyle = ink.dim;
  context.globalAlpha = 0.5;
  context.fillRect(Math.round(pointer), 0, 1, height);
  context.globalAlpha = 1;
}

/** Draw the present, across all rows. */
export function paintNow(context, {scale, now, ink, height}) {
  const at = scale.x(now);
  if (at < 0 || at > scale.width) return;
  context.fillStyle = ink.text;
  context.globalAlpha = 0.75;
  context.fillRect(at - 0.75, 0, 1.5, height);
  context.globalAlpha = 1;
}
