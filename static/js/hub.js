// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Starts the list of workflows: first what the HTML holds, then live. */

import * as bar from './hubbar.js';
import * as header from './hubheader.js';
import * as list from './hublist.js';
import {List} from './hubsocket.js';
import {choice} from './hubfilter.js';
import {find} from './hubcommands.js';
import {may} from './hubrights.js';
import {selection} from './select.js';
import {start} from './hubask.js';
import {store} from './hubstore.js';

/** How often what passes by itself is drawn, in milliseconds. */
const BEAT = 5000;

function begin() {
  document.body.classList.add('app');
  const island = document.getElementById('state');
  if (island) store.take(JSON.parse(island.textContent));
  header.build(document.getElementById('header'));
  bar.build(document.getElementById('views'));
  list.show(document.getElementById('view'));
  let mark = 'connecting';
  const hub = new List({
    take: (message) => store.take(message),
    load: (workflows) => store.load(workflows),
    mark: (now) => {
      mark = now;
      header.tell(mark, Date.now());
    },
  });
  setInterval(() => header.tell(mark, hub.heard), BEAT);
  asked();
  addEventListener('keydown', keys);
}

/** Ask how to play a workflow, as its own page wishes by "#?play=NAME". */
function asked() {
  const name = new URLSearchParams(location.hash.replace(/^#\??/, '')).get('play');
  if (name === null) return;
  choice.clear();
  const play = find('play');
  const row = store.rows.get(name);
  if (row && play.when(row) && may(row, play.operation)) start(play, [row]);
}

/** "/" goes to the filter, Escape lets go of the selection. */
function keys(event) {
  if (event.target.closest?.('input, textarea, select, dialog[open], .menu')) return;
  if (event.key === '/' && !event.ctrlKey && !event.metaKey) {
    bar.focus();
    event.preventDefault();
  } else if (event.key === 'Escape') selection.clear();
}

begin();
