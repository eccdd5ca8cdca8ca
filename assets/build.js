// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Bundles what the web page takes from others: `make assets`. */

import {rm, writeFile} from 'node:fs/promises';
import {build} from 'esbuild';

import {licences} from './licences.js';
import {withoutFonts} from './fonts.js';

const TARGET = '../static/bundle';

await rm(TARGET, {recursive: true, force: true});
const {metafile} = await build({
  entryPoints: ['graphiql.js', 'graphiql.css', 'layout.js'],
  outdir: TARGET,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  define: {'process.env.NODE_ENV': '"production"'},
  loader: {'.graphql': 'text'},
  plugins: [withoutFonts],
  banner: {
    js: '/* Made of the work of others, see LICENCES.txt. */',
    css: '/* Made of the work of others, see LICENCES.txt. */',
  },
  // Comments which name an author stay, beside what they are about.
  legalComments: 'linked',
  metafile: true,
  logLevel: 'warning',
});
await writeFile(`${TARGET}/LICENCES.txt`, await licences(metafile));
