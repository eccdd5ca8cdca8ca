// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Dialogs, and the fields of forms in them. */

import {el} from './dom.js';

/** Show something in a dialog which closes by Escape, or by its button. */
export function show(title, content, inside = el('div')) {
  const before = document.activeElement;
  inside.append(el('h2', {id: 'dialog-title'}, title), ...content.filter(Boolean));
  const dialog = el('dialog', {
    'aria-labelledby': 'dialog-title',
    on: {
      close: () => {
        dialog.remove();
        before?.focus?.();
      },
      click: (event) => {
        if (event.target === dialog) dialog.close();
      },
    },
  }, inside);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Make a field of a form.
 * @param {import('./commands.js').Field} field
 * @returns {{name: string, row: HTMLElement, input: HTMLElement, value: () => string|boolean}}
 */
export function makeField({name, label, kind, hint, initial, options, required, most = 10, rows = 4, help}) {
  const id = `field-${name}`;
  const told = help ? `${id}-help` : null;
  const props = {
    id, name, required, placeholder: hint, autocomplete: 'off', spellcheck: 'false', 'aria-describedby': told,
  };
  const input = {
    text: () => el('input', {...props, type: 'text', value: initial, list: options && `${id}-list`}),
    number: () => el('input', {...props, type: 'number', min: 0, max: most, value: initial}),
    check: () => el('input', {id, name, type: 'checkbox', checked: initial, 'aria-describedby': told}),
    lines: () => el('textarea', {...props, rows}),
    choice: () => el('select', {id, name, 'aria-describedby': told}, ...options.map((option) => {
      const [value, text] = Array.isArray(option) ? option : [option, option];
      return el('option', {value, selected: value === initial}, text);
    })),
  }[kind]();
  return {
    name,
    value: () => (kind === 'check' ? input.checked : input.value.trim()),
    input,
    row: el('p', {class: `field ${kind}`}, el('label', {for: id}, label), input,
      kind === 'text' && options
        ? el('datalist', {id: `${id}-list`}, ...options.map((value) => el('option', {value})))
        : null,
      help ? el('small', {id: told, class: 'dim'}, help) : null),
  };
}
