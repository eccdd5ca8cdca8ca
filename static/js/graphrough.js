// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * A worker which lays out a graph roughly, in little time however large it is.
 *
 * Tasks come after what they depend on, in columns which are sorted by where
 * their neighbours are; what has no edges is in a block of its own below.
 */

const GAP = {along: 60, across: 14, block: 40};
const SWEEPS = 6;

/** Columns of so many are never divided; others where they are so much longer. */
const LEAST = 12;
const LONGER = 1.5;

/** For each node the number of its column: one after its last predecessor. */
function ranksOf(nodes, before, after) {
  const ranks = new Map();
  const open = new Map(nodes.map(({id}) => [id, before.get(id).length]));
  let ready = nodes.filter(({id}) => !open.get(id)).map(({id}) => id);
  while (open.size) {
    // In a circle nothing is ready: then one has to begin.
    if (!ready.length) ready = [open.keys().next().value];
    const next = [];
    for (const id of ready) {
      if (!open.delete(id)) continue;
      const done = before.get(id).filter((one) => ranks.has(one)).map((one) => ranks.get(one));
      ranks.set(id, done.reduce((most, rank) => Math.max(most, rank + 1), 0));
      for (const follower of after.get(id)) {
        if (!open.has(follower)) continue;
        open.set(follower, open.get(follower) - 1);
        if (open.get(follower) <= 0) next.push(follower);
      }
    }
    ready = next;
  }
  return ranks;
}

/** Sort each column by the mean place of neighbours, to and fro. */
function untangle(columns, before, after) {
  const places = new Map();
  const note = (column) => column.forEach((id, place) => places.set(id, place / column.length));
  columns.forEach(note);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const back = sweep % 2 === 1;
    for (const column of back ? [...columns].reverse() : columns) {
      const wanted = new Map(column.map((id) => {
        const others = (back ? after : before).get(id);
        const sum = others.reduce((total, other) => total + places.get(other), 0);
        return [id, others.length ? sum / others.length : places.get(id)];
      }));
      column.sort((one, other) => wanted.get(one) - wanted.get(other));
      note(column);
    }
  }
}

/** How many may stand in a column, for a picture of about that shape. */
function most(count, wide, tall, ratio) {
  return Math.max(LEAST, Math.ceil(Math.sqrt(count * wide / (ratio * tall))));
}

/** Divide columns that are too long. */
function divided(column, rows) {
  const parts = column.length > rows * LONGER ? Math.ceil(column.length / rows) : 1;
  const length = Math.ceil(column.length / parts);
  return Array.from({length: parts}, (_, part) => column.slice(part * length, (part + 1) * length))
    .filter((ids) => ids.length);
}

/** Place columns beside each other; returns where they end. */
function placeColumns(columns, sizes, rows, at, {start, middle}) {
  const across = (ids) => ids.reduce((sum, id) => sum + sizes.get(id).across + GAP.across, 0);
  const blocks = columns.map((column) => divided(column, rows));
  const most = Math.max(0, ...blocks.flat().map(across));
  let along = 0;
  for (const block of blocks) {
    for (const ids of block) {
      let place = start + (middle && block.length === 1 ? (most - across(ids)) / 2 : 0);
      for (const id of ids) {
        at.set(id, {along, across: place});
        place += sizes.get(id).across + GAP.across;
      }
      along += Math.max(...ids.map((id) => sizes.get(id).along)) + GAP.across;
    }
    along += GAP.along - GAP.across;
  }
  return start + most;
}

/** @returns {object} `nodes`, `lines`, `width`, `height`; see graphlayout.js. */
function layOut({nodes, edges, direction, ratio}) {
  const down = direction === 'DOWN';
  const [before, after, sizes] = [new Map(), new Map(), new Map()];
  for (const {id, width, height} of nodes) {
    before.set(id, []);
    after.set(id, []);
    sizes.set(id, down ? {along: height, across: width} : {along: width, across: height});
  }
  for (const [source, target] of edges) {
    after.get(source).push(target);
    before.get(target).push(source);
  }
  const single = ({id}) => !before.get(id).length && !after.get(id).length;
  const linked = nodes.filter((node) => !single(node));
  const ranks = ranksOf(linked, before, after);
  const columns = [];
  for (const [id, rank] of ranks) (columns[rank] ??= []).push(id);
  untangle(columns, before, after);
  const mean = (list, key) => list.reduce((sum, {id}) => sum + sizes.get(id)[key], 0) / (list.length || 1);
  const shape = down ? 1 / ratio : ratio;
  const rowsFor = (list) => most(list.length, mean(list, 'along') + GAP.across, mean(list, 'across') + GAP.across, shape);
  const at = new Map();
  const end = placeColumns(columns, sizes, rowsFor(linked), at, {start: 0, middle: true});
  const rest = nodes.filter(single);
  const perColumn = rowsFor(rest);
  const blocks = [];
  rest.forEach(({id}, index) => (blocks[Math.floor(index / perColumn)] ??= []).push(id));
  if (rest.length) placeColumns(blocks, sizes, perColumn, at, {start: end ? end + GAP.block : 0, middle: false});
  return picture(nodes, edges, at, down);
}

function picture(nodes, edges, at, down) {
  const boxes = new Map();
  let [width, height] = [0, 0];
  for (const node of nodes) {
    const {along, across} = at.get(node.id);
    const box = {x: down ? across : along, y: down ? along : across, width: node.width, height: node.height};
    boxes.set(node.id, box);
    width = Math.max(width, box.x + box.width);
    height = Math.max(height, box.y + box.height);
  }
  const lines = edges.map(([source, target]) => {
    const [from, to] = [boxes.get(source), boxes.get(target)];
    const points = down
      ? [{x: from.x + from.width / 2, y: from.y + from.height}, {x: to.x + to.width / 2, y: to.y}]
      : [{x: from.x + from.width, y: from.y + from.height / 2}, {x: to.x, y: to.y + to.height / 2}];
    return {source, target, points};
  });
  return {nodes: boxes, lines, width, height};
}

self.onmessage = ({data: {id, ...graph}}) => self.postMessage({id, data: layOut(graph)});
