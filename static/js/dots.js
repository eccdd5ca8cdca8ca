// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The dots: all tasks at a glance, drawn on a canvas of the size of the view. */

import {announce, el} from './dom.js';
import {duration, time} from './format.js';
import {model} from './model.js';
import {ofWorkflow, recall, remember} from './prefs.js';
import {openMenu} from './menu.js';
import {openTask} from './panel.js';
import {selection} from './select.js';
import {inWords} from './states.js';
import {lastJob, ran} from './cells.js';
import {draw, measure} from './dotpaint.js';
import {LINE, PITCH, layout, lineAt} from './dotlayout.js';

/** How often dots may change their places, in milliseconds. */
const PLACE_EVERY = 300;

let view = null;

/** Show the dots in an element. */
export function show(place) {
  const canvas = el('canvas', {'aria-hidden': 'true'});
  const space = el('div', {class: 'space'});
  const tip = el('div', {class: 'tip', hidden: true});
  const empty = el('p', {class: 'empty', role: 'status', hidden: true}, 'There is no task to show.');
  const scroller = el('div', {
    id: 'dot-field', class: 'dots', tabindex: 0, role: 'application', 'aria-roledescription': 'tasks as dots',
    'aria-label': 'Tasks as dots. Arrows move from task to task, enter opens one, space selects, m gives its menu.',
  }, canvas, space);
  const shape = el('button', {type: 'button', class: 'shape', on: {click: reshape}});
  view = {
    place, canvas, space, tip, empty, scroller, shape, context: canvas.getContext('2d'), sprites: new Map(),
    wish: recall(ofWorkflow('dots'), 'auto'), layout: null, current: null, due: false, stale: true,
  };
  place.replaceChildren(scroller, empty, shape, tip);
  scroller.addEventListener('scroll', soon, {passive: true});
  scroller.addEventListener('pointermove', hover);
  scroller.addEventListener('pointerleave', () => (tip.hidden = true));
  scroller.addEventListener('click', click);
  scroller.addEventListener('contextmenu', menu);
  scroller.addEventListener('keydown', keys);
  scroller.addEventListener('blur', soon);
  view.observer = new ResizeObserver(refresh);
  view.observer.observe(scroller);
  view.themes = new MutationObserver(() => {
    view.sprites.clear();
    soon();
  });
  view.themes.observe(document.documentElement, {attributeFilter: ['data-theme']});
  view.stop = model.subscribe(({structure}) => {
    if (structure) later();
    else soon();
  });
  refresh();
}

/** Take them away. */
export function hide() {
  view.observer.disconnect();
  view.themes.disconnect();
  view.stop();
  clearTimeout(view.timer);
  view = null;
}

/** Place and draw them anew. */
export function refresh() {
  if (!view) return;
  view.stale = true;
  soon();
}

/** Place them anew before long: tasks come and go all the time. */
function later() {
  view.timer ??= setTimeout(() => {
    if (view) view.timer = null;
    refresh();
  }, PLACE_EVERY);
  soon();
}

/** Let the clock go on. */
export function beat() {
  soon();
}

function reshape() {
  view.wish = view.layout.columns.length ? 'bands' : 'matrix';
  remember(ofWorkflow('dots'), view.wish);
  view.scroller.scrollTo(0, 0);
  refresh();
}

function soon() {
  if (!view || view.due) return;
  view.due = true;
  requestAnimationFrame(() => {
    if (!view) return;
    view.due = false;
    if (view.stale) arrange();
    draw(view);
  });
}

function arrange() {
  const {context, scroller, space, shape} = view;
  view.stale = false;
  view.layout = layout(scroller, view.wish, (text) => measure(context, text));
  const {lines, width, height, columns} = view.layout;
  space.style.width = `${width}px`;
  space.style.height = `${height}px`;
  shape.textContent = columns.length ? 'As bands' : 'As a matrix';
  view.where = new Map();
  view.empty.hidden = lines.some(({cells}) => cells.length);
  lines.forEach((line, row) => line.cells.forEach((cell, column) => view.where.set(cell.id, [row, column])));
}

