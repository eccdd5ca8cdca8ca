// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** The saved queries: what people mostly ask of a workflow. */

import broadcast from './queries/broadcast.graphql';
import broadcasts from './queries/broadcasts.graphql';
import failed from './queries/failed.graphql';
import follow from './queries/follow.graphql';
import hold from './queries/hold.graphql';
import outcome from './queries/outcome.graphql';
import release from './queries/release.graphql';
import tasks from './queries/tasks.graphql';
import trigger from './queries/trigger.graphql';
import waiting from './queries/waiting.graphql';
import workflow from './queries/workflow.graphql';

/** In the order in which they are shown. Their first comment is the title. */
export const QUERIES = [
  workflow, tasks, failed, waiting, broadcasts, follow,
  hold, release, trigger, broadcast, outcome,
].map((query) => {
  const [title, ...notes] = query.match(/^# .*/gm).map((line) => line.slice(2));
  const [, kind] = /^(query|mutation|subscription)\b/m.exec(query);
  return {title, note: notes.join(' '), kind, query};
});
