// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The view and the filter, in the part of the URL after "#". */

import {filter} from './filter.js';

/** Read the URL. */
export function read() {
  const [, view, search] = /^#?([^?]*)\??(.*)$/.exec(location.hash);
  return {view, filter: Object.fromEntries(new URLSearchParams(search))};
}

/** Write it: the part after "#", for a view with the filter as it is. */
export function hash(view) {
  const search = new URLSearchParams(filter.get()).toString()
    .replaceAll('%2C', ',').replaceAll('%2F', '/');
  return `#${view}${search ? `?${search}` : ''}`;
}

/** Keep the filter in the URL, without a step to go back for each letter. */
export function keep(view) {
  const wanted = hash(view);
  if (location.hash === wanted) return;
  history.replaceState(null, '', wanted);
}

/** Call a function when the reader goes to another view, or back. */
export function listen(changed) {
  addEventListener('hashchange', () => changed(read()));
}
