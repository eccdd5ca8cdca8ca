// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The header: what workflow this is, how it is, and whether we are told. */

import {attribute, el, unseen, write} from './dom.js';
import {ago, plural, setZone, time} from './format.js';
import {badgeIcon, stateIcon} from './icons.js';
import {filter} from './filter.js';
import {model} from './model.js';
import {MODIFIERS, STATES} from './states.js';
import {store} from './store.js';
import {mayRead} from './rights.js';
import {signOut} from './signout.js';
import {themeButton} from './themebutton.js';
import {transport} from './transport.js';

/** When nothing was heard for so long, say since when, in milliseconds. */
const QUIET = 5000;

const MARKS = {
  connecting: ['connecting…', 'There is no connection yet.'],
  live: ['live', 'Each change is shown as it happens.'],
  polling: ['polling', 'The server is asked every few seconds.'],
  offline: ['offline', 'The server cannot be reached; it is tried again and again.'],
  refused: ['not told any more:', 'The session has ended, or you may do less than before.'],
  stopped: ['stopped', 'The workflow has stopped; this is how it was.'],
};

const parts = {};

/** Build the header, once. */
export function build(header) {
  parts.again = el('a', {href: './login', hidden: true}, 'log in again');
  Object.assign(parts, {
    name: el('h1'), owner: el('span', {class: 'owner dim'}),
    status: el('span', {class: 'status', role: 'status'}),
    mark: el('span', {class: 'live'}, el('span', {class: 'dot', 'aria-hidden': 'true'}), el('span', {class: 'text'}), parts.again),
    totals: el('div', {class: 'totals', role: 'group', 'aria-label': 'Tasks by state'}),
    facts: el('p', {class: 'facts dim'}),
  });
  header.replaceChildren(
    el('div', {class: 'line first'},
      listLink(), parts.name, parts.owner, parts.status, parts.facts, parts.mark, logLink(), apiLink(), themeButton(), account()),
    parts.totals,
  );
  changed();
  transport.subscribe(tellMark);
  model.subscribe(changed);
}

/** A hub has a list of all its workflows. */
function listLink() {
  const {above} = document.body.dataset;
  return above ? el('a', {href: above, class: 'up', title: 'All workflows'}, 'Workflows') : null;
}

/** The scheduler's log opens over any view. */
function logLink() {
  const {logs} = document.body.dataset;
  return mayRead() && logs === 'true' ? el('a', {href: '#log=scheduler/log'}, 'Log') : null;
}

/** What programs can ask; GraphQL to try is one step from there. */
function apiLink() {
  return el('a', {href: './api', title: 'For programs: REST and GraphQL'}, 'API');
}

/** Draw what is no longer true by the mere passing of time. */
export function beat() {
  tellMark();
}

/** Draw what a change of data may have changed. */
export function changed() {
  const workflow = store.workflow ?? {};
  setZone(workflow.timeZoneInfo);
  write(parts.name, workflow.name ?? document.body.dataset.workflow ?? '');
  const title = workflow.meta?.title;
  attribute(parts.name, 'title', title || null);
  const owner = [workflow.owner, workflow.host].filter(Boolean).join(' on ');
  write(parts.owner, owner);
  const words = status(workflow);
  write(parts.status, words);
  tellTitle(workflow, words);
  parts.status.dataset.status = statusKind(workflow);
  drawTotals(workflow);
  const known = facts(workflow);
  if (write(parts.facts, known)) parts.facts.title = known;
  tellMark();
}

/** Say in words how the workflow is, and why. */
function status(workflow) {
  if (store.shutdown) return 'stopped';
  if (!workflow.status) return '';
  const failed = countOf('failed') + countOf('submit-failed');
  const why = workflow.statusMsg && workflow.statusMsg !== workflow.status ? workflow.statusMsg : '';
  const stalled = /^stalled/.test(why);
  const words = why.startsWith(workflow.status) || stalled ? why : [workflow.status, why].filter(Boolean).join(': ');
  return stalled && failed ? `${words}: ${plural(failed, 'task')} failed` : words;
}

function statusKind(workflow) {
  if (store.shutdown) return 'stopped';
  if (/stalled/.test(workflow.statusMsg ?? '')) return 'stalled';
  return workflow.status ?? '';
}

