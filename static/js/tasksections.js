// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * The sections of the panel of a task.
 *
 * `data` picks what is shown (null: the section is not), `draw` draws it.
 */

import {el, unseen} from './dom.js';
import {between, duration, timeElement} from './format.js';
import {jobIcon, taskIcon} from './icons.js';
import {linkTo, openLog} from './logs.js';
import {openTask} from './panel.js';
import {store} from './store.js';

/** Files of a job, as they are of interest. */
const FILES = ['job.out', 'job.err', 'job', 'job-activity.log'];

const LABELS = {
  executionTimeLimit: 'time limit', executionPollingIntervals: 'polling intervals',
  executionRetryDelays: 'retry delays', submissionPollingIntervals: 'submission polling intervals',
  submissionRetryDelays: 'submission retry delays', workSubDir: 'work sub-directory',
  initScript: 'init-script', envScript: 'env-script', preScript: 'pre-script',
  postScript: 'post-script', errScript: 'err-script', exitScript: 'exit-script',
  runMode: 'run mode',
};

const orNull = (list) => (list.length ? list : null);

/** A mark for what is there, or is not, with the word for it. */
function tick(yes, words) {
  return [
    el('span', {class: yes ? 'sign yes' : 'sign', 'aria-hidden': 'true'}, yes ? '✓' : '○'),
    unseen(`${words[yes ? 0 : 1]}: `),
  ];
}

