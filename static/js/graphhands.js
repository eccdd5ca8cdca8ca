// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What pointers and keys do in the graph. */

import {announce} from './dom.js';
import {model} from './model.js';
import {moves, step} from './graphkeys.js';
import {openMenu} from './menu.js';
import {openTask} from './panel.js';
import {selection} from './select.js';
import {wordsOf} from './graphnode.js';

/**
 * Hear of what the reader does.
 * @param {object} view - The parts of the graph; see graph.js.
 * @param {{toggle: (id: string) => void, fit: () => void, go: (id: string) => void}} does
 */
export function hearOf(view, does) {
  const {field} = view;
  field.addEventListener('click', (event) => click(view, does, event));
  field.addEventListener('dblclick', (event) => {
    if (!nodeAt(view, event)) view.zoom.by(1.6, placeOf(field, event), true);
  });
  field.addEventListener('contextmenu', (event) => menu(view, event));
  field.addEventListener('pointermove', (event) => hover(view, event));
  field.addEventListener('pointerleave', () => leave(view));
  field.addEventListener('keydown', (event) => keys(view, does, event));
}

function placeOf(field, event) {
  const box = field.getBoundingClientRect();
  return {x: event.clientX - box.left, y: event.clientY - box.top};
}

/** The id of the task or closed group under a pointer, or null. */
function nodeAt(view, event) {
  const found = event.target.closest?.('.node');
  if (found) return found.dataset.id;
  if (!event.target.closest?.('.block')) return null;
  const {x, y} = placeOf(view.field, event);
  const {zoom, picture} = view;
  const [left, top] = [(x - zoom.x) / zoom.k, (y - zoom.y) / zoom.k];
  for (const [id, box] of picture.layout.nodes) {
    if (left >= box.x && left <= box.x + box.width && top >= box.y && top <= box.y + box.height) return id;
  }
  return null;
}

function click(view, {toggle}, event) {
  const opener = event.target.closest('.opener');
  const id = opener?.dataset.id ?? nodeAt(view, event);
  if (!id) return;
  view.current = id;
  view.picture.mark(id);
  if (event.ctrlKey || event.metaKey || event.shiftKey) selection.toggle(id);
  else if (model.nodes.get(id)?.kind === 'task') openTask(id);
  else toggle(id);
}

function menu(view, event) {
  const id = nodeAt(view, event) ?? event.target.closest?.('.box')?.dataset.id;
  if (!id || event.shiftKey) return;
  event.preventDefault();
  leave(view);
  openMenu(id, {x: event.clientX, y: event.clientY}, view.field);
}

function hover(view, event) {
  const id = event.pointerType === 'touch' || event.buttons ? null : nodeAt(view, event);
  const {tip, field, picture} = view;
  if (id !== view.over) {
    view.over = id;
    picture.light(id ?? (document.activeElement === field ? view.current : null));
    tip.hidden = !id;
    if (id) tip.textContent = wordsOf(id);
  }
  if (!id) return;
  const {x, y} = placeOf(field, event);
  tip.style.left = `${Math.max(4, Math.min(x + 14, field.clientWidth - tip.offsetWidth - 4))}px`;
  tip.style.top = `${y + 20 + tip.offsetHeight > field.clientHeight ? y - tip.offsetHeight - 12 : y + 20}px`;
}

function leave(view) {
  view.over = null;
  view.tip.hidden = true;
  view.picture.light(null);
}

/** Nodes that keys go to: all but points where edges join. */
function stops(view) {
  return new Map([...view.picture.layout?.nodes ?? []].filter(([id]) => model.nodes.has(id)));
}

function keys(view, does, event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const {current} = view;
  const node = model.nodes.get(current);
  const moved = moves(event, view.zoom, does.fit);
  if (moved) moved();
  else if (/^(Arrow|Home|End)/.test(event.key)) does.go(step(stops(view), current, event.key));
  else if (!node) return;
  else if (event.key === 'Enter' && node.kind === 'task') openTask(current);
  else if (event.key === 'Enter') does.toggle(current);
  else if (event.key === 'c') does.toggle(node.kind === 'task' ? node.parent.id : current);
  else if (event.key === ' ') {
    selection.toggle(current);
    announce(`${wordsOf(current)}, ${selection.has(current) ? 'selected' : 'not selected'}`);
  } else if (event.key === 'm') openMenu(current, spot(view), view.field);
  else return;
  event.preventDefault();
}

/** Where the current node is on the screen. */
function spot({field, zoom, picture, current}) {
  const box = field.getBoundingClientRect();
  const {x, y, width, height} = picture.layout.nodes.get(current) ?? {x: 0, y: 0, width: 0, height: 0};
  return {x: box.left + zoom.x + (x + width / 2) * zoom.k, y: box.top + zoom.y + (y + height) * zoom.k};
}
