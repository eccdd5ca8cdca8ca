// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * Amends what is bundled, where it is in the way of some readers.
 *
 * The tabs of GraphiQL have a button within a tab, which those who listen to
 * a page cannot make sense of: here they are a list of buttons. And what was
 * asked before is called by its name.
 */

import {readFile} from 'node:fs/promises';

const CHANGES = [
  ['@graphiql/react/dist/ui/tabs.js', '"aria-selected": isActive, role: "tab", ', ''],
  ['@graphiql/react/dist/ui/tabs.js', 'role: "tablist", ', ''],
  ['graphiql/dist/GraphiQL.js', 'role: "tabpanel", ', 'role: "group", '],
  [
    'graphiql/dist/GraphiQL.js', 'title: tab.title, onClick',
    'title: tab.title, "aria-current": index_3 === activeTabIndex, onClick',
  ],
  [
    'plugin-history/dist/components.js',
    'onClick: handleHistoryItemClick, "aria-label": "Set active", ',
    'onClick: handleHistoryItemClick, ',
  ],
];

export const amended = {
  name: 'amended',
  setup(build) {
    build.onLoad({filter: /(ui\/tabs|GraphiQL|plugin-history\/dist\/components)\.js$/}, async ({path}) => {
      let contents = await readFile(path, 'utf8');
      for (const [file, from, to] of CHANGES) {
        if (!path.endsWith(file)) continue;
        if (contents.split(from).length !== 2) throw new Error(`${file} has not once: ${from}`);
        contents = contents.replace(from, to);
      }
      return {contents};
    });
  },
};
