// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The jobs of the hub in a dialog: which there are, and what one writes. */

import {attribute, el, write} from './dom.js';
import {duration, plural, timeElement} from './format.js';
import {cancel, isBusy, jobs, titleOf} from './hubjobmodel.js';
import {follow} from './huboutput.js';
import {pathOf} from './hubpath.js';
import {show} from './modal.js';

/** So many are listed. */
const MOST = 100;

/**
 * Show jobs.
 * @param {{jobs?: object[], workflows?: string[]}} [only] - These jobs, or
 *   those of some workflows.
 */
export function openJobs(only = {}) {
  const ids = only.jobs && new Set(only.jobs.map(({id}) => id));
  const names = only.workflows && new Set(only.workflows);
  const fits = (job) => (!ids || ids.has(job.id)) && (!names || names.has(job.workflow) || names.has(job.installed));
  const parts = {
    list: el('ul', {class: 'joblist', 'aria-label': 'Jobs'}),
    head: el('p', {class: 'jobhead'}), output: el('div', {class: 'jobout'}),
  };
  const view = {parts, fits, chosen: only.jobs?.[0]?.id ?? null, followed: null, stop: () => {}};
  const dialog = show(titleFor(only), [parts.list, parts.head, parts.output, el('p', {class: 'buttons'},
    el('button', {type: 'button', class: 'main', on: {click: () => dialog.close()}}, 'Close'))]);
  dialog.classList.add('large', 'hubjobs');
  const ends = [jobs.subscribe(() => draw(view)), jobs.watch()];
  dialog.addEventListener('close', () => {
    for (const end of ends) end();
    view.stop();
  });
  draw(view);
}

function titleFor({jobs: some, workflows}) {
  if (some?.length === 1) return titleOf(some[0]);
  if (some) return plural(some.length, 'job');
  return workflows ? `Jobs of ${workflows.length > 1 ? plural(workflows.length, 'workflow') : workflows[0]}` : 'Jobs';
}

function draw(view) {
  const {parts, fits} = view;
  const shown = [...jobs.all.values()].filter(fits).slice(0, MOST);
  view.chosen ??= shown[0]?.id ?? null;
  const known = new Map([...parts.list.children].map((line) => [line.dataset.id, line]));
  const lines = shown.map((job) => {
    const line = known.get(job.id) ?? makeLine(view, job.id);
    fill(line, job, view.chosen === job.id);
    return line;
  });
  if (!shown.length) lines.push(el('li', {class: 'dim'}, 'There are none.'));
  if (lines.some((line, index) => parts.list.children[index] !== line) || parts.list.children.length !== lines.length) {
    parts.list.replaceChildren(...lines);
  }
  parts.list.hidden = shown.length === 1;
  drawOne(view, jobs.all.get(view.chosen));
}

function makeLine(view, id) {
  return el('li', {data: {id}}, el('button', {
    type: 'button', class: 'plain', on: {
      click: () => {
        view.chosen = id;
        draw(view);
      },
    },
  }, el('span', {class: 'jobstate'}), ' ', el('b', {class: 'jobname'}), ' ', el('span', {class: 'dim jobwho'})));
}

function fill(line, job, chosen) {
  attribute(line, 'class', `is-${job.state.replace(' ', '-')}`);
  attribute(line.firstChild, 'aria-current', chosen ? 'true' : null);
  write(line.querySelector('.jobstate'), job.state);
  write(line.querySelector('.jobname'), titleOf(job));
  write(line.querySelector('.jobwho'), `${job.user}, ${ran(job)}`);
}

function ran({started, ended, time}) {
  const last = ended ?? Date.now() / 1000;
  return started ? duration(last - started) : `ordered ${duration(last - time)} ago`;
}

function drawOne(view, job) {
  const {head, output} = view.parts;
  if (!job) {
    head.replaceChildren();
    delete head.dataset.look;
    return;
  }
  const look = `${job.id} ${job.state}`;
  if (head.dataset.look !== look) {
    head.dataset.look = look;
    head.replaceChildren(...[
      el('b', {class: `is-${job.state.replace(' ', '-')}`, role: 'status'}, job.state),
      el('span', {class: 'dim'}, ` ${job.user} `), timeElement(job.time),
      isBusy(job) ? el('button', {type: 'button', on: {click: () => cancel(job)}}, 'Cancel it') : null,
      job.installed ? el('a', {href: pathOf(job.installed)}, `Open ${job.installed}`) : null,
      job.text ? el('span', {class: 'jobtext'}, job.text) : null,
    ].filter(Boolean));
  }
  if (view.followed !== job.id) {
    view.stop();
    view.followed = job.id;
    view.stop = follow(job.id, output, (now) => jobs.take([now]));
  }
}
