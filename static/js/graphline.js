// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Edges as paths of SVG: round at their corners, with a head at the end. */

const ROUND = 9;
const HEAD = {length: 8, width: 6.4};

const part = ({x, y}) => `${x.toFixed(1)} ${y.toFixed(1)}`;

/** The unit vector from one point to another. */
function towards(from, to) {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  return {x: (to.x - from.x) / length, y: (to.y - from.y) / length, length};
}

const along = (point, {x, y}, length) => ({x: point.x + x * length, y: point.y + y * length});

/** The way in which an edge arrives: one with two points is curved. */
function arrival(points, direction) {
  const [last, end] = points.slice(-2);
  if (points.length > 2 || isStraight(last, end)) return towards(last, end);
  return direction === 'DOWN' ? {x: 0, y: 1} : {x: 1, y: 0};
}

function isStraight(start, end) {
  return Math.abs(start.x - end.x) < 1 || Math.abs(start.y - end.y) < 1;
}

/**
 * Draw an edge.
 * @param {{x: number, y: number}[]} points
 * @param {string} direction - Of the layout.
 * @param {boolean} pointed - Whether a head follows.
 */
export function lineOf(points, direction, pointed) {
  const end = pointed ? along(points.at(-1), arrival(points, direction), -HEAD.length + 1) : points.at(-1);
  const way = [...points.slice(0, -1), end];
  if (way.length === 2) return simple(way[0], end, direction, isStraight(points[0], points[1]));
  let path = `M${part(way[0])}`;
  for (let index = 1; index < way.length - 1; index++) {
    const corner = way[index];
    const [back, on] = [towards(corner, way[index - 1]), towards(corner, way[index + 1])];
    const radius = Math.min(ROUND, back.length / 2, on.length / 2);
    path += `L${part(along(corner, back, radius))}Q${part(corner)} ${part(along(corner, on, radius))}`;
  }
  return `${path}L${part(end)}`;
}

function simple(start, end, direction, straight) {
  if (straight) return `M${part(start)}L${part(end)}`;
  if (direction === 'DOWN') {
    const bow = Math.max(20, Math.abs(end.y - start.y) / 2);
    return `M${part(start)}C${part({x: start.x, y: start.y + bow})} ${part({x: end.x, y: end.y - bow})} ${part(end)}`;
  }
  const bow = Math.max(20, Math.abs(end.x - start.x) / 2);
  return `M${part(start)}C${part({x: start.x + bow, y: start.y})} ${part({x: end.x - bow, y: end.y})} ${part(end)}`;
}

/** Draw the head of an edge. */
export function headOf(points, direction) {
  const tip = points.at(-1);
  const way = arrival(points, direction);
  const base = along(tip, way, -HEAD.length);
  const side = {x: -way.y, y: way.x};
  return `M${part(tip)}L${part(along(base, side, HEAD.width / 2))} ${part(along(base, side, -HEAD.width / 2))}Z`;
}
