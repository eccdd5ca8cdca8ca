// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The viewer of logs: of jobs, and of the scheduler. */

import {announce, el} from './dom.js';
import {LogFile, listLogs, logUrl} from './logfile.js';
import {LogLines} from './loglines.js';
import {Search} from './logsearch.js';
import {duration} from './format.js';
import {recall, remember} from './prefs.js';

/** How often a log is looked at that is followed, in milliseconds. */
const EVERY = 1000;

/** What is shown first of a job, if there is something in it. */
const FIRST = ['job.err', 'job.out', 'job'];

/** Folders of the scheduler's own logs, as the server has them. */
const OWN = ['scheduler', 'config', 'install', 'remote-install', 'version'];

let viewer = null;

/** The part of a URL that leads to a log, and to a line of it. */
export function linkTo(id, line = null) {
  const path = id.split('/').map(encodeURIComponent).join('/');
  return `#log=${path}${line ? `:${line}` : ''}`;
}

/** Read such a part; null if it is none. */
export function readLink(hash) {
  const [, path, line] = /^#log=([^:]*)(?::(\d{1,15}))?$/.exec(hash) ?? [];
  if (!path) return null;
  try {
    return {id: decodeURIComponent(path), line: line ? Number(line) : null};
  } catch {
    return null;
  }
}

/**
 * Show a log.
 * @param {string} id - `1/foo/01/job.out`, `scheduler/log`; of a folder such as
 *   `1/foo/01` or `scheduler` the file that is of most interest.
 * @param {?number} line - To be in view; otherwise it is the end.
 */
export function openLog(id, line = null) {
  viewer ??= new Viewer();
  return viewer.show(id, line);
}

class Viewer {
  constructor() {
    this._controls();
    this._lines = new LogLines(this._text, (number) => linkTo(this._file.id, number));
    this._search = new Search(this._lines, this._field, this._count);
    this._dialog = el('dialog', {class: 'log', 'aria-label': 'Log', on: {close: () => this._close()}},
      el('div', {class: 'bar'}, this._folders, this._files, el('span', {class: 'gap'}), this._leave),
      el('div', {class: 'bar'}, this._follow.label, this._wrap.label,
        el('span', {class: 'search', role: 'search'}, this._field, this._count, this._back, this._on),
        el('span', {class: 'gap'}), this._facts, this._save),
      this._text);
  }

  _controls() {
    this._folders = el('select', {'aria-label': 'Folder', on: {change: () => this.show(this._folders.value)}});
    this._files = el('select', {'aria-label': 'File', on: {change: () => this.show(this._files.value)}});
    this._follow = check('Follow', recall('log.follow', true), (on) => this._followed(on));
    this._wrap = check('Wrap', recall('log.wrap', true), (on) => this._wrapped(on));
    this._field = el('input', {
      type: 'search', placeholder: 'Find in what is loaded', 'aria-label': 'Find in what is loaded', spellcheck: 'false',
    });
    this._count = el('span', {class: 'dim', role: 'status'});
    this._back = button('↑', 'Last place found', () => this._search.step(-1));
    this._on = button('↓', 'Next place found', () => this._search.step(1));
    this._facts = el('span', {class: 'dim'});
    this._save = el('a', {class: 'button', download: ''}, 'Download');
    this._leave = button('×', 'Close the log', () => this._dialog.close());
    this._leave.classList.add('leave');
    this._text = el('div', {
      class: 'lines', tabindex: 0, role: 'region', 'aria-label': 'Text of the log',
      on: {click: (event) => this._clicked(event), scroll: () => this._scrolled()},
    });
    this._text.classList.toggle('wrap', this._wrap.input.checked);
  }

  /** See {@link openLog}. */
  async show(id, line = null) {
    if (!this._dialog.isConnected) {
      this._before = document.activeElement;
      document.body.append(this._dialog);
      this._dialog.showModal();
      this._text.focus();
    }
    const turn = this._turn = Symbol(id);
    this._stop();
    this._lines.clear();
    this._facts.textContent = '';
    this._note('Loading…');
    try {
      const file = await this._choose(id);
      if (this._turn !== turn || !file) return;
      this._file = new LogFile(file);
      this._save.href = logUrl(file, '?download=1');
      this._dialog.setAttribute('aria-label', `Log ${file}`);
      await this._load(line, turn);
    } catch (error) {
      if (this._turn === turn) this._note(error.message);
    }
  }

  /** Fill in what else there is; return which file it is to be. */
  async _choose(id) {
    const parts = id.split('/');
    const own = OWN.includes(parts[0]);
    const folder = parts.slice(0, own ? 1 : 3).join('/');
    const [listed, beside] = await Promise.all([
      listLogs(folder), listLogs(own ? '' : parts.slice(0, 2).join('/')),
    ]);
    const folders = beside.folders.filter((name) => !own || OWN.includes(name))
      .map((name) => (own ? [name, name] : [`${parts[0]}/${parts[1]}/${name}`, `${parts[0]}/${parts[1]} #${Number(name)}`]));
    const here = folder.endsWith('/NN') ? folders.at(-1)?.[0] ?? folder : folder;
    fill(this._folders, folders.length ? folders : [[here, here]], here);
    const {files} = listed;
    const wanted = parts.length > here.split('/').length ? parts.at(-1) : preferred(files);
    fill(this._files, files.map((file) => [`${here}/${file.name}`, nameOf(file)]), `${here}/${wanted}`);
    if (wanted && files.some((file) => file.name === wanted)) return `${here}/${wanted}`;
    this._note(files.length
      ? `There is no ${wanted} yet.`
      : 'There are no logs yet. Those of jobs on other hosts are here when Cylc has fetched them.');
    this._timer = setTimeout(() => this.show(id), 5 * EVERY);
    return null;
  }

