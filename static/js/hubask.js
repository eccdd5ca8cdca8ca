// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Asks before something is done with workflows, and how. */

import {el} from './dom.js';
import {fieldsOf} from './huboptions.js';
import {makeField, show} from './modal.js';
import {openJobs} from './hubjobs.js';
import {order} from './hubjobmodel.js';
import {plural} from './format.js';
import {tell} from './hubrun.js';

/**
 * Do a command, or ask first.
 * @param {import('./hubcommands.js').Command} command
 * @param {object[]} rows - The workflows.
 */
export async function start(command, rows) {
  if (!command.job && !command.ask) {
    tell(command, rows);
    return;
  }
  const names = rows.map(({name}) => name);
  const form = command.job ? makeForm[command.key] ?? plainForm : null;
  const content = [
    command.ask ? el('p', {}, command.ask) : null,
    el('p', {class: 'targets'}, el('b', {}, names.length > 1 ? `${plural(names.length, 'workflow')}: ` : ''),
      ...names.slice(0, 12).flatMap((name) => [el('code', {}, name), ' ']),
      names.length > 12 ? `and ${names.length - 12} more` : ''),
  ];
  askFor(command.label.replace(/…$/, ''), content, command.danger, async () => {
    if (!form) return {rows: [], done: async () => () => tell(command, rows)};
    const {rows: fields, read} = await form(command, names);
    return {rows: fields, done: () => ordered({workflows: names, ...read()})};
  });
}

/**
 * Show a form, and do what it is for; what goes wrong is said in it.
 * @param {string} title
 * @param {(?Node)[]} content
 * @param {boolean} danger
 * @param {() => Promise<{rows: Node[], done: () => Promise<() => void>}>} make -
 *   Makes the fields, and what is done when they are filled in, which says
 *   what is to be shown then.
 */
export async function askFor(title, content, danger, make) {
  const form = el('form', {method: 'dialog'});
  const error = el('p', {class: 'error', role: 'alert'});
  const place = el('div', {class: 'fields'});
  const go = el('button', {type: 'submit', class: danger ? 'danger' : 'main', disabled: true}, title);
  const dialog = show(title, [...content, place, error, el('p', {class: 'buttons'},
    el('button', {type: 'button', on: {click: () => dialog.close()}}, 'Cancel'), go)], form);
  let done = null;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    go.disabled = true;
    try {
      // What is sent may be refused: the form is there until that is known.
      const next = await done();
      dialog.close();
      next();
    } catch (problem) {
      error.textContent = problem.message;
      go.disabled = false;
    }
  });
  try {
    const made = await make();
    done = made.done;
    place.replaceChildren(...made.rows);
    go.disabled = false;
    (place.querySelector('input, select, textarea') ?? go).focus();
  } catch (problem) {
    error.textContent = problem.message;
  }
}

/** Order something of the hub; @returns {Promise<() => void>} What shows it. */
export async function ordered(wish) {
  const made = await order(wish);
  return () => openJobs(made);
}

/** The fields of each command, and what they say as a part of an order. */
const makeForm = {
  stop: async () => {
    const how = makeField({
      name: 'how', label: 'How', kind: 'choice', initial: '', options: [
        ['', 'when active jobs have finished'], ['kill', 'after killing active jobs'],
        ['now', 'now; jobs go on, unobserved'], ['nownow', 'at once, leaving everything as it is'],
      ],
    });
    const after = makeField({name: 'after', label: 'Or: after a cycle point, or POINT/TASK', kind: 'text', hint: 'such as 3 or 3/foo'});
    const {rows, read} = await fieldsOf('stop', ['kill', 'now']);
    const HOW = {kill: {kill: true}, now: {now: 1}, nownow: {now: 2}};
    return {
      rows: [how.row, after.row, ...rows],
      read: () => ({
        command: 'stop',
        options: {...read(), ...(after.value() ? {after: after.value()} : HOW[how.value()])},
      }),
    };
  },
  reinstall: async () => {
    const then = makeField({
      name: 'then', label: 'And then', kind: 'choice', initial: '', options: [
        ['', 'leave it at that'], ['reload', 'reload the definition, if it runs'], ['play', 'play it'],
      ],
    });
    const {rows, read} = await fieldsOf('reinstall');
    return {
      rows: [then.row, ...rows],
      read: () => ({steps: [
        {command: 'reinstall', options: read()}, ...(then.value() ? [{command: then.value(), options: {}}] : []),
      ]}),
    };
  },
  clean: async ({key}, names) => {
    const {rows, read} = await fieldsOf(key);
    const sure = makeField({
      name: 'confirm', kind: 'text', required: true,
      label: names.length > 1 ? `To confirm, write how many workflows: ${names.length}` : `To confirm, write ${names[0]}`,
    });
    return {
      rows: [...rows, sure.row],
      read: () => {
        if (sure.value() !== (names.length > 1 ? String(names.length) : names[0])) {
          throw new Error('That is not what was asked for.');
        }
        return {command: key, options: read(), confirm: names};
      },
    };
  },
};

async function plainForm({key}) {
  const {rows, read} = await fieldsOf(key);
  return {rows, read: () => ({command: key, options: read()})};
}
