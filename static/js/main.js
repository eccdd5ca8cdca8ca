// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Starts the page: first what the HTML holds, then live. */

import './loglink.js';
import * as bar from './bar.js';
import * as dots from './dots.js';
import * as header from './header.js';
import * as route from './route.js';
import * as summary from './summary.js';
import * as table from './table.js';
import * as timeline from './timeline.js';
import * as tree from './tree.js';
import {DELTAS, SNAPSHOT, summaryFor} from './documents.js';
import {filter} from './filter.js';
import {lazy} from './lazy.js';
import {model} from './model.js';
import {mayRead, privilege} from './rights.js';
import {recall, remember} from './prefs.js';
import {follow, query, transport} from './transport.js';
import {selection} from './select.js';
import {store} from './store.js';

/** What goes on without news: run times, progress, "last heard". */
const BEAT = 1000;

/** When to look for a workflow that has stopped, in milliseconds. */
const AGAIN = 3000;

const VIEWS = [
  {id: 'tree', label: 'Tree', view: tree},
  {id: 'table', label: 'Table', view: table},
  {id: 'dots', label: 'Dots', view: dots},
  {id: 'graph', label: 'Graph', view: lazy(() => import('./graph.js'))},
  {id: 'timeline', label: 'Timeline', view: timeline},
];

const place = document.getElementById('view');
let current = null;

function begin() {
  document.body.classList.add('app');
  const island = document.getElementById('state');
  const first = island ? JSON.parse(island.textContent) : null;
  if (first?.added) store.load(first.added);
  store.flush();
  header.build(document.getElementById('header'));
  if (mayRead()) readAll(first?.feed ? {feed: first.feed, version: first.version} : {});
  else readSummary();
  setInterval(() => {
    if (document.hidden) return;
    header.beat();
    current?.view.beat();
  }, BEAT);
}

/** @param {object} resume - What of the workflow is known already. */
function readAll(resume) {
  const wish = route.read();
  filter.set(wish.filter, true);
  bar.build(document.getElementById('views'), VIEWS);
  let arriving = false;
  filter.subscribe(() => {
    if (!arriving) route.keep(current.id);
    bar.mark(current.id, route.hash);
    header.changed();
    current.view.refresh();
  });
  selection.subscribe(() => current.view.refresh());
  route.listen(({view, filter: chosen}) => {
    // The URL is as it shall be: it is not to have the view before for a moment.
    arriving = true;
    if (JSON.stringify(chosen) !== JSON.stringify(filter.get())) filter.set(chosen);
    arriving = false;
    go(view);
  });
  addEventListener('keydown', keys);
  const start = () => go(wish.view || recall('view', 'tree'));
  if (store.tasks.size) start();
  else {
    const stop = model.subscribe(() => {
      stop();
      start();
    });
  }
  listen(resume);
}

/** Follow the workflow; where it has stopped, wait until it is played again. */
function listen(resume) {
  follow(DELTAS, {}, ({data, errors}) => {
    if (data?.deltas) store.apply(data.deltas);
    else if (errors) transport.trouble(errors[0]?.message);
  }, () => {
    if (transport.mark === 'refused') return;
    if (!store.shutdown) store.apply({shutdown: true});
    setTimeout(listen, AGAIN, {});
  }, snapshot, resume);
}

/** Ask for all there is, as if it were a burst. */
async function snapshot() {
  const {workflows: [workflow]} = await query(SNAPSHOT);
  const {families, tasks, taskProxies, jobs, ...rest} = workflow;
  return {data: {deltas: {added: {workflow: {...rest, reloaded: true}, families, tasks, taskProxies, jobs}}}};
}

function readSummary() {
  summary.show(place);
  transport.poll(
    () => query(summaryFor(privilege())),
    ({workflows: [workflow]}) => store.note(workflow),
  );
}

/** Show a view. */
function go(id) {
  const chosen = VIEWS.find((view) => view.id === id) ?? VIEWS[0];
  bar.mark(chosen.id, route.hash);
  if (chosen === current) return;
  current?.view.hide();
  current = chosen;
  place.className = chosen.id;
  remember('view', chosen.id);
  chosen.view.show(place);
  route.keep(chosen.id);
}

/** "/" goes to the filter, Escape lets go of the selection. */
function keys(event) {
  if (event.target.closest?.('input, textarea, select, dialog, .menu, #task')) return;
  if (event.key === '/' && !event.ctrlKey && !event.metaKey) {
    document.querySelector('#views input')?.focus();
    event.preventDefault();
  } else if (event.key === 'Escape') selection.clear();
}

begin();
