// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Nodes of the graph, and the boxes around them, as elements of SVG. */

import {svg} from './dom.js';
import {duration} from './format.js';
import {far, lastJob, look, ran} from './cells.js';
import {filter} from './filter.js';
import {ICON, sizeOf, tasksOf} from './graphbuild.js';
import {POINT} from './graphjoin.js';
import {jobIcon, stateIcon, taskIcon} from './icons.js';
import {model} from './model.js';
import {selection} from './select.js';
import {inWords, STATES} from './states.js';

/** How many jobs there is room for. */
const JOBS = 3;

const JOB_SIZE = 11;

/** Whether a task is there only because it is near the active ones. */
function isGhost(task) {
  return task.graphDepth > 0 && task.flowNums === '[]';
}

/** Whether the filter leaves something out. */
export function isDim(id) {
  if (!filter.active) return false;
  const node = model.nodes.get(id);
  if (!node) return false;
  if (node.kind === 'task') return !filter.fits(node.task);
  for (const {task} of tasksOf(node)) if (filter.fits(task)) return false;
  return true;
}

/** The state that something shows. */
export function stateOf(id) {
  const node = model.nodes.get(id);
  return node?.task?.state ?? node?.state ?? 'waiting';
}

/** What a node looks like: it is drawn anew when that is another. */
export function lookOf(id) {
  const node = model.nodes.get(id);
  const marks = `${selection.has(id)} ${isDim(id)}`;
  if (!node) return marks;
  if (node.kind !== 'task') return `${node.counts} ${node.badge} ${marks}`;
  const {task} = node;
  return `${look(task)} ${task.jobs.map(({state}) => state)} ${isGhost(task)} ${marks}`;
}

/** Say what a node is. */
export function wordsOf(id) {
  const node = model.nodes.get(id);
  if (!node) return '';
  if (node.kind !== 'task') {
    const counts = STATES.map((state, index) => [node.counts[index], state]).filter(([count]) => count);
    const what = node.kind === 'cycle' ? `cycle ${node.name}` : `${node.cycle}/${node.name}`;
    return `${what}, ${sizeOf(node)}: ${counts.map((count) => count.join(' ')).join(', ')}`;
  }
  const {task} = node;
  const job = lastJob(task);
  const parts = [`${task.cycle}/${task.name}`, inWords(task)];
  if (ran(job) !== null) parts.push(`${job.finishedTime ? 'ran' : 'runs for'} ${duration(ran(job))}`);
  if (task.jobs.length > 1) parts.push(`job ${task.jobs.length}`);
  return parts.join(', ');
}

function put(icon, x, y, size) {
  for (const [name, value] of Object.entries({x, y, width: size, height: size})) icon.setAttribute(name, value);
  return icon;
}

/**
 * Draw a node.
 * @param {string} id
 * @param {{width: number, height: number}} box
 */
export function drawNode(id, {width, height}) {
  const node = model.nodes.get(id);
  if (!node) {
    return svg('g', {class: 'join', data: {id}}, svg('circle', {cx: POINT / 2, cy: POINT / 2, r: POINT / 2}));
  }
  const kind = node.kind === 'task' ? 'task' : 'group';
  const classes = ['node', kind, `s-${stateOf(id)}`];
  if (selection.has(id)) classes.push('chosen');
  if (isDim(id)) classes.push('dim');
  if (node.task && isGhost(node.task)) classes.push('ghost');
  const card = svg('rect', {class: 'card', width, height, rx: 8});
  return svg('g', {class: classes.join(' '), data: {id}},
    ...(kind === 'task' ? taskParts(node, card, height) : groupParts(node, card, width, height)));
}

function taskParts({task, name, cycle}, card, height) {
  const middle = (height - ICON) / 2;
  const parts = [card, put(taskIcon(task, far(task)), 9, middle, ICON),
    svg('text', {class: 'name', x: 42, y: 19}, name),
    svg('text', {class: 'point', x: 42, y: 35}, cycle)];
  const shown = task.jobs.slice(-JOBS);
  const right = Number(card.getAttribute('width')) - 12;
  shown.forEach(({state}, index) => {
    parts.push(put(jobIcon(state), right - (shown.length - index) * (JOB_SIZE + 2) + 2, 26, JOB_SIZE));
  });
  return parts;
}

function groupParts(group, card, width, height) {
  const back = svg('rect', {class: 'card back', x: 4, y: -4, width, height, rx: 8});
  const below = group.kind === 'cycle' ? sizeOf(group) : `${group.cycle} · ${sizeOf(group)}`;
  return [back, card, put(stateIcon(group.state, group.badge), 9, 10, ICON),
    svg('text', {class: 'name', x: 42, y: 19}, group.kind === 'cycle' ? `cycle ${group.name}` : group.name),
    svg('text', {class: 'point', x: 42, y: 34}, below),
    ...bar(group, 42, 41, width - 42 - 14),
    opener(group.id, width - 19, 12, '+', 'Open')];
}

/** How many are in which state, as a bar of colours. */
function bar(group, x, y, width) {
  let at = x;
  const parts = [];
  STATES.forEach((state, index) => {
    const length = width * group.counts[index] / (group.total || 1);
    if (length) parts.push(svg('rect', {class: `share s-${state}`, x: at.toFixed(1), y, width: length.toFixed(1), height: 4}));
    at += length;
  });
  return parts;
}

function opener(id, x, y, sign, verb) {
  const cross = sign === '+' ? 'M-4 0H4M0-4V4' : 'M-4 0H4';
  return svg('g', {class: 'opener', transform: `translate(${x} ${y})`, data: {id}},
    svg('title', {}, `${verb} it`), svg('circle', {r: 11, class: 'room'}),
    svg('circle', {r: 8, class: 'ring'}), svg('path', {d: cross}));
}

/** The text above a box. */
export function labelOf(id) {
  const group = model.nodes.get(id);
  return group?.kind === 'cycle' ? `cycle ${group.name}` : group?.name ?? '';
}

/** Draw a box around what is in a group. */
export function drawBox(id, {x, y, width, height}) {
  const group = model.nodes.get(id);
  return svg('g', {class: `box ${group?.kind ?? ''}`, data: {id}, transform: `translate(${x} ${y})`},
    svg('rect', {class: 'frame', width, height, rx: 10}),
    opener(id, 19, 18, '−', 'Close'),
    svg('text', {class: 'title', x: 34, y: 23}, labelOf(id)));
}

/** The name of a box in its middle, as large as it can be; null if others are in it. */
export function drawFarLabel(id, {x, y, width, height}) {
  const group = model.nodes.get(id);
  const text = labelOf(id);
  if (!group || group.children[0]?.kind !== 'task') return null;
  const label = svg('text', {x: x + width / 2, y: y + height / 2}, text);
  label.style.setProperty('--most', `${Math.min(height * 0.6, width * 1.7 / Math.max(3, text.length))}px`);
  return label;
}
