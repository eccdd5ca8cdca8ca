// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What the reader may do, as the page says; the server decides anyway. */

import {COMMANDS} from './commands.js';
import {includes} from './documents.js';

function data() {
  return document.body.dataset;
}

/** The reader's privilege. */
export function privilege() {
  return data().privilege || 'none';
}

/** Whether the reader may see all of the workflow. */
export function mayRead() {
  return includes(privilege(), 'full-read');
}

/** Whether a command would be taken. */
export function may(command) {
  const {readOnly, signedIn, operations} = data();
  if (readOnly === 'true' || signedIn === 'false') return false;
  if (operations !== undefined) return operations.split(' ').includes(operation(command));
  return includes(privilege(), command === 'stop' ? 'shutdown' : 'full-control');
}

/**
 * Whether any command would be.
 * @param {'tasks'|'workflow'} [about] - On what; to stop the workflow does not count.
 */
export function mayAny(about = 'tasks') {
  return COMMANDS.some(({command, on}) => on === about && command !== 'stop' && may(command));
}

/** What the server calls a command: "setHoldPoint" is "set_hold_point". */
function operation(command) {
  return command.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
