// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The bars: which view, which tasks, what to do with the workflow or a selection. */

import {attribute, el, unseen, write} from './dom.js';
import {COMMANDS} from './commands.js';
import {filter} from './filter.js';
import {may, mayAny} from './rights.js';
import {model} from './model.js';
import {openMenu, openWorkflowMenu} from './menu.js';
import {plural} from './format.js';
import {selection} from './select.js';
import {showHistory} from './history.js';
import {start} from './dialog.js';
import {store} from './store.js';

/** How long to wait for the next letter before the rows follow. */
const TYPING = 150;

/** Commands which the bar of a selection has as buttons. */
const QUICK = ['hold', 'release', 'trigger', 'kill'];

const parts = {};

/**
 * Build the bars, once.
 * @param {HTMLElement} nav
 * @param {{id: string, label: string}[]} views
 */
export function build(nav, views) {
  parts.tabs = views.map(({id, label}) => el('a', {href: `#${id}`, data: {view: id}}, label));
  parts.filters = filters();
  parts.run = el('span', {class: 'run'}, ...runButtons());
  nav.replaceChildren(
    el('span', {class: 'tabs'}, ...parts.tabs), parts.filters, el('span', {class: 'gap'}), parts.run,
  );
  parts.selected = el('section', {class: 'selected', 'aria-label': 'Selection', hidden: true});
  document.getElementById('view').after(parts.selected);
  selection.subscribe(drawSelection);
  model.subscribe(({structure, workflow}) => {
    if (structure) selection.keep((id) => model.nodes.has(id));
    if (structure) drawFamilies();
    if (workflow) drawRun();
    drawShown();
  });
  filter.subscribe(() => {
    read();
    drawShown();
    drawSelection();
  });
  read();
  drawShown();
  drawRun();
}

/** Mark the view that is shown. */
export function mark(view, hash) {
  for (const tab of parts.tabs) {
    attribute(tab, 'aria-current', tab.dataset.view === view ? 'page' : null);
    tab.setAttribute('href', hash(tab.dataset.view));
  }
}

function filters() {
  let timer = null;
  const typed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => filter.change({
      q: parts.text.value, cycle: parts.cycle.value.trim(), family: parts.family.value,
    }), TYPING);
  };
  const input = (name, label, size) => el('input', {
    type: 'search', 'aria-label': label, placeholder: name, size, autocomplete: 'off',
    spellcheck: 'false', title: label, on: {input: typed},
  });
  parts.text = input('Filter: name or glob', 'Filter by name: words, or globs such as get_* or 3/foo; ! before it leaves out', 22);
  parts.cycle = input('Cycle', 'Filter by cycle point: 3, 2026*, 3..5 or several with commas', 9);
  parts.family = el('select', {'aria-label': 'Filter by family', on: {change: typed}}, el('option', {value: ''}, 'All families'));
  parts.clear = el('button', {type: 'button', class: 'plain', hidden: true, on: {click: () => filter.set({})}}, 'Clear');
  parts.shown = el('span', {class: 'dim shown'});
  return el('span', {class: 'filters', role: 'search'}, parts.text, parts.cycle, parts.family, parts.clear, parts.shown);
}

/** Write the filter into its fields, where it came from elsewhere. */
function read() {
  if (document.activeElement !== parts.text) parts.text.value = filter.text;
  if (document.activeElement !== parts.cycle) parts.cycle.value = filter.cycle;
  drawFamilies();
  parts.family.value = filter.family;
  parts.clear.hidden = !filter.active;
}

function drawFamilies() {
  const names = ['', ...model.families()];
  if (filter.family && !names.includes(filter.family)) names.push(filter.family);
  if (parts.family.dataset.names === names.join()) return;
  parts.family.dataset.names = names.join();
  parts.family.replaceChildren(...names.map((name) => el('option', {value: name}, name || 'All families')));
  parts.family.value = filter.family;
  parts.family.hidden = names.length < 2;
}

function drawShown() {
  if (!filter.active) {
    write(parts.shown, '');
    return;
  }
  let shown = 0;
  for (const task of store.tasks.values()) if (filter.fits(task)) shown++;
  write(parts.shown, `${shown.toLocaleString('en')} of ${plural(store.tasks.size, 'task')}`);
}

function runButtons() {
  const button = (key, label) => el('button', {
    type: 'button', data: {command: key}, on: {click: () => start(COMMANDS.find(({command}) => command === key))},
  }, label);
  parts.buttons = ['pause', 'resume', 'stop'].filter(may).map((key) => button(key, {pause: 'Pause', resume: 'Resume', stop: 'Stop…'}[key]));
  const menu = mayAny('workflow') ? el('button', {
    type: 'button', 'aria-haspopup': 'menu', 'aria-label': 'More for the workflow', title: 'Reload, hold point, verbosity…',
    on: {click: (event) => openWorkflowMenu(event.currentTarget)},
  }, '⋯') : null;
  const past = may('stop') ? el('button', {
    type: 'button', class: 'plain', title: 'What was done in this browser', on: {click: showHistory},
  }, 'History') : null;
  return [...parts.buttons, parts.play = playLink(), menu, past].filter(Boolean);
}

/** In a hub what does not run can be played, from the list of all. */
function playLink() {
  const {above} = document.body.dataset;
  if (!above || !may('play')) return null;
  return el('button', {
    type: 'button', class: 'main', hidden: true, title: 'In the list of all workflows', on: {
      click: () => {
        location.href = `${above}#?play=${encodeURIComponent(store.workflow.name)}`;
      },
    },
  }, 'Play…');
}

function drawRun() {
  const status = store.workflow?.status;
  const rests = store.shutdown || status === 'stopped';
  for (const button of parts.buttons) {
    const command = COMMANDS.find((one) => one.command === button.dataset.command);
    button.hidden = Boolean(command.when && !command.when(status)) || Boolean(parts.play && rests);
    button.disabled = store.shutdown;
  }
  if (parts.play) parts.play.hidden = !rests;
}

function drawSelection() {
  const {size, ids} = selection;
  parts.selected.hidden = !size;
  if (!size) return;
  const hidden = ids.filter((id) => store.tasks.has(id) && !filter.fits(store.tasks.get(id))).length;
  const quick = QUICK.filter(may).map((key) => COMMANDS.find(({command}) => command === key));
  parts.selected.replaceChildren(
    el('b', {}, `${size.toLocaleString('en')} selected`),
    hidden ? `${hidden.toLocaleString('en')} of them left out by the filter` : '',
    ...quick.map((command) => el('button', {
      type: 'button', class: command.danger ? 'danger' : '', on: {click: () => start(command, selection.ids)},
    }, command.label)),
    mayAny() ? el('button', {
      type: 'button', 'aria-haspopup': 'menu',
      on: {click: (event) => openMenu(ids[0], event.currentTarget, event.currentTarget)},
    }, 'More', unseen(' actions on the selection')) : '',
    el('span', {class: 'gap'}),
    el('button', {type: 'button', class: 'plain', on: {click: () => selection.clear()}}, 'Clear'),
  );
}
