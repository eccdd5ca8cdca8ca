// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Notices in the corner: each stays until it is dismissed, or others come. */

import {announce, el} from './dom.js';

/** So many are shown at once. */
const MOST = 4;

/** Show a notice; @returns {HTMLElement} Its first child has the text. */
export function notice(text = '') {
  const place = document.getElementById('notices')
    ?? document.body.appendChild(el('section', {id: 'notices', 'aria-label': 'Notices'}));
  const made = el('div', {class: 'notice'}, el('span', {class: 'text'}, text), el('button', {
    type: 'button', class: 'plain', 'aria-label': 'Dismiss', on: {click: () => made.remove()},
  }, '×'));
  place.append(made);
  while (place.children.length > MOST) place.firstChild.remove();
  return made;
}

/** Tell everybody that something which was asked for cannot be. */
export function complain(text) {
  notice(text).classList.add('is-failed');
  announce(text);
}
