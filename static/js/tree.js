// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The tree: cycle, family, task, job. What is open is remembered. */

import {attribute, el, unseen} from './dom.js';
import {filter} from './filter.js';
import {jobIcon, stateIcon} from './icons.js';
import {model} from './model.js';
import {ofWorkflow, recall, remember} from './prefs.js';
import {selection} from './select.js';
import {STATES, modifier} from './states.js';
import {store} from './store.js';
import {listen} from './rowkeys.js';
import {openTask} from './panel.js';
import {Rows} from './windowed.js';
import {JOB_COLUMNS, Item, groupMark, jobMarks, look, more, taskMark, tick} from './cells.js';

/** Up to so many tasks, families are open unless they were closed. */
const FEW = 400;

/** So many decisions are remembered. */
const MOST = 500;

let rows = null;
/** What the reader has opened or closed, by id; and while a filter is on. */
let opened = new Map();
let filtered = new Map();
let stop = null;

/** Show the tree in an element. */
export function show(place) {
  opened = new Map(recall(ofWorkflow('open'), []));
  rows = new Rows({
    id: 'tree-rows', role: 'treegrid', label: 'Tasks by cycle and family', columns: COLUMNS, describe,
  });
  listen(rows, {
    id: (item) => item.node?.id ?? null,
    other: keys,
    open: (item) => (item.node?.kind === 'task' ? openTask(item.node.id)
      : item.job ? openTask(item.parent.node.id) : toggle(item)),
  });
  rows.head.firstChild.append(
    el('button', {type: 'button', class: 'plain', title: 'Open all families', on: {click: () => setAll(true)}}, 'open all'),
    el('button', {type: 'button', class: 'plain', title: 'Close all families', on: {click: () => setAll(false)}}, 'close all'),
  );
  rows.element.addEventListener('click', (event) => {
    const twist = event.target.closest('.twist');
    const item = twist && rows.items[rows.place(twist.dataset.key)];
    if (item) toggle(item);
  });
  place.replaceChildren(rows.element);
  stop = model.subscribe(take);
  refresh();
}

/** Take it away. */
export function hide() {
  stop?.();
  rows?.end();
  rows = null;
}

/** Draw it anew: after a change of the filter or of the selection. */
export function refresh() {
  if (!rows) return;
  filtered = filter.active ? filtered : new Map();
  rows.show(flatten());
}

/** Let the clock go on: run times and progress. */
export function beat() {
  if (!rows) return;
  const running = rows.shown.filter(([item]) => item.task?.state === 'running');
  rows.show(rows.items, new Set(running.map(([item]) => item.key)));
}

/** Open or close all. */
export function setAll(open) {
  const map = filter.active ? filtered : opened;
  for (const node of model.nodes.values()) {
    if (node.kind === 'family') map.set(node.id, open);
    if (node.kind === 'cycle' && open) map.set(node.id, true);
    if (node.kind === 'task' && !open) map.delete(node.id);
  }
  keep();
  refresh();
}

function take({structure, changed}) {
  if (structure || filter.active) rows.show(flatten(), structure ? null : changed);
  else if (touchesJobs(changed)) rows.show(flatten(), changed);
  else rows.show(rows.items, changed);
}

/** Whether the jobs of a task which is open may have changed. */
function touchesJobs(changed) {
  for (const id of changed) {
    if (opened.get(id) && model.nodes.get(id)?.kind === 'task') return true;
  }
  return false;
}

function isOpen(node) {
  const map = filter.active ? filtered : opened;
  const wish = map.get(node.id);
  if (wish !== undefined) return wish;
  if (node.kind === 'task') return false;
  return node.kind === 'cycle' || filter.active || model.root.total <= FEW;
}

function toggle(item, open = !item.open) {
  if (!item.node || !item.twists) return;
  (filter.active ? filtered : opened).set(item.node.id, open);
  keep();
  refresh();
}

function keep() {
  const known = [...opened].filter(([id]) => model.nodes.has(id));
  remember(ofWorkflow('open'), known.slice(-MOST));
}

/** The rows to be seen, one after the other. */
function flatten() {
  const items = [];
  const walk = (node, parent, index, size) => {
    const item = new Item({
      key: node.id, node, parent, index, size, level: node.depth + 1, open: isOpen(node), twists: true,
    });
    if (node.kind === 'task') {
      item.twists = node.task.jobs.length > 0;
      items.push(item);
      if (item.open) for (const job of [...node.task.jobs].reverse()) items.push(jobItem(job, item));
      return 1;
    }
    const place = items.length;
    items.push(item);
    const shown = branch(node, item, items, walk);
    if (!shown) items.length = place;
    return shown;
  };
  const cycles = model.root.children;
  cycles.forEach((cycle, index) => walk(cycle, null, index + 1, cycles.length));
  return items;
}

