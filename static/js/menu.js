// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The menu of what can be done with tasks, or with the workflow. */

import {COMMANDS} from './commands.js';
import {may} from './rights.js';
import {model} from './model.js';
import {openTask} from './panel.js';
import {popUp} from './popup.js';
import {selection} from './select.js';
import {start} from './dialog.js';
import {store} from './store.js';
import {target} from './actions.js';

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
  if (ids.length === 1 && node?.kind === 'task') entries.push({label: 'Details and logs', act: () => openTask(id)});
  entries.push({label: selection.has(id) ? 'Deselect' : 'Select', act: () => selection.toggle(id)});
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
    .map((command) => ({label: command.label, act: () => start(command, ids), danger: command.danger}));
}
