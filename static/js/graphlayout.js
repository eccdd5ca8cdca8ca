// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * Has graphs laid out, in workers: by elkjs, or roughly where that is missing
 * or would take too long. The page itself never waits.
 */

import {elkGraph, fromElk} from './graphelk.js';

/** The worker of elkjs, which `make assets` builds. */
const BUNDLE = new URL('../bundle/layout.js', import.meta.url);
const ROUGH = new URL('./graphrough.js', import.meta.url);

/** Nodes and edges up to which elkjs is asked. */
const MOST = 4000;

/** How long it may take, in milliseconds. */
const PATIENCE = 20000;

/**
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {{x: number, y: number}} Point
 * @typedef {{nodes: Map<string, Box>, boxes: Map<string, Box>,
 *   lines: {source: string, target: string, points: Point[]}[],
 *   width: number, height: number, rough: ''|'large'|'slow'|'failed'|'missing'}} Layout
 */

/** A worker of which one thing is asked at a time. */
class Asked {
  constructor(url) {
    this._url = url;
    this._worker = null;
    this._number = 0;
  }

  /**
   * Ask, and wait.
   * @throws {Error} `missing` where there is no worker, `slow` where it takes
   *   too long and is ended, `failed` where it cannot.
   */
  ask(message) {
    this._worker ??= new Worker(this._url, {type: 'module'});
    const worker = this._worker;
    const id = ++this._number;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => fail('slow'), PATIENCE);
      const fail = (why) => {
        clearTimeout(timer);
        this.close();
        reject(new Error(why));
      };
      worker.onerror = (event) => {
        event.preventDefault();
        fail(event.message ? 'failed' : 'missing');
      };
      worker.onmessage = ({data}) => {
        if (data.id !== id) return;
        clearTimeout(timer);
        if (data.error) reject(new Error('failed'));
        else resolve(data.data);
      };
      worker.postMessage({id, ...message});
    });
  }

  close() {
    this._worker?.terminate();
    this._worker = null;
  }
}

export class Layouts {
  constructor() {
    this._elk = new Asked(BUNDLE);
    this._rough = new Asked(ROUGH);
    this._most = MOST;
    this._missing = false;
    this._registered = null;
  }

  /**
   * Lay out a graph.
   * @param {import('./graphbuild.js').Graph} graph
   * @param {{direction: string, ratio: number, label: (id: string) => number}} wish
   *   `label` gives the width that the label of a box takes.
   * @returns {Promise<Layout>}
   */
  async make(graph, wish) {
    const size = graph.nodes.size + graph.edges.length;
    let why = 'large';
    if (this._missing) why = 'missing';
    else if (size <= this._most) {
      try {
        return await this._good(graph, wish);
      } catch (error) {
        why = error.message;
        if (why === 'missing') this._missing = true;
        else if (why === 'slow') this._most = size - 1;
      }
    }
    const {nodes, edges} = graph;
    const plain = [...nodes.values()].map(({id, width, height}) => ({id, width, height}));
    const made = await this._rough.ask({nodes: plain, edges, direction: wish.direction, ratio: wish.ratio});
    return {...made, boxes: new Map(), rough: why};
  }

  async _good(graph, wish) {
    if (this._elk._worker !== this._registered || !this._registered) {
      await this._elk.ask({cmd: 'register', algorithms: ['layered', 'rectpacking']});
      this._registered = this._elk._worker;
    }
    const answer = await this._elk.ask({
      cmd: 'layout', graph: elkGraph(graph, wish), layoutOptions: {}, options: {},
    });
    return {...fromElk(answer, graph), rough: ''};
  }

  /** Let the workers go. */
  close() {
    this._elk.close();
    this._rough.close();
  }
}
