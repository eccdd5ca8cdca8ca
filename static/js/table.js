// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The table: one row for each task, sorted by any column. */

import {attribute, el} from './dom.js';
import {filter} from './filter.js';
import {natural} from './format.js';
import {model} from './model.js';
import {ofWorkflow, recall, remember} from './prefs.js';
import {selection} from './select.js';
import {INDEX, modifier} from './states.js';
import {listen} from './rowkeys.js';
import {openTask} from './panel.js';
import {Rows} from './windowed.js';
import {Item, JOB_COLUMNS, familyOf, jobMarks, look, more, ran, taskMark, tick} from './cells.js';

/** Rows change their order at most this often, so that they can be read. */
const SORT_EVERY = 500;

const FIRST = {column: 'cycle', down: false};

let rows = null;
let order = FIRST;
let stop = null;
let timer = null;

/** What each column is sorted by. */
const BY = {
  name: ({node}) => node.key,
  cycle: ({node}) => node.cycleKey,
  state: ({task}) => String(INDEX.get(task.state)) + look(task),
  family: ({task}) => familyOf(task),
  jobs: ({task}) => task.jobs.length,
  platform: ({job}) => job?.platform ?? '',
  jobid: ({job}) => natural(job?.jobId ?? ''),
  submitted: ({job}) => job?.submittedTime ?? '',
  started: ({job}) => job?.startedTime ?? '',
  finished: ({job}) => job?.finishedTime ?? '',
  ran: ({job}) => ran(job) ?? -1,
};

const COLUMNS = [
  {
    id: 'name', label: 'Task', class: 'name',
    value: ({node, task}) => `${look(task)} ${selection.has(node.id)}`,
    draw: ({node, task}) => [
      tick(node.id, node.name), taskMark(task),
      el('span', {class: 'open label task', title: node.name}, node.name),
    ],
  },
  {id: 'cycle', label: 'Cycle', class: 'num', value: ({node}) => node.cycle},
  {id: 'state', label: 'State', class: 'middle', value: ({task}) => stateText(task)},
  {id: 'family', label: 'Family', class: 'wide', value: ({task}) => familyOf(task)},
  {
    id: 'jobs', label: 'Jobs', class: 'jobcell',
    value: ({task}) => task.jobs.map(({state}) => state).join(), draw: ({task}) => jobMarks(task, 4),
  },
  ...JOB_COLUMNS,
  {id: 'more', label: '', class: 'morecell', value: () => '', draw: ({node}) => [more(node.name)]},
];

function stateText(task) {
  return [task.state, modifier(task)].filter(Boolean).join(', ');
}

/** Show the table in an element. */
export function show(place) {
  order = recall(ofWorkflow('order'), FIRST);
  rows = new Rows({
    id: 'table-rows', role: 'grid', label: 'Tasks', columns: COLUMNS, describe,
  });
  listen(rows, {
    id: (item) => item.node.id,
    open: (item) => openTask(item.node.id),
  });
  sorters();
  place.replaceChildren(rows.element);
  stop = model.subscribe(take);
  refresh();
}

/** Take it away. */
export function hide() {
  stop?.();
  clearTimeout(timer);
  timer = null;
  rows?.end();
  rows = null;
}

/** Draw it anew. */
export function refresh() {
  if (rows) rows.show(sorted());
}

/** Let the clock go on. */
export function beat() {
  if (!rows) return;
  const running = rows.shown.filter(([{task}]) => task.state === 'running');
  rows.show(rows.items, new Set(running.map(([item]) => item.key)));
}

function take({structure, changed}) {
  rows.show(rows.items, changed);
  if (!structure && !changed.size) return;
  timer ??= setTimeout(() => {
    timer = null;
    refresh();
  }, SORT_EVERY);
}

function sorted() {
  const items = [];
  for (const node of model.nodes.values()) {
    if (node.kind !== 'task' || !filter.fits(node.task)) continue;
    const item = new Item({key: node.id, node});
    item.by = BY[order.column](item);
    items.push(item);
  }
  const sign = order.down ? -1 : 1;
  items.sort((one, other) => {
    if (one.by !== other.by) return one.by < other.by ? -sign : sign;
    const [first, second] = [one.node.cycleKey, other.node.cycleKey];
    if (first !== second) return first < second ? -1 : 1;
    return one.node.key < other.node.key ? -1 : 1;
  });
  return items;
}

/** Make the heads of columns buttons which sort. */
function sorters() {
  for (const head of rows.head.children) {
    const {column} = head.dataset;
    if (!BY[column]) continue;
    const label = head.textContent;
    head.replaceChildren(el('button', {type: 'button', class: 'sort', on: {click: () => sortBy(column)}}, label));
  }
  told();
}

function sortBy(column) {
  order = {column, down: order.column === column && !order.down};
  remember(ofWorkflow('order'), order);
  told();
  refresh();
}

function told() {
  for (const head of rows.head.children) {
    const is = head.dataset.column === order.column;
    attribute(head, 'aria-sort', is ? (order.down ? 'descending' : 'ascending') : null);
  }
}

function describe(row, {node}) {
  attribute(row, 'aria-selected', String(selection.has(node.id)));
  row.dataset.kind = 'task';
  row.dataset.id = node.id;
}
