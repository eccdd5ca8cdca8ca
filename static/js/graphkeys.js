// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Goes through the graph by keys. */

const WAYS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};

/** By how much being aside counts more than being away. */
const ASIDE = 2.5;

/** How far keys move the picture, in pixels. */
const STEP = 80;

/** How much keys zoom. */
const FACTOR = 1.3;

const middle = ({x, y, width, height}) => [x + width / 2, y + height / 2];

/** The nearest node in a direction, or null. */
function nearest(boxes, from, [right, down]) {
  const [x, y] = middle(boxes.get(from));
  let best = null;
  let least = Infinity;
  for (const [id, box] of boxes) {
    const [otherX, otherY] = middle(box);
    const away = (otherX - x) * right + (otherY - y) * down;
    const aside = Math.abs((otherX - x) * down) + Math.abs((otherY - y) * right);
    const cost = away + ASIDE * aside;
    if (id === from || away < 1 || cost >= least) continue;
    [best, least] = [id, cost];
  }
  return best;
}

/**
 * Where a key leads.
 * @param {Map<string, object>} boxes - Of nodes that can be gone to.
 * @param {?string} current
 */
export function step(boxes, current, key) {
  const ids = [...boxes.keys()];
  if (key === 'End') return ids.at(-1) ?? null;
  if (key === 'Home' || !boxes.has(current)) return ids[0] ?? null;
  return nearest(boxes, current, WAYS[key]) ?? current;
}

/** Keys which move or zoom the picture: what they do, or undefined. */
export function moves(event, zoom, fit) {
  const way = event.shiftKey ? WAYS[event.key] : null;
  if (way) return () => zoom.pan(-way[0] * STEP, -way[1] * STEP, true);
  return {
    '+': () => zoom.by(FACTOR, null, true), '=': () => zoom.by(FACTOR, null, true),
    '-': () => zoom.by(1 / FACTOR, null, true), 0: fit, 1: () => zoom.to(1),
  }[event.key];
}
