// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The panel of GraphiQL with the saved queries. */

import {useEditorContext} from '@graphiql/react';
import {flushSync} from 'react-dom';

import {QUERIES} from './queries.js';

const NARROW = matchMedia('(max-width: 700px)');

function Icon(props) {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" {...props}>
      <path d="M6 3h12v18l-6-5-6 5z" strokeLinejoin="round" />
    </svg>
  );
}

function Saved() {
  const {addTab, queryEditor} = useEditorContext({nonNull: true});
  // What is in the editor may be somebody's work: a tab of its own, then.
  const open = (query) => {
    if (queryEditor.getValue().trim()) flushSync(addTab);
    queryEditor.setValue(query);
    queryEditor.focus();
    // Where there is no room beside it, the panel makes way: it is closed by
    // its own button, and by nothing else.
    if (NARROW.matches) document.querySelector('.graphiql-sidebar .active').click();
  };
  return (
    <section className="saved" aria-label="Saved queries">
      <h2>Saved queries</h2>
      <ul>
        {QUERIES.map(({title, note, kind, query}) => (
          <li key={title}>
            <button type="button" onClick={() => open(query)}>{title}</button>
            {kind !== 'query' && <span className="kind">{kind}</span>}
            {note && <p>{note}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}

export const savedQueries = {title: 'Saved queries', icon: Icon, content: Saved};
