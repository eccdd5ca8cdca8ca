// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What somebody sees who may not see tasks one by one. */

import {el} from './dom.js';
import {model} from './model.js';
import {stateIcon} from './icons.js';
import {store} from './store.js';

/** Show the summary in an element, and keep it current. */
export function show(place) {
  const draw = () => {
    const workflow = store.workflow ?? {};
    const meta = workflow.meta ?? {};
    place.className = 'summary';
    place.replaceChildren(...[
      meta.title ? el('h2', {}, meta.title) : null,
      meta.description ? el('p', {}, meta.description) : null,
      link(meta.URL),
      ...latest(workflow.latestStateTasks),
      el('p', {class: 'dim'}, 'You may not see more than this. ', ...invitation()),
    ].filter(Boolean));
  };
  model.subscribe(draw);
  draw();
}

/** Who has logged in already is not asked to. */
function invitation() {
  return document.body.dataset.signedIn === 'true' ? [] : [el('a', {href: './login'}, 'Log in'), ' to see its tasks.'];
}

/** A link to what the workflow's authors say of it, if it is one for the web. */
function link(address) {
  if (!/^https?:\/\//.test(address ?? '')) return null;
  return el('p', {}, el('a', {href: address, rel: 'noopener noreferrer'}, address));
}

function latest(states) {
  const entries = Object.entries(states ?? {}).filter(([, names]) => names?.length);
  if (!entries.length) return [];
  return [el('h2', {}, 'Latest'), el('dl', {class: 'latest'}, ...entries.flatMap(([state, names]) => [
    el('dt', {}, stateIcon(state, '', 5), ' ', state),
    el('dd', {}, names.slice(0, 10).join(', ')),
  ]))];
}
