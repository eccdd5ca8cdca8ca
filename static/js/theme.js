// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
// Chooses light or dark before the first paint: a classic script, for <head>.

(() => {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const set = () => {
    let wish = null;
    try {
      wish = localStorage.getItem('cylc-flask.theme');
    } catch {
      // Storage may be forbidden; the system's wish will do.
    }
    document.documentElement.dataset.theme =
      wish === 'dark' || wish === 'light' ? wish : dark.matches ? 'dark' : 'light';
  };
  dark.addEventListener('change', set);
  addEventListener('storage', set);
  addEventListener('cylc-flask:theme', set);
  set();
})();
