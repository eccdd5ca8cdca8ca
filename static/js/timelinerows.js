// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The rows of the timeline, and the bars in them: one for each job. */

import {filter} from './filter.js';
import {model} from './model.js';
import {INDEX, ofGroup} from './states.js';
import {mean} from './cells.js';
import {store} from './store.js';

/** Jobs which are not at their end. */
const ACTIVE = new Set(['waiting', 'preparing', 'submitted', 'running']);

/** Jobs at the same time are below each other, in at most so many lanes. */
const MOST_LANES = 6;

/**
 * One job: since when it was queued, since when it ran, until when; times in
 * milliseconds, or null where there is none.
 * @typedef {{id: string, job: object, node: object, queued: ?number,
 *   started: ?number, ended: ?number, begin: number, active: boolean,
 *   mean: ?number, lane: number, lanes: number}} Bar
 *   `lane` of so many `lanes`, where there are several at the same time.
 */

/** A row: one task, or all tasks of a name. */
export class Line {
  constructor(key, name, grouped) {
    Object.assign(this, {key, name, grouped, nodes: [], bars: [], lanes: 1, untimed: 0, stale: true});
  }

  /** The task whose job is the newest. */
  get lead() {
    return this.bars.at(-1)?.node ?? this.nodes.at(-1);
  }

  /** The state of all of it. */
  get state() {
    const counts = new Array(INDEX.size).fill(0);
    for (const {task} of this.nodes) counts[INDEX.get(task.state) ?? 0]++;
    return ofGroup(counts);
  }

  /** Read the jobs again, if any may have changed. */
  read() {
    if (!this.stale) return;
    this.stale = false;
    this.untimed = 0;
    const bars = [];
    for (const node of this.nodes) {
      for (const job of node.task.jobs) {
        const bar = barOf(job, node);
        if (bar) bars.push(bar);
        else this.untimed++;
      }
    }
    this.bars = bars.sort((one, other) => one.begin - other.begin);
    this._lanes();
    this.begin = bars.length ? bars[0].begin : Infinity;
    this.last = -Infinity;
    this.expected = -Infinity;
    this.active = false;
    for (const bar of bars) {
      this.active ||= bar.active;
      this.last = Math.max(this.last, bar.ended ?? bar.started ?? bar.begin);
      this.expected = Math.max(this.expected, expectedEnd(bar) ?? -Infinity);
    }
  }

  /** Put each bar into the first lane which is free. */
  _lanes() {
    this.lanes = 1;
    let [ends, together, until] = [[], [], -Infinity];
    const close = () => {
      for (const bar of together) bar.lanes = ends.length;
      this.lanes = Math.max(this.lanes, ends.length);
    };
    for (const bar of this.bars) {
      if (bar.begin >= until) {
        close();
        [ends, together] = [[], []];
      }
      let lane = ends.findIndex((end) => end <= bar.begin);
      if (lane < 0) lane = ends.length < MOST_LANES ? ends.length : ends.indexOf(Math.min(...ends));
      ends[lane] = bar.active ? Infinity : bar.ended ?? bar.started ?? bar.begin;
      until = Math.max(until, ends[lane]);
      bar.lane = lane;
      together.push(bar);
    }
    close();
  }
}

/** Read the times of a job; null if it has none, as some of simulated ones. */
function barOf(job, node) {
  const [queued, started, ended] = [job.submittedTime, job.startedTime, job.finishedTime].map(moment);
  const begin = queued ?? started ?? ended;
  if (begin === null) return null;
  return {
    id: job.id, job, node, queued, started, ended, begin,
    active: ended === null && ACTIVE.has(job.state), mean: mean(node.task), lane: 0, lanes: 1,
  };
}

function moment(text) {
  const value = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(value) ? null : value;
}

/** When a running job ends if it takes as long as others did, or null. */
export function expectedEnd({active, started, mean: seconds}) {
  return active && started !== null && seconds ? started + seconds * 1000 : null;
}

/** Whether nothing happens any more. */
export function stopped() {
  return store.shutdown || store.workflow?.status === 'stopped';
}

/** What is now; of a workflow that has stopped, when it did. */
export function present() {
  const heard = store.workflow?.lastUpdated;
  return stopped() && heard ? heard * 1000 : Date.now();
}

/** How rows can be sorted. */
export const ORDERS = {
  first: (one, other) => one.begin - other.begin || byName(one, other),
  last: (one, other) => newest(other) - newest(one) || byName(one, other),
  name: byName,
};

function newest(line) {
  return line.bars.length ? line.bars.at(-1).begin : -Infinity;
}

function byName(one, other) {
  const [first, second] = [one.nodes[0], other.nodes[0]];
  if (first.key !== second.key) return first.key < second.key ? -1 : 1;
  return first.cycleKey < second.cycleKey ? -1 : 1;
}

/** All rows, kept from one time to the next so that little is read anew. */
export class Lines {
  constructor() {
    this._known = new Map();
    /** How many jobs each task had. */
    this._jobs = new Map();
    /** The row of each task, by its id. */
    this.of = new Map();
    this.all = [];
    /** How many tasks, of those that the filter leaves, have no job. */
    this.idle = 0;
  }

  /**
   * Make them anew: tasks have come or gone, or got a first job.
   * @param {'name'|'task'} by - What a row is.
   * @param {'first'|'last'|'name'} order
   */
  arrange(by, order) {
    const before = this._known;
    this._known = new Map();
    this.of = new Map();
    this._jobs = new Map();
    this.idle = 0;
    for (const node of model.nodes.values()) {
      if (node.kind !== 'task' || !filter.fits(node.task)) continue;
      if (!node.task.jobs.length) this.idle++;
      else this._put(node, by === 'name', before);
    }
    for (const line of this._known.values()) {
      const {nodes, was} = line;
      if (nodes.length !== was.length || nodes.some((node, index) => node !== was[index])) line.stale = true;
      line.was = null;
      line.read();
    }
    this.all = [...this._known.values()].sort(ORDERS[order]);
  }

  _put(node, grouped, before) {
    const key = grouped ? node.name : node.id;
    let line = this._known.get(key);
    if (!line) {
      line = before.get(key) ?? new Line(key, node.name, grouped);
      line.was = line.nodes;
      line.nodes = [];
      this._known.set(key, line);
    }
    line.nodes.push(node);
    this._jobs.set(node.id, node.task.jobs.length);
    this.of.set(node.id, line);
  }

  /**
   * Note that tasks or their jobs have changed.
   * @param {Set<string>} ids
   * @param {?Set<string>} keys - To which the keys of their rows are added.
   * @returns {boolean} Whether a row has to come, to go, or to be elsewhere.
   */
  touch(ids, keys) {
    let moved = filter.active;
    for (const id of ids) {
      const node = model.nodes.get(id);
      if (node?.kind !== 'task') continue;
      moved ||= node.task.jobs.length !== (this._jobs.get(id) ?? 0);
      const line = this.of.get(id);
      if (!line) continue;
      line.stale = true;
      keys?.add(line.key);
    }
    return moved;
  }

  /** From when until when there is something. */
  extent(now) {
    const found = {first: Infinity, last: -Infinity, expected: -Infinity};
    for (const line of this.all) {
      line.read();
      found.first = Math.min(found.first, line.begin);
      found.last = Math.max(found.last, line.active ? now : line.last);
      found.expected = Math.max(found.expected, line.expected);
    }
    return found;
  }
}
