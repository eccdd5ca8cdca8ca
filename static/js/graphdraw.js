// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/**
 * The picture of a graph: only nodes in view are in the document, and where
 * there are very many of them, they are plain blocks in the colours of states.
 */

import {svg} from './dom.js';
import {headOf, lineOf} from './graphline.js';
import {drawBox, drawFarLabel, drawNode, isDim, lookOf, stateOf} from './graphnode.js';
import {model} from './model.js';

/** How many nodes are drawn with all that belongs to them. */
const DETAILED = 300;

/** The scale below which states are told by the colour of cards. */
const FAR = 0.5;

/** The scale below which only the names of boxes can be read, written large. */
const VERY_FAR = 0.3;

/** How often blocks are drawn anew, in milliseconds. */
const BLOCKS_EVERY = 250;

/** Beyond the view, so that moving it shows no gaps; part of its size. */
const SPARE = 0.12;

export class Picture {
  constructor() {
    this._parts = {
      boxes: svg('g', {class: 'boxes'}), lines: svg('path', {class: 'lines'}), heads: svg('path', {class: 'heads'}),
      dimLines: svg('path', {class: 'lines dim'}), dimHeads: svg('path', {class: 'heads dim'}),
      litLines: svg('path', {class: 'lines lit'}), litHeads: svg('path', {class: 'heads lit'}),
      blocks: svg('g', {class: 'blocks'}), nodes: svg('g', {class: 'nodes'}), names: svg('g', {class: 'afar'}),
    };
    const {boxes, lines, heads, dimLines, dimHeads, litLines, litHeads, blocks, nodes, names} = this._parts;
    this.world = svg('g', {class: 'world'},
      boxes, dimLines, dimHeads, lines, heads, litLines, litHeads, blocks, nodes, names);
    this.element = svg('svg', {class: 'graph', 'aria-hidden': 'true'}, this.world);
    this._drawn = new Map();
    this.layout = null;
    this._current = null;
    this._lit = null;
  }

  /** Show a layout. */
  set(layout, direction) {
    this.layout = layout;
    this._direction = direction;
    this._linesOf = new Map();
    for (const line of layout.lines) {
      for (const id of [line.source, line.target]) {
        if (!this._linesOf.has(id)) this._linesOf.set(id, []);
        this._linesOf.get(id).push(line);
      }
    }
    this._blocks = null;
    this._parts.boxes.replaceChildren(...[...layout.boxes].map(([id, box]) => drawBox(id, box)));
    this._parts.names.replaceChildren(...[...layout.boxes].map(([id, box]) => drawFarLabel(id, box)).filter(Boolean));
    for (const [id, {element}] of this._drawn) {
      const box = layout.nodes.get(id);
      if (box) move(element, box);
      else {
        element.remove();
        this._drawn.delete(id);
      }
    }
    this.restyle();
  }

  /** Move to where the view is, and draw what is in it. */
  look({x, y, k, seen}) {
    this.world.style.transform = `translate(${x}px, ${y}px) scale(${k})`;
    this.element.classList.toggle('far', k < FAR);
    this.element.classList.toggle('very', k < VERY_FAR);
    // On no more than has to know: all that is below is styled anew.
    if (k < VERY_FAR) this._parts.names.style.setProperty('--larger', 1 / k);
    this._seen = seen;
    if (this.layout) this._fill();
  }

  /** Put in what is in view, and take out what is not. */
  _fill() {
    const {left, top, right, bottom} = this._seen;
    const [wide, tall] = [(right - left) * SPARE, (bottom - top) * SPARE];
    const inView = [];
    for (const [id, box] of this.layout.nodes) {
      if (box.x < right + wide && box.x + box.width > left - wide
        && box.y < bottom + tall && box.y + box.height > top - tall) inView.push(id);
    }
    const blocks = inView.length > DETAILED;
    if (blocks !== this._blocks) this._parts.blocks.replaceChildren(...(blocks ? this._makeBlocks() : []));
    this._blocks = blocks;
    const wanted = new Set(blocks ? [] : inView);
    for (const [id, {element}] of this._drawn) {
      if (wanted.has(id)) continue;
      element.remove();
      this._drawn.delete(id);
    }
    for (const id of wanted) if (!this._drawn.has(id)) this._draw(id);
  }

