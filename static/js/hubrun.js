// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Has things done: by schedulers, or by Cylc's commands as jobs of the hub. */

import {Refused, ask, proof, query, url} from './transport.js';
import {journal} from './journal.js';

/** How often what becomes of a command is asked for, in milliseconds. */
const LOOK_AGAIN = 700;

/** After so long nobody waits for it any more, in milliseconds. */
const PATIENCE = 60000;

/** From what went well to what did not. */
const BEST = ['succeeded', 'warnings', 'lost', 'dropped', 'failed', 'refused'];

/**
 * Ask the hub for something in JSON, or have it do something.
 * @param {string} path
 * @param {object} [body] - What to do; nothing for a question.
 * @throws {Refused} With what the hub says of it.
 */
export async function call(path, body) {
  const answer = await ask(url(path), body === undefined ? {headers: {Accept: 'application/json'}} : {
    method: 'POST',
    headers: {'Content-Type': 'application/json', Accept: 'application/json', ...proof()},
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  let told = null;
  try {
    told = JSON.parse(text);
  } catch {
    // No JSON: the status has to do.
  }
  if (!answer.ok) {
    throw new Refused(answer.status, told?.detail ?? told?.title ?? `${answer.status} ${answer.statusText}`);
  }
  return told;
}

/**
 * Tell schedulers something, and wait for what becomes of it.
 * @param {import('./hubcommands.js').Command} command
 * @param {object[]} rows - The workflows.
 */
export async function tell(command, rows) {
  const entry = journal.begin(command.label, rows.map(({name}) => name), {});
  let outcome;
  try {
    outcome = together(await each(command, rows, entry), rows.length);
  } catch (error) {
    outcome = {state: error instanceof Refused ? 'refused' : 'lost', text: error.message};
  }
  journal.end(entry, outcome);
  return outcome;
}

async function each({mutation, args = {}, types = {}}, rows, entry) {
  const declared = Object.entries(types).map(([name, type]) => `, $${name}: ${type}`).join('');
  const passed = Object.keys(types).map((name) => `, ${name}: $${name}`).join('');
  const {outcome} = await query(
    `mutation ($workflows: [WorkflowID]!${declared}) {
      outcome: ${mutation}(workflows: $workflows${passed}) {result}
    }`,
    {workflows: rows.map(({id}) => id), ...args},
  );
  const results = Array.isArray(outcome?.result) ? outcome.result : [];
  if (results.some(({response}) => response?.[0])) journal.accepted(entry);
  return Promise.all(results.map(async ({id, response}) => ({id, ...await outcomeOf(response)})));
}

async function outcomeOf([accepted, told]) {
  if (!accepted) return {state: 'failed', text: String(told)};
  const end = Date.now() + PATIENCE;
  while (Date.now() < end) {
    const {command} = await query('query ($id: ID!) {command(id: $id) {state finished text}}', {id: told});
    if (command?.finished) return {state: command.state, text: command.text ?? ''};
    await new Promise((wait) => setTimeout(wait, LOOK_AGAIN));
  }
  return {state: 'lost', text: ''};
}

/** What became of several, as one; with a word for each that went wrong. */
function together(outcomes, wanted) {
  const missing = wanted - outcomes.length;
  const worst = outcomes.reduce(
    (one, {state}) => (BEST.indexOf(state) > BEST.indexOf(one) ? state : one), missing ? 'lost' : 'succeeded');
  const bad = outcomes.filter(({state}) => state !== 'succeeded')
    .map(({id, state, text}) => `${id.replace(/^~[^/]*\//, '')}: ${text || state}`);
  if (missing) bad.push(`${missing} did not answer`);
  return {state: worst, text: bad.join('; ')};
}
