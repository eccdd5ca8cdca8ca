// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Bundles what the web page takes from others: `make assets`. */

import {writeFile} from 'node:fs/promises';
import {build} from 'esbuild';

import {amended} from './amend.js';
import {withoutFonts} from './fonts.js';
import {licences} from './licences.js';

const TARGET = '../static/bundle';

const NOTE = '/* Made of the work of others, see LICENCES.txt. */';

const COMMON = {
  outdir: TARGET,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  define: {'process.env.NODE_ENV': '"production"'},
  banner: {js: NOTE, css: NOTE},
  // Comments that name authors and licences.
  legalComments: 'linked',
  metafile: true,
  logLevel: 'warning',
};

const made = await Promise.all([
  build({...COMMON, entryPoints: ['layout.js']}),
  build({
    ...COMMON,
    entryPoints: ['graphiql.jsx', 'graphiql.css'],
    // GraphiQL calls its icons by the names of its functions.
    keepNames: true,
    jsx: 'automatic',
    loader: {'.graphql': 'text'},
    alias: {'react-style-singleton': './styles.js'},
    plugins: [amended, withoutFonts],
  }),
]);
const text = await licences(made.map(({metafile}) => metafile));
await writeFile(`${TARGET}/LICENCES.txt`, text);
