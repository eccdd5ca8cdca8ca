// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Views whose scripts are fetched when they are first wanted. */

import {el} from './dom.js';

/**
 * Make a view of a module which has one.
 * @param {() => Promise<object>} load
 */
export function lazy(load) {
  let view = null;
  let place = null;
  return {
    async show(where) {
      place = where;
      where.replaceChildren();
      try {
        view ??= await load();
      } catch (error) {
        if (place === where) where.replaceChildren(el('p', {class: 'error'}, `This view could not be fetched: ${error.message}`));
        return;
      }
      if (place === where) view.show(where);
    },
    hide() {
      place = null;
      view?.hide();
    },
    refresh: () => view?.refresh(),
    beat: () => view?.beat(),
  };
}
