// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** One log as the server has it, of which parts are loaded when wanted. */

import {Refused, ask, url} from './transport.js';

/** How much (bytes) is loaded at once. */
export const PART = 262144;

/** How many lines are shown before the one that a link leads to. */
const BEFORE = 200;

const NEWLINE = 10;

/** The address of a log, or of a folder of logs. */
export function logUrl(id, search = '') {
  const path = id.split('/').map(encodeURIComponent).join('/');
  return url(`logs${path && '/'}${path}${search}`);
}

/**
 * Ask what is in a folder of logs; nothing is in one that there is not yet.
 * @param {string} id - For example `1/foo/01`.
 * @returns {Promise<{files: object[], folders: string[]}>}
 */
export async function listLogs(id) {
  const answer = await ask(logUrl(id, '?empty=1'), {headers: {Accept: 'application/json'}});
  await check(answer);
  return answer.json();
}

/** @throws {Refused} Where an answer is none. */
async function check(answer) {
  if (answer.ok) return;
  const problem = await answer.json().catch(() => null);
  throw new Refused(answer.status, problem?.detail ?? `${answer.status} ${answer.statusText}`);
}

/**
 * Lines as they were loaded.
 * @typedef {{lines: string[], rest: string}} Text - `rest` is the last line,
 *   as far as it has been written.
 */

export class LogFile {
  /** @param {string} id - For example `1/foo/01/job.out`. */
  constructor(id) {
    this.id = id;
    this._forget();
  }

  _forget() {
    /** What is loaded: from here, and up to there, in bytes. */
    this.start = this.end = 0;
    /** The number of the first line that is loaded; null if nobody knows. */
    this.first = null;
    this.size = 0;
    this._identity = null;
    this._rest = new Uint8Array();
  }

  /** Whether there is something before, or after, what is loaded. */
  get before() {
    return this.start > 0;
  }

  get after() {
    return this.end < this.size;
  }

  /**
   * Load the end, or what is around a line; what was loaded is forgotten.
   * @param {?number} line
   * @returns {Promise<Text>}
   */
  async open(line = null) {
    this._forget();
    const search = line
      ? `?line=${Math.max(1, line - BEFORE)}&most=${PART}`
      : `?tail=${PART}&number=1`;
    const answer = await this._fetch(search);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const number = answer.headers.get('Cylc-Log-Line');
    this.first = number && Number(number);
    this.start = this.end = Number(answer.headers.get('Cylc-Log-Offset'));
    this.size = Number(answer.headers.get('Cylc-Log-Size'));
    this._identity = answer.headers.get('Cylc-Log-ID');
    return this._append(bytes);
  }

  /** Load what is before; @returns {Promise<string[]>} */
  async earlier() {
    const from = Math.max(0, this.start - PART);
    const part = await this._range(from, this.start);
    if (!part) return null;
    let {bytes} = part;
    let dropped = 0;
    if (from > 0) {
      // It begins amid a line, which comes with the next part.
      dropped = bytes.indexOf(NEWLINE) + 1;
      bytes = bytes.subarray(dropped);
    }
    this.start = from + dropped;
    const {lines, rest} = split(bytes);
    if (rest.length) lines.push(decode(rest));
    if (this.first !== null) this.first -= lines.length;
    return lines;
  }

  /**
   * Load what comes next.
   * @returns {Promise<?Text>} null if it is another file by now.
   */
  async later() {
    if (!this.end) return this.open(1);
    // With one byte that is known: asking for nothing would be an error.
    const part = await this._range(this.end - 1, this.end + PART);
    return part && this._append(part.bytes.subarray(1));
  }

  async _range(from, to) {
    const answer = await this._fetch('', {Range: `bytes=${from}-${to - 1}`});
    const same = answer.headers.get('Cylc-Log-ID') === this._identity;
    if (answer.status !== 206 || !same) return null;
    const bytes = new Uint8Array(await answer.arrayBuffer());
    this.size = Number(answer.headers.get('Content-Range').split('/')[1]);
    return {bytes};
  }

  async _fetch(search, headers = {}) {
    const answer = await ask(logUrl(this.id, search), {
      cache: 'no-store', headers: {Accept: 'text/plain, application/json', ...headers},
    });
    if (answer.status !== 416) await check(answer);
    return answer;
  }

  _append(bytes) {
    this.end += bytes.length;
    this.size = Math.max(this.size, this.end);
    const {lines, rest} = split(join(this._rest, bytes));
    this._rest = rest;
    return {lines, rest: decode(rest)};
  }
}

function join(one, other) {
  if (!one.length) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** Cut bytes into lines; those after the last newline are the rest. */
function split(bytes) {
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  const rest = bytes.slice(end);
  if (!end) return {lines: [], rest};
  return {lines: decode(bytes.subarray(0, end - 1)).split('\n'), rest};
}

function decode(bytes) {
  return new TextDecoder().decode(bytes);
}
