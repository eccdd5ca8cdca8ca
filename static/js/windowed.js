// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * Rows of which only those in view are in the document.
 *
 * Rows are known by a key; a cell is drawn anew only if what it shows has
 * changed, so that a click never meets an element which was just replaced.
 */

import {attribute, el, unseen} from './dom.js';

/** Rows above and below the view, so that scrolling shows no gaps. */
const SPARE = 6;

/**
 * @typedef {{id: string, label: string, class?: string,
 *   value: (item: object) => string|number|null,
 *   draw?: (item: object, value: *) => (Node|string|null)[]}} Column
 *   `value` tells whether a cell is to be drawn again.
 */

export class Rows {
  /**
   * @param {{role: string, label: string, columns: Column[], id: string,
   *   describe: (row: HTMLElement, item: object, index: number) => void}} options
   */
  constructor({role, label, columns, id, describe}) {
    this._columns = columns;
    this._describe = describe;
    this._id = id;
    this._items = [];
    this._rows = new Map();
    this.current = null;
    this.head = el('div', {class: 'row head', role: 'row', 'aria-rowindex': 1},
      ...columns.map((column) => el('div', {
        class: `cell ${column.class ?? ''}`, role: 'columnheader', data: {column: column.id},
      }, column.label || unseen('Actions'))));
    this._space = el('div', {class: 'space', role: 'rowgroup'});
    this.element = el('div', {
      id, class: 'rows', role, tabindex: 0, 'aria-label': label,
      'aria-multiselectable': 'true', 'aria-colcount': columns.length,
    }, el('div', {class: 'headgroup', role: 'rowgroup'}, this.head), this._space);
    this.element.addEventListener('scroll', () => this._draw(null), {passive: true});
    this._observer = new ResizeObserver(() => {
      this.measure();
      this._draw(null);
    });
    this._observer.observe(this.element);
    this._measure();
  }

  /** The elements in view, as [item, row]. */
  get shown() {
    return [...this._rows.values()].map(({item, row}) => [item, row]);
  }

  get items() {
    return this._items;
  }

  /**
   * Show these.
   * @param {{key: string}[]} items
   * @param {?Set<string>} changed - Keys of which the cells may have changed;
   *   null for all.
   */
  show(items, changed = null) {
    if (items !== this._items) {
      this._items = items;
      this._places = null;
      this._space.style.height = `${items.length * this._height}px`;
      this.element.setAttribute('aria-rowcount', items.length + 1);
    }
    this._draw(changed ?? 'all');
  }

  /** The place of a key among the items, or -1. */
  place(key) {
    this._places ??= new Map(this._items.map((item, index) => [item.key, index]));
    return this._places.get(key) ?? -1;
  }

  /** Make a row the current one, and bring it into view. */
  go(index) {
    if (!this._items.length) return;
    const bounded = Math.max(0, Math.min(this._items.length - 1, index));
    this.current = this._items[bounded].key;
    const top = bounded * this._height;
    const room = this.element.clientHeight - this._headHeight - this._height;
    const {scrollTop} = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top > scrollTop + room) this.element.scrollTop = top - room;
    this._draw('all');
  }

  /** Heights in pixels: of a row, and of the head. */
  get heights() {
    return {row: this._height, head: this._headHeight};
  }

  /** How many rows fit. */
  get page() {
    return Math.max(1, Math.floor((this.element.clientHeight - this._headHeight) / this._height) - 1);
  }

  /** Take the heights that rows have by now. */
  measure() {
    const before = this._height;
    this._measure();
    if (this._height === before) return;
    for (const known of this._rows.values()) known.index = -1;
    this._draw('all');
  }

  end() {
    this._observer.disconnect();
  }

  _measure() {
    const style = getComputedStyle(this.element);
    this._height = Number.parseFloat(style.getPropertyValue('--row')) || 28;
    this._headHeight = this.head.offsetHeight;
    this._space.style.height = `${this._items.length * this._height}px`;
  }

  _draw(changed) {
    const {scrollTop, clientHeight} = this.element;
    const first = Math.max(0, Math.floor(scrollTop / this._height) - SPARE);
    const last = Math.min(
      this._items.length, Math.ceil((scrollTop + clientHeight) / this._height) + SPARE,
    );
    const keep = new Map();
    for (let index = first; index < last; index++) {
      const item = this._items[index];
      const known = this._rows.get(item.key) ?? this._make(item);
      const stale = changed === 'all' || changed?.has(item.key) || known.fresh || known.index !== index;
      keep.set(item.key, known);
      known.item = item;
      if (stale) this._fill(known, index);
    }
    for (const [key, {row}] of this._rows) if (!keep.has(key)) row.remove();
    this._rows = keep;
    this._order();
    this._mark();
  }

  _make(item) {
    const cells = this._columns.map((column, index) => el('div', {
      class: `cell ${column.class ?? ''}`, role: 'gridcell', 'aria-colindex': index + 1,
    }));
    return {
      item, cells, index: -1, fresh: true, values: [],
      row: el('div', {class: 'row', role: 'row'}, ...cells),
    };
  }

  _fill(known, index) {
    const {item, row, cells, values} = known;
    if (known.index !== index) {
      row.style.transform = `translateY(${index * this._height}px)`;
      row.setAttribute('aria-rowindex', index + 2);
      row.id = `${this._id}-${index}`;
      known.index = index;
    }
    known.fresh = false;
    this._columns.forEach((column, place) => {
      const value = column.value(item);
      if (values[place] === value && value !== undefined) return;
      values[place] = value;
      const drawn = column.draw ? column.draw(item, value) : [value ?? ''];
      cells[place].replaceChildren(...drawn.filter((part) => part !== null));
    });
    this._describe(row, item, index);
  }

  /** Keep the rows in the document in the order in which they are seen. */
  _order() {
    let next = this._space.firstChild;
    for (const {row} of this._rows.values()) {
      if (row === next) next = next.nextSibling;
      else this._space.insertBefore(row, next);
    }
  }

  _mark() {
    let active = null;
    for (const [key, {row}] of this._rows) {
      const is = key === this.current;
      row.classList.toggle('current', is);
      if (is) active = row.id;
    }
    attribute(this.element, 'aria-activedescendant', active);
  }
}
