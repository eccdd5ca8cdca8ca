// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The graph: tasks near the active ones, and what depends on what. */

import {announce, el} from './dom.js';
import {Bar, zoomButtons} from './graphbar.js';
import {build, keyOf} from './graphbuild.js';
import {download} from './graphexport.js';
import {filter} from './filter.js';
import {followEdges} from './graphedges.js';
import {hearOf} from './graphhands.js';
import {labelOf, wordsOf} from './graphnode.js';
import {Layouts} from './graphlayout.js';
import {model} from './model.js';
import {ofWorkflow, recall, remember} from './prefs.js';
import {Picture} from './graphdraw.js';
import {plural} from './format.js';
import {store} from './store.js';
import {Zoom} from './graphzoom.js';

/** Families are closed at first where there are more tasks than that. */
const OPEN = {wide: 300, narrow: 24};

/** How long to wait for more changes, and for each node; or for edges at all: in milliseconds. */
const PLACE_EVERY = 400;
const EDGES_WITHIN = 2000;

/** How long a picture takes to come to rest, in milliseconds. */
const MOVING = 350;

/** What is said of a picture that is not as good as it could be. */
const ROUGH = {
  missing: 'Drawn roughly, and without boxes: what lays graphs out well is not installed with this server.'
    + ' It is in the released wheel; in a checkout, "make assets" makes it.',
  large: 'Drawn roughly, and without boxes: this is too large to be laid out well. Close the families, or filter and hide.',
  slow: 'Drawn roughly, and without boxes: it took too long to lay this out well. Close the families, or filter and hide.',
  failed: 'Drawn roughly, and without boxes: what lays graphs out well could not do this one.',
};

let view = null;

/** Show the graph in an element. */
export function show(place) {
  const options = chosen();
  const picture = new Picture();
  const tip = el('div', {class: 'tip', hidden: true});
  const empty = el('p', {class: 'graph-empty', role: 'status'}, 'Asking for the edges…');
  const field = el('div', {
    id: 'graph-field', tabindex: 0, role: 'application', 'aria-roledescription': 'graph of tasks',
    'aria-label': 'Graph of tasks. Arrows move from task to task, enter opens one, space selects, m gives its menu,'
      + ' c closes its family; plus, minus, 0 and 1 zoom, with shift arrows move the picture.',
  }, picture.element);
  const bar = new Bar(options, change);
  view = {place, options, picture, tip, empty, field, bar, graph: null, current: null, layouts: new Layouts()};
  view.zoom = new Zoom(field, look);
  place.replaceChildren(bar.element, el('div', {class: 'graph-place'}, field, empty, zoomButtons({
    save: () => picture.layout && download(picture, store.workflow?.name ?? 'graph'),
    fit, actual: () => view.zoom.to(1), less: () => view.zoom.by(1 / 1.3, null, true), more: () => view.zoom.by(1.3, null, true),
  }), tip));
  hearOf(view, {toggle, fit, go});
  view.observer = new ResizeObserver(resized);
  view.observer.observe(field);
  view.edges = followEdges(later);
  view.stop = model.subscribe(take);
  view.patience = setTimeout(() => {
    view.impatient = true;
    arrange();
  }, EDGES_WITHIN);
}

/** Take it away. */
export function hide() {
  if (!view) return;
  view.observer.disconnect();
  view.edges.stop();
  view.stop();
  view.layouts.close();
  clearTimeout(view.patience);
  clearTimeout(view.timer);
  view = null;
}

/** Follow the filter and the selection. */
export function refresh() {
  if (!view) return;
  view.bar.update();
  view.picture.restyle();
  if (view.options.hide) later();
}

/** Let the clock go on. */
export function beat() {
  if (!view) return;
  view.bar.update();
  view.picture.update();
}

/** What was chosen before, or suits what there is. */
function chosen() {
  const wish = recall(ofWorkflow('graph'), {});
  return {
    families: store.tasks.size > (innerWidth < 700 ? OPEN.narrow : OPEN.wide) ? 'closed' : 'boxes', cycles: false, hide: false,
    direction: innerWidth < innerHeight ? 'DOWN' : 'RIGHT', ...wish, toggled: new Set(wish.toggled),
  };
}

function change(part) {
  Object.assign(view.options, part);
  remember(ofWorkflow('graph'), {...view.options, toggled: [...view.options.toggled]});
  arrange();
}

/** Open a group, or close it. */
function toggle(id) {
  const group = model.nodes.get(id);
  if (!group || group.kind === 'task') return;
  const toggled = new Set(view.options.toggled);
  if (!toggled.delete(keyOf(group))) toggled.add(keyOf(group));
  view.anchor = id;
  change({toggled});
}

