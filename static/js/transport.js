// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * How the page talks with the server: queries, commands, subscriptions.
 *
 * Subscriptions go over one WebSocket. Where none comes about although the
 * server is there (a proxy may be in the way), they go as server-sent events,
 * and where these do not come through either, by asking again and again.
 */

import {Socket} from './socket.js';
import {stream} from './stream.js';

/** Time between two questions where nothing is pushed, in milliseconds. */
const POLL = 5000;

/** What a status of the server's means to a reader. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The URL of something of the server's: all are relative to the page. */
export function url(path) {
  return new URL(`./${path}`, document.baseURI).href;
}

/**
 * Fetch, and say in plain words if there is no answer at all.
 * @returns {Promise<Response>}
 */
export async function ask(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    throw new Error('the server cannot be reached', {cause: error});
  }
}

/** Headers which prove that a request comes from our own page. */
export function proof() {
  const name = document.body.dataset.csrfCookie || '_xsrf';
  for (const one of document.cookie.split(/;\s*/)) {
    if (one.startsWith(`${name}=`)) return {'X-XSRFToken': one.slice(name.length + 1)};
  }
  return {};
}

/**
 * Ask, or command.
 * @param {string} query - A document of GraphQL.
 * @param {object} [variables]
 * @returns {Promise<object>} The data.
 * @throws {Refused} With what the server says of it.
 */
export async function query(query, variables = {}) {
  const answer = await ask(url('graphql'), {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json', Accept: 'application/json', ...proof(),
    },
    body: JSON.stringify({query, variables}),
  });
  const text = await answer.text();
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    // No JSON: the status has to do.
  }
  if (body.errors?.length) throw new Refused(answer.status, body.errors[0].message);
  if (!answer.ok) throw new Refused(answer.status, `${answer.status} ${answer.statusText}`);
  return body.data;
}

/** @typedef {'connecting'|'live'|'polling'|'offline'|'refused'} Mark */

class Transport {
  constructor() {
    /** @type {Mark} */
    this.mark = 'connecting';
    /** When something was last heard, in milliseconds. */
    this.heard = Date.now();
    /** Why something was refused, if it was. */
    this.reason = '';
    this._listeners = new Set();
    this._way = 'socket';
    this._socket = null;
    this._followed = new Set();
    addEventListener('online', () => this._socket?.hurry());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this._socket?.hurry();
    });
  }

  /** Call a function whenever the mark changes. */
  subscribe(listener) {
    this._listeners.add(listener);
  }

  /**
   * Follow a subscription for as long as it lasts, whatever the connection.
   * @param {string} document
   * @param {object} variables
   * @param {(result: {data?: object, errors?: object[]}) => void} next
   * @param {() => void} [end]
   * @param {() => Promise<object>} [poll] - Asks for the same, as a result.
   * @param {object} [resume] - Where to go on from; {} is from now. After a
   *   loss it goes on from the last result.
   * @returns {() => void} What ends it.
   */
  follow(document, variables, next, end = () => {}, poll = null, resume = null) {
    const payload = {query: document, variables};
    if (resume) payload.extensions = {resume};
    const one = {
      payload, poll, stop: null,
      sink: {
        next: (result) => {
          this.heard = Date.now();
          if (result.extensions?.resume) payload.extensions.resume = result.extensions.resume;
          next(result);
        },
        end: () => {
          this._followed.delete(one);
          end();
        },
      },
    };
    this._followed.add(one);
    this._begin(one);
    return () => {
      this._followed.delete(one);
      one.stop?.();
    };
  }

  /** Ask again and again, and keep the mark by whether answers come. */
  poll(ask, next, every = POLL) {
    let timer = null;
    let ended = false;
    const once = async () => {
      try {
        const result = await ask();
        if (ended) return;
        this.heard = Date.now();
        this._set('polling');
        next(result);
      } catch (error) {
        this._set(refusal(error) ? 'refused' : 'offline');
      }
      if (!ended) timer = setTimeout(once, every);
    };
    once();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }

  /** An operation was refused, for whatever reason: say so where it is seen. */
  trouble(message) {
    this.reason = message;
    this._set('refused');
  }

  _begin(one) {
    if (this._way === 'socket') {
      this._socket ??= new Socket(
        url('subscriptions').replace(/^http/, 'ws'),
        {state: (state, code) => this._state(state, code)},
      );
      one.stop = this._socket.follow(one.payload, one.sink);
    } else if (this._way === 'stream') {
      one.stop = stream(url('graphql/stream'), one.payload, proof(), one.sink, {
        live: () => this._set('live'),
        lost: (proven) => this._streamLost(proven),
      });
    } else if (one.poll) {
      one.stop = this.poll(one.poll, one.sink.next);
    }
  }

  _state(state, code) {
    if (state === 'live') this._set('live');
    if (state !== 'lost') return;
    if (code === 4403 || code === 4401) {
      this._set('refused');
      this._socket.close();
      return;
    }
    if (this.mark !== 'refused') this._set('offline');
    this._probe(this._socket.proven, 'stream');
  }

  _streamLost(proven) {
    this._set('offline');
    this._probe(proven, 'poll');
  }

  /** See whether the server is there: then it is this way that is blocked. */
  async _probe(proven, next) {
    try {
      await query('{workflows {status}}');
    } catch (error) {
      if (refusal(error)) this._set('refused');
      return;
    }
    if (!proven && this._way !== next) this._change(next);
  }

  /** Go another way with all that is followed. */
  _change(way) {
    this._way = way;
    for (const one of this._followed) one.stop?.();
    this._socket?.close();
    for (const one of this._followed) this._begin(one);
  }

  _set(mark) {
    if (this.mark === mark) return;
    this.mark = mark;
    for (const listener of this._listeners) listener(mark);
  }
}

function refusal(error) {
  return error instanceof Refused && (error.status === 401 || error.status === 403);
}

export const transport = new Transport();

/** Follow a subscription: see {@link Transport.follow}. */
export function follow(...args) {
  return transport.follow(...args);
}
