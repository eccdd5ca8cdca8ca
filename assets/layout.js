// This file is part of cylc-flask. Copyright (C) the cylc-flask developers.
// SPDX-License-Identifier: GPL-3.0-or-later
/** Lays out graphs: the worker of elkjs, to be run as a worker. */

import 'elkjs/lib/elk-worker.min.js';
