// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * Follows the list of workflows: by a WebSocket which comes back by itself
 * or, where none comes about, by asking again and again.
 */

import {Refused, ask, url} from './transport.js';

/** Waits before each further try, in milliseconds. */
const WAITS = [300, 1000, 2000, 4000, 8000, 15000];

/** The hub gives a sign of life more often than this, in milliseconds. */
const SILENCE = 60000;

/** Time between two questions where nothing is pushed. */
const POLL = 5000;

/** What ends a session, or changes what somebody may do. */
const FORBIDDEN = new Set([4401, 4403]);

export class List {
  /**
   * @param {{take: (message: object) => void, load: (rows: object[]) => void,
   *   mark: (mark: import('./transport.js').Mark) => void}} listener
   */
  constructor(listener) {
    this._listener = listener;
    this._failures = 0;
    this._proven = false;
    /** When something was last heard, in milliseconds. */
    this.heard = Date.now();
    addEventListener('online', () => this.hurry());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.hurry();
    });
    this._open();
  }

  /** Try now, not when the wait is over. */
  hurry() {
    if (this._ws || this._refused) return;
    clearTimeout(this._timer);
    this._open();
  }

  _open() {
    const ws = new WebSocket(url('list').replace(/^http/, 'ws'), 'cylc-list.json');
    this._ws = ws;
    ws.onmessage = ({data}) => {
      if (this._ws === ws) this._take(JSON.parse(data));
    };
    ws.onclose = ({code}) => {
      if (this._ws === ws) this._lost(code);
    };
  }

  _take(message) {
    this._failures = 0;
    this._proven = true;
    this.heard = Date.now();
    clearTimeout(this._watch);
    this._watch = setTimeout(() => this._drop(), SILENCE);
    if (message.rows) this._listener.take(message);
    this._listener.mark('live');
  }

  /** Give up a connection which is dead without having been closed. */
  _drop() {
    this._ws.close();
    this._lost(4000);
  }

  async _lost(code) {
    this._ws = null;
    clearTimeout(this._watch);
    if (FORBIDDEN.has(code)) {
      // It may be that more or less may be done than before, no worse.
      this._failures = Math.max(this._failures, 1);
    }
    const wait = WAITS[Math.min(this._failures++, WAITS.length - 1)];
    this._timer = setTimeout(() => this._open(), this._polls ? POLL : wait * (0.7 + Math.random() * 0.6));
    await this._ask();
  }

  /** See whether the hub is there, and how all is. */
  async _ask() {
    try {
      const answer = await ask(url('workflows'), {headers: {Accept: 'application/json'}});
      if (answer.status === 401 || answer.status === 403) throw new Refused(answer.status, '');
      if (!answer.ok) throw new Error(answer.statusText);
      const {workflows} = await answer.json();
      if (this._ws?.readyState === WebSocket.OPEN) return;
      this.heard = Date.now();
      this._polls = !this._proven;
      this._listener.load(workflows);
      this._listener.mark(this._proven ? 'connecting' : 'polling');
    } catch (error) {
      if (error instanceof Refused) {
        this._refused = true;
        clearTimeout(this._timer);
        this._ws?.close();
      }
      this._listener.mark(error instanceof Refused ? 'refused' : 'offline');
    }
  }
}
