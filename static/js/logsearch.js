// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The search in a log: what was found, and which of it is in view. */

/** How long (milliseconds) to wait for the next letter. */
const PATIENCE = 200;

export class Search {
  /**
   * @param {import('./loglines.js').LogLines} lines
   * @param {HTMLInputElement} field
   * @param {HTMLElement} count - Where to say how much was found.
   */
  constructor(lines, field, count) {
    Object.assign(this, {_lines: lines, _field: field, _count: count});
    this.clear();
    field.addEventListener('input', () => {
      clearTimeout(this._timer);
      this._timer = setTimeout(() => this._find(-1), PATIENCE);
    });
    field.addEventListener('keydown', (event) => this._key(event));
  }

  /** Begin anew with another log; what is looked for stays in the field. */
  clear() {
    this._found = [];
    this._at = -1;
    this._count.textContent = '';
  }

  /** Go to the next place, or to the one before. */
  step(by) {
    this._find(by);
  }

  _key(event) {
    if (event.key === 'Enter') {
      clearTimeout(this._timer);
      this.step(event.shiftKey ? -1 : 1);
      event.preventDefault();
    } else if (event.key === 'Escape' && this._field.value) {
      // It shall not close the log.
      this._field.value = '';
      this._find(1);
      event.preventDefault();
      event.stopPropagation();
    }
  }

  /** Look again, there may be more lines; go on from where we were. */
  _find(by) {
    const before = this._found[this._at];
    this._found = this._lines.find(this._field.value);
    const known = this._found.indexOf(before);
    const many = this._found.length;
    if (!many) this._at = -1;
    else if (known < 0) this._at = by > 0 ? 0 : many - 1;
    else this._at = (known + by + many) % many;
    this._tell();
  }

  _tell() {
    const many = this._found.length;
    this._count.textContent = !this._field.value ? ''
      : many ? `${this._at + 1} of ${many}` : 'none';
    if (many) this._lines.show(this._found[this._at]);
  }
}
