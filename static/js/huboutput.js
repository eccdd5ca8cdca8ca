// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What a job writes, as it writes it. */

import {el} from './dom.js';
import {url} from './transport.js';

/** So close to the end, in pixels, somebody reads along. */
const NEAR = 40;

/**
 * Follow the output of a job.
 * @param {string} id - Of the job.
 * @param {HTMLElement} place - Where it is shown.
 * @param {(job: object) => void} told - Called with what becomes of the job.
 * @returns {() => void} What ends it.
 */
export function follow(id, place, told) {
  const text = el('pre', {class: 'output', tabindex: 0, role: 'log', 'aria-label': 'Output'});
  place.replaceChildren(text);
  const source = new EventSource(url(`jobs/${id}/output`));
  source.addEventListener('output', ({data}) => {
    const {text: more, missed} = JSON.parse(data);
    const reads = text.scrollHeight - text.scrollTop - text.clientHeight < NEAR;
    if (missed) text.append(el('i', {}, `… ${missed} characters are no longer known …\n`));
    text.append(more);
    if (reads) text.scrollTop = text.scrollHeight;
  });
  source.addEventListener('job', ({data}) => told(JSON.parse(data)));
  source.addEventListener('end', ({data}) => {
    source.close();
    told(JSON.parse(data));
  });
  return () => source.close();
}
