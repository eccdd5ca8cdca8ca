// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Ends the session. */

import {forgetWorkflow} from './prefs.js';
import {proof, url} from './transport.js';

/** End the session, and leave nothing in the browser that it has shown. */
export async function signOut() {
  // In a hub the session is for all workflows.
  const {above = ''} = document.body.dataset;
  try {
    const csrf = proof()['X-XSRFToken'] ?? '';
    await fetch(url(`${above}logout`), {method: 'POST', body: new URLSearchParams({csrf}), redirect: 'manual'});
  } finally {
    forgetWorkflow();
    location.reload();
  }
}
