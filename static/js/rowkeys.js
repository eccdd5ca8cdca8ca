// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Keys and clicks which are the same in every view made of tasks. */

import {openMenu} from './menu.js';
import {openTask} from './panel.js';
import {use} from './rowhands.js';

/** Let rows of tasks be used: see {@link use}. */
export function listen(rows, options) {
  use(rows, {
    menu: openMenu,
    open: (item) => item.node?.kind === 'task' && openTask(item.node.id),
    ...options,
  });
}
