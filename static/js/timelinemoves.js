// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** How mouse, fingers and keys move through time. */

/** A finger or a mouse that moves less than this means a click. */
const SLIP = 5;

/** How much a step of the wheel, and of a key, zooms. */
const WHEEL = 0.0016;
const KEY = 1.5;

/** Pixels of a line and of a page, for wheels that count in these. */
const UNITS = [1, 20, 400];

/**
 * Let time be moved.
 * @param {HTMLElement} field - What has the axis and the rows in it.
 * @param {HTMLElement} scroller - The rows.
 * @param {{scale: () => object, chart: () => {left: number, head: number},
 *   moved: () => void, fit: () => void, follow: () => void,
 *   zoom: (factor: number) => void}} options - `chart` tells where in the
 *   field the bars begin; `moved` is called after each change of the scale.
 * @returns {{dragging: boolean}} Whether something is being dragged.
 */
export function listen(field, scroller, options) {
  const state = {dragging: false, moved: false, pointers: new Map()};
  field.addEventListener('wheel', (event) => wheel(event, scroller, options), {passive: false});
  field.addEventListener('pointerdown', (event) => down(event, state, options));
  field.addEventListener('pointermove', (event) => move(event, field, scroller, state, options));
  for (const name of ['pointerup', 'pointercancel']) {
    field.addEventListener(name, (event) => up(event, field, state));
  }
  // The click at the end of a drag is none.
  field.addEventListener('click', (event) => {
    if (!state.moved) return;
    state.moved = false;
    event.stopPropagation();
    event.preventDefault();
  }, true);
  scroller.addEventListener('keydown', (event) => keys(event, options));
  return state;
}

/** Where an event is, from the left of the bars and the top of the field. */
export function pointOf(event, {left}) {
  const box = event.currentTarget.getBoundingClientRect();
  return {x: event.clientX - box.left - left, y: event.clientY - box.top};
}

/**
 * The wheel scrolls rows; over the axis, with Ctrl, or where nothing can be
 * scrolled, it zooms; sideways, or with shift, it goes through time.
 */
function wheel(event, scroller, {scale, chart, moved}) {
  const {x, y} = pointOf(event, chart());
  if (x < 0) return;
  const unit = UNITS[event.deltaMode] ?? 1;
  const still = scroller.scrollHeight <= scroller.clientHeight + 1;
  const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
  if (event.shiftKey || sideways) scale().pan((sideways ? event.deltaX : event.deltaY) * unit);
  else if (event.ctrlKey || event.metaKey || still || y < chart().head) {
    scale().zoom(Math.exp(event.deltaY * unit * WHEEL), x);
  } else return;
  event.preventDefault();
  moved();
}

function down(event, state, {chart}) {
  if (event.button || pointOf(event, chart()).x < 0) return;
  state.pointers.set(event.pointerId, {x: event.clientX, y: event.clientY, from: event.clientX, fromY: event.clientY});
  if (state.pointers.size === 1) state.moved = false;
}

function move(event, field, scroller, state, {scale, chart, moved}) {
  const pointer = state.pointers.get(event.pointerId);
  if (!pointer) return;
  const before = {...pointer};
  Object.assign(pointer, {x: event.clientX, y: event.clientY});
  if (!state.dragging) {
    if (Math.hypot(pointer.x - pointer.from, pointer.y - pointer.fromY) < SLIP && state.pointers.size < 2) return;
    state.dragging = state.moved = true;
    field.setPointerCapture(event.pointerId);
    field.classList.add('dragging');
  }
  const others = [...state.pointers].filter(([id]) => id !== event.pointerId);
  if (others.length) pinch(pointer, before, others[0][1], scale(), field.getBoundingClientRect().left + chart().left);
  else {
    scale().pan(before.x - pointer.x);
    // Fingers scroll by themselves.
    if (event.pointerType === 'mouse') scroller.scrollTop += before.y - pointer.y;
  }
  moved();
}

/** Two fingers: what is below them stays below them. */
function pinch(pointer, before, other, scale, left) {
  const [was, is] = [Math.abs(before.x - other.x), Math.abs(pointer.x - other.x)];
  scale.zoom(Math.max(12, was) / Math.max(12, is), other.x - left);
}

function up(event, field, state) {
  state.pointers.delete(event.pointerId);
  if (state.pointers.size) return;
  state.dragging = false;
  field.classList.remove('dragging');
}

/** + and - zoom, shift with left and right goes on, 0 fits all, n follows. */
function keys(event, {scale, moved, fit, follow, zoom}) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const {key} = event;
  if (key === '+' || key === '=') zoom(1 / KEY);
  else if (key === '-') zoom(KEY);
  else if (key === '0') fit();
  else if (key === 'n') follow();
  else if (event.shiftKey && (key === 'ArrowLeft' || key === 'ArrowRight')) {
    scale().pan(scale().width / (key === 'ArrowLeft' ? -5 : 5));
    moved();
  } else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}
