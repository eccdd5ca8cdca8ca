// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * Where dots are: a matrix of tasks and cycles, or bands which wrap.
 *
 * The matrix is Cylc 7's dot view. Where there are few cycles it would be a
 * long line, so each cycle becomes a band, in which families follow each
 * other and dots wrap.
 */

import {filter} from './filter.js';
import {model} from './model.js';
import {natural} from './format.js';

/** Sizes in pixels. */
export const PITCH = 20;
export const LINE = 20;
const MARGIN = 10;
const HEADING = 30;

/** Bands are chosen by themselves where they are shorter by so much. */
const DENSER = 2;

/**
 * @typedef {{y: number, height: number, label: string, heading: boolean,
 *   labelX: number, cells: {x: number, id: string}[]}} Line
 * @typedef {{lines: Line[], width: number, height: number, left: number,
 *   top: number, columns: {x: number, text: string}[]}} Layout
 */

/**
 * Place all dots which the filter leaves.
 * @param {{clientWidth: number, clientHeight: number}} room - Of the view.
 * @param {'auto'|'matrix'|'bands'} wish
 * @param {(text: string) => number} measure - The width of a text.
 * @returns {Layout}
 */
export function layout({clientWidth: width, clientHeight: height}, wish, measure) {
  const tasks = [...model.nodes.values()].filter(({kind, task}) => kind === 'task' && filter.fits(task));
  const cycles = new Map(tasks.map((node) => [node.cycle, node.cycleKey]));
  const points = [...cycles].sort((one, other) => (one[1] < other[1] ? -1 : 1)).map(([point]) => point);
  if (wish === 'bands') return bands(tasks, points, width);
  const wide = matrix(tasks, points, width, measure);
  if (wish === 'matrix' || wide.height <= height) return wide;
  const dense = bands(tasks, points, width);
  return dense.height * DENSER < wide.height ? dense : wide;
}

/** Families as a path, so that what belongs together is together. */
function familyOf(node) {
  return [...model.lineage(node.name)].reverse().join(' / ');
}

function matrix(tasks, points, width, measure) {
  const names = new Map();
  for (const node of tasks) {
    const row = names.get(node.name) ?? {family: familyOf(node), key: node.key, cells: new Map()};
    row.cells.set(node.cycle, node.id);
    names.set(node.name, row);
  }
  const rows = [...names].sort(([, one], [, other]) => compare(
    [natural(one.family), one.key], [natural(other.family), other.key]));
  const longest = Math.max(0, ...rows.map(([name]) => measure(name)));
  const left = Math.min(longest + MARGIN * 2 + 8, Math.max(120, width * 0.4));
  const pointWidth = Math.max(0, ...points.map(measure));
  const tall = pointWidth > PITCH - 2;
  const top = (tall ? Math.min(pointWidth, 130) : 12) + 12;
  const columns = points.map((text, index) => ({x: left + index * PITCH, text, tall}));
  const lines = [];
  let [y, family] = [top, null];
  for (const [name, row] of rows) {
    if (row.family !== family && row.family) {
      lines.push({y, height: LINE, label: row.family, heading: true, labelX: MARGIN, cells: []});
      y += LINE;
    } else if (row.family !== family && family !== null) y += LINE / 2;
    family = row.family;
    const cells = columns.filter(({text}) => row.cells.has(text)).map(({x, text}) => ({x, id: row.cells.get(text)}));
    lines.push({y, height: LINE, label: name, heading: false, labelX: MARGIN + (family ? 8 : 0), cells});
    y += LINE;
  }
  return {lines, columns, left, top, height: y + MARGIN, width: left + points.length * PITCH + MARGIN};
}

function bands(tasks, points, width) {
  const byCycle = new Map(points.map((point) => [point, new Map()]));
  for (const node of tasks) {
    const families = byCycle.get(node.cycle);
    const family = familyOf(node);
    if (!families.has(family)) families.set(family, []);
    families.get(family).push(node);
  }
  const across = Math.max(1, Math.floor((width - MARGIN * 2) / PITCH));
  const lines = [];
  let y = 0;
  for (const [point, families] of byCycle) {
    const size = [...families.values()].reduce((sum, nodes) => sum + nodes.length, 0);
    lines.push({y, height: HEADING, label: `${point}   ·   ${size}`, heading: true, labelX: MARGIN, cells: []});
    y += HEADING;
    for (const [family, nodes] of [...families].sort((one, other) => compare([natural(one[0])], [natural(other[0])]))) {
      if (family) {
        lines.push({y, height: LINE, label: `${family}   ${nodes.length}`, heading: false, labelX: MARGIN, cells: []});
        y += LINE;
      }
      nodes.sort((one, other) => (one.key < other.key ? -1 : 1));
      for (let start = 0; start < nodes.length; start += across) {
        const cells = nodes.slice(start, start + across).map(({id}, index) => ({x: MARGIN + index * PITCH, id}));
        lines.push({y, height: LINE, label: '', heading: false, labelX: 0, cells});
        y += LINE;
      }
      y += 4;
    }
  }
  return {lines, columns: [], left: 0, top: 0, height: y + MARGIN, width: 0};
}

function compare(one, other) {
  for (let place = 0; place < one.length; place++) {
    if (one[place] !== other[place]) return one[place] < other[place] ? -1 : 1;
  }
  return 0;
}

/** The first line whose end is below a height. */
export function lineAt(lines, y) {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle].y + lines[middle].height <= y) low = middle + 1;
    else high = middle;
  }
  return low;
}
