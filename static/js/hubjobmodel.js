// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Jobs of the hub: orders them, and follows what becomes of them. */

import {call} from './hubrun.js';
import {announce} from './dom.js';
import {Refused} from './transport.js';
import {complain, notice} from './notices.js';

/** How often jobs are looked at, in milliseconds. */
const PACE = 1500;

/** How long a notice stays that nothing is wrong, in milliseconds. */
const STAYS = 6000;

const OVER = new Set(['succeeded', 'failed', 'timed out', 'cancelled']);

class Jobs {
  constructor() {
    /** By id, the newest first. */
    this.all = new Map();
    this._listeners = new Set();
    this._watchers = 0;
    /** Those of this page, of which the end is told. */
    this._own = new Set();
    this._timer = null;
  }

  /** Call a function after each change; @returns {() => void} What ends that. */
  subscribe(listener) {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  /** Keep them current from now on; @returns {() => void} What ends that. */
  watch() {
    this._watchers++;
    this._look();
    return () => {
      this._watchers--;
    };
  }

  /** How many are not over. */
  get busy() {
    return [...this.all.values()].filter(isBusy).length;
  }

  /** Take note of jobs which this page has ordered. */
  own(jobs) {
    for (const job of jobs) this._own.add(job.id);
    this.take(jobs);
    this._look();
  }

  async _look() {
    clearTimeout(this._timer);
    try {
      const {jobs} = await call('jobs');
      this.all.clear();
      this.take(jobs);
    } catch (error) {
      // The mark of the page says so already. Without a session there is no use in asking.
      if (error instanceof Refused && error.status === 401) return;
    }
    clearTimeout(this._timer);
    if (this._own.size || this._watchers) this._timer = setTimeout(() => this._look(), PACE);
  }

  /** Take note of what has become of some. */
  take(jobs) {
    for (const job of jobs) {
      this.all.set(job.id, job);
      if (!isBusy(job) && this._own.delete(job.id)) tellEnd(job);
    }
    const sorted = [...this.all.values()].sort((one, other) => other.time - one.time);
    this.all = new Map(sorted.map((job) => [job.id, job]));
    for (const listener of this._listeners) listener();
  }
}

export const jobs = new Jobs();

/** Whether a job is not over yet. */
export function isBusy({state}) {
  return !OVER.has(state);
}

/** What a job does, in words. */
export function titleOf({command, workflow}) {
  return `${command.replaceAll('+', ', ')} ${workflow}`;
}

/**
 * Order something of the hub.
 * @param {object} wish - As POST /jobs takes it.
 * @returns {Promise<{jobs: object[]}>} The jobs that it has made of it.
 */
export async function order(wish) {
  const {jobs: made} = await call('jobs', wish);
  jobs.own(made);
  return {jobs: made};
}

/** Take a job out of the queue, or end its command. */
export async function cancel(job) {
  try {
    await call(`jobs/${job.id}/cancel`, {});
  } catch (error) {
    complain(error.message);
  }
}

function tellEnd(job) {
  const text = `${titleOf(job)}: ${job.state}${job.text && job.state !== 'succeeded' ? ` – ${job.text}` : ''}`;
  if (job.state !== 'succeeded') {
    complain(text);
    return;
  }
  const made = notice(text);
  made.classList.add('is-succeeded');
  announce(text);
  setTimeout(() => made.remove(), STAYS);
}
