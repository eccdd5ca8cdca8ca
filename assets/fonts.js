// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * Leaves fonts out of style sheets.
 *
 * GraphiQL's come inside its style sheet, as data, which is most of that and
 * more than the page allows. It takes the fonts of the page instead.
 */

import {readFile} from 'node:fs/promises';

const FONT = /@font-face\s*\{[^}]*\}/g;

export const withoutFonts = {
  name: 'without-fonts',
  setup(build) {
    build.onLoad({filter: /\.css$/}, async ({path}) => ({
      contents: (await readFile(path, 'utf8')).replace(FONT, ''),
      loader: 'css',
    }));
  },
};
