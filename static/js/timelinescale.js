// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Which part of time is seen, and where in it a moment is. Milliseconds. */

import {ahead} from './format.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The shortest and the longest part of time that can be seen. */
const SHORTEST = 2 * SECOND;
const LONGEST = 40 * 365 * DAY;

/** What is left free beside all jobs, and behind the present, as parts. */
const MARGIN = 0.02;
const FUTURE = 0.12;

/** No more than this part of what was is shown of what is expected. */
const EXPECTED = 0.4;

/** Pixels between ticks, at least. */
const APART = 78;

const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((number) => number * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((number) => number * MINUTE),
  ...[1, 2, 3, 6, 12].map((number) => number * HOUR),
  DAY, 2 * DAY, 7 * DAY,
];
const MONTHS = [1, 3, 6, 12, 24, 60, 120];

/** A Monday, to which weeks are counted. */
const MONDAY = 4 * DAY;

const NAMES = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const WEEKDAYS = 'Sun Mon Tue Wed Thu Fri Sat'.split(' ');

export class Scale {
  /**
   * @param {{mode?: 'fit'|'follow'|'free', span?: number, from?: number}} wish
   *   "fit" shows all there is, "follow" the last while, "free" stays.
   */
  constructor({mode = 'fit', span = HOUR, from = 0} = {}) {
    Object.assign(this, {mode, from: from || 0, width: 1});
    this.to = this.from + (span > 0 ? span : HOUR);
  }

  get span() {
    return this.to - this.from;
  }

  /** What is to be remembered. */
  get wish() {
    const {mode, span, from} = this;
    return {mode, span: Math.round(span), from: Math.round(from)};
  }

  x(moment) {
    return (moment - this.from) / this.span * this.width;
  }

  moment(x) {
    return this.from + x / this.width * this.span;
  }

  /**
   * Go on with time, and with what there is.
   * @param {{first: number, last: number, expected: number}} extent - Of all jobs.
   * @param {number} now
   */
  settle(extent, now) {
    if (this.mode === 'fit') this._fit(extent, now);
    else if (this.mode === 'follow') {
      const {span} = this;
      this.to = now + span * FUTURE;
      this.from = this.to - span;
    } else this._hold(extent, now);
  }

  _fit({first, last, expected}, now) {
    if (!(first < Infinity)) {
      this.from = now - HOUR;
      this.to = now;
      return;
    }
    const end = Math.max(last, Math.min(expected, last + (last - first) * EXPECTED));
    const room = Math.max(end - first, 10 * SECOND);
    this.from = first - room * MARGIN;
    this.to = first + room * (1 + 2 * MARGIN);
  }

  /** Stay where there is something to be seen. */
  _hold({first, last}, now) {
    const {span} = this;
    const [low, high] = [Math.min(first, now) - span * 0.9, Math.max(last, now) + span * 0.9];
    if (this.from < low) this.from = low;
    if (this.from + span > high) this.from = high - span;
    this.to = this.from + span;
  }

  /** Show so much of time; a moment stays where it is. */
  zoom(factor, x) {
    const span = Math.min(LONGEST, Math.max(SHORTEST, this.span * factor));
    if (this.mode === 'follow') {
      this.from = this.to - span;
      return;
    }
    const held = this.moment(x);
    this.mode = 'free';
    this.from = held - x / this.width * span;
    this.to = this.from + span;
  }

  pan(pixels) {
    const by = pixels / this.width * this.span;
    this.mode = 'free';
    this.from += by;
    this.to += by;
  }

  /** Follow the present, with so much of the past. */
  follow(span = this.span) {
    this.mode = 'follow';
    this.from = this.to - span;
  }

  fit() {
    this.mode = 'fit';
  }
}

/**
 * Where the lines of a scale are, and what stands at them.
 * @param {Scale} scale
 * @returns {{ticks: {x: number, text: string}[], eras: {x: number, text: string}[]}}
 *   `eras` are the days, months or years in which the ticks are.
 */
export function ticksOf(scale) {
  const shift = ahead(scale.from);
  const least = APART / scale.width * scale.span;
  const step = STEPS.find((one) => one >= least);
  const x = (shifted) => scale.x(shifted - shift);
  const [from, to] = [scale.from + shift, scale.to + shift];
  if (!step) {
    const months = MONTHS.find((one) => one * 30 * DAY >= least) ?? MONTHS.at(-1);
    const ticks = monthly(from, to, months, (date) => (months < 12 ? NAMES[date.getUTCMonth()] : String(date.getUTCFullYear())));
    const eras = months < 12 ? monthly(from, to, 12, (date) => String(date.getUTCFullYear()), true) : [];
    return placed(ticks, eras, x);
  }
  const base = step === 7 * DAY ? MONDAY : 0;
  const ticks = [];
  for (let at = Math.ceil((from - base) / step) * step + base; at <= to; at += step) {
    ticks.push({at, text: label(new Date(at), step)});
  }
  const eras = step < DAY ? daily(from, to)
    : monthly(from, to, 1, (date) => `${NAMES[date.getUTCMonth()]} ${date.getUTCFullYear()}`, true);
  return placed(ticks, eras, x);
}

function placed(ticks, eras, x) {
  return {
    ticks: ticks.map(({at, text}) => ({x: x(at), text})),
    eras: eras.map(({at, text}) => ({x: x(at), text})),
  };
}

function label(date, step) {
  if (step >= DAY) return `${NAMES[date.getUTCMonth()]} ${date.getUTCDate()}`;
  return date.toISOString().slice(11, step < MINUTE ? 19 : 16);
}

/** The days in view, the first from before it. */
function daily(from, to) {
  const days = [];
  for (let at = Math.floor(from / DAY) * DAY; at <= to; at += DAY) {
    const date = new Date(at);
    days.push({
      at, text: `${WEEKDAYS[date.getUTCDay()]}, ${NAMES[date.getUTCMonth()]} ${date.getUTCDate()}, ${date.getUTCFullYear()}`,
    });
  }
  return days;
}

/** First days of months; with `before`, also that before the view. */
function monthly(from, to, months, text, before = false) {
  const found = [];
  const start = new Date(from);
  const first = start.getUTCFullYear() * 12 + start.getUTCMonth();
  for (let month = Math.floor(first / months) * months; ; month += months) {
    const at = Date.UTC(Math.floor(month / 12), month % 12);
    if (at > to) return found;
    if (before || at >= from) found.push({at, text: text(new Date(at))});
  }
}
