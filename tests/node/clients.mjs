// Use one of the clients: a query, a mutation, and a subscription to its
// first result.
//
// node clients.mjs CLIENT URL AUTHORIZATION: what came of each, as JSON. URL
// is that of /subscriptions, or of /graphql/stream for graphql-sse.
import { createClient as createSseClient } from 'graphql-sse';
import { createClient } from 'graphql-ws';
import { SubscriptionClient } from 'subscriptions-transport-ws/dist/client.js';
import WebSocket from 'ws';

const [name, url, authorization] = process.argv.slice(2);

const OPERATIONS = {
  query: '{ workflows { id status } }',
  mutation: 'mutation { pause(workflows: ["*"]) { result } }',
  subscription:
    'subscription { deltas { id added { taskProxies { id state } } } }',
  wrong: 'subscription { nonsense }',
};

class Socket extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, { headers: { authorization } });
  }
}

function modern() {
  return createClient({ url, webSocketImpl: Socket, retryAttempts: 0 });
}

function streaming() {
  return createSseClient({
    url, headers: { authorization }, retryAttempts: 0,
  });
}

// The first result of an operation; what goes on is ended there.
function first(client, query) {
  return new Promise((resolve, reject) => {
    let found;
    const stop = client.subscribe({ query }, {
      next(result) {
        found = result;
        setImmediate(() => stop());
      },
      error: (fault) => resolve({ errors: [fault].flat() }),
      complete: () => (found ? resolve(found) : reject(Error('nothing'))),
    });
  });
}

function legacyFirst(client, query) {
  return new Promise((resolve, reject) => {
    const { unsubscribe } = client.request({ query }).subscribe({
      next(result) {
        resolve(result);
        setImmediate(() => unsubscribe());
      },
      error: reject,
    });
  });
}

async function all(client, ask) {
  const found = {};
  for (const [kind, query] of Object.entries(OPERATIONS)) {
    found[kind] = await ask(client, query);
  }
  // Several at a time.
  found.together = await Promise.all(
    Array.from({ length: 5 }, () => ask(client, OPERATIONS.subscription)),
  );
  return found;
}

const CLIENTS = {
  async 'graphql-ws'() {
    const client = modern();
    const found = await all(client, first);
    await client.dispose();
    return found;
  },
  async 'graphql-sse'() {
    const client = streaming();
    const found = await all(client, first);
    client.dispose();
    return found;
  },
  async 'subscriptions-transport-ws'() {
    const client = new SubscriptionClient(
      url, { reconnect: false }, Socket, 'graphql-ws');
    const found = await all(client, legacyFirst);
    client.close();
    return found;
  },
};

console.log(JSON.stringify(await CLIENTS[name]()));
