// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Who the reader is to the hub, and what they may do. */

import {call} from './hubrun.js';
import {el} from './dom.js';
import {show} from './modal.js';

/** Show it, as the hub says. */
export async function openWho() {
  const place = el('div', {}, el('p', {class: 'dim'}, 'Asking…'));
  const dialog = show('What you may do', [place, el('p', {class: 'buttons'},
    el('button', {type: 'button', class: 'main', on: {click: () => dialog.close()}}, 'Close'))]);
  dialog.classList.add('large');
  try {
    place.replaceChildren(...told(await call('whoami')));
  } catch (error) {
    place.replaceChildren(el('p', {class: 'error', role: 'alert'}, error.message));
  }
}

function told({user, owner, groups, token, workflows}) {
  const names = Object.keys(workflows);
  return [
    el('p', {}, 'You are ', el('b', {}, user), owner ? ', the owner: you may do everything.' : '.',
      groups.length ? ` You belong to ${groups.join(', ')}.` : ''),
    token ? el('p', {}, `By the token “${token.name}” you have no more than its scope.`) : null,
    names.length ? table(names, workflows) : el('p', {class: 'dim'}, 'You may see no workflow.'),
  ].filter(Boolean);
}

function table(names, workflows) {
  return el('table', {class: 'who'}, el('thead', {}, el('tr', {},
    el('th', {scope: 'col'}, 'Workflow'), el('th', {scope: 'col'}, 'Level'), el('th', {scope: 'col'}, 'You may'))),
  el('tbody', {}, ...names.map((name) => el('tr', {},
    el('th', {scope: 'row'}, name), el('td', {}, workflows[name].level),
    el('td', {class: 'dim'}, workflows[name].operations.join(', '))))));
}
