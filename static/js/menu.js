// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The menu of what can be done with tasks, or with the workflow. */

import {el} from './dom.js';
import {COMMANDS} from './commands.js';
import {may} from './rights.js';
import {model} from './model.js';
import {openTask} from './panel.js';
import {selection} from './select.js';
import {start} from './dialog.js';
import {store} from './store.js';
import {target} from './actions.js';

let close = () => {};

/**
 * Show the menu of one thing, or of the selection that it belongs to.
 * @param {string} id - Of a task, a family or a cycle.
 * @param {Element|{x: number, y: number}} at - Where.
 * @param {HTMLElement} back - What has the focus afterwards.
 */
export function openMenu(id, at, back) {
  const ids = selection.has(id) ? selection.ids : [id];
  const title = ids.length > 1 ? `${ids.length} selected` : target(id);
  const node = model.nodes.get(id);
  const entries = [];
  if (ids.length === 1 && node?.kind === 'task') entries.push(['Details and logs', () => openTask(id)]);
  entries.push([selection.has(id) ? 'Deselect' : 'Select', () => selection.toggle(id)]);
  popUp(title, [...entries, null, ...commands('tasks', ids)], at, back);
}

/** Show the menu of the workflow. */
export function openWorkflowMenu(at) {
  popUp('Workflow', commands('workflow', []), at, at);
}

function commands(on, ids) {
  const status = store.workflow?.status;
  return COMMANDS
    .filter((command) => command.on === on && may(command.command) && (!command.when || command.when(status)))
    .map((command) => [command.label, () => start(command, ids), command.danger]);
}

function popUp(title, entries, at, back) {
  close();
  const items = entries.map((entry) => (entry
    ? el('button', {
      type: 'button', role: 'menuitem', tabindex: -1, class: entry[2] ? 'danger' : '',
      on: {
        click: () => {
          close();
          entry[1]();
        },
      },
    }, entry[0])
    : el('hr', {role: 'separator'})));
  const menu = el('div', {class: 'menu', role: 'menu', 'aria-label': title},
    el('div', {class: 'title', 'aria-hidden': 'true'}, title), ...items);
  document.body.append(menu);
  place(menu, at);
  const away = (event) => {
    if (!menu.contains(event.target)) close();
  };
  close = () => {
    menu.remove();
    document.removeEventListener('pointerdown', away, true);
    back?.focus?.({preventScroll: true});
    close = () => {};
  };
  document.addEventListener('pointerdown', away, true);
  menu.addEventListener('keydown', (event) => move(event, items.filter((item) => item.role === 'menuitem')));
  items[0]?.focus({preventScroll: true});
}

/** Put the menu where there is room for it. */
function place(menu, at) {
  const box = at instanceof Element ? at.getBoundingClientRect() : {left: at.x, right: at.x, top: at.y, bottom: at.y};
  const {offsetWidth: width, offsetHeight: height} = menu;
  const left = Math.min(box.left, innerWidth - width - 8);
  const top = box.bottom + height + 8 > innerHeight ? Math.max(8, Math.min(box.top, innerHeight - 8) - height) : box.bottom;
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${top}px`;
}

function move(event, items) {
  const place = items.indexOf(document.activeElement);
  const letter = event.key.length === 1 ? event.key.toLowerCase() : '';
  const to = {ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: -1}[event.key];
  if (event.key === 'Escape' || event.key === 'Tab') close();
  else if (to !== undefined) items.at(to % items.length).focus();
  else if (letter) {
    const after = [...items.slice(place + 1), ...items.slice(0, place + 1)];
    after.find((item) => item.textContent.toLowerCase().startsWith(letter))?.focus();
  } else return;
  if (event.key !== 'Enter' && event.key !== ' ') event.preventDefault();
}
