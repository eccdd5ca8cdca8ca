// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Makes the editors of GraphiQL fit for those who use keys and listen. */

import {useEditorContext} from '@graphiql/react';
import {useEffect} from 'react';

const NAMES = {
  queryEditor: 'Operation', variableEditor: 'Variables', responseEditor: 'Answer',
};

/** Tab leads on, as everywhere: an editor which keeps it cannot be left. */
const KEYS = {Tab: false, 'Shift-Tab': false};

export function Editors() {
  const context = useEditorContext({nonNull: true});
  const editors = Object.keys(NAMES).map((key) => context[key]);
  useEffect(() => {
    editors.forEach((editor, index) => {
      if (!editor) return;
      editor.getInputField().setAttribute('aria-label', Object.values(NAMES)[index]);
      editor.removeKeyMap(KEYS);
      editor.addKeyMap(KEYS);
      // To be scrolled by keys.
      editor.getScrollerElement().tabIndex = 0;
    });
  }, editors);
  return null;
}
