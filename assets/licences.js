// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Says under which licences the parts of a bundle are. */

import {readdir, readFile} from 'node:fs/promises';

const FOLDER = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/;
const LICENCE = /^(licen[cs]e|copying|notice)/i;
const RULE = '='.repeat(72);

/**
 * Return the licences of all packages of which there is something in bundles.
 * @param {object[]} metafiles - What esbuild says of them.
 */
export async function licences(metafiles) {
  const folders = new Set();
  for (const {inputs} of metafiles.flatMap(({outputs}) => Object.values(outputs))) {
    for (const [path, {bytesInOutput}] of Object.entries(inputs)) {
      const found = FOLDER.exec(path);
      if (found && bytesInOutput) folders.add(found[0]);
    }
  }
  const parts = await Promise.all([...folders].sort().map(part));
  return `What is in these files, and under which licence.\n\n${parts.join('\n')}`;
}

async function part(folder) {
  const {name, version, license, author, homepage} =
    JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
  const by = typeof author === 'object' ? author.name : author;
  const head = [`${name} ${version}`, `Licence: ${license}`];
  if (by) head.push(`Author: ${by}`);
  if (homepage) head.push(homepage);
  const texts = [];
  for (const file of (await readdir(folder)).sort()) {
    if (LICENCE.test(file)) texts.push((await readFile(`${folder}/${file}`, 'utf8')).trim());
  }
  return [RULE, ...head, '', ...texts, ''].join('\n');
}
