// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Patterns of names. */

/** Turn a pattern with *, ? and [ ] into a test; null if it has none. */
export function glob(pattern) {
  if (!/[*?[]/.test(pattern)) return null;
  const source = pattern.replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\[!/g, '[^').replace(/\*/g, '.*').replace(/\?/g, '.');
  try {
    return new RegExp(`^${source}$`, 'i');
  } catch {
    return null;
  }
}
