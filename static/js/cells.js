// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Cells of rows: what tree and table show of a task in the same way. */

import {el, unseen} from './dom.js';
import {between, duration, time, timeElement} from './format.js';
import {jobIcon, progress, stateIcon, taskIcon} from './icons.js';
import {inWords, modifier} from './states.js';
import {nameOf, store} from './store.js';
import {selection} from './select.js';
import {mayAny} from './rights.js';

/** A row of something: its task and newest job are looked up when drawn. */
export class Item {
  constructor(fields) {
    Object.assign(this, fields);
  }

  get task() {
    return this.node?.task ?? null;
  }

  /** Its job, if it is one; or the newest job of its task. */
  get job() {
    return this.own ?? (this.task && lastJob(this.task));
  }
}

/** The newest job of a task. */
export function lastJob(task) {
  return task.jobs.at(-1);
}

/** Seconds that a task takes, as far as that is known. */
export function mean(task) {
  return store.definitions.get(task.name)?.meanElapsedTime || null;
}

/** How far a task is, in sixteenths. */
export function far(task) {
  return task.state === 'running' ? progress(lastJob(task), mean(task)) : null;
}

/** What the icon of a task depends on. */
export function look(task) {
  return `${task.state} ${modifier(task)} ${far(task) ?? ''} ${task.isQueued}`;
}

/** The icon of a task, with its state in words. */
export function taskMark(task) {
  const words = inWords(task);
  return el('span', {class: 'mark', title: words}, taskIcon(task, far(task)), unseen(`${words}:`));
}

/** The icon of a family or a cycle. */
export function groupMark(group) {
  return el('span', {class: 'mark', title: group.state},
    stateIcon(group.state, group.badge), unseen(`${group.state}:`));
}

/** Jobs as squares, the newest last; more than fit are a number. */
export function jobMarks(task, most = 6) {
  const shown = task.jobs.slice(-most);
  const left = task.jobs.length - shown.length;
  const words = task.jobs.map((job) => `job ${job.submitNum} ${job.state}`).join(', ');
  return [el('span', {class: 'jobs', title: words},
    left ? el('span', {class: 'dim'}, `+${left}`) : null,
    ...shown.map((job) => jobIcon(job.state)), unseen(words))];
}

/** A box to tick, for the selection. */
export function tick(id, label) {
  const on = selection.has(id);
  return el('span', {class: `tick${on ? ' on' : ''}`, title: `Select ${label} (space)`, 'aria-hidden': 'true'});
}

/** The button which gives the menu of a row. */
export function more(label) {
  if (!mayAny()) return null;
  return el('button', {
    class: 'more', type: 'button', tabindex: -1, 'aria-label': `Actions on ${label}`, title: 'Actions (m)',
  }, '⋯');
}

/** Run time so far, or in all. */
export function ran(job) {
  return job ? between(job.startedTime, job.finishedTime) : null;
}

const timed = (field) => ({
  value: ({job}) => (job ? time(job[field]).text : ''),
  draw: ({job}) => [job ? timeElement(job[field]) : null],
});

/** The columns that show a job; the item has it as `job`, or null. */
export const JOB_COLUMNS = [
  {id: 'platform', label: 'Platform', class: 'wide', value: ({job}) => job?.platform ?? ''},
  {id: 'jobid', label: 'Job id', class: 'wide num', value: ({job}) => (job?.jobId ?? '')},
  {id: 'submitted', label: 'Submitted', class: 'wide num', ...timed('submittedTime')},
  {id: 'started', label: 'Started', class: 'started num', ...timed('startedTime')},
  {id: 'finished', label: 'Finished', class: 'middle num', ...timed('finishedTime')},
  {
    id: 'ran', label: 'Run time', class: 'ran num',
    value: ({job, task}) => `${duration(ran(job))}|${usual(task)}`,
    draw: ({task}, value) => [el('span', {title: usual(task)}, value.split('|')[0])],
  },
];

function usual(task) {
  const seconds = task ? mean(task) : null;
  return seconds ? `mean ${duration(seconds)}` : '';
}

/** The name of the nearest family of a task, or ''. */
export function familyOf(task) {
  const parent = store.definitions.get(task.name)?.firstParent;
  const name = parent ? nameOf(parent.id) : '';
  return name === 'root' ? '' : name;
}
