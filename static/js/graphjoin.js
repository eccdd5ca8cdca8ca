// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * Joins edges where each of many goes to each of many others.
 *
 * Twenty tasks that wait for all of twenty others would have 400 edges. They
 * go through one point instead, which takes 40, and can be followed.
 */

/** How many edges have to be spared. */
const WORTH = 3;

/** The size of the point, in pixels. */
export const POINT = 7;

/**
 * Put points between nodes.
 * @param {import('./graphbuild.js').Graph} graph - Gets nodes and other edges.
 * @param {(id: string) => string} groupOf - What nodes belong together.
 */
export function join(graph, groupOf) {
  const kept = [];
  for (const {sources, targets} of bundles(graph, groupOf)) {
    const [many, few] = [sources.length * targets.length, sources.length + targets.length];
    if (sources.length < 2 || targets.length < 2 || many - few < WORTH) {
      for (const target of targets) for (const source of sources) kept.push([source, target]);
      continue;
    }
    const id = `join ${sources[0]} ${targets[0]} ${few}`;
    graph.nodes.set(id, {
      id, parent: common(graph, [...sources, ...targets]), width: POINT, height: POINT, join: true,
    });
    for (const source of sources) kept.push([source, id]);
    for (const target of targets) kept.push([id, target]);
  }
  graph.edges = kept;
}

/** Put together targets which have the same sources out of one group. */
function bundles({edges}, groupOf) {
  const fans = new Map();
  for (const [source, target] of edges) {
    const key = `${groupOf(source)}|${target}`;
    if (!fans.has(key)) fans.set(key, {target, sources: []});
    fans.get(key).sources.push(source);
  }
  const same = new Map();
  for (const {target, sources} of fans.values()) {
    const key = `${groupOf(target)}|${sources.sort().join()}`;
    if (!same.has(key)) same.set(key, {sources, targets: []});
    same.get(key).targets.push(target);
  }
  return same.values();
}

/** The innermost box that all of some nodes are in, or null. */
function common({nodes, boxes}, ids) {
  const pathOf = (id) => {
    const path = [];
    for (let box = nodes.get(id).parent; box; box = boxes.get(box).parent) path.unshift(box);
    return path;
  };
  let shared = pathOf(ids[0]);
  for (const id of ids.slice(1)) {
    const path = pathOf(id);
    let length = 0;
    while (length < shared.length && shared[length] === path[length]) length++;
    shared = shared.slice(0, length);
  }
  return shared.at(-1) ?? null;
}
