// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Asks before something is done: what to do it with, and whether at all. */

import {el} from './dom.js';
import {keyOf} from './commands.js';
import {makeField, show} from './modal.js';
import {plural} from './format.js';
import {run, target} from './actions.js';

/**
 * Do a command, or ask first where it destroys or has to be told something.
 * @param {import('./commands.js').Command} command
 * @param {string[]} ids
 */
export function start(command, ids = []) {
  if (!command.ask && !command.fields && !(command.on === 'tasks' && ids.length > 20)) {
    run(keyOf(command), ids);
    return;
  }
  const form = el('form', {method: 'dialog'});
  const error = el('p', {class: 'error', role: 'alert'});
  const fields = (command.fields ?? []).map((field) => makeField(field));
  const dialog = show(titleOf(command), [
    command.ask ? el('p', {}, command.ask) : null,
    command.on === 'tasks' ? targets(ids) : null,
    ...fields.map(({row}) => row), error,
    buttons(command, () => dialog.close()),
  ], form);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    try {
      const values = Object.fromEntries(fields.map(({name, value}) => [name, value()]));
      const args = command.read ? command.read(values) : values;
      dialog.close();
      run(keyOf(command), ids, args);
    } catch (problem) {
      error.textContent = problem.message;
    }
  });
}

function titleOf({label}) {
  return label.replace(/…$/, '');
}

function targets(ids) {
  const names = ids.map(target);
  const shown = names.slice(0, 8);
  return el('p', {class: 'targets'},
    el('b', {}, names.length > 1 ? `${plural(names.length, 'target')}: ` : ''),
    ...shown.flatMap((name) => [el('code', {}, name), ' ']),
    names.length > shown.length ? `and ${names.length - shown.length} more` : '');
}

function buttons(command, cancel) {
  return el('p', {class: 'buttons'},
    el('button', {type: 'button', on: {click: cancel}, autofocus: Boolean(command.danger && !command.fields)}, 'Cancel'),
    el('button', {type: 'submit', class: command.danger ? 'danger' : 'main'}, titleOf(command)));
}
