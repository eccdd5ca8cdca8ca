// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Fields for the options of Cylc's commands, as the hub tells of them. */

import {call} from './hubrun.js';
import {el} from './dom.js';
import {makeField} from './modal.js';

/** Those which are asked for first; all others are behind "More options". */
const FIRST = {
  play: ['initial-cycle-point', 'final-cycle-point', 'stop-cycle-point', 'pause', 'mode'],
  install: ['run-name', 'no-run-name'],
  clean: ['local-only'],
  stop: [],
};

/** For who reads a terminal. */
const NOISE = ['comms-timeout', 'quiet', 'timestamp', 'verbose'];

const known = new Map();

/** The options of a command; asked for once. */
async function optionsOf(command) {
  if (!known.has(command)) {
    const {options} = await call(`options/${command}`);
    known.set(command, options);
  }
  return known.get(command);
}

/**
 * Make the fields of a command's options.
 * @param {string} command
 * @param {string[]} [without] - Options which are asked for otherwise.
 * @returns {Promise<{rows: HTMLElement[], read: () => object}>} `read` gives
 *   what was filled in.
 */
export async function fieldsOf(command, without = []) {
  const options = (await optionsOf(command)).filter(({name}) => ![...NOISE, ...without].includes(name));
  const order = FIRST[command] ?? [];
  const first = order.map((name) => options.find((option) => option.name === name)).filter(Boolean);
  const rest = options.filter((option) => !first.includes(option));
  const made = new Map([...first, ...rest].map((option) => [option, {...field(option), option}]));
  for (const {row, option} of made.values()) row.title = option.help;
  const rows = first.map((option) => made.get(option).row);
  if (rest.length) {
    rows.push(el('details', {class: 'options'}, el('summary', {}, 'More options'),
      ...rest.map((option) => made.get(option).row)));
  }
  return {
    rows,
    read: () => Object.fromEntries([...made.values()].map(({option, value}) => [option.name, given(option, value())])
      .filter(([, value]) => value !== null)),
  };
}

function field({name, kind, choices, metavar, help}) {
  const common = {name: `option-${name}`, label: sentence(name), help: /^.*?[.!?](?=\s|$)/s.exec(help)?.[0] ?? help};
  switch (kind) {
    case 'flag': return makeField({...common, kind: 'check'});
    case 'count': return makeField({...common, kind: 'number', most: 2, initial: 0});
    case 'integer': return makeField({...common, kind: 'number', most: 999999999});
    case 'choice': return makeField({...common, kind: 'choice', initial: '', options: [['', ''], ...choices]});
    case 'list': return makeField({...common, kind: 'lines', rows: 2, hint: `${metavar || name}, one a line`});
    default: return makeField({...common, kind: 'text', hint: metavar});
  }
}

/** "initial-cycle-point" as it begins a line. */
function sentence(name) {
  const words = name.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What a field says, as the hub takes it; null for nothing. */
function given({kind}, value) {
  if (kind === 'flag') return value || null;
  if (value === '') return null;
  if (kind === 'list') return value.split('\n').map((line) => line.trim()).filter(Boolean);
  if (kind === 'count' || kind === 'integer') return Number(value) || null;
  return value;
}
