// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What was done in this browser, and what became of it. */

import {announce, el} from './dom.js';
import {timeElement} from './format.js';
import {notice} from './notices.js';
import {ofWorkflow, recall, remember} from './prefs.js';

/** So many are kept. */
const MOST = 200;

/** How long a notice stays, in milliseconds; failures stay until dismissed. */
const STAYS = 6000;

const WORDS = {
  sent: 'sent', accepted: 'waiting for the scheduler', succeeded: 'succeeded', warnings: 'done, with warnings',
  failed: 'failed', dropped: 'dropped: the scheduler stopped', refused: 'refused', lost: 'outcome not known',
};

const UNDECIDED = new Set(['sent', 'accepted']);

class Journal {
  constructor() {
    this.entries = null;
    // Another window has written: its entries are to be kept.
    addEventListener('storage', ({key}) => {
      if (!key || key.endsWith(ofWorkflow('done'))) this.entries = null;
    });
  }

  /** Note that a command is being sent. */
  begin(label, targets, args) {
    this._read();
    const entry = {
      id: Math.random(), time: Date.now() / 1000, command: inASentence(label), targets: targets.slice(0, 20),
      count: targets.length, args: Object.keys(args).length ? JSON.stringify(args) : '',
      state: 'sent', text: '',
    };
    this.entries.unshift(entry);
    this.entries.length = Math.min(this.entries.length, MOST);
    this._notice(entry);
    this._changed(entry);
    return entry;
  }

  /** Note that the scheduler will do it. */
  accepted(entry) {
    entry.state = 'accepted';
    this._changed(entry);
  }

  /** Note what became of it. */
  end(entry, {state, text}) {
    Object.assign(entry, {state, text: text ?? ''});
    this._changed(entry);
    announce(sentence(entry));
    if (state === 'succeeded') setTimeout(() => entry.notice?.remove(), STAYS);
  }

  /** Forget all. */
  clear() {
    this.entries = [];
    this._keep();
  }

  /** Make the list of all of it. */
  list() {
    this._read();
    if (!this.entries.length) return el('p', {class: 'dim'}, 'Nothing yet.');
    return el('ol', {class: 'journal'}, ...this.entries.map((entry) => el('li', {class: `is-${entry.state}`},
      timeElement(entry.time), ' ', el('b', {}, title(entry)), ' ',
      el('span', {class: 'outcome'}, WORDS[entry.state] ?? entry.state),
      entry.text ? el('span', {class: 'dim'}, ` ${entry.text}`) : null,
      entry.args ? el('code', {}, entry.args) : null)));
  }

  _read() {
    // What was not decided when its page was left, nobody waits for any more.
    this.entries ??= recall(ofWorkflow('done'), []).map((entry) => (
      UNDECIDED.has(entry.state) ? {...entry, state: 'lost'} : entry));
  }

  _notice(entry) {
    Object.defineProperty(entry, 'notice', {value: notice(), enumerable: false});
  }

  _write(entry) {
    entry.notice.className = `notice is-${entry.state}`;
    entry.notice.firstChild.textContent = sentence(entry);
  }

  _changed(entry) {
    this._write(entry);
    this._read();
    const place = this.entries.findIndex(({id}) => id === entry.id);
    if (place >= 0) this.entries[place] = entry;
    this._keep();
  }

  _keep() {
    remember(ofWorkflow('done'), this.entries);
  }
}

/** Write a command's label as it is amid a sentence. */
function inASentence(label) {
  return label.charAt(0).toLowerCase() + label.slice(1).replace(/…$/, '');
}

function title({command, targets, count}) {
  const shown = targets.slice(0, 3).join(' ');
  return `${command} ${shown}${count > 3 ? ` and ${count - 3} more` : ''}`.trim();
}

function sentence(entry) {
  const text = entry.text && entry.state !== 'succeeded' ? ` – ${entry.text}` : '';
  return `${title(entry)}: ${WORDS[entry.state] ?? entry.state}${text}`;
}

export const journal = new Journal();
