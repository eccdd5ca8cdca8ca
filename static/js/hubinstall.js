// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The form which installs a workflow. */

import {askFor, ordered} from './hubask.js';
import {call} from './hubrun.js';
import {el} from './dom.js';
import {fieldsOf} from './huboptions.js';
import {makeField} from './modal.js';

/** Ask what to install, and install it. */
export function install() {
  askFor('Install', [el('p', {}, 'A workflow is made of a source, to be played later or at once.')], false, async () => {
    const [{sources}, options] = await Promise.all([call('sources'), fieldsOf('install')]);
    if (!sources.length) throw new Error('There is nothing that you may install: sources are folders with a flow.cylc, in ~/cylc-src or where global.cylc says.');
    const source = makeField({name: 'source', label: 'Source', kind: 'choice', options: sources});
    const name = makeField({
      name: 'name', label: 'Name', kind: 'text', required: true, initial: sources[0],
      help: 'Each installation below this name is a run of its own: NAME/run1, NAME/run2…',
    });
    const check = makeField({name: 'validate', label: 'Validate it first', kind: 'check'});
    const play = makeField({name: 'play', label: 'Play it then', kind: 'check', initial: true});
    let proposed = sources[0];
    source.input.addEventListener('change', () => {
      if (name.value() === proposed) name.input.value = source.value();
      proposed = source.value();
    });
    return {
      rows: [source.row, name.row, check.row, play.row, ...options.rows],
      done: () => ordered({
        workflows: [name.value()], source: source.value(), steps: [
          ...(check.value() ? [{command: 'validate', options: {}}] : []),
          {command: 'install', options: options.read()},
          ...(play.value() ? [{command: 'play', options: {}}] : []),
        ],
      }),
    };
  });
}
