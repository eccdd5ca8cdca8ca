// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The list of workflows: folders, what each does, and how its tasks are. */

import {attribute, el, unseen} from './dom.js';
import {STATES} from './states.js';
import {STATUSES, inWords, isProblem, statusIcon} from './hubstatus.js';
import {choice} from './hubfilter.js';
import {flatten, turn} from './hubtree.js';
import {openMenu} from './hubmenu.js';
import {plural} from './format.js';
import {selection} from './select.js';
import {stateIcon} from './icons.js';
import {store} from './hubstore.js';
import {Rows} from './windowed.js';
import {use} from './rowhands.js';
import {pathOf} from './hubpath.js';

let rows = null;

/** Show the list in an element, and keep it current. */
export function show(place) {
  rows = new Rows({
    id: 'hub-rows', role: 'treegrid', label: 'Workflows by folder', columns: COLUMNS, describe,
  });
  use(rows, {
    id: ({row}) => row?.name ?? null, other: keys, open: enter, menu: openMenu,
  });
  rows.element.addEventListener('click', (event) => {
    const twist = event.target.closest('.twist');
    const item = twist && rows.items[rows.place(twist.dataset.key)];
    if (item) open(item);
  });
  place.replaceChildren(rows.element);
  store.subscribe(() => {
    selection.keep((name) => store.rows.has(name));
    draw();
  });
  choice.subscribe(draw);
  selection.subscribe(draw);
  draw();
}

function draw() {
  rows.element.dataset.empty = store.rows.size ? 'none fits' : 'none there';
  rows.show(flatten());
}

function open(item) {
  if (item.kind !== 'folder') return;
  turn(item.name);
  draw();
}

/** Go to a workflow, or open a folder. */
function enter(item) {
  if (item.kind === 'folder') open(item);
  else location.href = pathOf(item.name);
}

function keys(event, item) {
  if (item.kind !== 'folder') return false;
  const wanted = {ArrowRight: true, ArrowLeft: false}[event.key];
  if (wanted === undefined) return false;
  if (item.open !== wanted) open(item);
  return true;
}

function describe(element, item) {
  const {kind, name, level, open: isOpen, index, size, row} = item;
  attribute(element, 'data-kind', kind);
  attribute(element, 'data-name', name);
  attribute(element, 'aria-level', level);
  attribute(element, 'aria-posinset', index);
  attribute(element, 'aria-setsize', size);
  attribute(element, 'aria-expanded', kind === 'folder' ? String(isOpen) : null);
  attribute(element, 'aria-selected', row ? String(selection.has(name)) : null);
}

const COLUMNS = [
  {id: 'name', label: 'Workflow', class: 'name', value: nameValue, draw: drawName},
  {id: 'status', label: 'Status', class: 'status', value: statusValue, draw: drawStatus},
  {id: 'totals', label: 'Tasks', class: 'totalscell', value: totalsValue, draw: drawTotals},
  {id: 'title', label: 'Title', class: 'wide dim', value: ({row}) => row?.title ?? '', draw: drawTitle},
  {id: 'host', label: 'Host', class: 'wide dim', value: ({row}) => row?.host ?? ''},
  {id: 'more', label: '', class: 'morecell', value: () => '', draw: drawMore},
];

function nameValue({kind, label, level, open: isOpen, name, row}) {
  return `${label} ${level} ${isOpen} ${kind} ${selection.has(name)} ${row?.status}`;
}

function drawName({kind, label, level, open: isOpen, name, key, row}) {
  const indent = el('span', {class: 'indent'});
  indent.style.width = `${(level - 1) * 1.15}rem`;
  if (kind === 'folder') {
    return [indent, el('span', {class: `twist${isOpen ? ' down' : ''}`, data: {key}, 'aria-hidden': 'true'}),
      el('span', {class: 'label family open'}, label)];
  }
  const on = selection.has(name);
  return [indent, el('span', {class: 'twist none'}),
    el('span', {class: `tick${on ? ' on' : ''}`, title: `Select ${name} (space)`, 'aria-hidden': 'true'}),
    el('span', {class: 'mark', title: row.status}, statusIcon(row.status), unseen(`${row.status}:`)),
    el('a', {
      class: 'label', href: pathOf(name), tabindex: -1, title: name, on: {click: (event) => event.stopPropagation()},
    }, label)];
}

function statusValue({row, rows: all}) {
  return row ? inWords(row) : countsOf(all).join();
}

function drawStatus({row, rows: all}, value) {
  if (row) return [el('span', {class: `words w-${row.status}`, title: value}, value)];
  return [el('span', {class: 'counts'}, ...STATUSES.flatMap((status, index) => {
    const count = countsOf(all)[index];
    return count ? [el('span', {class: 'count', title: `${count} ${status}`},
      statusIcon(status), String(count), unseen(` ${status}`))] : [];
  }))];
}

function countsOf(all) {
  return STATUSES.map((status) => all.filter((row) => row.status === status).length);
}

/** How many tasks of some workflows are in each state. */
function sum(all) {
  return STATES.map((state) => all.reduce((count, {totals}) => count + (totals?.[state] ?? 0), 0));
}

function totalsValue({rows: all}) {
  return sum(all).join();
}

/** Numbers with their icons, above a bar of their parts. */
function drawTotals({rows: all}) {
  const numbers = sum(all);
  const total = numbers.reduce((one, other) => one + other, 0);
  if (!total) return [];
  const shown = STATES.map((state, index) => [state, numbers[index]]).filter(([, number]) => number);
  const bar = el('span', {class: 'bar', 'aria-hidden': 'true'}, ...shown.map(([state, number]) => {
    const part = el('span', {class: `s-${state}`});
    part.style.flexGrow = number;
    return part;
  }));
  return [el('span', {class: 'counts', title: shown.map(([state, number]) => `${number} ${state}`).join(', ')},
    ...shown.map(([state, number]) => el('span', {class: 'count'},
      stateIcon(state, '', 5), number.toLocaleString('en'), unseen(` ${state}`)))), bar];
}

function drawTitle({row}, value) {
  return [row ? el('span', {title: value}, value) : ''];
}

function drawMore({row, name}) {
  if (!row) return [];
  return [el('button', {
    class: 'more', type: 'button', tabindex: -1, 'aria-label': `Actions on ${name}`, title: 'Actions (m)',
  }, '⋯')];
}

/** Say how many there are, for the title of the window. */
export function headline() {
  const all = [...store.rows.values()];
  const bad = all.filter(isProblem).length;
  return `${bad ? `✗${bad} ` : ''}${plural(all.length, 'workflow')}`;
}
