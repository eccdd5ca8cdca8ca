// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * One WebSocket which speaks graphql-transport-ws, and comes back by itself.
 *
 * Operations stay known while it is away, and are begun anew when it is back.
 */

/** Waits before each further try, in milliseconds. */
const WAITS = [300, 1000, 2000, 4000, 8000, 15000];

/** Say something at least this often, and expect an answer as soon. */
const PULSE = 15000;

export class Socket {
  /**
   * @param {string} url
   * @param {{state: (state: string, code?: number) => void}} listener - Told
   *   'connecting', 'live', 'lost' (with the code).
   */
  constructor(url, listener) {
    this._url = url;
    this._listener = listener;
    this._operations = new Map();
    this._number = 0;
    this._failures = 0;
    /** Whether it ever was live. */
    this.proven = false;
    this.live = false;
    this._open();
  }

  /**
   * Begin an operation.
   * @param {{query: string, variables?: object}} payload
   * @param {{next: (result: object) => void, end: () => void}} sink
   * @returns {() => void} What ends it.
   */
  follow(payload, sink) {
    const id = String(++this._number);
    this._operations.set(id, {payload, sink});
    if (this.live) this._send({type: 'subscribe', id, payload});
    return () => {
      if (this._operations.delete(id) && this.live) {
        this._send({type: 'complete', id});
      }
    };
  }

  /** Try now, not when the wait is over. */
  hurry() {
    if (this.live || this._closed) return;
    clearTimeout(this._timer);
    if (this._ws?.readyState !== WebSocket.CONNECTING) this._open();
  }

  /** End it for good. */
  close() {
    this._closed = true;
    clearTimeout(this._timer);
    clearTimeout(this._pulse);
    this._ws.close();
  }

  _open() {
    this._listener.state('connecting');
    const ws = new WebSocket(this._url, 'graphql-transport-ws');
    this._ws = ws;
    ws.onopen = () => this._send({type: 'connection_init'});
    ws.onmessage = (event) => this._take(JSON.parse(event.data));
    ws.onclose = (event) => {
      if (this._ws === ws) this._lost(event.code);
    };
  }

  _lost(code) {
    this.live = false;
    clearTimeout(this._pulse);
    if (this._closed) return;
    const wait = WAITS[Math.min(this._failures++, WAITS.length - 1)];
    // Spread, so that many pages do not come back in the same moment.
    this._timer = setTimeout(() => this._open(), wait * (0.7 + Math.random() * 0.6));
    this._listener.state('lost', code);
  }

  _take(message) {
    this._watch();
    const operation = this._operations.get(message.id);
    switch (message.type) {
      case 'connection_ack':
        this.live = this.proven = true;
        this._failures = 0;
        for (const [id, {payload}] of this._operations) {
          this._send({type: 'subscribe', id, payload});
        }
        this._listener.state('live');
        break;
      case 'ping':
        this._send({type: 'pong'});
        break;
      case 'next':
        operation?.sink.next(message.payload);
        break;
      case 'error':
        operation?.sink.next({errors: message.payload});
        // falls through: an error is the last of an operation
      case 'complete':
        if (this._operations.delete(message.id)) operation.sink.end();
        break;
    }
  }

  /** Notice a connection which is dead without having been closed. */
  _watch() {
    clearTimeout(this._pulse);
    this._pulse = setTimeout(() => {
      this._send({type: 'ping'});
      this._pulse = setTimeout(() => {
        const ws = this._ws;
        this._ws = null;
        ws.close();
        this._lost(4000);
      }, PULSE);
    }, PULSE);
  }

  _send(message) {
    if (this._ws.readyState === WebSocket.OPEN) {
      this._ws.send(JSON.stringify(message));
    }
  }
}
