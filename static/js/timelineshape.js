// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Where bars are on the screen, and what is at a point of it. */

import {expectedEnd} from './timelinerows.js';

/** Above and below all bars of a row, in pixels. */
const ROOM = 4;

/** The least width of a bar, and how near to one still means it. */
const LEAST = 3;
const NEAR = 4;

/** A bar alone in its row is no taller than this. */
const TALLEST = 20;

/** How wide the places at the edges are that lead to what is beyond. */
export const EDGE = 18;

/**
 * @typedef {{x: number, start: ?number, end: number, expected: ?number,
 *   y: number, height: number}} Shape
 *   From the left: queued from `x`, running from `start` (null if it never
 *   did), until `end`; `y` from the top of the row.
 */

/**
 * @param {import('./timelinerows.js').Bar} bar
 * @param {import('./timelinescale.js').Scale} scale
 * @param {number} now
 * @param {number} row - The height of a row.
 * @returns {Shape}
 */
export function shapeOf(bar, scale, now, row) {
  const {lanes} = bar;
  const gap = lanes > 3 ? 1 : 2;
  const inner = row - 2 * ROOM;
  const height = Math.max(2, Math.min(TALLEST, (inner - (lanes - 1) * gap) / lanes));
  const used = lanes * height + (lanes - 1) * gap;
  const until = bar.ended ?? (bar.active ? now : bar.started ?? bar.begin);
  const x = scale.x(bar.begin);
  const expected = expectedEnd(bar);
  return {
    x, start: bar.started === null ? null : Math.max(x, scale.x(bar.started)),
    end: Math.max(x + LEAST, scale.x(until)),
    expected: expected === null ? null : scale.x(expected),
    y: (row - used) / 2 + bar.lane * (height + gap), height,
  };
}

/**
 * The nearest bar of a row at a point, or null.
 * @param {import('./timelinerows.js').Line} line
 * @param {{x: number, y: number}} point - In the row.
 */
export function barAt(line, point, scale, now, row) {
  let [best, distance] = [null, Infinity];
  for (const bar of line.bars) {
    const shape = shapeOf(bar, scale, now, row);
    const end = Math.max(shape.end, shape.expected ?? 0);
    const across = Math.max(0, shape.x - point.x, point.x - end);
    if (across > NEAR) continue;
    const off = across * 2 + Math.max(0, shape.y - point.y, point.y - shape.y - shape.height);
    // Of bars at the same place the newest is meant.
    if (off <= distance) [best, distance] = [bar, off];
  }
  return best;
}

/**
 * What is not in view of a row: the nearest bar before it, and after it.
 * @returns {{before: ?object, after: ?object}} None, if any bar is in view.
 */
export function beyond(line, scale, now) {
  let [before, after] = [null, null];
  for (const bar of line.bars) {
    const until = Math.max(bar.ended ?? (bar.active ? now : bar.begin), expectedEnd(bar) ?? 0);
    if (bar.begin > scale.to) after ??= bar;
    else if (until < scale.from) before = bar;
    else return {before: null, after: null};
  }
  return {before, after};
}
