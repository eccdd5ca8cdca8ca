// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The names of workflows as folders, and which of them are shown. */

import {natural} from './format.js';
import {choice} from './hubfilter.js';
import {rank} from './hubstatus.js';
import {ofWorkflow, recall, remember} from './prefs.js';
import {store} from './hubstore.js';

const CLOSED = ofWorkflow('closed');

/** Folders which the reader has closed. */
const closed = new Set(recall(CLOSED, []));

class Folder {
  constructor(name, label) {
    Object.assign(this, {name, label, folders: new Map(), rows: []});
  }

  /** Find, or make, a folder in this one. */
  folder(label) {
    let found = this.folders.get(label);
    if (!found) {
      found = new Folder(this.name ? `${this.name}/${label}` : label, label);
      this.folders.set(label, found);
    }
    return found;
  }

  /** All workflows in it, at any depth. */
  get all() {
    return [...this.rows, ...[...this.folders.values()].flatMap((folder) => folder.all)];
  }
}

/** Workflows which the filter leaves. */
export function fitting() {
  return [...store.rows.values()].filter((row) => choice.fits(row));
}

/** Open a folder, or close it. */
export function turn(name) {
  if (!closed.delete(name)) closed.add(name);
  remember(CLOSED, [...closed]);
}

/**
 * The rows to be seen, one after the other.
 * @returns {{key: string, kind: 'folder'|'workflow', label: string, level: number,
 *   open: boolean, row: ?object, rows: object[], index: number, size: number}[]}
 */
export function flatten() {
  const root = new Folder('', '');
  for (const row of fitting()) {
    const parts = row.name.split('/');
    const folder = parts.slice(0, -1).reduce((one, label) => one.folder(label), root);
    folder.rows.push(row);
  }
  const items = [];
  walk(root, '', 1, items);
  return items;
}

/** Folders with one thing in them are no folders, but part of its name. */
function walk(folder, prefix, level, items) {
  const entries = [
    ...folder.rows.map((row) => ({row, rows: [row], label: prefix + row.name.split('/').at(-1)})),
    ...[...folder.folders.values()].map((one) => single(one, prefix)),
  ].map((entry) => ({...entry, order: order(entry)}));
  entries.sort((one, other) => (one.order < other.order ? -1 : 1));
  entries.forEach(({row, rows, label, folder: below}, index) => {
    const open = Boolean(below) && (choice.active || !closed.has(below.name));
    items.push({
      key: row ? row.name : `${below.name}/`, kind: row ? 'workflow' : 'folder', name: row?.name ?? below.name,
      label, level, open, row: row ?? null, rows, index: index + 1, size: entries.length,
    });
    if (open) walk(below, '', level + 1, items);
  });
}

function single(folder, prefix) {
  const label = `${prefix}${folder.label}/`;
  const rows = folder.all;
  if (folder.rows.length + folder.folders.size > 1) return {folder, rows, label: label.slice(0, -1)};
  return folder.rows.length
    ? {row: folder.rows[0], rows, label: label + folder.rows[0].name.split('/').at(-1)}
    : single([...folder.folders.values()][0], label);
}

function order({rows, label}) {
  if (!choice.problemsFirst) return natural(label);
  const first = Math.min(...rows.map(rank));
  return `${String(first).padStart(2, '0')} ${natural(label)}`;
}