/** Add what is in a group, as far as it is open; count what fits. */
function branch(node, item, items, walk) {
  if (!item.open && !filter.active) return node.total;
  const fitting = filter.active
    ? node.children.filter((child) => child.kind !== 'task' || filter.fits(child.task))
    : node.children;
  const place = items.length;
  let shown = 0;
  fitting.forEach((child, index) => {
    shown += walk(child, item, index + 1, fitting.length);
  });
  if (!item.open) items.length = place;
  return shown;
}

function jobItem(job, parent) {
  return new Item({
    key: job.id, node: null, own: job, parent, level: parent.level + 1,
    index: 1, size: 1, open: false, twists: false,
  });
}

const COLUMNS = [
  {id: 'name', label: 'Task', class: 'name', value: nameValue, draw: drawName},
  {id: 'jobs', label: 'Jobs', class: 'jobcell', value: jobsValue, draw: drawJobs},
  ...JOB_COLUMNS,
  {id: 'more', label: '', class: 'morecell', value: () => '', draw: (item) => [item.node ? more(item.node.name) : null]},
];

function nameValue(item) {
  const {node, open, job} = item;
  if (!node) return `${job.state}`;
  const face = node.kind === 'task' ? look(node.task) : `${node.state} ${node.badge}`;
  return `${face} ${open} ${item.twists} ${selection.has(node.id)}`;
}

function drawName(item) {
  const {node, open, level, key} = item;
  const indent = el('span', {class: 'indent'});
  indent.style.width = `${(level - 1) * 1.15}rem`;
  if (!node) {
    const {job} = item;
    return [indent, el('span', {class: 'twist none'}), el('span', {class: 'mark', title: job.state}, jobIcon(job.state)),
      el('span', {class: 'open label'}, `job ${job.submitNum}`), el('span', {class: 'dim'}, job.state)];
  }
  const task = node.kind === 'task';
  return [
    tick(node.id, node.name), indent,
    el('span', {class: `twist${item.twists ? '' : ' none'}${open ? ' down' : ''}`, data: {key}, 'aria-hidden': 'true'}),
    task ? taskMark(node.task) : groupMark(node),
    el('span', {
      class: `open label ${node.kind}${task && ghostly(node.task) ? ' ghost' : ''}`,
      title: full(node),
    }, node.name),
  ];
}

/** The whole name, where there may be no room for it; and its title. */
function full(node) {
  const title = node.kind === 'task' ? store.definitions.get(node.name)?.meta?.title : '';
  return title ? `${node.name}: ${title}` : node.name;
}

/** Whether a task is only near to what is active. */
function ghostly(task) {
  return task.graphDepth > 0 && task.flowNums === '[]';
}

function jobsValue({node, job}) {
  if (!node) return job.state;
  if (node.kind === 'task') return node.task.jobs.map(({state}) => state).join() + modifier(node.task);
  return node.counts.join();
}

function drawJobs({node}) {
  if (!node) return [];
  if (node.kind === 'task') return jobMarks(node.task);
  return [counts(node)];
}

/** How many tasks of a group are in each state. */
export function counts(node) {
  const parts = node.counts.map((count, index) => [STATES[index], count]).filter(([, count]) => count);
  return el('span', {class: 'counts'}, ...parts.map(([state, count]) => el('span', {
    class: 'count', title: `${count} ${state}`,
  }, stateIcon(state), String(count), unseen(`${state} `))));
}

function describe(row, {node, level, open, twists, index, size}) {
  attribute(row, 'aria-level', level);
  attribute(row, 'aria-expanded', twists ? String(open) : null);
  attribute(row, 'aria-posinset', index);
  attribute(row, 'aria-setsize', size);
  attribute(row, 'aria-selected', node ? String(selection.has(node.id)) : null);
  row.dataset.kind = node?.kind ?? 'job';
  row.dataset.id = node?.id ?? '';
}

/** Right opens, or goes to the first child; left closes, or goes to the parent. */
function keys(event, item) {
  const place = rows.place(item.key);
  if (event.key === 'ArrowRight') {
    if (item.twists && !item.open) toggle(item, true);
    else if (item.open) rows.go(place + 1);
  } else if (event.key === 'ArrowLeft') {
    if (item.open) toggle(item, false);
    else if (item.parent) rows.go(rows.place(item.parent.key));
  } else if (event.key === '*') setAll(true);
  else return false;
  return true;
}
