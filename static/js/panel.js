// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Opens the panel of one task, which is loaded when it is first wanted. */

import {complain} from './notices.js';

let module = null;

/** Show all about a task, by its id. */
export async function openTask(id) {
  try {
    module ??= await import('./task.js');
    module.openTask(id);
  } catch (error) {
    module = null;
    complain(`The details cannot be shown: ${error.message}`);
  }
}
