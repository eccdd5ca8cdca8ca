// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The workflows that there are, as the hub tells of them. */

/**
 * @typedef {{name: string, id: string, owner: string, level: string,
 *   status: string, may: Set<string>, version?: string, title?: string,
 *   totals?: object, words?: string, host?: string, link?: string,
 *   connected?: boolean, problem?: string}} Row
 */

class Store {
  constructor() {
    /** @type {Map<string, Row>} By name. */
    this.rows = new Map();
    this._sets = new Map();
    this._listeners = new Set();
  }

  /** Call a function after each change. */
  subscribe(listener) {
    this._listeners.add(listener);
  }

  /** Take a message of the list: all of it, or what has changed. */
  take({type, may, rows, gone}) {
    if (type === 'all') {
      this.rows.clear();
      this._sets.clear();
    }
    for (const [number, operations] of Object.entries(may)) {
      this._sets.set(Number(number), new Set(operations));
    }
    for (const {row, may: number} of rows) {
      this.rows.set(row.name, {...row, may: this._sets.get(number)});
    }
    for (const name of gone) this.rows.delete(name);
    this._tell();
  }

  /** Take all as it is told to who asks for it. */
  load(workflows) {
    this.rows = new Map(workflows.map((row) => [row.name, {...row, may: new Set(row.operations)}]));
    this._tell();
  }

  _tell() {
    for (const listener of this._listeners) listener();
  }
}

export const store = new Store();
