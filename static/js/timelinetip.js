// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What there is to say of a job, in words: on hover, and for screen readers. */

import {el} from './dom.js';
import {ahead, duration, plural, time} from './format.js';
import {expectedEnd, present} from './timelinerows.js';

/** Seconds that a job was queued, or null. */
function queued({queued: from, started, ended, active}) {
  if (from === null) return null;
  const until = started ?? ended ?? (active ? present() : null);
  return until === null ? null : (until - from) / 1000;
}

/** Seconds that it ran, or null. */
function ran({started, ended, active}) {
  if (started === null) return null;
  const until = ended ?? (active ? present() : null);
  return until === null ? null : Math.max(0, until - started) / 1000;
}

/** What stands in a bar, or behind it. */
export function label(bar, grouped) {
  if (grouped) return bar.job.submitNum > 1 ? `${bar.node.cycle} ×${bar.job.submitNum}` : bar.node.cycle;
  const seconds = ran(bar);
  const parts = [bar.node.task.jobs.length > 1 ? `${bar.job.submitNum}:` : '', seconds === null ? bar.job.state : duration(seconds)];
  return parts.filter(Boolean).join(' ');
}

/** Say all of a job in a sentence. */
export function inWords(bar) {
  const {job, node} = bar;
  const parts = [`${node.cycle}/${node.name}, job ${job.submitNum}, ${job.state}`];
  for (const [what, when, long] of moments(bar)) {
    parts.push(`${what} ${text(when)}${long ? `, ${long}` : ''}`);
  }
  return parts.join('; ');
}

/** What happened when, and how long it took. */
function moments(bar) {
  const {active, started, ended, mean} = bar;
  const rows = [];
  const [wait, run] = [queued(bar), ran(bar)];
  if (bar.queued !== null) rows.push(['submitted', bar.queued, wait === null ? '' : `queued ${started === null && active ? 'for ' : ''}${duration(wait)}`]);
  if (started !== null) rows.push(['started', started, run === null ? '' : `${active ? 'running for' : 'ran'} ${duration(run)}`]);
  if (ended !== null) rows.push(['finished', ended, '']);
  const expected = expectedEnd(bar);
  if (expected !== null) {
    const left = (expected - present()) / 1000;
    const rest = left < 0 ? `overdue by ${duration(-left)}` : `in ${duration(left)}`;
    rows.push(['expected', expected, `${rest} (mean ${duration(mean)})`]);
  } else if (mean && run !== null) rows.push(['', null, `mean ${duration(mean)}`]);
  return rows;
}

function text(milliseconds) {
  return milliseconds === null ? '' : time(milliseconds / 1000).text;
}

function here(milliseconds) {
  return milliseconds === null ? '' : new Date(milliseconds).toLocaleTimeString();
}

/** Fill the tip of a job. */
export function draw(tip, bar) {
  const {job, node} = bar;
  const rows = moments(bar);
  const local = ahead(bar.begin) !== -new Date(bar.begin).getTimezoneOffset() * 60000;
  const where = [job.platform, job.jobRunnerName, job.jobId].filter(Boolean).join(' · ');
  const submits = node.task.jobs.length > 1 ? ` of ${node.task.jobs.length}` : '';
  tip.replaceChildren(
    el('b', {}, `${node.cycle}/${node.name}`),
    el('div', {}, `job ${job.submitNum}${submits}: ${job.state}`),
    el('table', {}, ...rows.map(([what, when, long]) => el('tr', {},
      el('th', {}, what), el('td', {}, text(when)), local ? el('td', {class: 'here'}, when === null ? '' : `${here(when)} here`) : null,
      el('td', {}, long)))),
    where ? el('div', {class: 'where'}, where) : '',
  );
}

/** Say what is in a row. */
export function ofLine(line) {
  const {bars, untimed, grouped} = line;
  const none = untimed ? `${plural(untimed, 'job')} without times` : '';
  if (!grouped) return [...bars.map((bar) => inWords(bar)), none].filter(Boolean).join('. ');
  const counts = new Map();
  for (const {job: {state}} of bars) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts].map(([state, count]) => `${count} ${state}`);
  return [`${plural(bars.length, 'job')}${parts.length ? `: ${parts.join(', ')}` : ''}`, none].filter(Boolean).join('; ');
}
