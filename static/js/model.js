// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * The tree of cycles, families and tasks, kept current by difference.
 *
 * Each group counts what is below it: a task that changes its state is taken
 * out of the counts of its groups and put in again, and nothing else is done.
 */

import {INDEX, MODIFIERS, ofGroup} from './states.js';
import {natural} from './format.js';
import {nameOf, store} from './store.js';

class Group {
  constructor(kind, id, name, cycle, parent) {
    Object.assign(this, {kind, id, name, cycle, parent});
    this.key = natural(name);
    this.depth = parent ? parent.depth + 1 : 0;
    this.members = new Map();
    this.counts = new Array(INDEX.size).fill(0);
    this.modified = new Array(MODIFIERS.length).fill(0);
    this.total = 0;
    this._sorted = null;
  }

  /** What is right below, families first, sorted as people count. */
  get children() {
    this._sorted ??= [...this.members.values()].sort(
      (one, other) => (one.kind === 'task') - (other.kind === 'task')
        || (one.key < other.key ? -1 : 1),
    );
    return this._sorted;
  }

  get state() {
    return ofGroup(this.counts);
  }

  /** The modifier that all of it has, as far as it could. */
  get badge() {
    const held = this.modified[0];
    return held && held === this.total ? 'held' : '';
  }

  put(member) {
    this.members.set(member.id, member);
    this._sorted = null;
  }

  drop(member) {
    this.members.delete(member.id);
    this._sorted = null;
  }
}

class Model {
  constructor() {
    this._listeners = new Set();
    this._empty();
    store.subscribe((changes) => this._take(changes));
  }

  /**
   * Call a function after each frame's changes.
   * @param {(news: {structure: boolean, changed: Set<string>, workflow: boolean}) => void} listener
   *   `structure` says that something has come or gone; `changed` are ids of
   *   tasks and groups.
   */
  subscribe(listener) {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  /** Names of families which have tasks now. */
  families() {
    const names = new Set();
    for (const node of this.nodes.values()) if (node.kind === 'family') names.add(node.name);
    return [...names].sort();
  }

  /** Names of all families of a task, the nearest first, without root. */
  lineage(name) {
    let known = this._lineages.get(name);
    if (known) return known;
    known = [];
    let parent = store.definitions.get(name)?.firstParent;
    while (parent) {
      const family = nameOf(parent.id);
      if (family === 'root' || known.includes(family)) break;
      known.push(family);
      parent = store.families.get(family)?.firstParent;
    }
    this._lineages.set(name, known);
    return known;
  }

  _empty() {
    this.root = new Group('root', '', '', '', null);
    this.root.depth = -1;
    /** Groups and tasks by id. */
    this.nodes = new Map();
    this._lineages = new Map();
  }

  _take(changes) {
    const news = {structure: false, changed: new Set(changes.tasks), workflow: changes.workflow};
    if (changes.reset || changes.definitions) {
      this._empty();
      news.structure = true;
      for (const task of store.tasks.values()) this._add(task, news);
    } else {
      for (const id of changes.tasks) this._one(id, news);
    }
    for (const id of changes.jobs) news.changed.add(id.slice(0, id.lastIndexOf('/')));
    for (const listener of this._listeners) listener(news);
  }

  _one(id, news) {
    const task = store.tasks.get(id);
    const node = this.nodes.get(id);
    if (!node && task) this._add(task, news);
    else if (node && !task) this._remove(node, news);
    else if (node) {
      this._count(node, -1, news);
      node.task = task;
      this._count(node, 1, news);
    }
  }

  _add(task, news) {
    const group = this._place(task);
    const node = {
      kind: 'task', id: task.id, name: task.name, cycle: task.cycle, task,
      key: natural(task.name), cycleKey: natural(task.cycle), depth: group.depth + 1, parent: group, as: null,
    };
    group.put(node);
    this.nodes.set(node.id, node);
    news.structure = true;
    this._count(node, 1, news);
  }

  _remove(node, news) {
    this._count(node, -1, news);
    news.structure = true;
    this.nodes.delete(node.id);
    let group = node.parent;
    group.drop(node);
    while (group.parent && !group.members.size) {
      this.nodes.delete(group.id);
      group.parent.drop(group);
      group = group.parent;
    }
  }

  /** Find, or make, the groups that a task belongs to. */
  _place({id, cycle, name}) {
    const base = id.slice(0, id.lastIndexOf('/'));
    let group = this._group('cycle', base, cycle, cycle, this.root);
    for (const family of [...this.lineage(name)].reverse()) {
      group = this._group('family', `${base}/${family}`, family, cycle, group);
    }
    return group;
  }

  _group(kind, id, name, cycle, parent) {
    let group = this.nodes.get(id);
    if (!group) {
      group = new Group(kind, id, name, cycle, parent);
      parent.put(group);
      this.nodes.set(id, group);
    }
    return group;
  }

  /** Count a task in all its groups, or take it out as it went in. */
  _count(node, sign, news) {
    if (sign > 0) {
      node.as = {
        index: INDEX.get(node.task.state) ?? 0,
        modified: MODIFIERS.map(([, field]) => (node.task[field] ? 1 : 0)),
      };
    }
    const {index, modified} = node.as;
    for (let group = node.parent; group; group = group.parent) {
      group.total += sign;
      group.counts[index] += sign;
      for (let i = 0; i < modified.length; i++) group.modified[i] += sign * modified[i];
      news.changed.add(group.id);
    }
  }
}

export const model = new Model();
