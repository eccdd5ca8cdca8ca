// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What can be done with workflows, when, and what it needs. */

import {includes} from './documents.js';
import {isActive} from './hubstatus.js';
import {may} from './hubrights.js';

/** Whether a workflow does this, as far as the reader may know. */
function is(row, ...statuses) {
  return statuses.includes(row.status) || (row.status === 'running' && !includes(row.level, 'full-read'));
}

const runs = (row) => isActive(row);
const rests = (row) => !isActive(row);

/**
 * @typedef {{key: string, label: string, operation: string, when: (row: object) => boolean,
 *   job?: boolean, mutation?: string, args?: object, types?: object, ask?: string,
 *   danger?: boolean}} Command
 *   `job` says that Cylc's own command does it, `mutation` that the scheduler is told.
 * @type {Command[]}
 */
export const COMMANDS = [
  {key: 'play', label: 'Play…', operation: 'play', when: rests, job: true},
  {key: 'pause', label: 'Pause', operation: 'pause', when: (row) => is(row, 'running', 'stalled'), mutation: 'pause'},
  {key: 'resume', label: 'Resume', operation: 'resume', when: (row) => is(row, 'paused'), mutation: 'resume'},
  {key: 'stop', label: 'Stop…', operation: 'stop', when: runs, job: true, danger: true},
  {
    key: 'hold', label: 'Hold all tasks…', operation: 'hold', when: runs, mutation: 'hold',
    ask: 'All tasks that are active now are held: they submit no further jobs until they are released.',
    args: {tasks: ['*']}, types: {tasks: '[NamespaceIDGlob]!'},
  },
  {
    key: 'release', label: 'Release all tasks', operation: 'release', when: runs, mutation: 'release',
    args: {tasks: ['*']}, types: {tasks: '[NamespaceIDGlob]!'},
  },
  {
    key: 'reload', label: 'Reload the definition…', operation: 'reload', when: runs, mutation: 'reload',
    ask: 'The definition is read again. No job that runs is disturbed.',
  },
  {
    key: 'reinstall', label: 'Reinstall…', operation: 'reinstall', when: () => true, job: true,
    ask: 'The files of the workflow are made what they are in its source by now.',
  },
  {
    key: 'validate', label: 'Validate…', operation: 'validate', when: () => true, job: true,
    ask: 'The definition is checked; nothing is changed.',
  },
  {
    key: 'clean', label: 'Clean…', operation: 'clean', when: rests, job: true, danger: true,
    ask: 'What the workflow has left on disk is removed, here and on the hosts that it ran jobs on. This cannot be undone.',
  },
];

/** A command by its key. */
export function find(key) {
  return COMMANDS.find((command) => command.key === key);
}

/**
 * The commands for some workflows.
 * @returns {{command: Command, fitting: object[], allowed: object[]}[]} Those
 *   for which it makes sense, and of these the ones with which one may.
 */
export function fitting(rows) {
  return COMMANDS.map((command) => {
    const some = rows.filter(command.when);
    return {command, fitting: some, allowed: some.filter((row) => may(row, command.operation))};
  }).filter(({fitting: some}) => some.length);
}
