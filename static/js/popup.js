// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** A menu which pops up where it was asked for. */

import {el} from './dom.js';

/**
 * @typedef {{label: string, act?: () => void, danger?: boolean, denied?: string}} Entry
 *   `denied` says why it cannot be chosen.
 */

let close = () => {};

/**
 * Show a menu.
 * @param {string} title
 * @param {(?Entry)[]} entries - null is a line between others.
 * @param {Element|{x: number, y: number}} at - Where.
 * @param {HTMLElement} back - What has the focus afterwards.
 */
export function popUp(title, entries, at, back) {
  close();
  const items = entries.map((entry) => (entry ? item(entry) : el('hr', {role: 'separator'})));
  const menu = el('div', {class: 'menu', role: 'menu', 'aria-label': title},
    el('div', {class: 'title', 'aria-hidden': 'true'}, title), ...items);
  document.body.append(menu);
  place(menu, at);
  const away = (event) => {
    if (!menu.contains(event.target)) close();
  };
  close = () => {
    menu.remove();
    document.removeEventListener('pointerdown', away, true);
    back?.focus?.({preventScroll: true});
    close = () => {};
  };
  document.addEventListener('pointerdown', away, true);
  menu.addEventListener('keydown', (event) => move(event, items.filter((item) => item.role === 'menuitem')));
  items[0]?.focus({preventScroll: true});
}

function item({label, act, danger, denied}) {
  if (denied) {
    return el('button', {
      type: 'button', role: 'menuitem', tabindex: -1, 'aria-disabled': 'true', title: denied,
    }, label, el('small', {}, denied));
  }
  return el('button', {
    type: 'button', role: 'menuitem', tabindex: -1, class: danger ? 'danger' : '',
    on: {
      click: () => {
        close();
        act();
      },
    },
  }, label);
}

/** Put the menu where there is room for it. */
function place(menu, at) {
  const box = at instanceof Element ? at.getBoundingClientRect() : {left: at.x, right: at.x, top: at.y, bottom: at.y};
  const {offsetWidth: width, offsetHeight: height} = menu;
  const left = Math.min(box.left, innerWidth - width - 8);
  const top = box.bottom + height + 8 > innerHeight ? Math.max(8, Math.min(box.top, innerHeight - 8) - height) : box.bottom;
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${top}px`;
}

function move(event, items) {
  const place = items.indexOf(document.activeElement);
  const letter = event.key.length === 1 ? event.key.toLowerCase() : '';
  const to = {ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: -1}[event.key];
  if (event.key === 'Escape' || event.key === 'Tab') close();
  else if (to !== undefined) items.at(to % items.length).focus();
  else if (letter) {
    const after = [...items.slice(place + 1), ...items.slice(0, place + 1)];
    after.find((item) => item.textContent.toLowerCase().startsWith(letter))?.focus();
  } else return;
  if (event.key !== 'Enter' && event.key !== ' ') event.preventDefault();
}
