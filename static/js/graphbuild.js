// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * What the graph consists of: nodes, boxes around them, and edges.
 *
 * A group of tasks is a box, or is closed into one node which stands for all
 * of them; edges of tasks are then edges of that node.
 */

import {filter} from './filter.js';
import {join} from './graphjoin.js';
import {model} from './model.js';

/** Sizes in pixels. */
export const TASK_HEIGHT = 44;
export const GROUP_HEIGHT = 52;
export const ICON = 26;
const LEFT = 42;
const RIGHT = 14;
const LEAST = 96;
const JOB_SPACE = 46;
const NAME = '600 14px system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif';
const SMALL = '12px system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif';

/**
 * @typedef {{families: 'boxes'|'closed'|'none', cycles: boolean, hide: boolean,
 *   direction: 'RIGHT'|'DOWN', toggled: Set<string>}} Options
 *   `toggled` are names of groups which are not as all others are.
 * @typedef {{id: string, parent: ?string, width: number, height: number, join?: boolean}} Node
 * @typedef {{nodes: Map<string, Node>, boxes: Map<string, {id: string, parent: ?string}>,
 *   edges: [string, string][], signature: string, stands: Map<string, string>}} Graph
 *   `stands` has, for each task, the node that stands for it.
 */

const pen = document.createElement('canvas').getContext('2d');
const widths = new Map();

function measure(text, font) {
  const key = font + text;
  let width = widths.get(key);
  if (width === undefined) {
    pen.font = font;
    widths.set(key, width = pen.measureText(text).width);
  }
  return width;
}

/** What stands below the name of a closed group. */
export function sizeOf(group) {
  return `${group.total.toLocaleString('en')} task${group.total === 1 ? '' : 's'}`;
}

/** Whether a group is one node. */
export function isClosed(group, {families, toggled}) {
  const usual = group.kind === 'family' && families === 'closed';
  return usual !== toggled.has(keyOf(group));
}

/** By what a group is known: families are the same in all cycles. */
export function keyOf(group) {
  return group.kind === 'cycle' ? `${group.name}/` : group.name;
}

/** Whether groups of a kind are seen at all. */
function isShown(group, {families, cycles}) {
  return group.kind === 'cycle' ? cycles : group.kind === 'family' && families !== 'none';
}

/**
 * Find what is to be drawn.
 * @param {Iterable<[string, string]>} edges - Between tasks.
 * @param {Options} options
 * @returns {Graph}
 */
export function build(edges, options) {
  const graph = {nodes: new Map(), boxes: new Map(), edges: [], signature: '', stands: new Map()};
  collect(model.root, null, graph, options);
  const seen = new Set();
  for (const [from, to] of edges) {
    const [source, target] = [graph.stands.get(from), graph.stands.get(to)];
    const key = `${source}|${target}`;
    if (!source || !target || source === target || seen.has(key)) continue;
    seen.add(key);
    graph.edges.push([source, target]);
  }
  join(graph, (id) => model.nodes.get(id).parent.id);
  graph.signature = signatureOf(graph);
  return graph;
}

/** Go down the tree, in its order, so that equal graphs are built equally. */
function collect(group, box, graph, options) {
  for (const child of group.children) {
    if (child.kind === 'task') {
      if (options.hide && !filter.fits(child.task)) continue;
      graph.nodes.set(child.id, {id: child.id, parent: box, ...taskSize(child)});
      graph.stands.set(child.id, child.id);
    } else if (!isShown(child, options)) collect(child, box, graph, options);
    else if (isClosed(child, options)) close(child, box, graph, options);
    else {
      graph.boxes.set(child.id, {id: child.id, parent: box});
      const before = graph.nodes.size;
      collect(child, child.id, graph, options);
      if (graph.nodes.size === before) graph.boxes.delete(child.id);
    }
  }
}

function close(group, box, graph, options) {
  let any = false;
  for (const task of tasksOf(group)) {
    if (options.hide && !filter.fits(task.task)) continue;
    graph.stands.set(task.id, group.id);
    any = true;
  }
  if (any) graph.nodes.set(group.id, {id: group.id, parent: box, ...groupSize(group)});
}

/** All tasks of a group, however deep. */
export function* tasksOf(group) {
  for (const child of group.children) {
    if (child.kind === 'task') yield child;
    else yield* tasksOf(child);
  }
}

function taskSize({name, cycle}) {
  const text = Math.max(measure(name, NAME), measure(cycle, SMALL) + JOB_SPACE);
  return {width: Math.ceil(Math.max(LEAST, LEFT + text + RIGHT)), height: TASK_HEIGHT};
}

function groupSize({name, cycle, kind}) {
  const below = kind === 'cycle' ? '10,000 tasks' : `${cycle} · 10,000 tasks`;
  const text = Math.max(measure(name, NAME), measure(below, SMALL));
  return {width: Math.ceil(Math.max(LEAST, LEFT + text + RIGHT + 18)), height: GROUP_HEIGHT};
}

/** Equal for graphs which are laid out alike. */
function signatureOf({nodes, boxes, edges}) {
  const parts = [];
  for (const {id, parent} of nodes.values()) parts.push(id, parent);
  for (const {id, parent} of boxes.values()) parts.push('[', id, parent);
  for (const [source, target] of edges) parts.push(source, '>', target);
  return parts.join('\n');
}
