// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What can be done with bars: look at them, open them, act on their tasks. */

import {listen as listenToRows} from './rowkeys.js';
import {openMenu} from './menu.js';
import {openTask} from './panel.js';
import {present} from './timelinerows.js';
import {selection} from './select.js';
import {EDGE, barAt, beyond, shapeOf} from './timelineshape.js';
import {draw as drawTip} from './timelinetip.js';
import {pointOf} from './timelinemoves.js';

/**
 * Let bars be used.
 * @param {object} view - Of timeline.js.
 * @param {{draw: () => void, moved: () => void, jump: (bar: object) => void,
 *   announce: (bar: object) => void}} options
 */
export function listen(view, options) {
  const {field, rows} = view;
  listenToRows(rows, {
    id: (line) => (line.grouped ? null : line.lead.id),
    open: (line) => openTask(current(view, line)?.node.id ?? line.lead.id),
    other: (event, line) => keys(event, line, view, options),
  });
  field.addEventListener('pointermove', (event) => hover(event, view, options));
  field.addEventListener('pointerleave', () => {
    view.pointer = null;
    view.tip.hidden = true;
    options.draw();
  });
  // What is on a bar means its task, not all of its row.
  field.addEventListener('click', (event) => click(event, view, options), true);
  field.addEventListener('contextmenu', (event) => menu(event, view), true);
  field.addEventListener('dblclick', (event) => {
    const {line, point} = under(event, view);
    if (point.x < 0 || (line && at(view, line, point))) return;
    view.scale.zoom(0.4, point.x);
    options.moved();
  });
}

/** The row below the mouse, and where in it that is. */
function under(event, view) {
  const {rows, lines, screen} = view;
  const {row, head} = rows.heights;
  const point = pointOf(event, screen.chart);
  if (point.y < head) return {line: null, point};
  const down = point.y - head + rows.element.scrollTop;
  const index = Math.floor(down / row);
  return {line: lines.all[index] ?? null, index, point: {x: point.x, y: down - index * row}};
}

function at(view, line, point) {
  if (point.x < 0) return null;
  return barAt(line, point, view.scale, present(), view.rows.heights.row);
}

/** What is beyond the edge of the view that a point is at, if anything. */
function edge(view, line, {x}) {
  const {before, after} = beyond(line, view.scale, present());
  if (x >= 0 && x < EDGE) return before;
  return x > view.scale.width - EDGE ? after : null;
}

/** The bar of a row that is the current one. */
function current(view, line) {
  return line.bars.find(({id}) => id === view.current) ?? null;
}

function hover(event, view, {draw}) {
  const {tip, field, drag} = view;
  if (event.pointerType === 'touch') return;
  const {line, point} = under(event, view);
  view.pointer = point.x >= 0 ? point.x : null;
  const bar = line && !drag.dragging ? at(view, line, point) : null;
  const beside = line && !bar && !drag.dragging ? edge(view, line, point) : null;
  field.style.cursor = drag.dragging ? 'grabbing' : bar || beside ? 'pointer' : '';
  tip.hidden = !bar;
  draw();
  if (!bar) return;
  drawTip(tip, bar);
  const box = view.place.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  tip.style.left = `${Math.max(4, Math.min(x + 14, box.width - tip.offsetWidth - 4))}px`;
  tip.style.top = `${y + 18 + tip.offsetHeight > box.height ? Math.max(4, y - tip.offsetHeight - 12) : y + 18}px`;
}

function click(event, view, {draw, jump}) {
  if (event.defaultPrevented || view.drag.moved) return;
  const {line, index, point} = under(event, view);
  if (!line || point.x < 0) return;
  view.rows.go(index);
  const bar = at(view, line, point);
  const beside = bar ? null : edge(view, line, point);
  if (bar) {
    view.current = bar.id;
    if (event.ctrlKey || event.metaKey || event.shiftKey) selection.toggle(bar.node.id);
    else openTask(bar.node.id);
  } else if (beside) jump(beside);
  else return;
  view.tip.hidden = true;
  event.stopPropagation();
  draw();
}

function menu(event, view) {
  const {line, index, point} = under(event, view);
  if (!line || event.shiftKey) return;
  const bar = at(view, line, point);
  if (!bar && !line.grouped) return;
  event.preventDefault();
  event.stopPropagation();
  view.rows.go(index);
  view.tip.hidden = true;
  openMenu((bar?.node ?? line.lead).id, {x: event.clientX, y: event.clientY}, view.rows.element);
}

/** Left and right go from job to job; the menu is that of the job's task. */
function keys(event, line, view, options) {
  const {key} = event;
  const bar = current(view, line);
  if (key === 'ArrowLeft' || key === 'ArrowRight') {
    const place = line.bars.indexOf(bar);
    const next = place < 0 ? line.bars.at(-1) : line.bars[place + (key === 'ArrowLeft' ? -1 : 1)];
    if (next) go(next, view, options);
  } else if (line.grouped && (key === 'm' || key === 'ContextMenu')) {
    openMenu((bar?.node ?? line.lead).id, spot(view, line, bar), view.rows.element);
  } else if (line.grouped && key === ' ') selection.toggle((bar?.node ?? line.lead).id);
  else return false;
  return true;
}

function go(bar, view, {draw, jump, announce}) {
  view.current = bar.id;
  const shape = shapeOf(bar, view.scale, present(), view.rows.heights.row);
  if (shape.end < 0 || shape.x > view.scale.width) jump(bar);
  announce(bar);
  draw();
}

/** Where a bar, or a row, is on the screen. */
function spot(view, line, bar) {
  const {rows, lines, screen, scale, field} = view;
  const {row, head} = rows.heights;
  const box = field.getBoundingClientRect();
  const down = head + (lines.all.indexOf(line) + 1) * row - rows.element.scrollTop;
  const x = bar ? Math.max(0, Math.min(scale.width, scale.x(bar.begin))) : 0;
  return {x: box.left + screen.chart.left + x, y: box.top + down};
}
