// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The states of tasks, what modifies them, and which of many counts. */

/** States, as they follow upon each other. */
export const STATES = [
  'waiting', 'preparing', 'submitted', 'running',
  'succeeded', 'failed', 'submit-failed', 'expired',
];

/** The place of each state in counts. */
export const INDEX = new Map(STATES.map((state, index) => [state, index]));

/** What a group shows: the first of these that any of its tasks is in. */
const IMPORTANCE = [
  'submit-failed', 'failed', 'expired', 'running', 'submitted', 'preparing',
  'waiting', 'succeeded',
].map((state) => INDEX.get(state));

/** What modifies a state: its name, and the field of a task that says so. */
export const MODIFIERS = [
  ['held', 'isHeld'],
  ['retrying', 'isRetry'],
  ['queued', 'isQueued'],
  ['runahead', 'isRunahead'],
  ['wallclock', 'isWallclock'],
  ['xtriggered', 'isXtriggered'],
];

/** The modifier that is shown: the first that holds, or ''. */
export function modifier(task) {
  for (const [name, field] of MODIFIERS) if (task[field]) return name;
  return '';
}

/** Say the state of a task in words. */
export function inWords(task) {
  const words = [task.state];
  for (const [name, field] of MODIFIERS) if (task[field]) words.push(name);
  if (task.graphDepth > 0 && task.flowNums === '[]') words.push('not yet in a flow');
  return words.join(', ');
}

/** The state that a group shows, given its counts by state. */
export function ofGroup(counts) {
  for (const index of IMPORTANCE) if (counts[index]) return STATES[index];
  return 'waiting';
}
