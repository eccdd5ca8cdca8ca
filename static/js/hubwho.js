// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Who the reader is to the hub, what they may do, and why not. */

import {call} from './hubrun.js';
import {el} from './dom.js';
import {includes} from './documents.js';
import {makeField, show} from './modal.js';
import {NEEDS} from './hubrights.js';
import {plural} from './format.js';

/** So many names are listed of workflows with the same rights. */
const SOME = 12;

/** Show it, as the hub says. */
export async function openWho() {
  const place = el('div', {}, el('p', {class: 'dim'}, 'Asking…'));
  const dialog = show('What you may do', [place, el('p', {class: 'buttons'},
    el('button', {type: 'button', class: 'main', on: {click: () => dialog.close()}}, 'Close'))]);
  dialog.classList.add('large');
  try {
    const answer = await call('whoami');
    place.replaceChildren(...told(answer), question(Object.keys(answer.workflows)));
  } catch (error) {
    place.replaceChildren(el('p', {class: 'error', role: 'alert'}, error.message));
  }
}

function told({user, owner, groups, token, workflows}) {
  const some = groups.length ? ` You belong to ${groups.join(', ')}.` : '';
  return [
    el('p', {}, 'You are ', el('b', {}, user), owner ? ', the owner.' : '.', some),
    token ? el('p', {}, `By the token “${token.name}” you have no more than its scope.`) : null,
    Object.keys(workflows).length ? rights(workflows) : el('p', {class: 'dim'}, 'You may see no workflow.'),
  ].filter(Boolean);
}

/** Workflows with the same rights together. */
function rights(workflows) {
  const groups = new Map();
  for (const [name, {level, operations}] of Object.entries(workflows)) {
    const words = inWords(level, operations);
    groups.set(words, [...(groups.get(words) ?? []), name]);
  }
  return el('dl', {class: 'who'}, ...[...groups].flatMap(([words, names]) => [
    el('dt', {}, names.slice(0, SOME).join(', '), names.length > SOME ? ` and ${names.length - SOME} more` : '',
      names.length > 1 ? el('span', {class: 'dim'}, ` (${plural(names.length, 'workflow')})`) : null),
    el('dd', {}, words),
  ]));
}

/** A level, with what rules give or forbid besides. */
function inWords(level, operations) {
  const own = Object.keys(NEEDS).filter((name) => includes(level, NEEDS[name]));
  const more = operations.filter((name) => !own.includes(name));
  const less = own.filter((name) => !operations.includes(name));
  return level + (more.length ? `, and ${more.join(', ')}` : '') + (less.length ? `, but not ${less.join(', ')}` : '');
}

/** Asks about one thing; the hub answers with its reason. */
function question(names) {
  const what = makeField({name: 'operation', label: 'May I', kind: 'choice', options: Object.keys(NEEDS), initial: 'play'});
  const which = makeField({name: 'workflow', label: 'the workflow', kind: 'text', options: names, initial: names[0]});
  const answer = el('p', {role: 'status'});
  const form = el('form', {class: 'question'}, what.row, which.row, el('button', {type: 'submit'}, 'Ask'), answer);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      const search = new URLSearchParams({operation: what.value(), workflow: which.value()});
      const {allowed, reason} = await call(`whoami?${search}`);
      answer.textContent = `${allowed ? 'Yes' : 'No'}: ${reason}.`;
    } catch (error) {
      answer.textContent = error.message;
    }
  });
  return form;
}
