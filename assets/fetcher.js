// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** How GraphiQL asks the server: in the name of whoever is logged in. */

import {Kind, OperationTypeNode, parse} from 'graphql';
import {createClient} from 'graphql-ws';

/**
 * Make what GraphiQL asks with.
 * @param {{url: string, subscriptions: string, csrfCookie: string}} names -
 *   Addresses, relative to the page, and where the proof is that it is ours.
 */
export function makeFetcher({url, subscriptions, csrfCookie}) {
  const client = createClient({
    url: new URL(subscriptions, document.baseURI).href.replace(/^http/, 'ws'),
  });
  return ({query, variables, operationName}) => {
    const {name, operation} = chosen(query, operationName);
    const request = {query, variables, operationName: name};
    return operation === OperationTypeNode.SUBSCRIPTION
      ? follow(client, request) : ask(url, request, proof(csrfCookie));
  };
}

/**
 * Find out which operation is meant, and what it is.
 *
 * The name that GraphiQL tells is that of a moment ago: it may be of what was
 * in the editor before.
 */
function chosen(query, wish) {
  let definitions = [];
  try {
    ({definitions} = parse(query));
  } catch {
    // The server tells better what is wrong.
  }
  const operations = definitions.filter(({kind}) => kind === Kind.OPERATION_DEFINITION);
  const found = operations.length === 1
    ? operations[0] : operations.find(({name}) => name?.value === wish);
  return {name: found ? found.name?.value : wish, operation: found?.operation};
}

/** @throws {Error} If the answer is none of GraphQL. */
async function ask(url, request, headers) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {'Content-Type': 'application/json', Accept: 'application/json', ...headers},
    body: JSON.stringify(request),
  });
  if (!answer.headers.get('Content-Type')?.includes('json')) {
    throw new Error(`The server answers ${answer.status} ${answer.statusText}.`);
  }
  return answer.json();
}

/** Give results until they end, or until nobody wants them any more. */
function follow(client, request) {
  const results = client.iterate(request);
  return {
    next: () => results.next().catch((error) => {
      throw error instanceof CloseEvent ? new Error(`The connection was closed (${error.code}).`) : error;
    }),
    return: () => results.return(),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The header which proves that a request comes from our own page. */
function proof(name) {
  for (const one of document.cookie.split(/;\s*/)) {
    if (one.startsWith(`${name}=`)) return {'X-XSRFToken': one.slice(name.length + 1)};
  }
  return {};
}
