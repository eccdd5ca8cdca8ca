// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The timeline: when jobs were queued and when they ran, row by row. */

import {announce, el, unseen} from './dom.js';
import {model} from './model.js';
import {ofWorkflow, recall, remember} from './prefs.js';
import {selection} from './select.js';
import {Rows} from './windowed.js';
import {groupMark, look, more, taskMark, tick} from './cells.js';
import {Bar} from './timelinebar.js';
import {Lines, ORDERS, present, stopped} from './timelinerows.js';
import {HOUR, Scale} from './timelinescale.js';
import {Screen} from './timelinescreen.js';
import {listen as listenToUse} from './timelineuse.js';
import {listen as listenToMoves} from './timelinemoves.js';
import {inWords, ofLine} from './timelinetip.js';

/** How often rows may change their places, in milliseconds. */
const PLACE_EVERY = 300;

/** How long a change of what is seen takes, in milliseconds. */
const GLIDE = 180;

/** How long after the last change the part of time is remembered. */
const KEEP_AFTER = 500;

/** The present goes on by this many pixels at a time. */
const STEP = 0.7;

let view = null;

/** Show the timeline in an element. */
export function show(place) {
  const wish = recall(ofWorkflow('timeline'), {});
  const rows = new Rows({id: 'timeline-rows', role: 'grid', label: 'Jobs in time', columns: COLUMNS, describe});
  const field = el('div', {class: 'field'}, rows.element);
  const tip = el('div', {class: 'tip job', hidden: true});
  const empty = el('p', {class: 'none dim', hidden: true});
  field.append(empty);
  const bar = new Bar({choose, zoom, fit, hour, follow});
  view = {
    place, rows, field, tip, empty, bar, by: wish.by === 'task' ? 'task' : 'name', order: ORDERS[wish.order] ? wish.order : 'first',
    scale: new Scale(wish), lines: new Lines(),
    current: null, pointer: null, due: false, stale: true, touched: null,
  };
  view.screen = new Screen(view);
  place.replaceChildren(bar.element, field, tip);
  const chart = () => view.screen.chart;
  view.drag = listenToMoves(field, rows.element, {scale: () => view.scale, chart, moved, fit, follow, zoom});
  listenToUse(view, {draw: soon, moved, jump, announce: say});
  rows.element.addEventListener('scroll', () => view && paint(), {passive: true});
  view.observer = new ResizeObserver(refresh);
  view.observer.observe(field);
  view.themes = new MutationObserver(() => {
    view.screen.recolour();
    soon();
  });
  view.themes.observe(document.documentElement, {attributeFilter: ['data-theme']});
  view.stop = model.subscribe(take);
  refresh();
}

/** Take it away. */
export function hide() {
  view.stop();
  view.observer.disconnect();
  view.themes.disconnect();
  view.rows.end();
  view.bar.end();
  for (const timer of [view.placing, view.keeping, view.ticking]) clearTimeout(timer);
  view = null;
}

/** From when until when is seen now, in seconds since 1970. */
export function seenOf() {
  return [view.scale.from / 1000, view.scale.to / 1000];
}

/** Draw it anew: after a change of the filter or of the selection. */
export function refresh() {
  if (!view) return;
  view.stale = true;
  soon();
}

/** Let the clock go on. */
export function beat() {
  soon();
}

function take({structure, changed}) {
  const moved = view.lines.touch(changed, view.touched);
  if (structure || moved) {
    view.placing ??= setTimeout(() => {
      if (!view) return;
      view.placing = null;
      refresh();
    }, PLACE_EVERY);
  }
  soon();
}

function soon() {
  if (!view || view.due) return;
  view.due = true;
  requestAnimationFrame(() => {
    if (!view) return;
    view.due = false;
    draw();
  });
}

function draw() {
  const {rows, lines, bar, scale, by, order} = view;
  const down = atEnd();
  if (view.stale) {
    view.stale = false;
    view.touched = null;
    lines.arrange(by, order);
    view.screen.fit(lines.all);
  }
  const now = present();
  scale.settle(lines.extent(now), now);
  rows.show(lines.all, view.touched);
  view.touched = new Set();
  if (down) rows.element.scrollTop = rows.element.scrollHeight;
  const untimed = lines.all.reduce((sum, line) => sum + line.untimed, 0);
  bar.tell({by, order, mode: scale.mode, hour: Math.abs(scale.span - HOUR) < 1000, idle: lines.idle, untimed});
  view.empty.hidden = lines.all.length > 0;
  view.empty.textContent = lines.idle ? 'None of these tasks has a job yet.' : 'There is no task to show.';
  paint();
  next();
}

