// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The bars: which workflows, and what to do with several of them. */

import {attribute, el, unseen, write} from './dom.js';
import {choice} from './hubfilter.js';
import {commands, openMenu} from './hubmenu.js';
import {fitting} from './hubtree.js';
import {install} from './hubinstall.js';
import {jobs} from './hubjobmodel.js';
import {openJobs} from './hubjobs.js';
import {plural} from './format.js';
import {selection} from './select.js';
import {store} from './hubstore.js';

/** How long to wait for the next letter before the rows follow. */
const TYPING = 150;

const parts = {};

/** Build the bars, once. */
export function build(nav) {
  let timer = null;
  parts.text = el('input', {
    type: 'search', 'aria-label': 'Filter by name or title: words, or globs such as nwp/*; ! before it leaves out',
    placeholder: 'Filter: name or glob', size: 22, autocomplete: 'off', spellcheck: 'false', on: {
      input: () => {
        clearTimeout(timer);
        timer = setTimeout(() => choice.type(parts.text.value), TYPING);
      },
    },
  });
  parts.clear = el('button', {type: 'button', class: 'plain', hidden: true, on: {click: () => choice.clear()}}, 'Clear');
  parts.shown = el('span', {class: 'dim shown'});
  parts.order = el('select', {
    'aria-label': 'Order', on: {
      change: () => {
        choice.problemsFirst = parts.order.value === 'problems';
      },
    },
  }, el('option', {value: 'problems'}, 'Problems first'), el('option', {value: 'name'}, 'By name'));
  parts.order.value = choice.problemsFirst ? 'problems' : 'name';
  parts.jobs = el('button', {type: 'button', on: {click: () => openJobs()}}, 'Jobs');
  nav.replaceChildren(
    el('span', {class: 'filters', role: 'search'}, parts.text, parts.order, parts.clear, parts.shown),
    el('span', {class: 'gap'}),
    el('span', {class: 'run'}, el('button', {type: 'button', class: 'main', on: {click: install}}, 'Install…'), parts.jobs),
  );
  parts.selected = el('section', {class: 'selected', 'aria-label': 'Selection', hidden: true});
  document.getElementById('view').after(parts.selected);
  for (const one of [store, choice, selection]) one.subscribe(draw);
  jobs.subscribe(drawJobs);
  draw();
}

/** Bring the filter to whoever wants to type. */
export function focus() {
  parts.text.focus();
}

function draw() {
  if (document.activeElement !== parts.text) parts.text.value = choice.text;
  parts.clear.hidden = !choice.active;
  const {size} = store.rows;
  write(parts.shown, choice.active ? `${fitting().length.toLocaleString('en')} of ${plural(size, 'workflow')}` : '');
  drawSelection();
}

function drawJobs() {
  write(parts.jobs, jobs.busy ? `Jobs (${jobs.busy})` : 'Jobs');
}

function drawSelection() {
  const rows = selection.ids.map((name) => store.rows.get(name)).filter(Boolean);
  parts.selected.hidden = !rows.length;
  const look = rows.map(({name, status}) => `${name} ${status}`).join();
  if (parts.selected.dataset.look === look) return;
  parts.selected.dataset.look = look;
  const entries = commands(rows);
  parts.selected.replaceChildren(
    el('b', {}, `${rows.length.toLocaleString('en')} selected`),
    ...entries.filter(({denied}) => !denied).slice(0, 4).map(button),
    rows.length ? el('button', {
      type: 'button', 'aria-haspopup': 'menu',
      on: {click: (event) => openMenu(rows[0].name, event.currentTarget, event.currentTarget)},
    }, 'More', unseen(' actions on the selection')) : '',
    el('span', {class: 'gap'}),
    el('button', {type: 'button', class: 'plain', on: {click: () => selection.clear()}}, 'Clear'),
  );
}

function button({label, act, danger}) {
  const made = el('button', {type: 'button', class: danger ? 'danger' : '', on: {click: act}}, label);
  attribute(made, 'title', null);
  return made;
}