  async _load(line, turn) {
    const text = await this._file.open(line);
    if (this._turn !== turn) return;
    this._lines.clear();
    this._lines.first = this._file.first;
    this._lines.append(text);
    this._tell();
    if (line) {
      if (!this._lines.mark(line)) announce(`There is no line ${line}.`);
    } else this._lines.toEnd();
    this._tick(turn);
  }

  /** Look for more, again and again. */
  _tick(turn) {
    this._timer = setTimeout(async () => {
      if (this._turn !== turn) return;
      try {
        if (this._follow.input.checked && !document.hidden) await this._more();
        this._tick(turn);
      } catch (error) {
        if (this._turn !== turn) return;
        this._tell(error.status === 404 ? 'gone' : error.message);
        this._tick(turn);
      }
    }, EVERY);
  }

  async _more() {
    const turn = this._turn;
    if (!this._lines.atEnd && this._file.after) return; // it is loaded when it is wanted
    let text = await this._file.later();
    if (this._turn !== turn) return;
    const stick = this._lines.atEnd;
    if (!text || (this._lines.full && stick)) {
      text = await this._file.open();
      if (this._turn !== turn) return;
      this._again(text);
    } else if (text.lines.length || text.rest) this._lines.append(text);
    if (stick) this._lines.toEnd();
    this._tell();
  }

  /** Begin anew: it is another file, or there is too much of it. */
  _again(text) {
    this._lines.clear();
    this._lines.first = this._file.first;
    this._lines.append(text);
  }

  /** Load more where the reader comes to the end of what is loaded. */
  async _scrolled() {
    if (this._busy || !this._file) return;
    const {scrollTop, scrollHeight, clientHeight} = this._text;
    const up = scrollTop < clientHeight && this._file.before;
    const down = scrollHeight - scrollTop < 2 * clientHeight && this._file.after;
    if ((!up && !down) || this._lines.full) return;
    this._busy = true;
    const turn = this._turn;
    try {
      const text = up ? await this._file.earlier() : await this._file.later();
      if (this._turn !== turn) return;
      if (!text) this._again(await this._file.open());
      else if (up) this._lines.prepend(text);
      else this._lines.append(text);
      this._tell();
      // Who has gone on meanwhile has been passed over.
      requestAnimationFrame(() => this._scrolled());
    } catch (error) {
      if (this._turn === turn) this._tell(error.message);
    } finally {
      this._busy = false;
    }
  }

  _clicked(event) {
    const number = event.target.closest?.('a.number');
    if (!number || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this._lines.mark(number.dataset.number);
    this._hash ??= location.hash;
    history.replaceState(null, '', number.getAttribute('href'));
  }

  _followed(on) {
    remember('log.follow', on);
    if (on && this._file) {
      if (this._file.after) this.show(this._file.id);
      else this._lines.toEnd();
    }
  }

  _wrapped(on) {
    remember('log.wrap', on);
    this._text.classList.toggle('wrap', on);
  }

  _tell(trouble = '') {
    const {size, start, end, before, after} = this._file;
    const part = before || after ? `${bytes(end - start)} of ${bytes(size)}` : bytes(size);
    this._facts.textContent = [part, trouble].filter(Boolean).join(', ');
    if (!size && !this._lines.count) this._note('It is empty.');
    else this._text.querySelector('.note')?.remove();
  }

  _note(text) {
    this._text.querySelector('.note')?.remove();
    this._text.append(el('p', {class: 'note'}, text));
  }

  _stop() {
    clearTimeout(this._timer);
    this._search.clear();
    this._file = null;
  }

  _close() {
    this._turn = null;
    this._stop();
    this._lines.clear();
    this._dialog.remove();
    if (location.hash.startsWith('#log=')) history.replaceState(null, '', this._hash || '#');
    this._hash = null;
    this._before?.focus?.();
  }
}

function check(text, checked, changed) {
  const input = el('input', {type: 'checkbox', checked, on: {change: () => changed(input.checked)}});
  return {input, label: el('label', {class: 'check'}, input, ` ${text}`)};
}

function button(text, label, click) {
  return el('button', {type: 'button', class: 'plain', 'aria-label': label, title: label, on: {click}}, text);
}

function fill(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => el('option', {value}, text)));
  select.value = chosen;
  select.disabled = options.length < 1;
}

/** The file of most interest among those of a folder. */
function preferred(files) {
  const sizes = new Map(files.map((file) => [file.name, file.size]));
  if (sizes.has('log')) return 'log';
  return FIRST.find((name) => sizes.get(name)) ?? files.at(-1)?.name;
}

function nameOf({name, link, size, modified}) {
  const age = duration((Date.now() - Date.parse(modified)) / 1000);
  return `${name}${link ? ` (${link})` : ''} – ${bytes(size)}, ${age} ago`;
}

/** Write a size. */
export function bytes(size) {
  if (size < 1000) return `${size} bytes`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = size;
  let unit = -1;
  while (value >= 999.5 && unit < 3) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toPrecision(3)} ${units[unit]}`;
}
