// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Times, durations and names, as they are written for people. */

import {el} from './dom.js';

/** Minutes by which the workflow's time zone is ahead of UTC, or null. */
let offset = null;

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/**
 * Say in which time zone to write times.
 * @param {?{hours: number, minutes: number}} zone - `timeZoneInfo`.
 */
export function setZone(zone) {
  offset = zone ? (zone.hours ?? 0) * 60 + (zone.minutes ?? 0) : null;
}

/** Write the time zone of the workflow; '' if it is not known. */
export function zoneName() {
  if (offset === null) return '';
  if (offset === 0) return 'UTC';
  const size = Math.abs(offset);
  const part = (number) => String(number).padStart(2, '0');
  return `${offset < 0 ? '−' : '+'}${part(Math.floor(size / 60))}:${part(size % 60)}`;
}

/** By how many milliseconds the workflow's clock is ahead of UTC. */
export function ahead(milliseconds) {
  return (offset ?? -new Date(milliseconds).getTimezoneOffset()) * 60000;
}

/** The fields of a moment on the workflow's clock. */
function onItsClock(moment) {
  const milliseconds = moment.getTime();
  return new Date(milliseconds + ahead(milliseconds)).toISOString();
}

/**
 * Write a moment.
 * @param {string|number|Date|null} value - ISO 8601, or seconds since 1970.
 * @returns {{text: string, title: string}} On the workflow's clock; and, for
 *   the hover, in full and on the reader's.
 */
export function time(value) {
  if (!value) return {text: '', title: ''};
  const moment = new Date(typeof value === 'number' ? value * 1000 : value);
  if (Number.isNaN(moment.getTime())) return {text: String(value), title: ''};
  const iso = onItsClock(moment);
  const [day, clock] = [iso.slice(0, 10), iso.slice(11, 19)];
  const today = onItsClock(new Date()).slice(0, 10);
  const short = `${MONTHS[Number(day.slice(5, 7)) - 1]} ${Number(day.slice(8))}`;
  return {
    text: day === today ? clock : `${short} ${clock.slice(0, 5)}`,
    title: `${day} ${clock} ${zoneName()}\n${moment.toLocaleString()} (here)`,
  };
}

/** Write a moment as an element, with the local time on hover. */
export function timeElement(value) {
  const {text, title} = time(value);
  if (!text) return null;
  return el('time', {title}, text);
}

/** Write a number of seconds. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || seconds < 0) return '';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  const two = (number) => String(number).padStart(2, '0');
  if (minutes < 60) return `${minutes}:${two(rest)} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}:${two(minutes % 60)} h`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Seconds between two moments; the second may be "now". */
export function between(start, end) {
  if (!start) return null;
  const last = end ? Date.parse(end) : Date.now();
  return Math.max(0, (last - Date.parse(start)) / 1000);
}

/** Write how long ago a moment (in milliseconds) was. */
export function ago(milliseconds) {
  const seconds = (Date.now() - milliseconds) / 1000;
  return seconds < 3 ? 'now' : `${duration(seconds)} ago`;
}

/** Write a number with its noun. */
export function plural(number, noun) {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

/**
 * Turn a name into a key by which plain comparison sorts as people count.
 * Examples: t2 comes before t10; cycle 9 before cycle 10.
 */
export function natural(text) {
  return text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, '0'));
}