/** Put the state into the title of the browser's tab. */
function tellTitle(workflow, words) {
  const name = workflow.name ?? '';
  const failed = countOf('failed') + countOf('submit-failed');
  const title = `${failed ? `✗${failed} ` : ''}${name}${words ? ` – ${words}` : ''}`;
  if (document.title !== title) document.title = title;
}

function countOf(state) {
  if (mayRead()) return model.root.counts[STATES.indexOf(state)];
  return store.workflow?.stateTotals?.[state] ?? 0;
}

function drawTotals() {
  const wanted = STATES.filter((state) => countOf(state) || filter.states.has(state))
    .map((state) => [state, countOf(state), () => stateIcon(state, '', 5), filter.states.has(state)]);
  const {modified} = model.root;
  MODIFIERS.forEach(([name], index) => {
    if (modified[index] || filter.modifiers.has(name)) {
      wanted.push([name, modified[index], () => badgeIcon(name), filter.modifiers.has(name)]);
    }
  });
  const known = new Map([...parts.totals.children].map((chip) => [chip.dataset.word, chip]));
  for (const [word, count, icon, on] of wanted) {
    const chip = known.get(word) ?? makeChip(word, icon());
    known.delete(word);
    chip.querySelector('b').textContent = count.toLocaleString('en');
    attribute(chip, mayRead() ? 'aria-pressed' : 'data-on', String(on));
  }
  for (const chip of known.values()) chip.remove();
  sortChips(wanted.map(([word]) => word));
}

function makeChip(word, icon) {
  const body = [icon, el('b'), ' ', el('span', {class: 'word'}, word)];
  const chip = mayRead()
    ? el('button', {
      type: 'button', class: 'chip', title: `Show only what is ${word}`, on: {click: () => filter.toggle(word)},
    }, ...body)
    : el('span', {class: 'chip'}, ...body);
  chip.dataset.word = word;
  chip.classList.add(`s-${word}`);
  parts.totals.append(chip);
  return chip;
}

function sortChips(words) {
  const chips = [...parts.totals.children];
  const right = words.every((word, index) => chips[index]?.dataset.word === word);
  if (right) return;
  for (const word of words) parts.totals.append(chips.find((chip) => chip.dataset.word === word));
}

function facts(workflow) {
  const cycles = [workflow.oldestActiveCyclePoint, workflow.newestActiveCyclePoint].filter(Boolean);
  const ours = document.body.dataset.version;
  return [
    cycles.length ? `cycles ${[...new Set(cycles)].join(' to ')}` : '',
    workflow.runMode ? `${workflow.runMode} mode` : '',
    workflow.cylcVersion ? `Cylc ${workflow.cylcVersion}` : '',
    ours ? `cylc-flask ${ours}` : '',
  ].filter(Boolean).join(' · ');
}

function tellMark() {
  // Who is refused meets a workflow that was played again.
  const mark = store.shutdown && !['live', 'refused'].includes(transport.mark) ? 'stopped' : transport.mark;
  const [word, meaning] = MARKS[mark];
  const updated = store.workflow?.lastUpdated;
  const quiet = Date.now() - transport.heard > QUIET;
  const last = updated ? time(updated) : null;
  const since = mark === 'offline' ? `, ${ago(transport.heard)}` : last && mark !== 'refused' ? ` ${last.text}` : ' ';
  parts.mark.dataset.mark = mark;
  parts.again.hidden = mark !== 'refused';
  write(parts.mark.querySelector('.text'), word + since);
  attribute(parts.mark, 'title', [
    meaning, mark === 'refused' ? transport.reason : '', last ? `Last change: ${last.title}` : '', quiet ? `Last heard: ${ago(transport.heard)}` : '',
  ].filter(Boolean).join('\n'));
}

/** Who the reader is, and how to be somebody else. */
function account() {
  const {user, privilege, signedIn} = document.body.dataset;
  if (signedIn === 'true') {
    return el('span', {class: 'account'}, el('span', {class: 'dim', title: `May: ${privilege}`}, user),
      el('button', {type: 'button', class: 'plain', on: {click: signOut}}, 'Sign out'));
  }
  return el('span', {class: 'account'}, unseen(`You are ${user}. `), el('a', {href: './login'}, 'Log in'));
}