function at(event) {
  const box = view.scroller.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const {lines, left, top} = view.layout;
  if (x < left || y < top) return null;
  const line = lines[lineAt(lines, y + view.scroller.scrollTop)];
  if (!line || y + view.scroller.scrollTop < line.y) return null;
  const inside = x + view.scroller.scrollLeft;
  return line.cells.find((cell) => inside >= cell.x && inside < cell.x + PITCH)?.id ?? null;
}

function words(id) {
  const task = model.nodes.get(id)?.task;
  if (!task) return '';
  const job = lastJob(task);
  const parts = [`${task.cycle}/${task.name}`, inWords(task)];
  if (job?.startedTime) parts.push(`started ${time(job.startedTime).text}`);
  if (ran(job) !== null) parts.push(`${job.finishedTime ? 'ran' : 'runs for'} ${duration(ran(job))}`);
  if (task.jobs.length > 1) parts.push(`job ${task.jobs.length}`);
  return parts.join(', ');
}

function hover(event) {
  const {tip, place, scroller} = view;
  const id = at(event);
  scroller.style.cursor = id ? 'pointer' : '';
  tip.hidden = !id;
  if (!id) return;
  tip.textContent = words(id);
  const box = place.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(event.clientX - box.left + 14, box.width - tip.offsetWidth - 4))}px`;
  const below = event.clientY - box.top + 18;
  tip.style.top = `${below + tip.offsetHeight > box.height ? below - tip.offsetHeight - 30 : below}px`;
}

function click(event) {
  const id = at(event);
  if (!id) return;
  view.current = id;
  if (event.ctrlKey || event.metaKey || event.shiftKey) selection.toggle(id);
  else openTask(id);
  soon();
}

function menu(event) {
  const id = at(event);
  if (!id || event.shiftKey) return;
  event.preventDefault();
  view.current = id;
  openMenu(id, {x: event.clientX, y: event.clientY}, view.scroller);
}

/** From dot to dot: along a line, or to the nearest of the next. */
function neighbour(key) {
  const {lines} = view.layout;
  const [row, column] = view.where.get(view.current) ?? [-1, 0];
  if (row < 0) return lines.find(({cells}) => cells.length)?.cells[0].id;
  const step = {ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity}[key];
  const {cells} = lines[row];
  if (step) return cells[Math.max(0, Math.min(cells.length - 1, column + step))].id;
  const way = key === 'ArrowUp' ? -1 : 1;
  let next = row + way;
  while (lines[next] && !lines[next].cells.length) next += way;
  if (!lines[next]) return view.current;
  const {x} = cells[column];
  return lines[next].cells.reduce((best, cell) => (Math.abs(cell.x - x) < Math.abs(best.x - x) ? cell : best)).id;
}

function keys(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const {current} = view;
  if (/^(Arrow|Home|End)/.test(event.key)) {
    view.current = neighbour(event.key);
    reveal();
    announce(words(view.current));
  } else if (event.key === 'Enter' && current) openTask(current);
  else if (event.key === ' ' && current) {
    selection.toggle(current);
    announce(`${words(current)}, ${selection.has(current) ? 'selected' : 'not selected'}`);
  } else if (event.key === 'm' && current) openMenu(current, spot(), view.scroller);
  else return;
  event.preventDefault();
  soon();
}

/** Where the current dot is on the screen. */
function spot() {
  const [row, column] = view.where.get(view.current);
  const line = view.layout.lines[row];
  const box = view.scroller.getBoundingClientRect();
  return {
    x: box.left + line.cells[column].x - view.scroller.scrollLeft + PITCH,
    y: box.top + line.y - view.scroller.scrollTop + LINE,
  };
}

function reveal() {
  const [row, column] = view.where.get(view.current) ?? [];
  if (row === undefined) return;
  const {scroller} = view;
  const {top, left, lines} = view.layout;
  const {x} = lines[row].cells[column];
  const {y} = lines[row];
  if (y - top < scroller.scrollTop) scroller.scrollTop = y - top;
  else if (y + LINE > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = y + LINE - scroller.clientHeight;
  if (x - left < scroller.scrollLeft) scroller.scrollLeft = x - left;
  else if (x + PITCH > scroller.scrollLeft + scroller.clientWidth) scroller.scrollLeft = x + PITCH - scroller.clientWidth;
}
