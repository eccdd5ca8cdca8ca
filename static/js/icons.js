// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * Drawings of states: each has a shape of its own, not just a colour.
 *
 * One description serves both SVG elements and canvases. All are drawn in a
 * square from 0 to 100, badges in one from -22 to 22 around their centre.
 */

import {svg} from './dom.js';
import {modifier} from './states.js';

/** [kind, size or path, width]; a `disc` and a `fill` have no width. */
const SHAPES = {
  waiting: [['ring', 40, 11]],
  preparing: [['ring', 40, 11], ['ring', 15, 9]],
  submitted: [['ring', 40, 11], ['disc', 17]],
  running: [['ring', 40, 11]],
  succeeded: [['disc', 46]],
  failed: [['disc', 46], ['cut', 'M33 33 67 67M67 33 33 67', 13]],
  'submit-failed': [['ring', 40, 11], ['line', 'M36 36 64 64M64 36 36 64', 12]],
  expired: [['disc', 46], ['cut', 'M50 24V52L68 64', 11]],
};

const BADGES = {
  held: [['line', 'M-8-15V15M8-15V15', 11]],
  retrying: [['line', 'M13 8A15 15 0 1 1 13-8', 8], ['fill', 'M20-20 20 1 2-6Z']],
  queued: [['line', 'M-16-13H16M-16 0H16M-16 13H16', 7]],
  runahead: [['ring', 12, 9]],
  wallclock: [['ring', 15, 7], ['line', 'M0-9V1H8', 6]],
  xtriggered: [['fill', 'M0-20 20 0 0 20-20 0Z']],
};

/** Where badges are, and by how much they are larger than drawn. */
const BADGE = {x: 8, y: 8, scale: 1.05};

/** The part of a circle that is filled, from the top, clockwise. */
function pie(radius, part) {
  const angle = 2 * Math.PI * Math.min(0.999, Math.max(0.06, part));
  const x = (50 + radius * Math.sin(angle)).toFixed(1);
  const y = (50 - radius * Math.cos(angle)).toFixed(1);
  return `M50 50V${50 - radius}A${radius} ${radius} 0 ${angle > Math.PI ? 1 : 0} 1 ${x} ${y}Z`;
}

/**
 * How far a running task is, in sixteenths; null where nobody can know.
 * @param {?object} job - The newest one.
 * @param {?number} mean - Seconds that it takes.
 */
export function progress(job, mean) {
  if (!job?.startedTime || !mean) return null;
  const part = (Date.now() - Date.parse(job.startedTime)) / 1000 / mean;
  return Math.min(16, Math.max(1, Math.ceil(part * 16)));
}

function shapesOf(state, sixteenths) {
  const shapes = SHAPES[state] ?? SHAPES.waiting;
  if (state !== 'running') return shapes;
  return [...shapes, ['fill', pie(30, (sixteenths ?? 4) / 16)]];
}

const ATTRIBUTES = {
  ring: ([, radius, width], centre) => ['circle', {
    cx: centre, cy: centre, r: radius, class: 'line', 'stroke-width': width,
  }],
  disc: ([, radius], centre) => ['circle', {
    cx: centre, cy: centre, r: radius, class: 'fill',
  }],
  line: ([, d, width]) => ['path', {d, class: 'line', 'stroke-width': width}],
  cut: ([, d, width]) => ['path', {d, class: 'cut', 'stroke-width': width}],
  fill: ([, d]) => ['path', {d, class: 'fill'}],
};

function drawn(shapes, centre) {
  return shapes.map((shape) => svg(...ATTRIBUTES[shape[0]](shape, centre)));
}

/**
 * Draw a state; words beside it have to say it to those who do not see it.
 * @param {string} state
 * @param {string} [badge] - A modifier.
 * @param {?number} [sixteenths] - Of its time, for what runs.
 */
export function stateIcon(state, badge = '', sixteenths = null) {
  const parts = drawn(shapesOf(state, sixteenths), 50);
  if (badge) {
    parts.push(svg('g', {
      class: 'badge',
      transform: `translate(${BADGE.x} ${BADGE.y}) scale(${BADGE.scale})`,
    }, svg('circle', {r: 25, class: 'back'}), ...drawn(BADGES[badge], 0)));
  }
  return svg('svg', {
    class: `icon s-${state}`, viewBox: '-18 -18 122 122', 'aria-hidden': 'true',
  }, ...parts);
}

/** Draw a task with its modifier. */
export function taskIcon(task, sixteenths = null) {
  return stateIcon(task.state, modifier(task), sixteenths);
}

/** Draw a modifier alone. */
export function badgeIcon(badge) {
  return svg('svg', {
    class: 'icon s-waiting', viewBox: '-30 -30 60 60', 'aria-hidden': 'true',
  }, svg('g', {class: 'badge'}, ...drawn(BADGES[badge], 0)));
}

/** Draw a job: a square, its mark again by the state. */
export function jobIcon(state) {
  const marks = {
    running: [['fill', 'M38 30V70L70 50Z']],
    failed: [['line', 'M34 34 66 66M66 34 34 66', 13]],
    'submit-failed': [['line', 'M34 34 66 66M66 34 34 66', 13]],
    submitted: [['disc', 13]],
  }[state] ?? [];
  return svg('svg', {
    class: `icon job s-${state}`, viewBox: '0 0 100 100', 'aria-hidden': 'true',
  }, svg('rect', {x: 9, y: 9, width: 82, height: 82, rx: 16, class: 'fill'}),
  svg('g', {class: 'mark'}, ...drawn(marks, 50)));
}

const paths = new Map();

function path(d) {
  let known = paths.get(d);
  if (!known) paths.set(d, known = new Path2D(d));
  return known;
}

function ink(context, [kind, size, width], centre, colours) {
  context.fillStyle = context.strokeStyle = kind === 'cut' ? colours.back : colours.state;
  context.lineWidth = width ?? 1;
  if (kind === 'ring' || kind === 'disc') {
    context.beginPath();
    context.arc(centre, centre, size, 0, 7);
    if (kind === 'ring') context.stroke();
    else context.fill();
  } else if (kind === 'fill') context.fill(path(size));
  else context.stroke(path(size));
}

/**
 * Draw a state on a canvas, into a square.
 * @param {CanvasRenderingContext2D} context
 * @param {{state: string, badge: string, sixteenths: ?number}} what
 * @param {{x: number, y: number, size: number}} where
 * @param {{state: string, back: string, badge: string}} colours
 */
export function paint(context, what, {x, y, size}, colours) {
  context.save();
  context.translate(x, y);
  context.scale(size / 122, size / 122);
  context.translate(18, 18);
  for (const shape of shapesOf(what.state, what.sixteenths)) {
    ink(context, shape, 50, colours);
  }
  if (what.badge) {
    context.translate(BADGE.x, BADGE.y);
    context.scale(BADGE.scale, BADGE.scale);
    ink(context, ['disc', 25], 0, {...colours, state: colours.back});
    for (const shape of BADGES[what.badge]) {
      ink(context, shape, 0, {...colours, state: colours.badge});
    }
  }
  context.restore();
}
