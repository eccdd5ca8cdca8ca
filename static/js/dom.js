// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Small helpers which make and change elements; no HTML is ever parsed. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Make an element.
 * @param {string} tag - Its name.
 * @param {object} [props] - `class`, `data`, `on` (listeners), and attributes;
 *   what is null, undefined or false is left out.
 * @param {...(Node|string|null)} children
 * @returns {HTMLElement}
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  set(element, props);
  append(element, children);
  return element;
}

/** Make an element of SVG. */
export function svg(tag, props = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  set(element, props);
  append(element, children);
  return element;
}

function set(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') element.setAttribute('class', value);
    else if (name === 'data') Object.assign(element.dataset, value);
    else if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else if (name === 'value' || name === 'checked') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
}

function append(element, children) {
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(child);
    }
  }
}

/** Say something to those who do not see it, in words. */
export function unseen(text) {
  return el('span', {class: 'unseen'}, text);
}

/**
 * Put text into an element, if it is another than before.
 * @returns {boolean} Whether it was.
 */
export function write(element, text) {
  if (element.textContent === text) return false;
  element.textContent = text;
  return true;
}

/** Set an attribute, or take it away where the value is null. */
export function attribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, value);
  }
}

/** Tell screen readers, politely. */
export function announce(text) {
  let place = document.getElementById('announcer');
  if (!place) {
    place = el('div', {id: 'announcer', class: 'unseen', role: 'status'});
    document.body.append(place);
  }
  place.textContent = text;
}
