// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The list of what was done in this browser. */

import {el} from './dom.js';
import {journal} from './journal.js';
import {show} from './modal.js';

/** Show what was done in this browser. */
export function showHistory() {
  const place = el('div', {}, journal.list());
  const dialog = show('History: what was done in this browser', [place, el('p', {class: 'buttons'},
    el('button', {
      type: 'button', on: {
        click: () => {
          journal.clear();
          place.replaceChildren(journal.list());
        },
      },
    }, 'Forget all'),
    el('button', {type: 'button', class: 'main', on: {click: () => dialog.close()}}, 'Close'))]);
  dialog.classList.add('large');
}
