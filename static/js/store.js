// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * The page's copy of the workflow, kept by deltas.
 *
 * A burst and all deltas after it give what a fresh query would give. Who
 * listens is told once per frame which ids have changed, however many deltas
 * came in between.
 */

/** @typedef {{reset: boolean, workflow: boolean, definitions: boolean,
 *   tasks: Set<string>, jobs: Set<string>}} Changes */

/** Kinds of elements in a delta, and the name of our map for each. */
const KINDS = {
  families: 'families',
  tasks: 'definitions',
  taskProxies: 'tasks',
  jobs: 'jobs',
};

class Store {
  constructor() {
    this.workflow = null;
    /** Whether the workflow has told that it stops. */
    this.shutdown = false;
    /** Definitions of families and of tasks, by name. */
    this.families = new Map();
    this.definitions = new Map();
    /** Tasks (proxies) and jobs, by id. A task holds its `jobs`, in order. */
    this.tasks = new Map();
    this.jobs = new Map();
    this._listeners = new Set();
    this._changes = nothing();
    this._due = false;
  }

  /**
   * Call a function with the changes, once per frame.
   * @param {(changes: Changes) => void} listener
   * @returns {() => void} What ends it.
   */
  subscribe(listener) {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  /** Take one answer of the subscription `deltas`. */
  apply({added, updated, pruned, shutdown}) {
    if (shutdown) {
      this.shutdown = true;
      this._changes.workflow = true;
    }
    if (added?.workflow?.reloaded || updated?.workflow?.reloaded) this._clear();
    this._take(added, replace);
    this._take(updated, merge);
    this._prune(pruned);
    this._schedule();
  }

  /** Take a whole state in place of what there was. */
  load(added) {
    this._clear();
    this.apply({added});
  }

  /** Take what is known of the workflow itself, and nothing else. */
  note(fields) {
    this.workflow = {...this.workflow, ...fields};
    this._changes.workflow = true;
    this._schedule();
  }

  _clear() {
    for (const name of Object.values(KINDS)) this[name].clear();
    this._changes.reset = true;
    this.shutdown = false;
  }

  _take(delta, put) {
    if (!delta) return;
    if (delta.workflow) {
      this.workflow = {...this.workflow, ...present(delta.workflow)};
      this._changes.workflow = true;
    }
    for (const [kind, name] of Object.entries(KINDS)) {
      for (const fields of delta[kind] ?? []) {
        const key = keyOf(kind, fields.id);
        const before = this[name].get(key);
        const parent = before?.firstParent?.id;
        if (!put(this[name], key, kind === 'taskProxies' ? task(fields, before) : fields)) continue;
        this._changed(kind, key, parent);
        if (kind === 'jobs' && this.jobs.get(key) !== before) this._adopt(key);
      }
    }
  }

  /** Give a new job to its task. */
  _adopt(id) {
    const job = this.jobs.get(id);
    const parent = this.tasks.get(id.slice(0, id.lastIndexOf('/')));
    if (!job || !parent) return;
    job.submitNum = Number(id.slice(id.lastIndexOf('/') + 1));
    parent.jobs = [...parent.jobs.filter((known) => known.id !== id), job]
      .sort((one, other) => one.submitNum - other.submitNum);
  }

  _prune(pruned) {
    for (const [kind, name] of Object.entries(KINDS)) {
      for (const id of pruned?.[kind] ?? []) {
        const key = keyOf(kind, id);
        if (!this[name].delete(key)) continue;
        if (kind === 'jobs') this._orphan(key);
        this._changed(kind, key, null);
      }
    }
  }

  _orphan(id) {
    const parent = this.tasks.get(id.slice(0, id.lastIndexOf('/')));
    if (parent) parent.jobs = parent.jobs.filter((job) => job.id !== id);
  }

  /** Note a change; of definitions, only one of the families' structure. */
  _changed(kind, key, parent) {
    if (kind === 'taskProxies') this._changes.tasks.add(key);
    else if (kind === 'jobs') this._changes.jobs.add(key);
    else if (this[KINDS[kind]].get(key)?.firstParent?.id !== parent) {
      this._changes.definitions = true;
    }
  }

  _schedule() {
    if (this._due) return;
    this._due = true;
    // Frames stop in a hidden page, but its title is to be right.
    if (document.hidden) setTimeout(() => this._emit(), 1000);
    else requestAnimationFrame(() => this._emit());
  }

  /** Tell what has changed now, not with the next frame. */
  flush() {
    if (this._due) this._emit();
  }

  _emit() {
    if (!this._due) return;
    const changes = this._changes;
    this._changes = nothing();
    this._due = false;
    for (const listener of this._listeners) listener(changes);
  }
}

/** Put an element in the place of what there was of that key. */
function replace(map, key, fields) {
  map.set(key, fields);
  return true;
}

/**
 * Put the fields that are given into an element that is known.
 * @returns {boolean} Whether that has changed anything.
 */
function merge(map, key, fields) {
  const known = map.get(key);
  if (!known) return false;
  let changed = false;
  for (const [name, value] of Object.entries(fields)) {
    changed ||= typeof value !== 'object' && known[name] !== value;
    known[name] = value;
  }
  return changed;
}

/** @returns {Changes} */
function nothing() {
  return {
    reset: false, workflow: false, definitions: false,
    tasks: new Set(), jobs: new Set(),
  };
}

/** Definitions are known by their names, all else by its id. */
function keyOf(kind, id) {
  return kind === 'families' || kind === 'tasks' ? nameOf(id) : id;
}

/** The name at the end of an id such as `~me/flow//$namespace|FAMILY`. */
export function nameOf(id) {
  return id.slice(Math.max(id.lastIndexOf('|'), id.lastIndexOf('/')) + 1);
}

/** Read the cycle point and the name off the id of a task. */
function task(fields, before) {
  if (before) {
    const {jobs, cycle, name} = before;
    return {jobs, cycle, name, ...fields};
  }
  const parts = fields.id.split('/');
  return {jobs: [], cycle: parts.at(-2), name: parts.at(-1), ...fields};
}

function present(fields) {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null),
  );
}

export const store = new Store();