  _draw(id) {
    const box = this.layout.nodes.get(id);
    const element = drawNode(id, box);
    if (id === this._current) element.classList.add('current');
    move(element, box);
    const before = this._drawn.get(id);
    if (before) before.element.replaceWith(element);
    else this._parts.nodes.append(element);
    this._drawn.set(id, {element, look: lookOf(id)});
  }

  /** One path for all nodes in a state. */
  _makeBlocks() {
    const paths = new Map();
    for (const [id, {x, y, width, height}] of this.layout.nodes) {
      if (!model.nodes.has(id)) continue;
      const key = `s-${stateOf(id)}${isDim(id) ? ' dim' : ''}`;
      paths.set(key, `${paths.get(key) ?? ''}M${x | 0} ${y | 0}h${width}v${height}h-${width}z`);
    }
    return [...paths].map(([key, d]) => svg('path', {class: `block ${key}`, d}));
  }

  /** Draw blocks anew before long: states change all the time. */
  _blocksSoon() {
    this._blockTimer ??= setTimeout(() => {
      this._blockTimer = null;
      if (this._blocks) this._parts.blocks.replaceChildren(...this._makeBlocks());
    }, BLOCKS_EVERY);
  }

  /** Draw those anew whose look has changed; time alone changes no blocks. */
  update(ids) {
    if (!this.layout) return;
    if (this._blocks && ids) this._blocksSoon();
    for (const id of ids ?? this._drawn.keys()) {
      const drawn = model.nodes.has(id) ? this._drawn.get(id) : null;
      if (drawn && drawn.look !== lookOf(id)) this._draw(id);
    }
  }

  /** Draw all anew whose look has changed, and edges as the filter has it. */
  restyle() {
    if (!this.layout) return;
    const dim = new Map([...this.layout.nodes.keys()].map((id) => [id, isDim(id)]));
    const some = this.layout.lines.filter(({source, target}) => dim.get(source) || dim.get(target));
    const less = new Set(some);
    this._drawLines('lines', 'heads', this.layout.lines.filter((line) => !less.has(line)));
    this._drawLines('dimLines', 'dimHeads', some);
    this.update(this._drawn.keys());
    this.light(this._lit);
  }

  _drawLines(lines, heads, which) {
    const pointed = which.filter(({target}) => model.nodes.has(target));
    this._parts[lines].setAttribute('d', which.map(
      ({points, target}) => lineOf(points, this._direction, model.nodes.has(target)),
    ).join(''));
    this._parts[heads].setAttribute('d', pointed.map(({points}) => headOf(points, this._direction)).join(''));
  }

  /** Make the edges of a node stand out, or of none. */
  light(id) {
    this._lit = id;
    if (!this.layout) return;
    const lines = new Set(this._linesOf.get(id) ?? []);
    for (const line of [...lines]) {
      if (line.source === id) this._beyond(line.target, 'source', lines);
      else this._beyond(line.source, 'target', lines);
    }
    this._drawLines('litLines', 'litHeads', [...lines]);
  }

  /** Edges go on where they are joined. */
  _beyond(id, end, lines) {
    if (model.nodes.has(id)) return;
    for (const line of this._linesOf.get(id)) if (line[end] === id) lines.add(line);
  }

  /** The ids of the neighbours of a node: before it, and after it. */
  neighbours(id) {
    const [before, after] = [new Set(), new Set()];
    for (const {source, target} of this._linesOf?.get(id) ?? []) {
      const [other, end, side] = source === id ? [target, 'source', after] : [source, 'target', before];
      if (model.nodes.has(other)) side.add(other);
      else {
        for (const line of this._linesOf.get(other)) {
          if (line[end] === other) side.add(end === 'source' ? line.target : line.source);
        }
      }
    }
    return {before: [...before], after: [...after]};
  }

  /** Mark the node at which the keys are. */
  mark(id) {
    this._drawn.get(this._current)?.element.classList.remove('current');
    this._current = id;
    this._drawn.get(id)?.element.classList.add('current');
  }

  /**
   * Draw all of it in detail, apart from this one.
   * @param {() => Promise<void>} pause - Lets others go on for a while.
   */
  async whole(pause) {
    const copy = new Picture();
    copy.set(this.layout, this._direction);
    for (const id of this.layout.nodes.keys()) {
      await pause();
      copy._draw(id);
    }
    return copy.element;
  }
}

function move(element, {x, y}) {
  element.style.transform = `translate(${x}px, ${y}px)`;
}
