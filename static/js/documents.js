// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What is asked of the server. All viewers ask the same, and so share it. */

const WORKFLOW = `
  id name owner host status statusMsg runMode cylcVersion lastUpdated
  stateTotals nEdgeDistance oldestActiveCyclePoint newestActiveCyclePoint
  meta {title description URL} timeZoneInfo {hours minutes}`;

const ELEMENTS = `
  families {id firstParent {id}}
  tasks {id firstParent {id} meanElapsedTime meta {title}}
  taskProxies {
    id state isHeld isQueued isRunahead isRetry isWallclock isXtriggered
    flowNums graphDepth
  }
  jobs {
    id state platform jobId jobRunnerName
    submittedTime startedTime finishedTime
  }`;

/** All there is, and then each change. */
export const DELTAS = `subscription Page {
  deltas {
    shutdown
    added {workflow {${WORKFLOW} reloaded} ${ELEMENTS}}
    updated(stripNull: true) {workflow {${WORKFLOW} reloaded} ${ELEMENTS}}
    pruned {workflow families tasks taskProxies jobs}
  }
}`;

/** The same by asking again and again. */
export const SNAPSHOT = `query Page {
  workflows {${WORKFLOW} ${ELEMENTS}}
}`;

/** What each level below full-read may know; each includes the ones before. */
const OPEN = [
  ['identity', 'id name owner cylcVersion'],
  ['description', 'meta {title description URL}'],
  ['state-totals', 'lastUpdated states stateTotals latestStateTasks'],
];

/** Privileges, the least first. */
export const LEVELS = [
  'none', ...OPEN.map(([level]) => level),
  'full-read', 'shutdown', 'full-control',
];

/** Whether one privilege includes another. */
export function includes(privilege, other) {
  return LEVELS.indexOf(privilege) >= LEVELS.indexOf(other);
}

/** What somebody may ask who may not read everything. */
export function summaryFor(privilege) {
  const fields = OPEN
    .filter(([level]) => includes(privilege, level))
    .map(([, names]) => names);
  return `query Summary {workflows {${fields.join(' ')}}}`;
}

/** What becomes of a command. */
const OUTCOME = 'command(id: $id) {id state finished warnings text}';
export const COMMAND = `subscription ($id: ID!) {${OUTCOME}}`;
export const COMMAND_QUERY = `query ($id: ID!) {${OUTCOME}}`;
