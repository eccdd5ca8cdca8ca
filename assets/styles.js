// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * Stands for react-style-singleton, by which parts of GraphiQL style the page.
 *
 * It writes <style> elements, which the page does not allow; these are sheets
 * made by script.
 */

import {useEffect} from 'react';

function add(text) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  document.adoptedStyleSheets.push(sheet);
  return () => {
    const rest = document.adoptedStyleSheets.filter((one) => one !== sheet);
    document.adoptedStyleSheets = rest;
  };
}

export function styleSingleton() {
  return ({styles, dynamic}) => {
    useEffect(() => add(styles), [dynamic && styles]);
    return null;
  };
}
