// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** A subscription as server-sent events, by POST: EventSource cannot do that. */

/** Waits before each further try, in milliseconds. */
const WAITS = [1000, 2000, 5000, 15000];

/** How long the first sign of life may take, in milliseconds. */
const PATIENCE = 6000;

/**
 * Follow one operation, and come back when the connection is lost.
 * @param {string} url
 * @param {object} payload - The operation.
 * @param {object} headers
 * @param {{next: (result: object) => void, end: () => void}} sink
 * @param {{live: () => void, lost: (proven: boolean) => void}} listener
 * @returns {() => void} What ends it.
 */
export function stream(url, payload, headers, sink, listener) {
  let control = new AbortController();
  let ended = false;
  let proven = false;
  let failures = 0;
  let timer = null;
  const run = async () => {
    control = new AbortController();
    // A proxy may keep what comes to itself, until it is long or over.
    const silence = setTimeout(() => control.abort(), PATIENCE);
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          Accept: 'text/event-stream', ...headers,
        },
        body: JSON.stringify(payload),
        signal: control.signal,
      });
      if (!answer.ok) throw new Error(answer.statusText);
      for await (const {event, data} of events(answer.body)) {
        clearTimeout(silence);
        proven = true;
        failures = 0;
        listener.live();
        if (event === 'complete') {
          sink.end();
          return;
        }
        if (event) sink.next(JSON.parse(data));
      }
    } catch {
      // Whatever it is: the connection is gone.
    } finally {
      clearTimeout(silence);
    }
    if (ended) return;
    timer = setTimeout(run, WAITS[Math.min(failures++, WAITS.length - 1)]);
    listener.lost(proven);
  };
  run();
  return () => {
    ended = true;
    control.abort();
    clearTimeout(timer);
  };
}

/** Take a stream of bytes apart into events; a comment has no name. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      yield parse(block);
    }
  }
}

function parse(block) {
  const one = {event: '', data: ''};
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith('event:')) one.event = line.slice(6).trim();
    else if (line.startsWith('data:')) one.data += line.slice(5).trim();
  }
  return one;
}
