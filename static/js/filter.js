// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Which tasks are shown; kept in the part of the URL after "#". */

import {MODIFIERS} from './states.js';
import {glob} from './glob.js';
import {model} from './model.js';

const FIELDS = new Map(MODIFIERS);

/**
 * Make a test of names: a pattern must fit all of a name, other text a part.
 * With "!" before it, it must not.
 */
function matcher(word) {
  const not = word.startsWith('!') && word.length > 1;
  const text = (not ? word.slice(1) : word).toLowerCase();
  const pattern = glob(text);
  return ({name, cycle}) => {
    const whole = text.includes('/') ? `${cycle}/${name}` : name;
    const fits = pattern ? pattern.test(whole) : whole.toLowerCase().includes(text);
    return fits !== not;
  };
}

/** Make a test of cycle points: globs, or first..last, with commas. */
function cycles(text) {
  const tests = text.split(',').map((part) => part.trim()).filter(Boolean).map((part) => {
    const range = /^(.*?)\.\.(.*)$/.exec(part);
    if (range) return (point) => within(point, range[1], range[2]);
    const pattern = glob(part);
    return (point) => (pattern ? pattern.test(point) : point === part || point.startsWith(part) && part.length > 3);
  });
  return (point) => tests.some((test) => test(point));
}

function within(point, first, last) {
  const value = (text) => (/^-?\d+$/.test(text) ? Number(text) : text);
  return (!first || value(point) >= value(first))
    && (!last || value(point) <= value(last) || point.startsWith(last));
}

class Filter {
  constructor() {
    this._listeners = new Set();
    this.set({}, true);
  }

  subscribe(listener) {
    this._listeners.add(listener);
  }

  /** Whether anything is left out. */
  get active() {
    return Boolean(this.states.size || this.modifiers.size || this.family || this.cycle || this.text);
  }

  /**
   * Choose.
   * @param {{state?: string, family?: string, cycle?: string, q?: string}} wish
   *   As in the URL.
   */
  set({state = '', family = '', cycle = '', q = ''}, quiet = false) {
    const words = state.split(',').filter(Boolean);
    this.modifiers = new Set(words.filter((word) => FIELDS.has(word)));
    this.states = new Set(words.filter((word) => !FIELDS.has(word)));
    Object.assign(this, {family, cycle, text: q});
    this._words = q.split(/\s+/).filter(Boolean).map(matcher);
    this._cycles = cycle.trim() ? cycles(cycle) : null;
    this._family = family ? glob(family.toLowerCase()) ?? {
      test: (name) => name.toLowerCase() === family.toLowerCase(),
    } : null;
    if (!quiet) for (const listener of this._listeners) listener();
  }

  /** The choice, as for the URL. */
  get() {
    const all = {
      state: [...this.states, ...this.modifiers].join(','),
      family: this.family, cycle: this.cycle, q: this.text,
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value));
  }

  /** Change a part of it. */
  change(part) {
    this.set({...this.get(), ...part});
  }

  /** Choose a state or a modifier, or no longer. */
  toggle(word) {
    const words = new Set([...this.states, ...this.modifiers]);
    if (!words.delete(word)) words.add(word);
    this.change({state: [...words].join(',')});
  }

  /** Whether a task is shown. */
  fits(task) {
    if (this.states.size && !this.states.has(task.state)) return false;
    for (const word of this.modifiers) if (!task[FIELDS.get(word)]) return false;
    if (this._cycles && !this._cycles(task.cycle)) return false;
    if (this._family && !model.lineage(task.name).some((name) => this._family.test(name))) {
      return false;
    }
    return this._words.every((test) => test(task));
  }
}

export const filter = new Filter();
