// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * The edges between tasks: asked for only while somebody looks at them.
 *
 * An edge is known by its id alone, `~me/flow//$edge|1/foo|1/bar`, which
 * tells from where to where it goes.
 */

import {follow, query} from './transport.js';

const EDGES = `subscription Edges {
  deltas {added {workflow {reloaded} edges {id}} pruned {edges}}
}`;

/** The same by asking again and again. */
const SNAPSHOT = 'query Edges {edges {id}}';

/** @returns {?[string, string]} The ids of the two tasks of an edge. */
function endsOf(id) {
  const [base, source, target] = id.split('|');
  if (!target) return null;
  const flow = base.slice(0, base.lastIndexOf('$edge'));
  return [flow + source, flow + target];
}

/**
 * Follow the edges.
 * @param {() => void} changed - Called when some have come or gone.
 * @returns {{all: Map<string, [string, string]>, known: boolean, stop: () => void}}
 *   `known` says whether the server has told any yet.
 */
export function followEdges(changed) {
  const edges = {all: new Map(), known: false, trouble: '', stop: null};
  const take = ({data, errors}) => {
    if (errors) edges.trouble = errors[0]?.message;
    const {added, pruned} = data?.deltas ?? {};
    if (!added && !pruned) {
      if (errors) changed();
      return;
    }
    const first = !edges.known;
    const before = edges.all.size;
    edges.known = true;
    let news = first;
    if (added?.workflow?.reloaded) {
      news ||= before > 0;
      edges.all.clear();
    }
    for (const {id} of added?.edges ?? []) {
      const ends = endsOf(id);
      if (!ends || edges.all.has(id)) continue;
      edges.all.set(id, ends);
      news = true;
    }
    for (const id of pruned?.edges ?? []) news = edges.all.delete(id) || news;
    if (news) changed();
  };
  edges.stop = follow(EDGES, {}, take, () => {}, async () => {
    const {edges: all} = await query(SNAPSHOT);
    return {data: {deltas: {added: {workflow: {reloaded: true}, edges: all}}}};
  });
  return edges;
}
