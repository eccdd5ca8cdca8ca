// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The picture of a graph as a file of SVG, which needs nothing else. */

import {el, svg} from './dom.js';

/** What style sheets say, and how it is where nothing is said. */
const STYLES = {
  fill: 'rgb(0, 0, 0)', 'fill-opacity': '1', stroke: 'none', 'stroke-opacity': '1',
  'stroke-width': '1px', 'stroke-linecap': 'butt',
  'stroke-linejoin': 'miter', 'stroke-dasharray': 'none', opacity: '1',
};
const LETTERS = {'font-family': '', 'font-size': '', 'font-weight': '400', 'font-style': 'normal'};

const MARGIN = 20;

/** How long to go on without a pause, in milliseconds. */
const AT_ONCE = 12;

/** Make what gives way to others now and then. */
function breather() {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < AT_ONCE) return;
    await new Promise((go) => setTimeout(go));
    since = performance.now();
  };
}

/** Write styles into attributes, which each program knows. */
function settle(element) {
  if (element.tagName === 'g' && !element.hasAttribute('class')) return;
  const style = getComputedStyle(element);
  if (style.display === 'none' || element.getAttribute('d') === '') {
    element.remove();
    return;
  }
  const wanted = element.tagName === 'text' ? {...STYLES, ...LETTERS} : STYLES;
  const place = element.style.transform;
  for (const child of [...element.children]) settle(child);
  if (element.tagName === 'title') return;
  const drawn = !['g', 'svg'].includes(element.tagName);
  for (const [name, usual] of Object.entries(wanted)) {
    const value = style.getPropertyValue(name);
    if ((drawn || name === 'opacity') && value !== usual) element.setAttribute(name, value);
  }
  if (place) element.setAttribute('transform', place.replaceAll('px', '').replace(',', ''));
  for (const name of ['class', 'style', 'data-id', 'aria-hidden']) element.removeAttribute(name);
}

/**
 * Make the text of a file.
 * @param {import('./graphdraw.js').Picture} picture
 * @param {string} name - Of the workflow.
 * @returns {Promise<string>}
 */
async function textOf(picture, name) {
  const {width, height} = picture.layout;
  const pause = breather();
  const drawing = await picture.whole(pause);
  drawing.classList.add('apart');
  document.body.append(drawing);
  const back = getComputedStyle(document.documentElement).getPropertyValue('--bg').trim();
  for (const child of drawing.querySelectorAll('.opener')) child.remove();
  for (const node of drawing.querySelectorAll('.nodes > g')) {
    await pause();
    settle(node);
  }
  settle(drawing);
  drawing.remove();
  const box = [-MARGIN, -MARGIN, width + 2 * MARGIN, height + 2 * MARGIN];
  drawing.setAttribute('viewBox', box.join(' '));
  drawing.setAttribute('width', box[2]);
  drawing.setAttribute('height', box[3]);
  drawing.prepend(svg('title', {}, `${name}, ${new Date().toISOString().slice(0, 19)}Z`),
    svg('rect', {x: box[0], y: box[1], width: box[2], height: box[3], fill: back}));
  // Chromium leaves an empty attribute where there was a style.
  return new XMLSerializer().serializeToString(drawing).replaceAll(' style=""', '');
}

/** Have the browser keep it. */
export async function download(picture, name) {
  const url = URL.createObjectURL(new Blob([await textOf(picture, name)], {type: 'image/svg+xml'}));
  el('a', {href: url, download: `${name.replaceAll('/', '_')}.svg`}).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