function facts(pairs) {
  return el('dl', {class: 'pairs'}, ...pairs.filter(([, value]) => value).map(
    ([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
}

function about({task}) {
  const {title, description, URL: page, userDefined} = task.task?.meta ?? {};
  return {
    title, description, page, more: userDefined ?? {},
    flows: task.flowNums, wait: task.flowWait, mean: task.task?.meanElapsedTime,
    families: task.namespace.filter((name) => name !== 'root' && name !== task.name),
  };
}

function drawAbout({title, description, page, more, flows, wait, mean, families}) {
  const safe = /^https?:\/\//i.test(page ?? '');
  return [
    title ? el('p', {class: 'title'}, title) : null,
    description ? el('p', {class: 'description'}, description) : null,
    facts([
      ['page', safe ? el('a', {href: page, rel: 'noreferrer', target: '_blank'}, page) : page],
      ['families', families.join(', ')],
      ['flows', flows === '[]' ? 'none yet' : `${flows.replace(/[[\]]/g, '')}${wait ? ', waits for the flow' : ''}`],
      ['takes', mean ? `${duration(mean)} on average` : ''],
      ...Object.entries(more).map(([name, value]) => [name, String(value)]),
    ]),
  ];
}

/** What is missing comes first. */
function prerequisites({task, base}) {
  const rank = (one) => (one.satisfied ? 1 : 0);
  const state = ({taskId}) => store.tasks.get(base + taskId)?.state;
  return orNull(task.prerequisites.filter(({conditions}) => conditions.length)
    .map((one) => ({...one, now: one.conditions.map(state)}))
    .sort((one, other) => rank(one) - rank(other)));
}

function drawPrerequisites(list, {base}) {
  const open = list.filter(({satisfied}) => !satisfied).flatMap((one) => one.conditions);
  const missing = open.filter(({satisfied}) => !satisfied).length;
  const all = list.flatMap((one) => one.conditions).length;
  return [
    el('p', {class: missing ? 'missing' : 'dim'}, missing
      ? `${missing} of ${all} not satisfied.` : 'All are satisfied.'),
    ...list.map((one) => drawPrerequisite(one, base)),
  ];
}

function drawPrerequisite({expression, conditions}, base) {
  const alternatives = expression.includes('|');
  return el('div', {class: 'prerequisite'},
    alternatives ? el('p', {class: 'dim'}, 'as ', el('code', {}, written(expression, conditions))) : null,
    el('ul', {class: 'signs'}, ...conditions.map(({taskId, reqState, satisfied, message}) => el('li', {},
      ...tick(satisfied, ['satisfied', 'missing']),
      taskLink(base + taskId, taskId), el('span', {class: 'dim'}, ` ${reqState}`),
      satisfied && message !== 'satisfied naturally' ? el('span', {class: 'dim'}, ` (${message})`) : null,
      satisfied ? null : now(base + taskId)))));
}

/** Write an expression of aliases with the names that they are for. */
function written(expression, conditions) {
  const names = new Map(conditions.map(({exprAlias, taskId, reqState}) => [exprAlias, `${taskId}:${reqState}`]));
  return expression.replace(/\w+/g, (alias) => names.get(alias) ?? alias);
}

function taskLink(id, text) {
  return el('button', {type: 'button', class: 'link', data: {key: `task ${id}`}, on: {click: () => openTask(id)}}, text);
}

/** How a task is that is waited for. */
function now(id) {
  const task = store.tasks.get(id);
  return task ? el('span', {class: 'now'}, ' · ', taskIcon(task), ` ${task.state}`) : null;
}

function drawXtriggers(list) {
  return el('ul', {class: 'signs'}, ...list.map(({label, id, message, satisfied}) => el('li', {},
    ...tick(satisfied, ['satisfied', 'missing']), label || message,
    id && id !== label ? el('code', {class: 'dim'}, ` ${id}`) : null)));
}

function drawOutputs(list) {
  return el('ul', {class: 'signs columns'}, ...list.map(({label, message, satisfied}) => el('li', {},
    ...tick(satisfied, ['reached', 'not reached']), label,
    message !== label ? el('span', {class: 'dim'}, ` “${message}”`) : null)));
}

function drawJobs(jobs, {path}) {
  return el('ol', {class: 'submits'}, ...jobs.map((job) => el('li', {},
    el('p', {class: 'job'}, jobIcon(job.state), el('b', {}, ` #${job.submitNum}`), ` ${job.state}`,
      el('span', {class: 'dim'}, ` ${[job.platform, job.jobRunnerName, job.jobId].filter(Boolean).join(' · ')}`)),
    times(job),
    job.messages.length ? el('ul', {class: 'messages', 'aria-label': 'Messages'},
      ...job.messages.map((message) => el('li', {}, message))) : null,
    logLinks(`${path}/${String(job.submitNum).padStart(2, '0')}`))));
}

function times({submittedTime, startedTime, finishedTime, executionTimeLimit}) {
  const queued = startedTime ? duration(between(submittedTime, startedTime)) : '';
  const ran = finishedTime && startedTime ? duration(between(startedTime, finishedTime)) : '';
  const time = (moment, more) => (moment ? el('span', {}, timeElement(moment), more ? ` (${more})` : '') : null);
  return facts([
    ['submitted', time(submittedTime)],
    ['started', time(startedTime, queued && `after ${queued}`)],
    ['finished', time(finishedTime, ran && `after ${ran}`)],
    ['time limit', executionTimeLimit ? duration(executionTimeLimit) : ''],
  ]);
}

function logLinks(folder) {
  if (document.body.dataset.logs !== 'true') return null;
  const link = (id, text) => el('a', {
    href: linkTo(id), data: {key: `log ${id}`},
    on: {
      click: (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        openLog(id);
      },
    },
  }, text);
  return el('p', {class: 'logs'}, 'Logs: ',
    ...FILES.flatMap((name) => [link(`${folder}/${name}`, name), ' ']), link(folder, 'all'));
}

/** Those that are for this task: of its cycle or of all, by its families. */
function broadcasts({task, broadcasts: all}) {
  const found = [];
  for (const point of ['*', task.cyclePoint]) {
    for (const name of task.namespace) {
      const settings = flatten(all[point]?.[name] ?? {});
      found.push(...settings.map(([key, value]) => ({from: `${point}/${name}`, key, value})));
    }
  }
  return orNull(found);
}

/** Examples: {environment: {A: 1}} is [['[environment]A', '1']]. */
function flatten(settings, prefix = '') {
  return Object.entries(settings).flatMap(([key, value]) => (
    value !== null && typeof value === 'object'
      ? flatten(value, `${prefix}[${key}]`) : [[`${prefix}${key}`, String(value)]]));
}

function drawBroadcasts(list) {
  return el('dl', {class: 'settings'}, ...list.map(({from, key, value}) => el('div', {},
    el('dt', {}, el('code', {}, key), el('span', {class: 'dim'}, ` for ${from}`)), el('dd', {}, setting(value)))));
}

function runtime({task}) {
  const pairs = Object.entries(task.runtime ?? {}).flatMap(([name, value]) => (
    Array.isArray(value)
      ? value.map((item) => [`[${name}]${item.key}`, item.value]) : [[LABELS[name] ?? name, value]]));
  return orNull(pairs.filter(([, value]) => value !== null && value !== '' && value !== undefined));
}

function drawRuntime(pairs) {
  return el('details', {data: {key: 'runtime'}}, el('summary', {}, `${pairs.length} settings`),
    el('dl', {class: 'settings'}, ...pairs.map(([name, value]) => el('div', {},
      el('dt', {}, el('code', {}, name)), el('dd', {}, setting(String(value)))))));
}

function setting(value) {
  return value.includes('\n') ? el('pre', {tabindex: 0}, value) : el('code', {}, value);
}

export const SECTIONS = [
  {title: 'About', data: about, draw: drawAbout},
  {title: 'Waits for', data: prerequisites, draw: drawPrerequisites},
  {title: 'External triggers', data: ({task}) => orNull([...task.xtriggers, ...task.externalTriggers]), draw: drawXtriggers},
  {title: 'Jobs', data: ({task}) => orNull([...task.jobs].sort((one, other) => other.submitNum - one.submitNum)), draw: drawJobs},
  {title: 'Outputs', data: ({task}) => orNull(task.outputs), draw: drawOutputs},
  {title: 'Broadcasts', data: broadcasts, draw: drawBroadcasts},
  {title: 'Settings', data: runtime, draw: drawRuntime},
];
