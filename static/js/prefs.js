// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** What this browser remembers: of the reader, and of each workflow. */

const PREFIX = 'cylc-flask.';

/** Read a setting; a broken or forbidden storage is like an empty one. */
export function recall(key, otherwise = null) {
  try {
    const text = localStorage.getItem(PREFIX + key);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise;
  }
}

/** Keep a setting, as far as the browser lets us. */
export function remember(key, value) {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // A full or forbidden storage: then it is forgotten.
  }
}

/** The name of a setting which belongs to one workflow. */
export function ofWorkflow(key) {
  return `${key}:${document.body.dataset.workflow ?? ''}`;
}

/**
 * Forget all settings which belong to this one; in a hub, where one session is
 * for all workflows, those which belong to any.
 */
export function forgetWorkflow() {
  const {workflow, above} = document.body.dataset;
  const own = ofWorkflow('');
  try {
    for (const key of Object.keys(localStorage)) {
      const belongs = workflow && !above ? key.endsWith(own) : key.includes(':');
      if (key.startsWith(PREFIX) && belongs) localStorage.removeItem(key);
    }
  } catch {
    // A forbidden storage has nothing to forget.
  }
}

/** What is in force now: 'light' or 'dark'. */
export function theme() {
  return document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light';
}

/** Change to the other of light and dark; the choice is remembered. */
export function switchTheme() {
  const other = theme() === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(`${PREFIX}theme`, other);
  } catch {
    document.documentElement.dataset.theme = other;
    return;
  }
  dispatchEvent(new Event('cylc-flask:theme'));
}
