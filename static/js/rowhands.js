// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Keys and clicks which are the same wherever there are rows. */

import {selection} from './select.js';

/**
 * Let rows be used by keyboard, mouse and finger.
 *
 * Up, down, page up and down, home and end move; space selects, with shift a
 * range; enter opens; "m" (or a right click) gives the menu; a letter does
 * nothing else, so that the browser's own keys stay.
 * @param {import('./windowed.js').Rows} rows
 * @param {{id: (item: object) => ?string, other?: (event: KeyboardEvent, item: object) => boolean,
 *   open: (item: object) => void,
 *   menu: (id: string, at: Element|{x: number, y: number}, back: HTMLElement) => void}} options -
 *   `id`: of what can be selected.
 */
export function use(rows, {id, other = () => false, open, menu}) {
  const itemOf = (event) => {
    const row = event.target.closest?.('.row:not(.head)');
    return rows.shown.find(([, element]) => element === row)?.[0];
  };

  rows.element.addEventListener('keydown', (event) => {
    if (event.ctrlKey && event.key === 'a') {
      selection.add(rows.items.map(id).filter(Boolean));
      event.preventDefault();
      return;
    }
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const place = rows.place(rows.current);
    const item = rows.items[place];
    const moves = {
      ArrowDown: place + 1, ArrowUp: place - 1, PageDown: place + rows.page,
      PageUp: place - rows.page, Home: 0, End: rows.items.length - 1,
    };
    let done = true;
    if (event.key in moves) {
      rows.go(moves[event.key]);
      if (event.shiftKey) range(rows, id, rows.items[rows.place(rows.current)]);
    } else if (!item) done = false;
    else if (other(event, item)) done = true;
    else if (event.key === ' ') choose(rows, id, item, event.shiftKey);
    else if (event.key === 'Enter') open(item);
    else if (event.key === 'm' || event.key === 'ContextMenu') menuAt(item);
    else done = false;
    if (done) event.preventDefault();
  });

  const menuAt = (item, point = null) => {
    if (!id(item)) return;
    const row = rows.shown.find(([shown]) => shown.key === item.key)?.[1];
    menu(id(item), point ?? row?.querySelector('.more') ?? row, rows.element);
  };

  rows.element.addEventListener('click', (event) => {
    const item = itemOf(event);
    if (!item) return;
    rows.go(rows.place(item.key));
    if (event.target.closest('.tick')) choose(rows, id, item, event.shiftKey);
    else if (event.target.closest('.more')) menuAt(item);
    else if (event.ctrlKey || event.metaKey) choose(rows, id, item, false);
    else if (event.shiftKey) range(rows, id, item);
    else if (event.target.closest('.open')) open(item);
  });

  rows.element.addEventListener('contextmenu', (event) => {
    const item = itemOf(event);
    if (!item || !id(item) || event.shiftKey) return;
    event.preventDefault();
    rows.go(rows.place(item.key));
    menuAt(item, {x: event.clientX, y: event.clientY});
  });
}

function choose(rows, id, item, ranged) {
  if (!id(item)) return;
  if (ranged) range(rows, id, item);
  else selection.toggle(id(item));
}

/** Select all between the anchor and an item. */
function range(rows, id, item) {
  const ids = rows.items.map(id);
  const from = ids.indexOf(selection.anchor);
  const to = ids.indexOf(id(item));
  if (from < 0 || to < 0) {
    if (id(item)) selection.toggle(id(item));
    return;
  }
  selection.add(ids.slice(Math.min(from, to), Math.max(from, to) + 1).filter(Boolean));
}
