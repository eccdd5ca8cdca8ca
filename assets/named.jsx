// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Tells those who listen to the page what each editor of GraphiQL is for. */

import {useEditorContext} from '@graphiql/react';
import {useEffect} from 'react';

const NAMES = {
  queryEditor: 'Operation', variableEditor: 'Variables', responseEditor: 'Answer',
};

export function Named() {
  const context = useEditorContext({nonNull: true});
  const editors = Object.keys(NAMES).map((key) => context[key]);
  useEffect(() => {
    editors.forEach((editor, index) => {
      if (!editor) return;
      editor.getInputField().setAttribute('aria-label', Object.values(NAMES)[index]);
      // To be scrolled by keys.
      editor.getScrollerElement().tabIndex = 0;
    });
  }, editors);
  return null;
}
