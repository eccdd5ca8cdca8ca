// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Draws dots: only what is in view, each look of a task once. */

import {paint} from './icons.js';
import {model} from './model.js';
import {selection} from './select.js';
import {modifier} from './states.js';
import {far} from './cells.js';
import {LINE, PITCH, lineAt} from './dotlayout.js';

const FONT = '12px system-ui, sans-serif';
const SIZE = 17;

/** Widths of texts that were measured. */
const widths = new Map();

/** The width of a text, as it would be drawn. */
export function measure(context, text) {
  let width = widths.get(text);
  if (width === undefined) {
    context.font = FONT;
    widths.set(text, width = context.measureText(text).width);
  }
  return width;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * Draw what is in view.
 * @param {object} view - Its canvas, its layout, and where the reader is.
 */
export function draw(view) {
  const {canvas, context, scroller} = view;
  const {lines, left, top, columns} = view.layout;
  const [width, height, scale] = [scroller.clientWidth, scroller.clientHeight, devicePixelRatio];
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const {scrollLeft, scrollTop} = scroller;
  const ink = {text: colour('--text'), dim: colour('--dim'), back: colour('--bg'), focus: colour('--focus'), mark: colour('--chosen')};
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = FONT;
  context.textBaseline = 'middle';
  const first = lineAt(lines, scrollTop + top);
  for (let index = first; index < lines.length && lines[index].y < scrollTop + height; index++) {
    for (const cell of lines[index].cells) {
      const x = cell.x - scrollLeft;
      if (x > width || x < left - PITCH) continue;
      dot(view, cell.id, x, lines[index].y - scrollTop, ink);
    }
  }
  labels(view, first, ink, width, height);
  heads(view, columns, ink, width);
}

function dot(view, id, x, y, ink) {
  const {context, sprites} = view;
  const task = model.nodes.get(id)?.task;
  if (!task) return;
  if (selection.has(id)) {
    context.fillStyle = ink.mark;
    context.fillRect(x, y, PITCH, LINE);
  }
  const ghost = task.graphDepth > 0 && task.flowNums === '[]';
  const look = `${task.state} ${modifier(task)} ${far(task) ?? ''}`;
  let sprite = sprites.get(look);
  if (!sprite) sprites.set(look, sprite = drawSprite(task));
  context.globalAlpha = ghost ? 0.55 : 1;
  context.drawImage(sprite, x + 1, y + 1, SIZE, SIZE);
  context.globalAlpha = 1;
  if (id === view.current && document.activeElement === view.scroller) {
    context.strokeStyle = ink.focus;
    context.lineWidth = 2;
    context.strokeRect(x, y, PITCH - 1, LINE - 1);
  }
}

function drawSprite(task) {
  const size = Math.ceil(SIZE * devicePixelRatio);
  const sprite = document.createElement('canvas');
  sprite.width = sprite.height = size;
  paint(sprite.getContext('2d'), {state: task.state, badge: modifier(task), sixteenths: far(task)},
    {x: 0, y: 0, size},
    {state: colour(`--s-${task.state}`), back: colour('--bg'), badge: colour('--text')});
  return sprite;
}

/** Labels stay where they are while dots go by behind them. */
function labels(view, first, ink, width, height) {
  const {context, scroller} = view;
  const {lines, left, top} = view.layout;
  if (left) {
    context.fillStyle = ink.back;
    context.fillRect(0, 0, left - 2, height);
  }
  for (let index = first; index < lines.length && lines[index].y < scroller.scrollTop + height; index++) {
    const {y, height: tall, label, heading, labelX} = lines[index];
    if (!label) continue;
    context.fillStyle = heading === Boolean(left) ? ink.dim : ink.text;
    context.font = heading && !left ? `600 ${FONT.replace('12', '13')}` : FONT;
    const room = (left || width) - labelX - 6;
    context.fillText(shorten(context, label, room), labelX, y - scroller.scrollTop + tall / 2 + (heading && !left ? 4 : 0));
  }
  context.font = FONT;
  context.fillStyle = ink.back;
  context.fillRect(0, 0, width, top);
}

function shorten(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let end = text.length;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > room) end--;
  return `${text.slice(0, end)}…`;
}

/** Cycle points above their columns, upright where they are too long. */
function heads(view, columns, ink, width) {
  const {context, scroller} = view;
  const {left, top} = view.layout;
  context.fillStyle = ink.text;
  for (const {x, text, tall} of columns) {
    const at = x - scroller.scrollLeft + PITCH / 2 - 1;
    if (at < left || at > width + PITCH) continue;
    context.save();
    context.translate(at, top - 6);
    if (tall) context.rotate(-Math.PI / 2);
    context.textAlign = tall ? 'left' : 'center';
    context.fillText(text, 0, tall ? 0 : -5);
    context.restore();
  }
}
