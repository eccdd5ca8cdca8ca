// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What the reader may do with which workflow; the hub decides anyway. */

import {includes} from './documents.js';

/** What each operation needs, of those that a level brings. */
export const NEEDS = JSON.parse(document.getElementById('needs')?.textContent ?? '{}');

/** Whether an operation would be taken. */
export function may(row, operation) {
  return !readOnly() && row.may.has(operation);
}

/** Why it would not, in words. */
export function whyNot(row, operation) {
  if (readOnly()) return 'This hub is read-only.';
  const needed = NEEDS[operation];
  if (needed && !includes(row.level, needed)) return `Needs ${needed}; you have ${row.level}.`;
  return needed ? 'A rule forbids it here.' : 'No rule gives it to you here.';
}

function readOnly() {
  return document.body.dataset.readOnly === 'true';
}
