// Run the audits of GraphQL over HTTP against a server.
//
// node audit.mjs URL AUTHORIZATION: a list of the results as JSON, with the
// id, the name, and why where it is not "ok".
import { serverAudits } from 'graphql-http';

const [url, authorization] = process.argv.slice(2);

function fetchAs(target, options = {}) {
  return fetch(target, {
    ...options,
    headers: { ...options.headers, authorization },
  });
}

const results = [];
for (const audit of serverAudits({ url, fetchFn: fetchAs })) {
  const { id, name, status, reason } = await audit.fn();
  results.push({ id, name, status, reason });
}
console.log(JSON.stringify(results));
