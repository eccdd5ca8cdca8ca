// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Which workflows are shown, and in which order; kept in the URL after "#". */

import {glob} from './glob.js';
import {recall, remember} from './prefs.js';

const ORDER = 'hub.order';

/**
 * Make a test of workflows: a pattern must fit all of a name, other text a
 * part of the name or the title. With "!" before it, it must not.
 */
function matcher(word) {
  const not = word.startsWith('!') && word.length > 1;
  const text = (not ? word.slice(1) : word).toLowerCase();
  const pattern = glob(text);
  return ({name, title = ''}) => {
    const fits = pattern
      ? pattern.test(name) || name.split('/').some((part) => pattern.test(part))
      : `${name}\n${title}`.toLowerCase().includes(text);
    return fits !== not;
  };
}

class Choice {
  constructor() {
    this._listeners = new Set();
    this._take(this._read());
    addEventListener('hashchange', () => this._change(this._read()));
  }

  /** Call a function after each change. */
  subscribe(listener) {
    this._listeners.add(listener);
  }

  /** Whether anything is left out. */
  get active() {
    return Boolean(this.text || this.statuses.size);
  }

  /** Whether problems come first, or all goes by name. */
  get problemsFirst() {
    return recall(ORDER, 'problems') === 'problems';
  }

  set problemsFirst(wanted) {
    remember(ORDER, wanted ? 'problems' : 'name');
    this._tell();
  }

  /** Choose text. */
  type(text) {
    this._change({q: text, status: [...this.statuses].join(',')});
  }

  /** Choose what they do, or no longer. */
  toggle(status) {
    const statuses = new Set(this.statuses);
    if (!statuses.delete(status)) statuses.add(status);
    this._change({q: this.text, status: [...statuses].join(',')});
  }

  clear() {
    this._change({});
  }

  /** Whether a workflow is shown. */
  fits(row) {
    if (this.statuses.size && !this.statuses.has(row.status)) return false;
    return this._words.every((test) => test(row));
  }

  _read() {
    return Object.fromEntries(new URLSearchParams(location.hash.replace(/^#\??/, '')));
  }

  _take({q = '', status = ''}) {
    this.text = q;
    this.statuses = new Set(status.split(',').filter(Boolean));
    this._words = q.split(/\s+/).filter(Boolean).map(matcher);
  }

  _change(wish) {
    this._take(wish);
    const search = new URLSearchParams(
      Object.entries(wish).filter(([, value]) => value)).toString().replaceAll('%2C', ',').replaceAll('%2F', '/');
    const wanted = search ? `#?${search}` : '';
    if (location.hash !== wanted) history.replaceState(null, '', wanted || location.pathname + location.search);
    this._tell();
  }

  _tell() {
    for (const listener of this._listeners) listener();
  }
}

export const choice = new Choice();
