// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Where things are, relative to the list. */

/** A name as part of a URL. */
function encoded(name) {
  return name.split('/').map(encodeURIComponent).join('/');
}

/** The page of a workflow. */
export function pathOf(name) {
  return `./workflows/${encoded(name)}/`;
}
