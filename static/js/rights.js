// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What the reader may do, as the page says; the server decides anyway. */

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
  if (data().readOnly === 'true' || data().signedIn === 'false') return false;
  return includes(privilege(), command === 'stop' ? 'shutdown' : 'full-control');
}

/** Whether any command on tasks would be. */
export function mayAny() {
  return may('hold');
}
