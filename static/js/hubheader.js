// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The header: how many workflows do what, who the reader is, and the mark. */

import {ago, plural} from './format.js';
import {attribute, el, write} from './dom.js';
import {STATUSES, statusIcon} from './hubstatus.js';
import {choice} from './hubfilter.js';
import {headline} from './hublist.js';
import {openWho} from './hubwho.js';
import {showHistory} from './history.js';
import {signOut} from './signout.js';
import {store} from './hubstore.js';
import {themeButton} from './themebutton.js';

/** When nothing was heard for so long, say since when, in milliseconds. */
const QUIET = 90000;

const MARKS = {
  connecting: ['connecting…', 'There is no connection yet.'],
  live: ['live', 'Each change is shown as it happens.'],
  polling: ['polling', 'The hub is asked every few seconds.'],
  offline: ['offline', 'The hub cannot be reached; it is tried again and again.'],
  refused: ['not told any more:', 'The session has ended.'],
};

const parts = {};
let mark = 'connecting';

/** Build the header, once. */
export function build(header) {
  const {user, hub} = document.body.dataset;
  parts.again = el('a', {href: './login', hidden: true}, 'log in again');
  parts.mark = el('span', {class: 'live'}, el('span', {class: 'dot', 'aria-hidden': 'true'}), el('span', {class: 'text'}), parts.again);
  parts.totals = el('div', {class: 'totals', role: 'group', 'aria-label': 'Workflows by status'});
  parts.count = el('p', {class: 'facts dim'});
  header.replaceChildren(
    el('div', {class: 'line first'}, el('h1', {}, 'Workflows'), el('span', {class: 'owner dim'}, hub), parts.count, parts.mark,
      el('a', {href: './graphql', title: 'For programs: GraphQL over all workflows'}, 'API'),
      el('button', {type: 'button', class: 'plain', title: 'What was done in this browser', on: {click: showHistory}}, 'History'),
      themeButton(),
      el('span', {class: 'account'},
        el('button', {type: 'button', class: 'plain', title: 'What you may do', on: {click: openWho}}, user),
        el('button', {type: 'button', class: 'plain', on: {click: signOut}}, 'Sign out'))),
    parts.totals,
  );
  store.subscribe(draw);
  choice.subscribe(draw);
  draw();
  tell('connecting', Date.now());
}

/** Say whether the page is told of changes. */
export function tell(now, heard) {
  mark = now;
  const [word, meaning] = MARKS[mark];
  parts.mark.dataset.mark = mark;
  parts.again.hidden = mark !== 'refused';
  const since = mark === 'offline' || Date.now() - heard > QUIET ? `, ${ago(heard)}` : ' ';
  write(parts.mark.querySelector('.text'), word + since);
  attribute(parts.mark, 'title', meaning);
}

function draw() {
  const all = [...store.rows.values()];
  write(parts.count, plural(all.length, 'workflow'));
  const title = headline();
  if (document.title !== title) document.title = title;
  const known = new Map([...parts.totals.children].map((chip) => [chip.dataset.word, chip]));
  const chips = STATUSES.flatMap((status) => {
    const count = all.filter((row) => row.status === status).length;
    if (!count && !choice.statuses.has(status)) return [];
    const chip = known.get(status) ?? makeChip(status);
    write(chip.querySelector('b'), count.toLocaleString('en'));
    attribute(chip, 'aria-pressed', String(choice.statuses.has(status)));
    return [chip];
  });
  if (chips.some((chip, index) => parts.totals.children[index] !== chip) || chips.length !== parts.totals.children.length) {
    parts.totals.replaceChildren(...chips);
  }
}

function makeChip(status) {
  return el('button', {
    type: 'button', class: 'chip', data: {word: status}, title: `Show only what is ${status}`, on: {click: () => choice.toggle(status)},
  }, statusIcon(status), el('b'), ' ', el('span', {class: 'word'}, status));
}
