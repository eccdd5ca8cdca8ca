// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The menu of a workflow, or of several. */

import {fitting} from './hubcommands.js';
import {openJobs} from './hubjobs.js';
import {pathOf} from './hubpath.js';
import {plural} from './format.js';
import {popUp} from './popup.js';
import {selection} from './select.js';
import {start} from './hubask.js';
import {store} from './hubstore.js';
import {whyNot} from './hubrights.js';

/** Show the menu of one workflow, or of the selection that it belongs to. */
export function openMenu(name, at, back) {
  const names = selection.has(name) ? selection.ids : [name];
  const rows = names.map((one) => store.rows.get(one)).filter(Boolean);
  const title = rows.length > 1 ? `${rows.length} selected` : name;
  const entries = [];
  if (rows.length === 1) {
    entries.push({label: 'Open', act: () => {
      location.href = pathOf(name);
    }});
  }
  entries.push({label: selection.has(name) ? 'Deselect' : 'Select', act: () => selection.toggle(name)});
  entries.push(null, ...commands(rows), null);
  entries.push({label: 'Jobs…', act: () => openJobs({workflows: names})});
  popUp(title, entries, at, back);
}

/** What can be done with them; greyed, and why, where the reader may not. */
export function commands(rows) {
  return fitting(rows).map(({command, fitting: some, allowed}) => {
    const part = rows.length > 1 && allowed.length < rows.length ? ` (${plural(allowed.length, 'workflow')})` : '';
    if (!allowed.length) return {label: command.label, denied: whyNot(some[0], command.operation)};
    return {label: command.label + part, danger: command.danger, act: () => start(command, allowed)};
  });
}
