// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Links to logs: `#log=1/foo/01/job.out:120` opens one, over any view. */

import {complain} from './notices.js';

const MARK = '#log=';

/** Open the log that a link leads to. */
async function follow(hash) {
  try {
    const {openLog, readLink} = await import('./logs.js');
    const link = readLink(hash);
    if (link) await openLog(link.id, link.line);
  } catch (error) {
    complain(`The log cannot be shown: ${error.message}`);
  }
}

// Views read the same part of the URL: they get it without ours.
if (location.hash.startsWith(MARK)) {
  follow(location.hash);
  history.replaceState(null, '', location.pathname + location.search);
}

addEventListener('hashchange', (event) => {
  if (!location.hash.startsWith(MARK)) return;
  event.stopImmediatePropagation();
  const {hash} = location;
  history.replaceState(null, '', new URL(event.oldURL).hash || '#');
  follow(hash);
});
