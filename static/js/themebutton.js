// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The button which switches between light and dark. */

import {el} from './dom.js';
import {switchTheme, theme} from './prefs.js';

/** Make the button. */
export function themeButton() {
  const button = el('button', {
    type: 'button', class: 'plain theme', on: {
      click: () => {
        switchTheme();
        draw(button);
      },
    },
  });
  draw(button);
  return button;
}

function draw(button) {
  const dark = theme() === 'dark';
  button.textContent = dark ? '☀' : '☾';
  button.title = dark ? 'Light colours' : 'Dark colours';
  button.setAttribute('aria-label', button.title);
}
