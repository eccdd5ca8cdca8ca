// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** How GraphiQL asks the server: in the name of whoever is logged in. */

import {createGraphiQLFetcher} from '@graphiql/toolkit';
import {createClient} from 'graphql-ws';

/**
 * Make what GraphiQL asks with.
 * @param {{url: string, subscriptions: string, csrfCookie: string}} names -
 *   Addresses, relative to the page, and where the proof is that it is ours.
 */
export function makeFetcher({url, subscriptions, csrfCookie}) {
  return createGraphiQLFetcher({
    url,
    fetch: (address, {headers, ...rest}) => ask(address, {
      ...rest, headers: {...headers, ...proof(csrfCookie)},
    }),
    wsClient: createClient({
      url: new URL(subscriptions, document.baseURI).href.replace(/^http/, 'ws'),
    }),
    enableIncrementalDelivery: false,
  });
}

/** @throws {Error} If the answer is none of GraphQL. */
async function ask(...request) {
  const answer = await fetch(...request);
  if (!answer.headers.get('Content-Type')?.includes('json')) {
    throw new Error(`The server answers ${answer.status} ${answer.statusText}.`);
  }
  return answer;
}

/** The header which proves that a request comes from our own page. */
function proof(name) {
  for (const one of document.cookie.split(/;\s*/)) {
    if (one.startsWith(`${name}=`)) return {'X-XSRFToken': one.slice(name.length + 1)};
  }
  return {};
}
