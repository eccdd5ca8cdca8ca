// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Commands: sends them, and waits for what becomes of them. */

import {COMMAND, COMMAND_QUERY} from './documents.js';
import {find} from './commands.js';
import {journal} from './journal.js';
import {Refused, follow, query} from './transport.js';
import {store} from './store.js';

export {may} from './rights.js';

/** How an outcome is looked for where nothing is pushed, in milliseconds. */
const LOOK_AGAIN = 1000;

/** @typedef {{state: string, text: string}} Outcome `state` is as the server
 *   has it (succeeded, warnings, failed, dropped), or 'refused', 'lost'. */

/** The part of an id that commands take: `3/foo`, for a cycle `3`. */
export function target(id) {
  const base = `${store.workflow?.id ?? document.body.dataset.workflow}//`;
  return id.startsWith(base) ? id.slice(base.length) : id;
}

/**
 * Give a command, and wait for its outcome.
 * @param {string} key - Of the command.
 * @param {string[]} [ids] - Of tasks, families or cycles.
 * @param {object} [args] - As GraphQL has them.
 * @returns {Promise<Outcome>}
 */
export async function run(key, ids = [], args = {}) {
  const command = find(key);
  const targets = ids.map(target);
  const entry = journal.begin(command.label, targets, args);
  let outcome;
  try {
    const parts = command.command === 'broadcast' ? byCycle(targets) : [command.on === 'tasks' ? {tasks: targets.map(glob)} : {}];
    const outcomes = await Promise.all(parts.map((part) => one(command, {...part, ...args}, entry)));
    outcome = worst(outcomes);
  } catch (error) {
    outcome = {state: error instanceof Refused ? 'refused' : 'lost', text: error.message};
  }
  journal.end(entry, outcome);
  return outcome;
}

/** A cycle means all tasks in it. */
function glob(id) {
  return id.includes('/') ? id : `${id}/*`;
}

/** Broadcasts go to all of some names in all of some cycles: one for each. */
function byCycle(targets) {
  const cycles = new Map();
  for (const id of targets) {
    const [cycle, name = 'root'] = id.split('/');
    cycles.set(cycle, [...(cycles.get(cycle) ?? []), name]);
  }
  return [...cycles].map(([cycle, namespaces]) => ({cyclePoints: [cycle], namespaces}));
}

const TYPES = {
  tasks: '[NamespaceIDGlob]!', cyclePoints: '[BroadcastCyclePoint]', namespaces: '[NamespaceName]',
};

async function one(command, args, entry) {
  const types = {...TYPES, ...command.types};
  const names = Object.keys(args);
  const declared = names.map((name) => `, $${name}: ${types[name]}`).join('');
  const passed = names.map((name) => `, ${name}: $${name}`).join('');
  const data = await query(
    `mutation ($workflows: [WorkflowID]!${declared}) {
      outcome: ${command.command}(workflows: $workflows${passed}) {result}
    }`,
    {workflows: [store.workflow?.id ?? '*'], ...args},
  );
  const answer = answerOf(data.outcome?.result);
  if (command.command === 'broadcast') return broadcasted(answer, args.mode);
  const [accepted, told] = answer;
  if (!accepted) return {state: 'failed', text: String(told)};
  if (!isId(told)) return {state: 'succeeded', text: told};
  journal.accepted(entry);
  return outcomeOf(told);
}

/** The answer for our workflow: [accepted, id or text]. */
function answerOf(result) {
  const first = Array.isArray(result) && typeof result[0] === 'object' ? result[0] : {response: result};
  return Array.isArray(first?.response) ? first.response : [true, first?.response ?? ''];
}

function isId(text) {
  return typeof text === 'string' && /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(text);
}

/** What a broadcast has changed, and what of it could not be. */
function broadcasted([changed, bad], mode) {
  const left = Object.values(bad ?? {}).flat()
    .map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join(', ');
  if (!left) return {state: 'succeeded', text: ''};
  const text = `${mode === 'Clear' ? 'nothing was set for' : 'not known'}: ${left}`;
  return {state: changed.length || mode === 'Clear' ? 'warnings' : 'failed', text};
}

/** Wait until a command is done. */
function outcomeOf(id) {
  return new Promise((resolve) => {
    let last = {state: 'lost', text: ''};
    const take = (result) => {
      const told = result.data?.command;
      if (told) last = {state: told.state, text: told.text ?? '', warnings: told.warnings};
      if (told?.finished) finish();
    };
    let stop = () => {};
    const finish = () => {
      stop();
      resolve(last);
    };
    stop = follow(COMMAND, {id}, take, finish, async () => {
      await new Promise((wait) => setTimeout(wait, LOOK_AGAIN));
      return {data: await query(COMMAND_QUERY, {id})};
    });
  });
}

const BEST = ['succeeded', 'warnings', 'lost', 'dropped', 'failed'];

function worst(outcomes) {
  return outcomes.sort((one, other) => BEST.indexOf(other.state) - BEST.indexOf(one.state))[0];
}
