// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What is selected: ids of tasks, families and cycles. */

class Selection {
  constructor() {
    this._ids = new Set();
    this._listeners = new Set();
    /** The last one that was chosen, from which a range goes. */
    this.anchor = null;
  }

  subscribe(listener) {
    this._listeners.add(listener);
  }

  get size() {
    return this._ids.size;
  }

  get ids() {
    return [...this._ids];
  }

  has(id) {
    return this._ids.has(id);
  }

  /** Select what is not, and the other way round. */
  toggle(id) {
    if (!this._ids.delete(id)) this._ids.add(id);
    this.anchor = id;
    this._tell();
  }

  /** Select these as well. */
  add(ids) {
    for (const id of ids) this._ids.add(id);
    this._tell();
  }

  clear() {
    if (!this._ids.size) return;
    this._ids.clear();
    this.anchor = null;
    this._tell();
  }

  /** Let go of what is no longer there. */
  keep(exists) {
    const gone = this.ids.filter((id) => !exists(id));
    for (const id of gone) this._ids.delete(id);
    if (gone.length) this._tell();
  }

  _tell() {
    for (const listener of this._listeners) listener(this);
  }
}

export const selection = new Selection();
