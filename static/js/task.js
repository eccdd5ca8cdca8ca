// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The panel of one task: all that is known of it, kept current. */

import {attribute, el, write} from './dom.js';
import {listLogs} from './logfile.js';
import {openLog} from './logs.js';
import {openMenu} from './menu.js';
import {inWords} from './states.js';
import {taskIcon} from './icons.js';
import {SECTIONS} from './tasksections.js';
import {store} from './store.js';
import {query} from './transport.js';

/** What changes often is asked for no more often than this, and what no
 * delta tells (broadcasts) again after that, in milliseconds. */
const SOONEST = 400;
const LATEST = 15000;

const TRIGGER = 'id label message satisfied';

const TASK = `query Task($id: ID!) {
  taskProxy(id: $id) {
    id name cyclePoint state isHeld isQueued isRunahead isRetry isWallclock
    isXtriggered flowNums flowWait graphDepth namespace
    prerequisites {expression satisfied conditions {exprAlias message reqState satisfied taskId}}
    outputs {label message satisfied}
    xtriggers {${TRIGGER}} externalTriggers {${TRIGGER}}
    task {meanElapsedTime meta {title description URL userDefined}}
    jobs {
      id submitNum state platform jobRunnerName jobId messages
      submittedTime startedTime finishedTime executionTimeLimit
    }
    runtime {
      platform script preScript postScript initScript envScript errScript
      exitScript workSubDir executionTimeLimit executionPollingIntervals
      executionRetryDelays submissionPollingIntervals submissionRetryDelays
      completion runMode directives {key value} environment {key value}
      outputs {key value}
    }
  }
  workflows {broadcasts}
}`;

let panel = null;

/**
 * Show all about a task.
 * @param {string} id
 */
export function openTask(id) {
  panel ??= new Panel(document.getElementById('task'));
  panel.open(id);
}

class Panel {
  /** @param {HTMLElement} place */
  constructor(place) {
    this._place = place;
    this._icon = el('span', {class: 'state'});
    this._name = el('h2', {id: 'task-name', tabindex: -1});
    this._state = el('p', {class: 'words', role: 'status'});
    this._note = el('p', {class: 'note', hidden: true});
    this._menu = el('button', {
      type: 'button', 'aria-haspopup': 'menu', on: {click: () => openMenu(this._id, this._menu, this._menu)},
    }, 'Actions');
    this._body = el('div', {class: 'sections'});
    this._sections = SECTIONS.map((section) => new Part(section, this._body));
    place.setAttribute('aria-labelledby', 'task-name');
    place.replaceChildren(
      el('div', {class: 'head'}, this._icon, this._name, this._menu, el('button', {
        type: 'button', class: 'plain close', 'aria-label': 'Close the details', title: 'Close (Escape)',
        on: {click: () => this.close()},
      }, '×')),
      this._state, this._note, this._body,
    );
    place.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !event.defaultPrevented) this.close();
    });
    this._stop = null;
  }

  open(id) {
    if (this._place.hidden) this._before = document.activeElement;
    if (id !== this._id) {
      this._sections.forEach((part) => part.clear());
      this._body.scrollTop = this._place.scrollTop = 0;
    }
    this._id = id;
    this._asked = this._known = null;
    const parts = id.split('/');
    this._path = parts.slice(-2).join('/');
    write(this._name, this._path);
    this._place.hidden = false;
    document.body.classList.add('with-task');
    this._headline(store.tasks.get(id));
    this._stop ??= store.subscribe((changes) => this._changed(changes));
    this._ask();
    this._name.focus({preventScroll: true});
  }

  close() {
    this._stop?.();
    this._stop = null;
    clearTimeout(this._timer);
    this._id = null;
    this._place.hidden = true;
    document.body.classList.remove('with-task');
    if (this._before?.isConnected) this._before.focus();
  }

  _headline(task) {
    if (!task) {
      this._icon.replaceChildren();
      write(this._state, '');
      return;
    }
    this._icon.replaceChildren(taskIcon(task));
    write(this._state, inWords(task));
  }

  /** Ask again if this task has changed, or what it waits for. */
  _changed({reset, tasks, jobs}) {
    const ours = tasks.has(this._id);
    if (ours) this._headline(store.tasks.get(this._id));
    const others = this._related?.some((id) => tasks.has(id));
    const job = () => [...jobs].some((id) => id.startsWith(`${this._id}/`));
    if (reset || ours || others || job()) this._soon(SOONEST);
  }

  _soon(time) {
    clearTimeout(this._timer);
    const wait = Math.max(0, (this._asked ?? 0) + time - Date.now());
    this._timer = setTimeout(() => this._ask(), wait);
  }

  async _ask() {
    const id = this._id;
    clearTimeout(this._timer);
    this._asked = Date.now();
    try {
      const {taskProxy, workflows} = await query(TASK, {id});
      if (this._id !== id) return;
      await this._show(taskProxy, workflows[0]?.broadcasts ?? {});
    } catch (error) {
      if (this._id === id) this._say(error.message);
    }
    if (this._id === id) this._soon(LATEST);
  }

  async _show(task, broadcasts) {
    if (!task) {
      await this._gone();
      return;
    }
    this._say('');
    const base = this._id.slice(0, this._id.length - this._path.length);
    this._related = task.prerequisites
      .flatMap(({conditions}) => conditions.map(({taskId}) => base + taskId));
    this._headline(store.tasks.get(this._id) ?? task);
    for (const part of this._sections) part.show({task, broadcasts, base, path: this._path});
  }

  /** Of what the scheduler has let go, there are still the logs. */
  async _gone() {
    this._headline(null);
    this._sections.forEach((part) => part.clear());
    const listed = await listLogs(this._path).catch(() => null);
    this._say('It is no longer near the active tasks: the scheduler has let go of it.');
    if (listed?.folders.length) {
      this._note.append(' Its logs: ', ...listed.folders.flatMap((folder) => [el('button', {
        type: 'button', class: 'link', on: {click: () => openLog(`${this._path}/${folder}`)},
      }, `#${Number(folder)}`), ' ']));
    }
  }

  _say(text) {
    write(this._note, text);
    this._note.hidden = !text;
  }
}

/** One section, drawn again only if what it shows has changed. */
class Part {
  constructor({title, data, draw}, place) {
    Object.assign(this, {_data: data, _draw: draw, _drawn: null});
    this._content = el('div');
    this._element = el('section', {'aria-label': title, hidden: true}, el('h3', {}, title), this._content);
    place.append(this._element);
  }

  show(known) {
    const data = this._data(known);
    const drawn = JSON.stringify(data);
    if (drawn === this._drawn) return;
    this._drawn = drawn;
    this._element.hidden = data === null;
    const {focused, open} = this._state();
    this._content.replaceChildren(...(data === null ? [] : [this._draw(data, known)].flat().filter(Boolean)));
    for (const key of open) attribute(this._find(key) ?? el('i'), 'open', '');
    if (focused) this._find(focused)?.focus({preventScroll: true});
  }

  clear() {
    this._drawn = null;
    this._element.hidden = true;
    this._content.replaceChildren();
  }

  /** What the reader has done here: it is to be so afterwards. */
  _state() {
    const focused = this._content.contains(document.activeElement)
      ? document.activeElement.dataset.key : null;
    const open = [...this._content.querySelectorAll('details[open]')].map((one) => one.dataset.key);
    return {focused, open};
  }

  _find(key) {
    return this._content.querySelector(`[data-key="${CSS.escape(key)}"]`);
  }
}