function take({structure, changed, workflow}) {
  if (workflow) view.bar.update();
  if (structure || filter.active) later();
  view.picture.update(changed);
}

/** Lay out anew before long: tasks come and go all the time. */
function later() {
  if (!view?.edges.known && !view?.impatient) return;
  view.timer ??= setTimeout(() => {
    view.timer = null;
    arrange();
  }, view.graph ? PLACE_EVERY + view.graph.nodes.size : 0);
}

/** Lay out anew, if there is another graph than before. */
async function arrange() {
  if (!view || view.busy) {
    if (view) view.again = true;
    return;
  }
  const mine = view;
  clearTimeout(view.patience);
  const {options} = view;
  const graph = build(view.edges.all.values(), options);
  const {width, height} = view.zoom.room;
  const wanted = `${options.direction} ${graph.signature}`;
  if (wanted === view.made) {
    view.picture.restyle();
    return;
  }
  view.busy = true;
  if (!view.graph) view.empty.textContent = `Laying out ${plural(graph.nodes.size, 'node')}…`;
  let layout = null;
  try {
    layout = await mine.layouts.make(graph, {
      direction: options.direction, ratio: Math.max(0.3, width / Math.max(1, height)),
      label: (id) => 52 + 8.5 * labelOf(id).length,
    });
  } catch (error) {
    mine.bar.say(`This could not be laid out: ${error.message}`);
  }
  if (view !== mine) return;
  view.busy = false;
  if (layout) {
    view.made = wanted;
    adopt(layout, graph);
  }
  if (view.again) later();
  view.again = false;
}

/** Show a new layout, with the picture as steady as can be. */
function adopt(layout, graph) {
  const {picture, zoom} = view;
  const before = picture.layout;
  const steady = before && zoom.held ? anchor(before.nodes, layout.nodes) : null;
  view.graph = graph;
  view.empty.hidden = Boolean(graph.nodes.size);
  view.empty.textContent = filter.active && view.options.hide ? 'The filter leaves no task.' : 'There are no tasks now.';
  view.bar.say(ROUGH[layout.rough] ?? edgeTrouble());
  if (before) rest('moving');
  picture.set(layout, view.options.direction);
  view.anchor = null;
  if (steady) {
    zoom.x += (steady.from.x - steady.to.x) * zoom.k;
    zoom.y += (steady.from.y - steady.to.y) * zoom.k;
    look(true);
  } else if (before && zoom.held) look(true);
  else zoom.fit(layout, Boolean(before));
}

function edgeTrouble() {
  if (view.edges.trouble) return `The edges are not known: ${view.edges.trouble}`;
  return view.edges.known ? '' : 'The edges are not known yet.';
}

/** A node which is to stay where it is: one in the middle of the view. */
function anchor(before, after) {
  const {left, top, right, bottom} = view.zoom.seen;
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  for (const id of [view.anchor, view.current]) {
    if (before.has(id) && after.has(id)) return {from: before.get(id), to: after.get(id)};
  }
  let [best, least] = [null, Infinity];
  for (const [id, box] of before) {
    const away = Math.hypot(box.x + box.width / 2 - x, box.y + box.height / 2 - y);
    if (away >= least || !after.has(id)) continue;
    [best, least] = [id, away];
  }
  return best && {from: before.get(best), to: after.get(best)};
}

/** Draw what is in view, now or with the next frame. */
function look(smooth) {
  if (smooth && view.picture.layout) rest('smooth');
  if (view.due) return;
  view.due = true;
  requestAnimationFrame(() => {
    if (!view) return;
    view.due = false;
    const {x, y, k, seen} = view.zoom;
    view.picture.look({x, y, k, seen});
  });
}

/** Let the picture move for a while instead of jumping. */
function rest(name) {
  const {element} = view.picture;
  element.classList.add(name);
  clearTimeout(view[name]);
  view[name] = setTimeout(() => element.classList.remove(name), MOVING);
}

function fit() {
  if (view.picture.layout) view.zoom.fit(view.picture.layout, true);
}

function resized() {
  if (view.picture.layout && !view.zoom.held) view.zoom.fit(view.picture.layout);
  else look();
}

/** Go to a node, by keys. */
function go(id) {
  if (!id) return;
  view.current = id;
  view.picture.mark(id);
  view.picture.light(id);
  view.zoom.reveal(view.picture.layout.nodes.get(id));
  const {before, after} = view.picture.neighbours(id);
  const names = (ids) => (ids.length > 4 ? plural(ids.length, 'other') : ids.map((one) => one.split('//').at(-1)).join(', '));
  const links = [before.length ? `after ${names(before)}` : '', after.length ? `before ${names(after)}` : ''];
  announce([wordsOf(id), ...links.filter(Boolean)].join('; '));
}
