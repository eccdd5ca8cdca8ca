// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What workflows do: in which order it matters, and how it is drawn. */

import {svg} from './dom.js';

/** What they do, what needs somebody first. */
export const STATUSES = [
  'crashed', 'unreachable', 'stalled', 'stopping', 'paused', 'running', 'stopped', 'installed',
];

/** Those of a workflow whose scheduler runs, or should. */
const ACTIVE = new Set(['unreachable', 'stalled', 'stopping', 'paused', 'running']);

const RANK = new Map(STATUSES.map((status, index) => [status, index * 2]));

/** Between the stalled ones and those that are all right. */
const FAILING = RANK.get('stalled') + 1;

/** Whether its scheduler runs, as far as anybody knows. */
export function isActive({status}) {
  return ACTIVE.has(status);
}

/** How many of its tasks have failed. */
function failures({totals}) {
  return (totals?.failed ?? 0) + (totals?.['submit-failed'] ?? 0);
}

/** The place of a workflow where problems come first. */
export function rank(row) {
  const own = RANK.get(row.status) ?? 0;
  return isActive(row) && failures(row) ? Math.min(own, FAILING) : own;
}

/** Whether it is among the problems. */
export function isProblem(row) {
  return rank(row) <= FAILING;
}

/** Say what a workflow does, and what is wrong. */
export function inWords({status, words, problem}) {
  const told = !words || words === status ? status : words.startsWith(status) ? words : `${status}: ${words}`;
  return problem && !told.includes(problem) ? `${told}: ${problem}` : told;
}

const RING = ['circle', {cx: 50, cy: 50, r: 40, class: 'line', 'stroke-width': 9}];
const DISC = ['circle', {cx: 50, cy: 50, r: 45, class: 'fill'}];
const line = (d) => ['path', {d, class: 'line', 'stroke-width': 11}];
const cut = (d) => ['path', {d, class: 'cut', 'stroke-width': 12}];
const fill = (d) => ['path', {d, class: 'fill'}];

const SHAPES = {
  running: [RING, fill('M40 29V71L74 50Z')],
  paused: [RING, line('M40 34V66M60 34V66')],
  stopping: [RING, fill('M36 36H64V64H36Z')],
  stalled: [DISC, cut('M50 26V54M50 71V73')],
  crashed: [DISC, cut('M34 34 66 66M66 34 34 66')],
  unreachable: [RING, line('M34 66 66 34')],
  stopped: [fill('M18 18H82V82H18Z')],
  installed: [['rect', {x: 21, y: 21, width: 58, height: 58, class: 'line', 'stroke-width': 9}]],
};

/** Draw what a workflow does; words beside it have to say it too. */
export function statusIcon(status) {
  return svg('svg', {class: `icon w-${status}`, viewBox: '0 0 100 100', 'aria-hidden': 'true'},
    ...(SHAPES[status] ?? [RING]).map((shape) => svg(...shape)));
}