/** Who follows what is newest, at the end of the rows, stays there. */
function atEnd() {
  const {rows: {element}, scale, order} = view;
  return scale.mode === 'follow' && order === 'first' && element.scrollTop > 0
    && element.scrollTop + element.clientHeight >= element.scrollHeight - 2;
}

function paint() {
  const now = present();
  view.scale.settle(view.lines.extent(now), now);
  view.screen.paint(now);
}

/** Draw again as soon as time has gone on by what can be seen. */
function next() {
  clearTimeout(view.ticking);
  const {scale} = view;
  const still = scale.mode === 'free' && (present() < scale.from || present() > scale.to);
  const wait = scale.span / scale.width * STEP;
  if (still || stopped() || wait > 1000 || document.hidden) return;
  view.ticking = setTimeout(soon, Math.max(30, wait));
}

/** After the part of time that is seen has changed. */
function moved() {
  view.screen.glide = null;
  clearTimeout(view.keeping);
  view.keeping = setTimeout(keep, KEEP_AFTER);
  soon();
}

function keep() {
  if (!view) return;
  const {by, order, scale} = view;
  remember(ofWorkflow('timeline'), {by, order, ...scale.wish});
}

function choose(what) {
  Object.assign(view, what);
  view.rows.element.scrollTop = 0;
  keep();
  refresh();
}

/** Change the scale, and let that be seen. */
function glide(change) {
  const {scale, screen} = view;
  const before = [screen.scale.from, screen.scale.to];
  change(scale);
  const now = present();
  scale.settle(view.lines.extent(now), now);
  moved();
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  const start = performance.now();
  const mine = screen.glide = {before, part: 0};
  const step = () => {
    if (screen.glide !== mine || !view) return;
    const part = Math.min(1, (performance.now() - start) / GLIDE);
    mine.part = 1 - (1 - part) ** 3;
    if (part === 1) screen.glide = null;
    paint();
    requestAnimationFrame(step);
  };
  step();
}

function zoom(factor) {
  glide((scale) => scale.zoom(factor, scale.width / 2));
}

function fit() {
  glide((scale) => scale.fit());
}

function hour() {
  follow(HOUR);
}

/** Follow the present, and show the rows where something happens. */
function follow(span) {
  const {rows, order} = view;
  glide((scale) => scale.follow(typeof span === 'number' ? span : undefined));
  if (order !== 'name') rows.element.scrollTop = order === 'first' ? rows.element.scrollHeight : 0;
}

/** Bring a bar into view. */
function jump(bar) {
  glide((scale) => {
    scale.mode = 'free';
    const span = scale.span;
    scale.from = bar.begin - span * 0.25;
    scale.to = scale.from + span;
  });
}

function say(bar) {
  announce(inWords(bar));
}

const COLUMNS = [
  {id: 'name', label: 'Task', class: 'name', value: nameValue, draw: drawName},
  {id: 'bars', label: 'Jobs', class: 'bars', value: ofLine, draw: (line, words) => [unseen(words)]},
];

function nameValue(line) {
  const {lead, grouped, nodes} = line;
  return grouped ? `${line.state} ${nodes.length}` : `${look(lead.task)} ${selection.has(lead.id)}`;
}

function drawName({lead, grouped, name, nodes, state}) {
  if (grouped) {
    return [
      groupMark({state, badge: ''}),
      el('span', {class: 'who'},
        el('span', {class: 'open label task', title: `${name}: details of the newest`}, name),
        nodes.length > 1 ? el('span', {class: 'dim many', title: `${nodes.length} cycles`}, `×${nodes.length}`) : null),
    ];
  }
  return [
    tick(lead.id, name), taskMark(lead.task),
    el('span', {class: 'who'},
      el('span', {class: 'open label task', title: `${lead.cycle}/${name}`}, name), el('span', {class: 'dim cycle'}, lead.cycle)),
    more(name),
  ];
}

function describe(row, {lead, grouped}) {
  if (grouped) row.removeAttribute('aria-selected');
  else row.setAttribute('aria-selected', String(selection.has(lead.id)));
  row.dataset.kind = grouped ? 'name' : 'task';
  row.dataset.id = lead.id;
}
