// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The lines of a log on the screen, and what is found in them. */

import {el} from './dom.js';

/** So many lines are laid out together, if they are in view. */
const BLOCK = 100;

/** How many lines are kept; of longer ones only so many characters. */
const MOST_LINES = 40000;
const LONGEST = 8000;

/** How the scheduler marks what somebody should see. */
const SEVERITY = /^\S+ (WARNING|ERROR|CRITICAL)\b/;

/** How far from the end (pixels) somebody is who reads the end. */
const NEAR = 40;

const HIGHLIGHT = 'log-found';

/** Colours and the like of terminals. */
const ESCAPES = /\u001b\[[0-?]*[ -/]*[@-~]/g;
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** Write what has no shape in signs. */
export function printable(line) {
  let text = line.endsWith('\r') ? line.slice(0, -1) : line;
  text = text.replace(ESCAPES, '').replace(CONTROLS,
    (sign) => String.fromCharCode(sign === '\u007f' ? 0x2421 : 0x2400 + sign.charCodeAt(0)));
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, LONGEST)} … (${text.length - LONGEST} more characters)`;
}

export class LogLines {
  /**
   * @param {HTMLElement} place - What scrolls.
   * @param {(number: number) => string} link - The link to a line.
   */
  constructor(place, link) {
    this.place = place;
    this._link = link;
    this.clear();
  }

  clear() {
    this.place.replaceChildren();
    this.count = 0;
    this.first = null;
    this._partial = null;
    this._marked = null;
  }

  /** Whether the reader is at the end. */
  get atEnd() {
    const {scrollHeight, scrollTop, clientHeight} = this.place;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  /**
   * Go to the end; how far that is shows only as lines come into view.
   * A reader who leaves it meanwhile is let go.
   */
  toEnd(frames = 4, from = 0) {
    const {place} = this;
    if (place.scrollTop < from - 1) return;
    place.scrollTop = place.scrollHeight;
    const now = place.scrollTop;
    if (frames) requestAnimationFrame(() => this.toEnd(frames - 1, now));
  }

  /**
   * Put lines after those that are there.
   * @param {{lines: string[], rest: string}} text
   */
  append({lines, rest}) {
    this._partial?.remove();
    this._partial = null;
    let number = this.first === null ? null : this.first + this.count;
    for (let i = 0; i < lines.length; i += BLOCK) {
      this.place.append(this._block(lines.slice(i, i + BLOCK), number));
      if (number !== null) number += Math.min(BLOCK, lines.length - i);
    }
    this.count += lines.length;
    if (rest) {
      this._partial = this._block([rest], number);
      this.place.append(this._partial);
    }
  }

  /** Put lines before, and stay where the reader is. */
  prepend(lines) {
    const {place} = this;
    const before = place.scrollHeight - place.scrollTop;
    let number = this.first === null ? null : this.first - lines.length;
    this.first = number;
    const blocks = [];
    for (let i = 0; i < lines.length; i += BLOCK) {
      blocks.push(this._block(lines.slice(i, i + BLOCK), number));
      if (number !== null) number += BLOCK;
    }
    place.prepend(...blocks);
    this.count += lines.length;
    place.scrollTop = place.scrollHeight - before;
  }

  /** Whether there are more lines than should be kept. */
  get full() {
    return this.count > MOST_LINES;
  }

  _block(lines, number) {
    const block = el('div', {class: 'block'}, ...lines.map((line, index) => this._line(
      line, number === null ? null : number + index)));
    block.style.setProperty('--lines', lines.length);
    return block;
  }

  _line(line, number) {
    const severity = SEVERITY.exec(line)?.[1].toLowerCase() ?? '';
    return el('div', {class: `line ${severity}`, data: number === null ? {} : {line: number}},
      number === null ? null : el('a', {
        class: 'number', tabindex: -1, href: this._link(number), 'data-number': number,
        'aria-label': `line ${number}`,
      }),
      el('span', {class: 'text'}, printable(line)));
  }

  /** Mark a line, and bring it into view; false if it is not loaded. */
  mark(number) {
    const line = this.place.querySelector(`[data-line="${number}"]`);
    this._mark(line);
    return Boolean(line);
  }

  _mark(line) {
    this._marked?.classList.remove('marked');
    this._marked = line;
    line?.classList.add('marked');
    line?.scrollIntoView({block: 'center'});
  }

  /**
   * Find a text in what is loaded, in either case.
   * @returns {HTMLElement[]} The lines that have it.
   */
  find(text) {
    const wanted = text.toLowerCase();
    CSS.highlights?.delete(HIGHLIGHT);
    if (!wanted) return [];
    const ranges = [];
    const found = [];
    for (const line of this.place.querySelectorAll('.line')) {
      const node = line.lastChild.firstChild;
      const content = node?.data.toLowerCase() ?? '';
      let at = content.indexOf(wanted);
      if (at >= 0) found.push(line);
      // What is longer in lower case would lie elsewhere.
      if (content.length !== node?.data.length) continue;
      for (; at >= 0; at = content.indexOf(wanted, at + wanted.length)) {
        ranges.push(new StaticRange({
          startContainer: node, startOffset: at, endContainer: node, endOffset: at + wanted.length,
        }));
      }
    }
    if (window.Highlight) CSS.highlights.set(HIGHLIGHT, new Highlight(...ranges.slice(0, MOST_LINES)));
    return found;
  }

  /** Bring a line that was found into view. */
  show(line) {
    this._mark(line);
  }
}
