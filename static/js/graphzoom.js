// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Moves and zooms a picture: by mouse, by one or two fingers, step by step. */

const LEAST = 0.03;
const MOST = 3;

/** What a pointer may move and still click, in pixels. */
const STILL = 4;

/** Around what is fitted into the view, in pixels; below there are buttons. */
const MARGIN = 18;
const BELOW = 56;

export class Zoom {
  /**
   * @param {HTMLElement} field - What the picture is seen in.
   * @param {(smooth: boolean) => void} moved - Called after each change.
   */
  constructor(field, moved) {
    this._field = field;
    this._moved = moved;
    this._pointers = new Map();
    /** The picture's origin in the field, and its scale. */
    Object.assign(this, {x: 0, y: 0, k: 1});
    /** Whether the reader has moved it, so that it is not to be fitted. */
    this.held = false;
    field.addEventListener('wheel', (event) => this._wheel(event), {passive: false});
    field.addEventListener('pointerdown', (event) => this._down(event));
    field.addEventListener('pointermove', (event) => this._move(event));
    for (const name of ['pointerup', 'pointercancel']) {
      field.addEventListener(name, (event) => this._up(event));
    }
    // The click at the end of a drag is none.
    field.addEventListener('click', (event) => {
      if (this._dragged) event.stopPropagation();
      this._dragged = false;
    }, true);
  }

  /** The size of the field. */
  get room() {
    return {width: this._field.clientWidth, height: this._field.clientHeight};
  }

  /** Zoom by a factor, about a place in the field or its middle. */
  by(factor, at = null, smooth = false) {
    const {width, height} = this.room;
    const {x, y} = at ?? {x: width / 2, y: height / 2};
    const k = Math.min(MOST, Math.max(LEAST, this.k * factor));
    this.x = x - (x - this.x) * k / this.k;
    this.y = y - (y - this.y) * k / this.k;
    this.k = k;
    this._change(smooth);
  }

  /** Zoom to a scale. */
  to(scale) {
    this.by(scale / this.k, null, true);
  }

  /** Move, in pixels of the field. */
  pan(x, y, smooth = false) {
    this.x += x;
    this.y += y;
    this._change(smooth);
  }

  /** Show all of a picture of some size. */
  fit({width, height}, smooth = false) {
    const room = this.room;
    const k = Math.min((room.width - 2 * MARGIN) / width, (room.height - MARGIN - BELOW) / height, 1);
    this.k = Math.max(LEAST, Number.isFinite(k) ? k : 1);
    this.x = (room.width - width * this.k) / 2;
    this.y = Math.max(MARGIN, Math.min((room.height - height * this.k) / 2, room.height - BELOW - height * this.k));
    this.held = false;
    this._moved(smooth);
  }

  /** Move as little as shows a box of the picture. */
  reveal({x, y, width, height}) {
    const room = this.room;
    const by = (start, length, all) => {
      if (start < MARGIN) return MARGIN - start;
      return Math.min(0, all - MARGIN - start - length);
    };
    const [dx, dy] = [
      by(this.x + x * this.k, width * this.k, room.width),
      by(this.y + y * this.k, height * this.k, room.height),
    ];
    if (dx || dy) this.pan(dx, dy, true);
  }

  /** The part of the picture that is in view. */
  get seen() {
    const {width, height} = this.room;
    return {
      left: -this.x / this.k, top: -this.y / this.k,
      right: (width - this.x) / this.k, bottom: (height - this.y) / this.k,
    };
  }

  _change(smooth) {
    this.held = true;
    this._moved(smooth);
  }

  _at(event) {
    const box = this._field.getBoundingClientRect();
    return {x: event.clientX - box.left, y: event.clientY - box.top};
  }

  _wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode ? 16 : 1;
    if (event.shiftKey) this.pan(-(event.deltaX || event.deltaY) * lines, 0);
    else this.by(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), this._at(event));
  }

  _down(event) {
    if (event.button) return;
    this._pointers.set(event.pointerId, this._at(event));
    this._dragged = false;
    this._start = this._at(event);
  }

  _move(event) {
    const before = this._pointers.get(event.pointerId);
    if (!before) return;
    const now = this._at(event);
    if (!this._dragged) {
      if (Math.hypot(now.x - this._start.x, now.y - this._start.y) < STILL) return;
      this._dragged = true;
      for (const id of this._pointers.keys()) this._field.setPointerCapture(id);
      this._field.classList.add('dragged');
    }
    this._pointers.set(event.pointerId, now);
    if (this._pointers.size === 1) this.pan(now.x - before.x, now.y - before.y);
    else this._pinch(event.pointerId, before, now);
  }

  _pinch(id, before, now) {
    const other = [...this._pointers].find(([key]) => key !== id)[1];
    const distance = (one) => Math.max(1, Math.hypot(one.x - other.x, one.y - other.y));
    this.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    this.by(distance(now) / distance(before), {x: (now.x + other.x) / 2, y: (now.y + other.y) / 2});
  }

  _up(event) {
    this._pointers.delete(event.pointerId);
    if (!this._pointers.size) this._field.classList.remove('dragged');
  }
}
