// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Shows GraphiQL in the page that asks for it. */

import {GraphiQL} from 'graphiql';
import {useSyncExternalStore} from 'react';
import {createRoot} from 'react-dom/client';

import {Editors} from './editors.jsx';
import {QUERIES} from './queries.js';
import {savedQueries} from './saved.jsx';
import {makeFetcher} from './fetcher.js';

// GraphiQL begins anew when it is given others.
const TABS = [{query: QUERIES[0].query}];
const PLUGINS = [savedQueries];

const place = document.getElementById('graphiql');
const root = document.documentElement;

/** Whether the page is light or dark: it says so itself. */
function useTheme() {
  return useSyncExternalStore((changed) => {
    const observer = new MutationObserver(changed);
    observer.observe(root, {attributeFilter: ['data-theme']});
    return () => observer.disconnect();
  }, () => root.dataset.theme || 'system');
}

function Page({fetcher}) {
  return (
    <GraphiQL
      fetcher={fetcher}
      forcedTheme={useTheme()}
      defaultTabs={TABS}
      plugins={PLUGINS}
      // Who is asking is in a cookie. Other headers have no use here.
      isHeadersEditorEnabled={false}
      shouldPersistHeaders={false}
    >
      <GraphiQL.Logo> </GraphiQL.Logo>
      <Editors />
    </GraphiQL>
  );
}

createRoot(place).render(<Page fetcher={makeFetcher(place.dataset)} />);
